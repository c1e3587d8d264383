//! Parsers of the caller's own: what they can do, and what they cannot break.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, from_str, from_value, json};
use socketio_proto::{
    Args, Body, DecodeError, Decoder, EncodeError, Encoded, Encoder, Limits, Packet, Parser,
    ProtocolError, Revision, client, server,
};

/// Packets as JSON arrays: type, namespace, id, data, attachments as lists of numbers.
#[derive(Debug)]
pub(crate) struct JsonArray;

impl Parser for JsonArray {
    fn encode(&self, packet: &Packet<'_>) -> Result<Encoded, EncodeError> {
        let (kind, data) = match &packet.body {
            Body::Connect(auth) => (0, auth.as_deref().unwrap_or("null").to_owned()),
            Body::Disconnect => (1, "null".to_owned()),
            Body::Event { name, args } => (2, format!("[{},[{}]]", json!(name), args.raw())),
            Body::Ack(args) => (3, format!("[{}]", args.raw())),
            Body::ConnectError(error) => (4, error.to_string()),
            other => return Err(EncodeError::Parser(format!("{other:?}").into())),
        };
        let attachments = match &packet.body {
            Body::Event { args, .. } | Body::Ack(args) => args.attachments(),
            _ => &[],
        };
        let attachments: Vec<&[u8]> = attachments.iter().map(|bytes| &bytes[..]).collect();
        let (nsp, id, attachments) = (json!(packet.nsp), json!(packet.id), json!(attachments));
        Ok(format!("[{kind},{nsp},{id},{data},{attachments}]").into())
    }

    fn decode_text<'a>(&self, text: &'a str, _: &Limits) -> Result<Packet<'a>, DecodeError> {
        type Fields = (u8, String, Option<u64>, Value, Vec<Vec<u8>>);
        let fields: Fields = from_str(text).map_err(|_| DecodeError::Syntax)?;
        let (kind, nsp, id, data, attachments) = fields;
        let attachments = attachments.into_iter().map(Bytes::from).collect();
        let body = match kind {
            0 if data.is_null() => Body::Connect(None),
            0 => Body::Connect(Some(data.to_string().into())),
            1 => Body::Disconnect,
            2 => {
                let fields = from_value(data).map_err(|_| DecodeError::Payload)?;
                let (name, args): (String, Value) = fields;
                let args = Args::new(args.to_string(), attachments)?;
                let name = name.into();
                Body::Event { name, args }
            }
            3 => Body::Ack(Args::new(data.to_string(), attachments)?),
            4 => Body::ConnectError(data.to_string().into()),
            _ => return Err(DecodeError::UnknownType),
        };
        Ok(Packet::new(nsp, id, body))
    }
}

/// Cannot express anything, and takes everything for this packet.
#[derive(Debug)]
struct Obsessed(Packet<'static>);

impl Parser for Obsessed {
    fn encode(&self, _: &Packet<'_>) -> Result<Encoded, EncodeError> {
        Err(EncodeError::Parser("no words".into()))
    }

    fn decode_binary<'a>(&self, _: &'a [u8], _: &Limits) -> Result<Packet<'a>, DecodeError> {
        Ok(self.0.clone())
    }
}

fn leave() -> Packet<'static> {
    Packet::new("/", None, Body::Disconnect)
}

