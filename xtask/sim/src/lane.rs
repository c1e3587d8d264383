//! What one side has sent and the other has not received yet: the rule that messages arrive in
//! order, whole and once.

use std::collections::VecDeque;

use bytes::Bytes;
use engineio_proto::{Message, Tick};

use crate::fault::{Check, broken, check};

/// A packet of Socket.IO as its sender knows it.
#[derive(Debug, Clone)]
pub(crate) struct Parcel {
    /// The text message, if there is one.
    pub(crate) text: Option<String>,
    /// The binary messages behind it: the attachments, unless all of the packet is bytes.
    pub(crate) binaries: Vec<Bytes>,
    /// What the application attached.
    pub(crate) attachments: Vec<Bytes>,
    pub(crate) what: What,
    pub(crate) sent_at: Tick,
}

/// What a packet is for; namespaces are indices of [`NAMES`](crate::app::NAMES).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Asks to join.
    Join { nsp: usize, auth: bool },
    /// Lets in.
    Grant { nsp: usize },
    /// Does not let in.
    Refuse { nsp: usize },
    /// Leaves, or expels.
    Leave { nsp: usize },
    /// An event, which asks for an ack if there is a call.
    Event {
        nsp: usize,
        seq: u32,
        call: Option<Call>,
        /// The socket it was logged for, if it was.
        socket: Option<u32>,
    },
    /// Answers a call.
    Ack { nsp: usize, call: Call },
}

impl What {
    pub(crate) const fn nsp(self) -> usize {
        let (Self::Join { nsp, .. }
        | Self::Grant { nsp }
        | Self::Refuse { nsp }
        | Self::Leave { nsp }
        | Self::Event { nsp, .. }
        | Self::Ack { nsp, .. }) = self;
        nsp
    }
}

/// A call: its id on the wire, which is used again, and its number, which is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) id: u64,
    pub(crate) number: u32,
}

/// One direction of a session.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    waiting: VecDeque<Parcel>,
    /// How many messages of the first parcel have arrived.
    part: usize,
    pub(crate) delivered: u64,
    /// Bytes of `waiting` as on a websocket, headers taken for the longest.
    bytes: usize,
}

impl Parcel {
    fn bytes(&self) -> usize {
        const HEADER: usize = 11;
        let text = self.text.iter().map(String::len);
        let lens = text.chain(self.binaries.iter().map(Bytes::len));
        lens.map(|len| len + HEADER).sum()
    }

    fn messages(&self) -> usize {
        usize::from(self.text.is_some()) + self.binaries.len()
    }

    fn is_part(&self, part: usize, message: &Message<'_>) -> bool {
        match (&self.text, message) {
            (Some(sent), Message::Text(text)) => part == 0 && sent == text,
            (text, Message::Binary(data)) => {
                let index = part.checked_sub(usize::from(text.is_some()));
                let sent = index.and_then(|index| self.binaries.get(index));
                sent.is_some_and(|sent| sent == &**data)
            }
            (None, Message::Text(_)) => false,
        }
    }

    /// Whether these words stand in it, as far as it can be read.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.text.as_ref().is_none_or(|text| text.contains(words))
    }
}

impl Lane {
    pub(crate) fn send(&mut self, parcel: Parcel) {
        self.bytes += parcel.bytes();
        self.waiting.push_back(parcel);
    }

    /// The next message must be the next one that was sent. Returns the packet it completes.
    pub(crate) fn receive(&mut self, message: &Message<'_>) -> Check<Option<Parcel>> {
        let Some(parcel) = self.waiting.front() else {
            return broken(
                "order",
                format!("{message:?} arrived, and nothing was sent"),
            );
        };
        let fits = parcel.is_part(self.part, message);
        check(fits, "order", || {
            let shown = match message {
                Message::Text(text) => text.chars().take(60).collect(),
                Message::Binary(data) => format!("{} bytes", data.len()),
            };
            let what = (self.part, &parcel.what);
            format!("{shown:?} arrived where part {what:?} was to come")
        })?;
        self.part += 1;
        self.delivered += 1;
        if self.part < parcel.messages() {
            return Ok(None);
        }
        self.part = 0;
        self.bytes -= parcel.bytes();
        Ok(self.waiting.pop_front())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The packet that has been under way for longest.
    pub(crate) fn oldest(&self) -> Option<&Parcel> {
        self.waiting.front()
    }
}
