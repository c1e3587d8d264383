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

/// The messages of one response, from the front of the queue: at least one, if there is any, and
/// then up to the target size.
#[derive(Debug, Default)]
pub(super) struct Batch {
    messages: usize,
    /// Bytes of them, as on a websocket.
    pub(super) bytes: usize,
    /// Whether some of them carry bytes.
    pub(super) has_bytes: bool,
    /// Whether there are some, and none of them may be compressed.
    pub(super) is_plain: bool,
}

impl Batch {
    pub(super) fn of(queue: &VecDeque<Prepared>) -> Self {
        let mut batch = Self::default();
        for message in queue {
            if batch.bytes >= RESPONSE_TARGET {
                break;
            }
            batch.is_plain = !message.is_compressible() && (batch.is_plain || batch.messages == 0);
            batch.messages += 1;
            batch.bytes += message.wire_len();
            batch.has_bytes |= message.has_attachments();
        }
        batch
    }

    /// Moves the messages from the queue to a payload.
    pub(super) fn drain(
        &self,
        queue: &mut VecDeque<Prepared>,
        payload: &mut Writer,
        format: Format,
    ) {
        for message in queue.drain(..self.messages) {
            message.append_to(payload, format);
        }
    }
}
