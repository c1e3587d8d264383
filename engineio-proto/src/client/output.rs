//! What a session asks its driver to do.

use super::handshake::Handshake;
use super::{LinkId, RequestId};
use crate::error::CloseReason;
use crate::format::{Content, Format};
use crate::packet::{Message, Transport};
use crate::prepared::Prepared;

/// One thing to do. Outputs are in order: bytes of a link must leave in the order they came.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "an output that is not acted on breaks the session"]
pub enum Output {
    /// Send a GET with the query [`Session::query`](super::Session::query) tells now.
    Get {
        /// Names the request when its response arrives.
        request: RequestId,
    },
    /// Send a POST with the query [`Session::query`](super::Session::query) tells now.
    Post {
        /// Names the request when its response arrives.
        request: RequestId,
        /// What the `content-type` header has to announce.
        content: Content,
        /// The whole body.
        body: Vec<u8>,
    },
    /// Open a websocket with the query [`Session::query`](super::Session::query) tells now.
    OpenLink {
        /// Names the link from now on.
        link: LinkId,
    },
    /// Write on a link, as messages of its own.
    Send {
        /// The link.
        link: LinkId,
        /// What to write.
        item: Item,
    },
    /// Close a link in good order once everything for it has been written, or stop opening it.
    /// Websockets are closed without a status code, as the reference does.
    CloseLink {
        /// The link.
        link: LinkId,
    },
    /// The server has opened the session.
    Opened {
        /// In these words.
        handshake: Handshake,
    },
    /// The session lives on another transport now; for the application's information.
    Upgraded {
        /// The transport it moved to.
        to: Transport,
    },
    /// The session has ended, and this is its last output. Requests that are still running are
    /// of no use any more; the driver drops them.
    Closed {
        /// Why.
        reason: CloseReason,
        /// What exactly went wrong.
        detail: Option<&'static str>,
    },
}

/// Something to be written on a link.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "drivers must handle both")]
pub enum Item {
    /// Application messages: one message on the link for each of the
    /// [`packets`](Prepared::packets) in the session's
    /// [`format`](super::Session::format). Masking is the driver's business.
    Message(Prepared),
    /// A packet of the protocol itself.
    Control(Control),
}

impl Item {
    /// The packets in the session's [`format`](super::Session::format): one message on the link for
    /// each.
    pub fn packets(&self, format: Format) -> impl Iterator<Item = Message<'_>> {
        let (control, message) = match self {
            Self::Control(control) => (Some(Message::Text(control.packet())), None),
            Self::Message(message) => (None, Some(message)),
        };
        control
            .into_iter()
            .chain(message.into_iter().flat_map(move |it| it.packets(format)))
    }
}

/// Packets that carry no data of the application and are always the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by the protocol")]
pub enum Control {
    /// Heartbeat of a client of revision 3.
    Ping,
    /// Answer to the heartbeat of a server.
    Pong,
    /// The probe of a new transport.
    Probe,
    /// The session moves over to the probed transport.
    Upgrade,
}

impl Control {
    /// The packet in its text form.
    #[must_use]
    pub const fn packet(self) -> &'static str {
        match self {
            Self::Ping => "2",
            Self::Pong => "3",
            Self::Probe => "2probe",
            Self::Upgrade => "5",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::Revision;

    #[test]
    fn an_item_is_its_packets() {
        let format = Format::new(Revision::V3).with_base64();
        let probe = Item::Control(Control::Probe);
        assert!(probe.packets(format).eq([Message::Text("2probe")]));
        let message = Item::Message(Prepared::binary(vec![1, 2, 3, 4].into()));
        assert!(message.packets(format).eq([Message::Text("b4AQIDBA==")]));
    }
}
