//! Packets and their attachments, in text and in MessagePack: what can be decoded is encoded again
//! and means the same, and what waits for attachments is bounded.

use std::{borrow::Cow, str, sync::Arc};

use serde::de::IgnoredAny;
use serde_json::Map;
use socketio_proto::{
    Args, Body, DecodeError, Decoder, Encoded, Encoder, Limits, MsgPack, Packet, Parser, Revision,
    Value,
};

use super::{REVISIONS, is_same};
use crate::input::Input;

pub(in crate::targets) fn decoder(input: &[u8]) {
    decode_all(None, input);
}

pub(in crate::targets) fn msgpack(input: &[u8]) {
    decode_all(Some(Arc::new(MsgPack)), input);
}

/// How packets are spelled, and what of them is taken.
struct Form {
    revision: Revision,
    limits: Limits,
    parser: Option<Arc<dyn Parser>>,
}

impl Form {
    fn decoder(&self) -> Decoder {
        Decoder::new(self.revision, self.limits).with_parser(self.parser.clone())
    }

    fn encoder(&self) -> Encoder {
        Encoder::new(self.revision, 3).with_parser(self.parser.clone())
    }
}

fn decode_all(parser: Option<Arc<dyn Parser>>, input: &[u8]) {
    let mut input = Input::new(input);
    let revision = input.pick(&REVISIONS);
    let mut limits = Limits::default();
    limits.max_attachment_bytes = input.pick(&[1_000_000, 0, 16]);
    limits.max_namespace_len = input.pick(&[256, 1, 6]);
    let is_text = parser.is_none();
    let form = Form {
        revision,
        limits,
        parser,
    };
    let mut decoder = form.decoder();
    while !input.is_empty() {
        let is_binary = input.flag() == is_text;
        // Longer than a byte can say, for attachments want many.
        let message = if input.flag() {
            input.rest()
        } else {
            input.bytes()
        };
        let packet = match (is_binary, str::from_utf8(message)) {
            (false, Ok(text)) => decoder.decode_text(text),
            _ => decoder.decode_binary(message),
        };
        if let Ok(Some(packet)) = packet {
            assert_eq!(decoder.pending_namespace(), None);
            // A query with credentials may stand behind it.
            let name = packet.nsp.split('?').next().unwrap_or_default();
            assert!(name.starts_with('/') && name.len() <= limits.max_namespace_len);
            again(&form, &packet);
        }
    }
}

/// Encodes a packet again, if there is a way to, and looks at what becomes of it.
fn again(form: &Form, packet: &Packet<'_>) {
    let encoder = form.encoder();
    let nsp = &packet.nsp;
    let sent = match &packet.body {
        Body::Event { name, args } => {
            let sent = encoder.event_raw(nsp, packet.id, name, args);
            assert_eq!(sent.is_ok(), args.check().is_ok(), "{sent:?}");
            sent.ok()
        }
        // Nobody asked for an answer without an id.
        Body::Ack(args) => packet.id.and_then(|id| {
            let sent = encoder.ack_raw(nsp, id, args);
            assert_eq!(sent.is_ok(), args.check().is_ok(), "{sent:?}");
            sent.ok()
        }),
        // Not what is deeper than a map can be, or has half a surrogate pair.
        Body::Connect(payload) => match payload.as_deref().map(serde_json::from_str::<Map<_, _>>) {
            Some(Err(_)) => None,
            Some(Ok(auth)) => encoder.connect(nsp, Some(&auth)).ok(),
            None => encoder.connect(nsp, None).ok(),
        },
        Body::ConnectError(json) => {
            assert!(serde_json::from_str::<IgnoredAny>(json).is_ok());
            None
        }
        Body::Disconnect => encoder.disconnect(nsp).ok(),
        other => panic!("{other:?}"),
    };
    if let Some(sent) = sent {
        decode(form, &sent, |again| compare(packet, again));
    }
}

/// The packet that was sent.
fn decode(form: &Form, sent: &Encoded, judge: impl Fn(&Packet<'_>)) {
    let mut decoder = form.decoder();
    let mut is_complete = false;
    let text = sent.has_text().then(|| decoder.decode_text(sent.text()));
    match text {
        Some(Ok(Some(packet))) => {
            is_complete = true;
            judge(&packet);
        }
        Some(Ok(None)) | None => {}
        Some(Err(error)) if grew(&error) => return,
        Some(Err(error)) => panic!("what was sent cannot be decoded: {error}: {}", sent.text()),
    }
    for attachment in &sent.attachments {
        assert!(!is_complete, "complete too early");
        match decoder.decode_binary(attachment) {
            Ok(None) => {}
            Ok(Some(packet)) => {
                is_complete = true;
                judge(&packet);
            }
            Err(error) if grew(&error) => return,
            Err(error) => panic!("what was sent cannot be decoded: {error}"),
        }
    }
    assert!(
        is_complete && decoder.pending_namespace().is_none(),
        "not complete"
    );
}

/// Credentials that fit as they were sent may not once they are escaped for a query.
const fn grew(error: &DecodeError) -> bool {
    matches!(error, DecodeError::QueryTooLong { .. })
}

fn compare(packet: &Packet<'_>, again: &Packet<'_>) {
    assert!(again.nsp.starts_with(&*packet.nsp));
    match (&packet.body, &again.body) {
        (
            Body::Event { name, args },
            Body::Event {
                name: name_again,
                args: args_again,
            },
        ) => {
            assert_eq!((name, packet.id), (name_again, again.id));
            compare_args(args, args_again);
        }
        (Body::Ack(args), Body::Ack(args_again)) => {
            assert_eq!(packet.id, again.id);
            compare_args(args, args_again);
        }
        (Body::Connect(auth), Body::Connect(auth_again)) => {
            // It may travel as a query instead.
            if packet.nsp == again.nsp {
                let read = |auth: &Option<Cow<'_, str>>| {
                    let auth = auth
                        .as_deref()
                        .and_then(|json| serde_json::from_str(json).ok());
                    let auth = auth.filter(|auth: &Map<_, _>| !auth.is_empty());
                    auth.map_or(Value::Null, |auth| serde_json::Value::from(auth).into())
                };
                let (auth, again) = (read(auth), read(auth_again));
                assert!(is_same(&auth, &again), "{auth:?} becomes {again:?}");
            }
        }
        (Body::Disconnect, Body::Disconnect) => {}
        (one, other) => panic!("{one:?} becomes {other:?}"),
    }
}

fn compare_args(args: &Args<'_>, again: &Args<'_>) {
    assert_eq!(args.raw(), again.raw());
    assert_eq!(args.attachments(), again.attachments());
}
