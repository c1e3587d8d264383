//! The polling transport of a session: at most one GET and one POST at a time.

use super::RequestId;
use crate::format::Content;
use crate::payload::{Payload, Writer};

/// The requests of a session.
#[derive(Debug, Default)]
pub(super) struct Polling {
    pub(super) get: Get,
    pub(super) post: Option<Post>,
}

/// The request that fetches messages.
#[derive(Debug, Default)]
pub(super) enum Get {
    /// The next one may leave.
    #[default]
    Idle,
    /// The server holds it until it has something to send.
    Running(RequestId),
    /// Its response is being taken, packet by packet; boxed, for most of the time there is none.
    Reading(Box<Payload>),
}

/// A POST on its way.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) request: RequestId,
    /// Whether it carries the close packet, so that its answer ends the session.
    pub(super) closes: bool,
}

impl Polling {
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self.get, Get::Idle) && self.post.is_none()
    }
}

/// The most packets in one body: servers of python-engineio drop the whole of one that has more, and
/// answer 200.
const MAX_PACKETS: usize = 16;

/// A POST body in the making, no larger than the server takes (protocol.md §8).
#[derive(Debug)]
pub(super) struct Body {
    payload: Writer,
    packets: usize,
    /// Bytes of the body so far.
    len: usize,
    limit: usize,
}

impl Body {
    pub(super) const fn new(payload: Writer, limit: Option<usize>) -> Self {
        Self {
            payload,
            packets: 0,
            len: 0,
            limit: match limit {
                Some(limit) => limit,
                None => usize::MAX,
            },
        }
    }

    /// Lets `append` add a packet, unless there are too many, and takes it back if the body became
    /// too large. A body takes one packet of any size: whether that is too much is for the server to
    /// say.
    pub(super) fn push(&mut self, append: impl FnOnce(&mut Writer)) -> bool {
        if self.packets == MAX_PACKETS {
            return false;
        }
        let before = self.payload.len();
        append(&mut self.payload);
        let len = self.len + self.payload.posted_len(before);
        let fits = before == 0 || len <= self.limit;
        if fits {
            self.packets += 1;
            self.len = len;
        } else {
            self.payload.truncate(before);
        }
        fits
    }

    /// The body and its kind; `None` if nothing was added.
    pub(super) fn finish(self) -> Option<(Content, Vec<u8>)> {
        (!self.payload.is_empty()).then(|| self.payload.into_post())
    }
}
