//! The bytes of one read, and how far they have been taken. Messages are lent out of here.

use std::ops::Range;

use super::StreamId;

/// A buffer to read into, for all streams of a session in turn.
///
/// The memory is the driver's: `into_buffer` gives it back, so that sessions
/// at rest need none.
#[derive(Debug)]
pub(crate) struct Input {
    buffer: Vec<u8>,
    stream: StreamId,
    rest: Range<usize>,
}

impl Input {
    /// Reads go into `buffer`, as much as it is long.
    pub(crate) fn new(buffer: Vec<u8>) -> Self {
        Self {
            buffer,
            stream: StreamId(0),
            rest: 0..0,
        }
    }

    /// The buffer, to be used elsewhere. What was not taken is lost.
    #[cfg(any(test, feature = "async"))]
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// Whether there is any memory to read into.
    #[cfg(feature = "async")]
    pub(crate) fn has_buffer(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Whether all has been taken; only then is there room.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Room for bytes of a stream. What was not taken is lost.
    pub(crate) fn room(&mut self, stream: StreamId) -> &mut [u8] {
        self.stream = stream;
        self.rest = 0..0;
        &mut self.buffer
    }

    /// So many bytes were put into the room.
    pub(crate) fn fill(&mut self, len: usize) {
        self.rest = 0..len.min(self.buffer.len());
    }

    /// The stream the bytes came from.
    pub(super) const fn stream(&self) -> StreamId {
        self.stream
    }

    /// What was not taken yet, and its end in the buffer.
    pub(super) fn rest(&mut self) -> (&mut [u8], usize) {
        (&mut self.buffer[self.rest.clone()], self.rest.end)
    }

    /// All but the last `left` bytes have been taken.
    pub(super) fn keep(&mut self, left: usize) {
        self.rest.start = self.rest.end - left;
    }

    /// Bytes that may have been taken.
    pub(super) fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.buffer.get(range.clone()).unwrap_or_default()
    }
}
