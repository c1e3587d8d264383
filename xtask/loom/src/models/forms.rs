//! The forms of a message that are made when somebody first needs them.

use bytes::Bytes;
use loom::thread;

use super::outbox::join;
use crate::{every_order, prepared::Prepared, race, revision::Rules};

/// One packet after the other, as it is.
const RULES: Rules = Rules {
    append_text: |payload, packet| payload.extend_from_slice(packet),
    append_base64: |payload, base64| payload.extend_from_slice(base64),
};

/// Three sessions poll the same message at once: all get the same bytes, nobody waits, and of the forms made only one stays.
pub fn sessions_that_poll_at_once_share_one_form() {
    let made = every_order(|| {
        let attachment = Bytes::from_static(b"attachment");
        let message = Prepared::from_parts(b"51-[]".to_vec(), 0, vec![attachment]);
        let poll = |message: &Prepared| {
            let mut payload = Vec::new();
            message.append_to(&mut payload, &RULES);
            payload
        };
        race::made();
        let others = [(); 2].map(|()| {
            let message = message.clone();
            thread::spawn(move || poll(&message))
        });
        let ours = poll(&message);
        assert_eq!(ours, b"451-[]YXR0YWNobWVudA==");
        for theirs in others.map(join) {
            assert_eq!(theirs, ours);
        }
        let made = race::made();
        assert_eq!(poll(&message), ours);
        assert_eq!(race::made(), 0, "one has stayed, and is used");
        made
    });
    assert_eq!(Vec::from_iter(made), [1, 2, 3]);
}
