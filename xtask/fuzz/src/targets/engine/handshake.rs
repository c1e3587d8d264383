//! The handshake as a client reads it: the id comes back with every later request, whatever its
//! characters.

use std::sync::Arc;

use engineio_proto::{
    Revision, Transport,
    client::{Config, Output, Session},
    server::LinkId,
};

use crate::input::{Input, as_text};

pub(in crate::targets) fn handshake(input: &[u8]) {
    let mut input = Input::new(input);
    let revision = input.pick(&Revision::ALL);
    let config = Config {
        transport: Transport::Websocket,
        ..Config::default()
    };
    let mut session = Session::new(Arc::new(config), revision, 0);
    let link = LinkId(0);
    assert!(matches!(
        session.poll_output(),
        Some(Output::OpenLink { .. })
    ));
    session.handle_link(0, link);
    let text = format!("0{}", as_text(input.rest()));
    assert_eq!(session.handle_text(0, link, &text), None);

    match session.poll_output() {
        Some(Output::Opened { handshake }) => {
            assert!(!handshake.sid.is_empty());
            assert_eq!(session.handshake(), Some(&handshake));
            let query = session.query(Transport::Polling);
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            let sid = pairs.find(|(name, _)| name == "sid");
            assert_eq!(sid.map(|(_, sid)| sid.into_owned()), Some(handshake.sid));
            assert_eq!(session.query(Transport::Polling), query);
            let patience = handshake
                .ping_interval
                .saturating_add(handshake.ping_timeout);
            assert!(session.poll_timeout().is_some_and(|at| at <= patience));
        }
        Some(Output::CloseLink { .. }) => assert!(session.is_closed()),
        other => panic!("{other:?}"),
    }
}
