//! Where the message lies that is lent next: in the driver's buffer, in the answer to a poll, or
//! here if it arrived in pieces.

use std::borrow::Cow;
use std::ops::Range;

use engineio_proto::Message;
use engineio_proto::client::Session;

use super::input::Input;

/// The place of a message.
#[derive(Debug, Default)]
pub(super) enum Lent {
    /// There is none.
    #[default]
    Nothing,
    /// In the session, which has the answer to a poll.
    Polled,
    /// In the buffer that was read into.
    Text(Range<usize>),
    /// The same, as bytes.
    Binary(Range<usize>),
    /// At the end of a frame that arrived in pieces.
    OwnText(String, usize),
    /// The same, as bytes.
    OwnBinary(Vec<u8>, usize),
}

/// What the session made of a frame, without the borrow.
pub(super) enum Found {
    /// The data of the message are so many bytes at the end of the frame.
    Tail(usize),
    /// The data were in base64.
    Decoded(Vec<u8>),
}

impl Found {
    pub(super) fn of(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Tail(text.len()),
            Message::Binary(Cow::Borrowed(data)) => Self::Tail(data.len()),
            Message::Binary(Cow::Owned(data)) => Self::Decoded(data),
        }
    }
}

impl Lent {
    /// A message in a text frame that ends at `end` of the buffer, unless it is a piece by itself.
    pub(super) fn text(found: Found, frame: Cow<'_, str>, end: usize) -> Self {
        match (found, frame) {
            (Found::Decoded(data), _) => Self::OwnBinary(data, 0),
            (Found::Tail(len), Cow::Borrowed(_)) => Self::Text(end - len..end),
            (Found::Tail(len), Cow::Owned(frame)) => {
                let start = frame.len() - len;
                Self::OwnText(frame, start)
            }
        }
    }

    /// The same for a binary frame.
    pub(super) fn binary(found: Found, frame: Cow<'_, [u8]>, end: usize) -> Self {
        match (found, frame) {
            (Found::Decoded(data), _) => Self::OwnBinary(data, 0),
            (Found::Tail(len), Cow::Borrowed(_)) => Self::Binary(end - len..end),
            (Found::Tail(len), Cow::Owned(frame)) => {
                let start = frame.len() - len;
                Self::OwnBinary(frame, start)
            }
        }
    }

    /// Whether the message is still where it was found.
    pub(super) fn is_there(&self, session: &Session) -> bool {
        match self {
            Self::Polled => session.message().is_some(),
            _ => true,
        }
    }

    /// The message itself. An empty one if there is none: nobody asked for it then.
    pub(super) fn message<'a>(&'a self, session: &'a Session, input: &'a Input) -> Message<'a> {
        match self {
            Self::Nothing => Message::Text(""),
            Self::Polled => session.message().unwrap_or(Message::Text("")),
            // The decoder has checked it; to check again is cheap beside reading it.
            Self::Text(range) => {
                Message::Text(str::from_utf8(input.bytes(range)).unwrap_or_default())
            }
            Self::Binary(range) => Message::Binary(input.bytes(range).into()),
            Self::OwnText(frame, start) => Message::Text(&frame[*start..]),
            Self::OwnBinary(frame, start) => Message::Binary(frame[*start..].into()),
        }
    }
}
