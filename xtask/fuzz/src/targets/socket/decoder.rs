//! Packets and their attachments: what can be decoded is encoded again and means the same, and what
//! waits for attachments is bounded.

use std::str;

use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use socketio_proto::{Args, Body, Decoder, Encoded, Encoder, Limits, Packet, Revision};

use super::REVISIONS;
use crate::input::Input;

pub(in crate::targets) fn decoder(input: &[u8]) {
    let mut input = Input::new(input);
    let revision = input.pick(&REVISIONS);
    let mut limits = Limits::default();
    limits.max_attachment_bytes = input.pick(&[1_000_000, 0, 16]);
    limits.max_namespace_len = input.pick(&[256, 1, 6]);
    let mut decoder = Decoder::new(revision, limits);
    while !input.is_empty() {
        let is_binary = input.flag();
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
            again(revision, &packet, &limits);
        }
    }
}

/// Encodes a packet again, if there is a way to, and looks at what becomes of it.
fn again(revision: Revision, packet: &Packet<'_>, limits: &Limits) {
    let encoder = Encoder::new(revision, 3);
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
        Body::Connect(payload) => match payload.map(serde_json::from_str::<Map<_, _>>) {
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
        decode(revision, limits, &sent, |again| compare(packet, again));
    }
}

/// The packet that was sent.
fn decode(revision: Revision, limits: &Limits, sent: &Encoded, judge: impl Fn(&Packet<'_>)) {
    let mut decoder = Decoder::new(revision, *limits);
    match decoder.decode_text(sent.text()) {
        Ok(Some(packet)) => {
            assert!(sent.attachments.is_empty(), "complete too early");
            judge(&packet);
        }
        Ok(None) => {
            for (index, attachment) in sent.attachments.iter().enumerate() {
                let packet = decoder.decode_binary(attachment);
                match packet {
                    Ok(None) => {}
                    Ok(Some(packet)) => {
                        assert_eq!(index + 1, sent.attachments.len(), "complete too early");
                        judge(&packet);
                    }
                    Err(error) => panic!("an attachment cannot be decoded: {error}"),
                }
            }
            assert_eq!(decoder.pending_namespace(), None, "not complete");
        }
        Err(error) => panic!("what was sent cannot be decoded: {error}: {}", sent.text()),
    }
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
            let read = |json: &str| serde_json::from_str::<Value>(json).ok();
            // It may travel as a query instead.
            if packet.nsp == again.nsp {
                assert_eq!(auth.and_then(read), auth_again.and_then(read));
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
