//! An event on its way to clients that take offsets, and to some that do not.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use engine::Prepared;

use crate::proto::recovery::{Offset, append_offset};
use crate::proto::{Decoder, EncodeError, Encoded, Encoder, Limits, Parser, Payload, Revision};
use crate::socket::prepare;

/// How the events of a namespace are spelled.
pub(super) struct Spelling {
    text: Encoder,
    /// The encoder of the server's own form, and its parser, if that is not text.
    other: Option<(Encoder, Arc<dyn Parser>)>,
}

/// An event without its offset.
pub(crate) struct Draft {
    text: Encoded,
    /// The event in the server's own form, if that is not text.
    other: Option<Prepared>,
}

/// An event with its offset.
pub(super) enum Message {
    Prepared(Prepared),
    /// A parser has still to spell it, which is users' code: not under a lock, and not for nobody.
    Unspelled {
        text: Encoded,
        without: Prepared,
        spelled: OnceLock<Prepared>,
    },
}

impl Spelling {
    pub(super) fn new(own: Encoder, parser: Option<Arc<dyn Parser>>) -> Self {
        Self {
            text: own.clone().with_parser(None),
            other: parser.map(|parser| (own, parser)),
        }
    }

    pub(super) fn draft<T: Payload + ?Sized>(
        &self,
        nsp: &str,
        event: &str,
        args: &T,
    ) -> Result<Draft, EncodeError> {
        let other = match &self.other {
            Some((own, _)) => Some(prepare(args.event(own, nsp, None, event)?)),
            None => None,
        };
        let mut text = args.event(&self.text, nsp, None, event)?;
        text.buffer.reserve(OFFSET_LEN);
        Ok(Draft { text, other })
    }

    /// What clients get that know of offsets.
    pub(super) fn with_offset<'a>(&self, message: &'a Message) -> &'a Prepared {
        match message {
            Message::Prepared(prepared) => prepared,
            Message::Unspelled {
                text,
                without,
                spelled,
            } => spelled.get_or_init(|| {
                let parser = self.other.as_ref().map(|(_, parser)| &**parser);
                let spelled = parser.and_then(|parser| respell(parser, text));
                // A parser that takes the event, but not with one argument more: it is delivered.
                spelled.map_or_else(|| without.clone(), prepare)
            }),
        }
    }
}

impl Message {
    /// Bytes it takes in a queue; of what a parser has still to spell, those it has as text.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Prepared(prepared) => prepared.wire_len(),
            Self::Unspelled { text, .. } => bytes(text),
        }
    }
}

impl Draft {
    /// Bytes it takes in a log.
    pub(super) fn bytes(&self) -> usize {
        bytes(&self.text)
    }

    /// What clients get that know of no offsets.
    pub(super) fn without_offset(&self) -> Prepared {
        let prepared = self.other.clone();
        prepared.unwrap_or_else(|| prepare(self.text.clone()))
    }

    pub(super) fn with_offset(self, offset: Offset) -> Message {
        let Self { mut text, other } = self;
        append_offset(&mut text, offset);
        match other {
            None => Message::Prepared(prepare(text)),
            Some(without) => Message::Unspelled {
                text,
                without,
                spelled: OnceLock::new(),
            },
        }
    }
}

fn bytes(text: &Encoded) -> usize {
    let attachments = text.attachments.iter().map(Bytes::len);
    text.buffer.len() + attachments.sum::<usize>()
}

/// Bytes of the longest offset, its quotes and its comma.
const OFFSET_LEN: usize = 27;

/// Puts an event in text into the form of a parser.
fn respell(parser: &dyn Parser, text: &Encoded) -> Option<Encoded> {
    let mut limits = Limits::default();
    // It is ours: what may be sent has been checked.
    limits.max_attachments = usize::MAX;
    limits.max_attachment_bytes = usize::MAX;
    limits.max_namespace_len = usize::MAX;
    let mut decoder = Decoder::new(Revision::V5, limits);
    let mut packet = decoder.decode_text(text.text()).ok()?;
    for attachment in &text.attachments {
        packet = decoder.decode_binary(attachment).ok()?;
    }
    parser.encode(&packet?).ok()
}
