//! What a session asks its driver to do.

use crate::error::CloseReason;
use crate::format::{Content, Format};
use crate::packet::{Message, Transport};
use crate::payload::Writer;
use crate::prepared::Prepared;

/// Names an HTTP request between the driver and the session. The driver chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a name")]
pub struct RequestId(pub u32);

/// Names a websocket, or any other link that carries one packet per message, between the driver
/// and the session. The driver chooses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a name")]
pub struct LinkId(pub u32);

/// One thing to do. Outputs are in order: bytes of a link must leave in the order they came.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "an output that is not acted on breaks the session"]
pub enum Output {
    /// Answer an HTTP request.
    Reply {
        /// The request.
        request: RequestId,
        /// What to answer.
        response: Response,
    },
    /// Write on a link, as its own message.
    Send {
        /// The link.
        link: LinkId,
        /// What to write.
        item: Item,
    },
    /// Close a link in good order once everything for it has been written. Websockets are closed
    /// without a status code, as the reference does.
    CloseLink {
        /// The link.
        link: LinkId,
    },
    /// The session lives on another transport now; for the application's information.
    Upgraded {
        /// The transport it moved to.
        to: Transport,
    },
    /// The session has ended. It is the last event, though replies and link closes may follow it.
    Closed {
        /// Why.
        reason: CloseReason,
        /// What exactly went wrong, in the reference's words where it has any.
        detail: Option<&'static str>,
    },
}

/// Something to be written on a link.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "drivers must handle both")]
pub enum Item {
    /// Application messages.
    Message(Prepared),
    /// A packet of the protocol itself.
    Control(Control),
}

impl Item {
    /// The unmasked WebSocket frames of a server, as slices to be written one after the other.
    pub fn frames(&self, format: Format) -> impl Iterator<Item = &[u8]> {
        let (control, message) = self.split();
        let control = control.map(Control::frame).into_iter();
        control.chain(message.into_iter().flat_map(move |it| it.frames(format)))
    }

    /// The packets, for transports with a framing of their own: one message on the link for each.
    pub fn packets(&self, format: Format) -> impl Iterator<Item = Message<'_>> {
        let (control, message) = self.split();
        let control = control.map(|it| Message::Text(it.packet())).into_iter();
        control.chain(message.into_iter().flat_map(move |it| it.packets(format)))
    }

    const fn split(&self) -> (Option<Control>, Option<&Prepared>) {
        match self {
            Self::Control(control) => (Some(*control), None),
            Self::Message(message) => (None, Some(message)),
        }
    }
}

/// Packets that carry no data of the application and are always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by the protocol")]
pub enum Control {
    /// Heartbeat of the server.
    Ping,
    /// Answer to the heartbeat of a client of revision 3.
    Pong,
    /// Answer to the probe of a new transport.
    ProbePong,
}

impl Control {
    /// The packet in its text form.
    #[must_use]
    pub const fn packet(self) -> &'static str {
        match self {
            Self::Ping => "2",
            Self::Pong => "3",
            Self::ProbePong => "3probe",
        }
    }

    /// The packet as the unmasked WebSocket frame of a server.
    #[must_use]
    pub const fn frame(self) -> &'static [u8] {
        match self {
            Self::Ping => b"\x81\x012",
            Self::Pong => b"\x81\x013",
            Self::ProbePong => b"\x81\x063probe",
        }
    }
}

/// An HTTP response, ready for any HTTP library.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers besides `content-length`.
    pub headers: &'static [(&'static str, &'static str)],
    /// The whole body.
    pub body: Vec<u8>,
}

impl Response {
    pub(crate) fn new(
        status: u16,
        headers: &'static [(&'static str, &'static str)],
        body: impl Into<Vec<u8>>,
    ) -> Self {
        Self {
            status,
            headers,
            body: body.into(),
        }
    }

    /// A polling payload. One that is to stay plain says so in its cache control (RFC 9111
    /// §5.2.2.6), to whoever compresses answers on the way.
    pub(super) fn payload(payload: Writer, is_plain: bool) -> Self {
        const fn headers(
            content: Content,
            cache: &'static str,
        ) -> [(&'static str, &'static str); 2] {
            [("content-type", content.as_str()), ("cache-control", cache)]
        }
        const TEXT: &[(&str, &str)] = &headers(Content::Text, "no-store");
        const BINARY: &[(&str, &str)] = &headers(Content::Binary, "no-store");
        const PLAIN_TEXT: &[(&str, &str)] = &headers(Content::Text, "no-store, no-transform");
        const PLAIN_BINARY: &[(&str, &str)] = &headers(Content::Binary, "no-store, no-transform");
        let (content, body) = payload.into_response();
        let headers = match (content, is_plain) {
            (Content::Binary, false) => BINARY,
            (Content::Binary, true) => PLAIN_BINARY,
            (Content::Text | Content::Form, false) => TEXT,
            (Content::Text | Content::Form, true) => PLAIN_TEXT,
        };
        Self::new(200, headers, body)
    }

    /// The answer to a POST whose packets have been taken.
    pub(super) fn posted() -> Self {
        Self::new(200, &[("content-type", "text/html")], "ok")
    }

    /// A bare status, as for requests that break the rules of polling; the driver's own refusals, such
    /// as 413 for a body that is too long, look alike.
    #[must_use]
    pub fn bare(status: u16) -> Self {
        Self::new(status, &[], "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::Revision;

    const V3: Format = Format::new(Revision::V3);
    const V4: Format = Format::new(Revision::V4);

    fn show(item: &Item, format: Format) -> (Vec<u8>, Vec<Message<'_>>) {
        let frames = item.frames(format).collect::<Vec<_>>().concat();
        (frames, item.packets(format).collect())
    }

    #[test]
    fn an_item_is_its_frames_or_its_packets() {
        let item = Item::Control(Control::ProbePong);
        let expected = (b"\x81\x063probe".to_vec(), vec![Message::Text("3probe")]);
        assert_eq!(show(&item, V4), expected);

        let item = Item::Message(Prepared::binary(vec![5].into()));
        let raw = (
            b"\x82\x01\x05".to_vec(),
            vec![Message::Binary((&[5]).into())],
        );
        assert_eq!(show(&item, V4), raw);
        let typed = (
            b"\x82\x02\x04\x05".to_vec(),
            vec![Message::Binary((&[4, 5]).into())],
        );
        assert_eq!(show(&item, V3), typed);
    }
}
