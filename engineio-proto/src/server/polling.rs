//! The polling transport of a session: at most one GET that waits and one POST that is being read.

use std::collections::VecDeque;

use super::output::RequestId;
use crate::format::Format;
use crate::payload::{Payload, Writer};
use crate::prepared::Prepared;

/// Bytes after which a response is sent although more messages wait: the next poll takes them.
const RESPONSE_TARGET: usize = 1 << 20;

/// The requests of a polling client.
#[derive(Debug, Default)]
pub(super) struct Polling {
    /// The GET that waits for something to send.
    pub(super) get: Option<RequestId>,
    /// The POST whose packets are being taken; boxed, for most of the time there is none.
    pub(super) post: Option<Box<Post>>,
}

/// A POST whose packets are being taken. It is answered once all have been.
#[derive(Debug)]
pub(super) struct Post {
    pub(super) request: RequestId,
    pub(super) payload: Payload,
}

/// Fills a payload from the queue, at least one message and then up to the target size. Returns
/// the bytes that left the queue, as on a websocket.
pub(super) fn drain(queue: &mut VecDeque<Prepared>, payload: &mut Writer, format: Format) -> usize {
    let mut drained = 0;
    while let Some(message) = queue.pop_front() {
        drained += message.wire_len();
        message.append_to(payload, format);
        if payload.len() >= RESPONSE_TARGET {
            break;
        }
    }
    drained
}