fn event(name: &'static str, json: &'static str, attachments: &[&'static [u8]]) -> Body<'static> {
    let attachments = attachments.iter().copied().map(Bytes::from).collect();
    Body::Event {
        name: name.into(),
        args: Args::new(json, attachments).expect("valid"),
    }
}

#[test]
fn what_a_parser_returns_is_checked() {
    let mut limits = Limits::default();
    limits.max_attachments = 1;
    limits.max_attachment_bytes = 3;
    let check = |nsp: &str, id, body| {
        let packet = Packet::new(nsp.to_owned(), id, body);
        let parser: Arc<dyn Parser> = Arc::new(Obsessed(packet));
        let mut decoder = Decoder::new(Revision::V5, limits).with_parser(Some(parser));
        decoder.decode_binary(&[]).map(|packet| packet.is_some())
    };
    let limit = 256;
    let long = format!("/{}", "x".repeat(limit));
    let fine = || Body::Disconnect;
    for (expected, outcome) in [
        (Ok(true), check(&long[..limit], None, fine())),
        (
            Ok(true),
            check("/chat", Some((1 << 53) - 1), event("x", "[]", &[b"123"])),
        ),
        (Ok(true), check("/", None, Body::Connect(None))),
        (
            Ok(true),
            check("/", None, Body::Connect(Some(r#"{"a":1}"#.into()))),
        ),
        (
            Ok(true),
            check("/", None, Body::ConnectError(r#""no""#.into())),
        ),
        (Err(DecodeError::Namespace), check("", None, fine())),
        (Err(DecodeError::Namespace), check("chat", None, fine())),
        (Err(DecodeError::Namespace), check("/a,b", None, fine())),
        (
            Err(DecodeError::NamespaceTooLong { len: 257, limit }),
            check(&long, None, fine()),
        ),
        (
            Err(DecodeError::Id),
            check("/", Some(1 << 53), event("x", "[]", &[])),
        ),
        (
            Err(DecodeError::Payload),
            check("/", None, Body::Connect(Some("[]".into()))),
        ),
        (
            Err(DecodeError::Payload),
            check("/", None, Body::Connect(Some("{".into()))),
        ),
        (
            Err(DecodeError::Payload),
            check("/", None, Body::ConnectError("7".into())),
        ),
        (
            Err(DecodeError::ReservedEvent),
            check("/", None, event("disconnect", "[]", &[])),
        ),
        (
            Err(DecodeError::TooManyAttachments { limit: 1 }),
            check("/", None, event("x", "[]", &[b"", b""])),
        ),
        (
            Err(DecodeError::AttachmentsTooLarge { bytes: 4, limit: 3 }),
            check("/", None, event("x", "[]", &[b"1234"])),
        ),
    ] {
        assert_eq!(outcome, expected);
    }
}

#[test]
fn a_message_of_a_kind_the_parser_does_not_read_ends_the_connection() {
    let mut config = server::Config::default();
    config.parser = Some(Arc::new(Obsessed(leave())));
    let mut server = server::Connection::<()>::new(Revision::V5, &config, 0);
    let refused = server.handle_text(0, "0").expect_err("text");
    assert_eq!(refused, ProtocolError::Decode(DecodeError::UnexpectedText));
    assert_eq!(server.handle_text(0, "0").err(), Some(ProtocolError::Dead));

    config.parser = Some(Arc::new(JsonArray));
    let mut server = server::Connection::<()>::new(Revision::V5, &config, 0);
    let refused = server.handle_binary(0, b"0").expect_err("bytes");
    assert_eq!(
        refused,
        ProtocolError::Decode(DecodeError::UnexpectedBinary)
    );
}

#[test]
fn what_a_parser_cannot_express_goes_back_to_the_caller() {
    let parser: Arc<dyn Parser> = Arc::new(Obsessed(leave()));
    let encoder = Encoder::new(Revision::V5, 0).with_parser(Some(parser));
    for refused in [encoder.event("/", None, "x", &()), encoder.ack("/", 0, &())] {
        assert!(
            matches!(refused, Err(EncodeError::Parser(_))),
            "{refused:?}"
        );
    }
}

#[test]
fn what_has_to_be_said_is_said_in_text_if_the_parser_cannot() {
    let mut config = client::Config::default();
    config.parser = Some(Arc::new(Obsessed(leave())));
    let mut client = client::Connection::<()>::new(Revision::V5, &config, "link");
    let (_, sent) = client.connect("/chat", None).expect("a fine name");
    assert_eq!(sent.as_ref().map(Encoded::text), Some("0/chat,"));
}

#[test]
fn rules_of_the_revision_hold_in_any_form() {
    let mut config = server::Config::default();
    config.parser = Some(Arc::new(JsonArray));
    let mut server = server::Connection::<()>::new(Revision::V4, &config, 0);
    let asked = server.handle_text(0, r#"[0,"/chat?token=1",null,null,[]]"#);
    match asked.expect("legal") {
        Some(server::Event::Connect { name, auth, .. }) => {
            assert_eq!(
                (&*name, auth.as_deref()),
                ("/chat", Some(r#"{"token":"1"}"#))
            );
        }
        other => panic!("{other:?}"),
    }
    let long = format!(r#"[0,"/x?{}",null,null,[]]"#, "x".repeat(8193));
    let refused = server.handle_text(0, &long).expect_err("a long query");
    let error = DecodeError::QueryTooLong {
        len: 8193,
        limit: 8192,
    };
    assert_eq!(refused, ProtocolError::Decode(error));
}

#[test]
fn text_of_a_parser_gets_its_headroom() {
    let parser: Arc<dyn Parser> = Arc::new(JsonArray);
    let encoder = Encoder::new(Revision::V5, 20).with_parser(Some(parser));
    let sent = encoder.event("/", None, "x", &1).expect("encodable");
    assert_eq!(sent.text(), r#"[2,"/",null,["x",[1]],[]]"#);
    assert!(sent.has_text() && sent.start >= 20);
}
