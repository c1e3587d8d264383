//! The body of a response, by each of the ways in which HTTP tells its end.

use bytes::Bytes;

use super::super::ErrorKind;

/// The longest line of a chunked body: a size with its extensions, or a trailer.
const MAX_LINE: usize = 4096;
/// The most trailers that are skipped.
const MAX_TRAILERS: u8 = 100;

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// With a chunk of no bytes.
    Chunked,
    /// With the stream.
    UntilClose,
}

/// A body in the making.
#[derive(Debug)]
pub(super) struct Body {
    data: Vec<u8>,
    limit: usize,
    part: Part,
}

/// What comes next.
#[derive(Debug)]
enum Part {
    /// So many bytes of data: the rest of a body, or of a chunk.
    Data { left: u64, chunked: bool },
    /// The line with the size of a chunk.
    Size(Vec<u8>),
    /// The end of the line behind a chunk.
    ChunkEnd(Vec<u8>),
    /// Trailers, of which none is of use; so many may come.
    Trailer(Vec<u8>, u8),
    /// Data until the stream ends.
    Rest,
}

impl Body {
    pub(super) const fn new(framing: Framing, limit: usize) -> Self {
        Self {
            data: Vec::new(),
            limit,
            part: match framing {
                Framing::Length(left) => Part::Data {
                    left,
                    chunked: false,
                },
                Framing::Chunked => Part::Size(Vec::new()),
                Framing::UntilClose => Part::Rest,
            },
        }
    }

    pub(super) const fn ends_with_stream(&self) -> bool {
        matches!(self.part, Part::Rest)
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.data.into()
    }

    /// Takes what belongs to the body; `true` if that is all of it.
    pub(super) fn read(&mut self, input: &mut &[u8]) -> Result<bool, ErrorKind> {
        loop {
            let next = match &mut self.part {
                Part::Data { left, chunked } => {
                    // What is announced already tells whether it is too much.
                    admit(*left, self.data.len(), self.limit)?;
                    let len = usize::try_from(*left)
                        .unwrap_or(usize::MAX)
                        .min(input.len());
                    self.data.extend_from_slice(take(input, len));
                    *left -= len as u64;
                    match (*left, *chunked) {
                        (0, true) => Part::ChunkEnd(Vec::new()),
                        (0, false) => return Ok(true),
                        _ => return Ok(false),
                    }
                }
                Part::Size(line) => match take_line(line, input)? {
                    false => return Ok(false),
                    true => match size(line)? {
                        0 => Part::Trailer(Vec::new(), MAX_TRAILERS),
                        left => Part::Data {
                            left,
                            chunked: true,
                        },
                    },
                },
                Part::ChunkEnd(line) => match take_line(line, input)? {
                    false => return Ok(false),
                    true if is_empty(line) => Part::Size(Vec::new()),
                    true => return Err(ErrorKind::Http("chunk does not end where it should")),
                },
                Part::Trailer(line, left) => match take_line(line, input)? {
                    false => return Ok(false),
                    true if is_empty(line) => return Ok(true),
                    true => match left.checked_sub(1) {
                        Some(left) => Part::Trailer(Vec::new(), left),
                        None => return Err(ErrorKind::Http("too many trailers")),
                    },
                },
                Part::Rest => {
                    admit(input.len() as u64, self.data.len(), self.limit)?;
                    self.data.extend_from_slice(input);
                    *input = &[];
                    return Ok(false);
                }
            };
            self.part = next;
        }
    }
}

/// Whether so many bytes more are still within the limit.
fn admit(more: u64, len: usize, limit: usize) -> Result<(), ErrorKind> {
    match more <= limit.saturating_sub(len) as u64 {
        true => Ok(()),
        false => Err(ErrorKind::TooBig { limit }),
    }
}

/// The size of a chunk, in hex, its extensions skipped.
fn size(line: &[u8]) -> Result<u64, ErrorKind> {
    match httparse::parse_chunk_size(line) {
        Ok(httparse::Status::Complete((_, size))) => Ok(size),
        _ => Err(ErrorKind::Http("chunk has no size")),
    }
}

fn is_empty(line: &[u8]) -> bool {
    matches!(line, b"\r\n" | b"\n")
}

/// Moves a line out of `input`; `true` if it is complete, its end included.
fn take_line(line: &mut Vec<u8>, input: &mut &[u8]) -> Result<bool, ErrorKind> {
    let end = input.iter().position(|&byte| byte == b'\n');
    let len = end.map_or(input.len(), |at| at + 1);
    if line.len() + len > MAX_LINE {
        return Err(ErrorKind::Http("line in a chunked body is too long"));
    }
    line.extend_from_slice(take(input, len));
    Ok(end.is_some())
}

fn take<'a>(input: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(len);
    *input = rest;
    taken
}
