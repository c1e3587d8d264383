//! A websocket as its client sees it: the answer to the handshake, frames out, frames in.

use engineio_proto::Message;
use engineio_proto::ws::{self, ControlFrame, Header, Opcode, Role};
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
};
use tungstenite::handshake::derive_accept_key;

use super::super::ErrorKind;
use super::super::random::Random;
use super::response::Response;

/// Checks the 101 (RFC 6455 §4.1). A server that chooses none of the subprotocols is accepted.
pub(super) fn verify(
    response: &Response,
    key: &str,
    protocols: &[String],
) -> Result<(), ErrorKind> {
    let headers = &response.headers;
    let fault = if !response.has_token(&UPGRADE, "websocket") {
        "it does not upgrade to websocket"
    } else if !response.has_token(&CONNECTION, "upgrade") {
        "it does not upgrade the connection"
    } else if headers.get(SEC_WEBSOCKET_ACCEPT).map(|it| it.as_bytes())
        != Some(derive_accept_key(key.as_bytes()).as_bytes())
    {
        "the key was not accepted"
    } else if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        "extensions were not asked for"
    } else if headers.get(SEC_WEBSOCKET_PROTOCOL).is_some_and(|chosen| {
        !protocols
            .iter()
            .any(|it| it.as_bytes() == chosen.as_bytes())
    }) {
        "the subprotocol was not offered"
    } else {
        return Ok(());
    };
    Err(ErrorKind::Handshake(fault))
}

/// A websocket that is open.
#[derive(Debug)]
pub(super) struct Websocket {
    pub(super) decoder: ws::Decoder,
    /// Whether a close frame was written: nothing may follow, and nothing that comes matters.
    pub(super) closing: bool,
    /// Whether nothing more is to be expected from the server.
    pub(super) was_closed: bool,
}

impl Websocket {
    pub(super) const fn new(max_message: usize) -> Self {
        Self {
            decoder: ws::Decoder::new(Role::Client, max_message),
            closing: false,
            was_closed: false,
        }
    }

    /// Writes a close frame, the first one only.
    pub(super) fn close(&mut self, out: &mut Vec<u8>, code: Option<u16>, random: &mut Random) {
        if !self.closing {
            self.closing = true;
            let frame = ControlFrame::close(code, Some(key(random)));
            out.extend_from_slice(frame.as_ref());
        }
    }

    /// Writes the answer to a ping.
    pub(super) fn pong(&self, out: &mut Vec<u8>, payload: &[u8], random: &mut Random) {
        if !self.closing {
            let frame = ControlFrame::pong(payload, Some(key(random)));
            out.extend_from_slice(frame.as_ref());
        }
    }

    /// Writes a message, masked.
    pub(super) fn push(&self, out: &mut Vec<u8>, message: &Message<'_>, random: &mut Random) {
        if self.closing {
            return;
        }
        let (opcode, payload) = match message {
            Message::Text(text) => (Opcode::Text, text.as_bytes()),
            Message::Binary(data) => (Opcode::Binary, &**data),
        };
        let key = key(random);
        let header = Header {
            fin: true,
            opcode,
            len: payload.len() as u64,
            mask: Some(key),
        };
        out.extend_from_slice(header.encode().as_ref());
        let start = out.len();
        out.extend_from_slice(payload);
        ws::mask(&mut out[start..], key, 0);
    }
}

/// A fresh masking key.
fn key(random: &mut Random) -> [u8; 4] {
    random().to_ne_bytes()
}
