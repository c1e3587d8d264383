//! The forms of a message that are made when somebody first needs them.

use bytes::Bytes;
use loom::thread;

use super::outbox::join;
use crate::{every_order, format::Format, payload::Writer, prepared::Prepared, race};

/// Three sessions poll the same message at once: all get the same bytes, nobody waits, and of the forms made only one stays.
pub fn sessions_that_poll_at_once_share_one_form() {
    one_form_stays(b"451-[]bYXR0YWNobWVudA==", |message| {
        let mut payload = Writer(Vec::new());
        message.append_to(&mut payload, Format::RAW);
        payload.0
    });
}

/// The same on websockets of clients that want bytes behind their type.
pub fn sessions_of_an_older_revision_share_one_form() {
    one_form_stays(b"\x81\x06451-[]\x82\x0b\x04attachment", |message| {
        message.frames(Format::TYPED).collect::<Vec<_>>().concat()
    });
}

/// And on websockets of those that want base64.
pub fn sessions_without_bytes_share_one_form() {
    one_form_stays(b"\x81\x06451-[]\x81\x12b4YXR0YWNobWVudA==", |message| {
        let format = Format::TYPED.with_base64();
        message.frames(format).collect::<Vec<_>>().concat()
    });
}

fn one_form_stays(expected: &'static [u8], take: fn(&Prepared) -> Vec<u8>) {
    let made = every_order(move || {
        let attachment = Bytes::from_static(b"attachment");
        let message = Prepared::from_parts(b"51-[]".to_vec(), 0, vec![attachment]);
        race::made();
        let others = [(); 2].map(|()| {
            let message = message.clone();
            thread::spawn(move || take(&message))
        });
        let ours = take(&message);
        assert_eq!(ours, expected);
        for theirs in others.map(join) {
            assert_eq!(theirs, ours);
        }
        let made = race::made();
        assert_eq!(take(&message), ours);
        assert_eq!(race::made(), 0, "one has stayed, and is used");
        made
    });
    assert_eq!(Vec::from_iter(made), [1, 2, 3]);
}
