//! What a peer can make us hold, and how small things are that exist many times.

use std::mem::size_of;

use serde_json::Value;
use socketio_proto::{
    ArgsError, Body, DecodeError, Decoder, EncodeError, Encoded, Limits, ProtocolError, Revision,
    client::{self, JoinError},
    server,
};

fn decoder(change: impl FnOnce(&mut Limits)) -> Decoder {
    let mut limits = Limits::default();
    change(&mut limits);
    Decoder::new(Revision::V5, limits)
}

#[test]
fn defaults_are_the_documented_ones() {
    let limits = Limits::default();
    assert_eq!(
        (limits.max_attachments, limits.max_attachment_bytes),
        (10, 1_000_000)
    );
    assert_eq!((limits.max_namespaces, limits.max_namespace_len), (64, 256));
}

#[test]
fn attachments_are_counted_before_they_come() {
    let mut decoder = decoder(|limits| limits.max_attachments = 2);
    assert_eq!(
        decoder.decode_text(r#"53-["e"]"#),
        Err(DecodeError::TooManyAttachments { limit: 2 })
    );
    let huge = format!(r#"5{}-["e"]"#, "9".repeat(100));
    assert_eq!(
        decoder.decode_text(&huge),
        Err(DecodeError::TooManyAttachments { limit: 2 })
    );
    assert_eq!(decoder.decode_text(r#"52-["e"]"#), Ok(None));
}

#[test]
fn attachments_are_limited_together() {
    let mut decoder = decoder(|limits| limits.max_attachment_bytes = 10);
    let header = r#"53-["e"]"#;
    assert_eq!(decoder.decode_text(header), Ok(None));
    assert_eq!(decoder.decode_binary(&[0; 6]), Ok(None));
    assert_eq!(
        decoder.decode_binary(&[0; 5]),
        Err(DecodeError::AttachmentsTooLarge {
            bytes: 11,
            limit: 10
        })
    );
    assert_eq!(decoder.pending_namespace(), None, "nothing is kept of it");
    assert_eq!(decoder.decode_text(header), Ok(None));
    assert_eq!(decoder.decode_binary(&[0; 6]), Ok(None));
    assert_eq!(decoder.decode_binary(&[0; 4]), Ok(None));
    assert!(matches!(decoder.decode_binary(&[]), Ok(Some(_))));
}

#[test]
fn a_packet_in_pieces_is_forgotten_when_text_interrupts_it() {
    let mut decoder = decoder(|_| ());
    assert_eq!(decoder.decode_text(r#"51-/a,["e"]"#), Ok(None));
    assert_eq!(decoder.pending_namespace(), Some("/a"));
    assert_eq!(
        decoder.decode_text(r#"2["e"]"#),
        Err(DecodeError::UnexpectedText)
    );
    assert_eq!(
        decoder.decode_binary(b""),
        Err(DecodeError::UnexpectedBinary)
    );
}

#[test]
fn names_of_namespaces_are_limited() {
    let mut decoder = decoder(|limits| limits.max_namespace_len = 3);
    assert!(decoder.decode_text("0/ab,").is_ok());
    assert_eq!(
        decoder.decode_text("0/abc,"),
        Err(DecodeError::NamespaceTooLong { len: 4, limit: 3 })
    );
    assert_eq!(decoder.decode_text("0/é,").map(drop), Ok(()), "bytes count");
    assert_eq!(
        decoder.decode_text("0/éé,"),
        Err(DecodeError::NamespaceTooLong { len: 5, limit: 3 })
    );
}

#[test]
fn ids_are_limited_to_what_javascript_counts() {
    let mut decoder = decoder(|_| ());
    assert!(decoder.decode_text(r#"29007199254740991["e"]"#).is_ok());
    assert_eq!(
        decoder.decode_text(r#"29007199254740992["e"]"#),
        Err(DecodeError::Id)
    );
    assert_eq!(
        decoder.decode_text(r#"200000000000000001["e"]"#),
        Err(DecodeError::Id)
    );
}

#[test]
fn packets_with_attachments_are_limited_in_depth() {
    let mut decoder = decoder(|_| ());
    let nested = |depth: usize| format!(r#"51-["e",{}{}]"#, "[".repeat(depth), "]".repeat(depth));
    assert_eq!(decoder.decode_text(&nested(126)), Ok(None));
    let packet = decoder.decode_binary(b"").expect("an attachment");
    let Some(Body::Event { args, .. }) = packet.map(|packet| packet.body) else {
        panic!("no event");
    };
    args.parse::<Value>()
        .expect("what is let through can be read");
    args.parse::<socketio_proto::Value>()
        .expect("what is let through can be read");
    assert_eq!(
        decoder.decode_text(&nested(127)),
        Err(DecodeError::TooDeep { limit: 127 })
    );
    assert_eq!(
        decoder.decode_text(&nested(100_000)),
        Err(DecodeError::TooDeep { limit: 127 })
    );
}

#[test]
fn joining_and_joined_namespaces_are_limited_together() {
    let mut config = server::Config::default();
    config.limits.max_namespaces = 2;
    let mut server = server::Connection::<()>::new(Revision::V5, &config, 0);
    let Ok(Some(server::Event::Connect { nsp, .. })) = server.handle_text(0, "0/a,") else {
        panic!("no CONNECT")
    };
    server.accept(nsp, "sid", None).map(drop).expect("joining");
    assert!(matches!(server.handle_text(0, "0/b,"), Ok(Some(_))));
    assert!(
        matches!(server.handle_text(0, "1/b,"), Ok(Some(_))),
        "leaving makes room"
    );
    assert!(matches!(server.handle_text(0, "0/c,"), Ok(Some(_))));
    assert_eq!(
        server.handle_text(0, "0/d,").map(drop),
        Err(ProtocolError::TooManyNamespaces { limit: 2 })
    );
}

#[test]
fn what_exists_many_times_is_small() {
    assert!(size_of::<Decoder>() <= 64, "{}", size_of::<Decoder>());
    assert!(size_of::<Encoded>() <= 56, "{}", size_of::<Encoded>());
    let server = size_of::<server::Connection<u64>>();
    assert!(server <= 192, "{server}");
    let client = size_of::<client::Connection<u64>>();
    assert!(client <= 208, "{client}");
}

#[test]
fn errors_are_small() {
    for size in [
        size_of::<ArgsError>(),
        size_of::<DecodeError>(),
        size_of::<EncodeError>(),
        size_of::<JoinError>(),
        size_of::<ProtocolError>(),
    ] {
        assert!(size <= 32, "{size}");
    }
}

#[test]
fn machines_may_move_between_threads() {
    fn check<T: Send + Sync + 'static>() {}
    check::<Decoder>();
    check::<server::Connection<u64>>();
    check::<client::Connection<u64>>();
    check::<server::Event<'static, u64>>();
    check::<client::Event<'static, u64>>();
}
