//! JSONP: forms that a client posts, and scripts that a server answers with. Whatever is in them,
//! messages come out as another reading of the same has them.

use std::sync::Arc;

use bytes::Bytes;
use engineio_proto::{
    Content, Format, PacketType, Revision, Sid, client,
    server::{self, RequestId},
};

use super::body::{Owned, read, read_post, write_response};
use crate::input::{Input, as_text};

pub(in crate::targets) fn jsonp(input: &[u8]) {
    let mut input = Input::new(input);
    let format = Format::new(input.pick(&Revision::ALL)).with_jsonp(7);
    if input.flag() {
        script(format, input.rest());
    } else {
        form(format, input.rest());
    }
}

fn form(format: Format, body: &[u8]) {
    let (config, sid) = (Arc::default(), Sid::from_random([7; 15]));
    let mut session = server::Session::open_polling(config, format, &sid, RequestId(0), 0);
    let form = Bytes::copy_from_slice(body);
    session.handle_post(0, RequestId(1), Content::Form, form);
    let mut messages = Vec::new();
    while let Some(message) = session.next_message(0) {
        messages.push(Owned::from(message));
    }
    let (packets, complete) = read_post(format, Content::Form, body);
    compare(&messages, &packets, !session.is_closed());
    assert!(complete || session.is_closed());
}

fn script(format: Format, body: &[u8]) {
    let mut session = client::Session::new(Arc::default(), format, 0);
    let mut respond = |request, body: Vec<u8>| {
        while session.poll_output().is_some() {}
        session.handle_response(0, RequestId(request), 200, Content::Text, body.into());
        let mut messages = Vec::new();
        while let Some(message) = session.next_message(0) {
            messages.push(Owned::from(message));
        }
        (messages, session.is_closed())
    };
    let handshake = r#"{"sid":"a","pingInterval":1,"pingTimeout":2}"#.to_owned();
    let handshake = Owned::Text(PacketType::Open, handshake);
    let (_, closed) = respond(0, write_response(format, &[handshake]).1);
    assert!(!closed, "a handshake is understood");

    // Two things may be in the script: anything, and a string with anything in it.
    let literal = serde_json::Value::from(as_text(body));
    let call = format!("___eio[7]({literal});").into_bytes();
    let (messages, closed) = respond(1, call);
    let (packets, complete) = read(format.revision, Content::Text, as_text(body).as_bytes());
    compare(&messages, &packets, !closed);
    assert!(complete || closed);
    respond(2, body.to_vec());
}

/// Messages are those of the packets, unless one of these ended the session.
fn compare(messages: &[Owned], packets: &[Owned], all: bool) {
    let expected: Vec<_> = packets
        .iter()
        .filter(|it| it.is_message())
        .cloned()
        .collect();
    assert!(expected.starts_with(messages));
    assert!(!all || expected.len() == messages.len(), "{expected:?}");
}
