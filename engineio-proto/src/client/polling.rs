//! The polling transport of a session: at most one GET and one POST at a time.

use super::RequestId;
use crate::payload::Payload;

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

/// A POST body in the making, no larger than the server takes (protocol.md §8).
#[derive(Debug)]
pub(super) struct Body {
    bytes: Vec<u8>,
    limit: usize,
}

impl Body {
    pub(super) const fn new(limit: Option<usize>) -> Self {
        Self {
            bytes: Vec::new(),
            limit: match limit {
                Some(limit) => limit,
                None => usize::MAX,
            },
        }
    }

    /// Lets `append` add a packet, and takes it back if the body became too large. A body takes
    /// one packet of any size: whether that is too much is for the server to say.
    pub(super) fn push(&mut self, append: impl FnOnce(&mut Vec<u8>)) -> bool {
        let before = self.bytes.len();
        append(&mut self.bytes);
        let fits = before == 0 || self.bytes.len() <= self.limit;
        if !fits {
            self.bytes.truncate(before);
        }
        fits
    }

    /// The body; `None` if nothing was added.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        (!self.bytes.is_empty()).then_some(self.bytes)
    }
}
