//! What can go wrong, one enum per kind of call. [`DecodeError`] and [`ProtocolError`] are the
//! peer's fault, [`EncodeError`] and [`JoinError`](crate::client::JoinError) the caller's;
//! [`ArgsError`] says whose it is.

use thiserror::Error;

use crate::json::{self, Flaw};

/// The peer sent something that is no packet. The connection has to be closed (protocol section
/// 12.4).
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The text does not start with a digit from 0 to 6, or the parser found no such type.
    #[error("unknown packet type")]
    UnknownType,
    /// A binary packet whose attachment count is missing, zero, or not a decimal followed by a
    /// dash.
    #[error("illegal attachment count")]
    AttachmentCount,
    /// More attachments than [`Limits::max_attachments`](crate::Limits::max_attachments).
    #[error("more than {limit} attachments")]
    TooManyAttachments {
        /// Attachments allowed.
        limit: usize,
    },
    /// The attachments together exceed
    /// [`Limits::max_attachment_bytes`](crate::Limits::max_attachment_bytes).
    #[error("attachments of {bytes} bytes exceed the limit of {limit}")]
    AttachmentsTooLarge {
        /// Bytes so far, with the attachment that was refused.
        bytes: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The namespace is longer than
    /// [`Limits::max_namespace_len`](crate::Limits::max_namespace_len).
    #[error("namespace of {len} bytes exceeds the limit of {limit}")]
    NamespaceTooLong {
        /// Bytes received.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The query behind the namespace is too long; see [`Limits`](crate::Limits).
    #[error("query of {len} bytes exceeds the limit of {limit}")]
    QueryTooLong {
        /// Bytes received.
        len: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The acknowledgement id exceeds 2^53 - 1, which JavaScript could not count to, or has more
    /// than 16 digits.
    #[error("acknowledgement id out of range")]
    Id,
    /// The payload is malformed or not what this type of packet carries.
    #[error("payload does not fit the packet type")]
    Payload,
    /// An event with a name that is reserved for the library.
    #[error("reserved event name")]
    ReservedEvent,
    /// The message is not in the form of the connection's [`Parser`](crate::Parser).
    #[error("message is not in the parser's form")]
    Syntax,
    /// The namespace does not start with a slash or contains a comma. Only a parser can tell; in
    /// the text form there is no way to write it.
    #[error("invalid namespace")]
    Namespace,
    /// A placeholder that points at no attachment, or, in a packet whose bytes travel inline, data
    /// that only looks like one.
    #[error("placeholder without an attachment")]
    Placeholder,
    /// A packet with attachments is nested deeper than the limit.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// Levels allowed.
        limit: usize,
    },
    /// A text message came while attachments were outstanding, or the parser knows none.
    #[error("text instead of an attachment")]
    UnexpectedText,
    /// A binary message came while no attachment was outstanding, or the parser knows none.
    #[error("binary data that belongs to no packet")]
    UnexpectedBinary,
}

impl From<Flaw> for DecodeError {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Syntax => Self::Payload,
            Flaw::Placeholder => Self::Placeholder,
            Flaw::Depth => Self::TooDeep {
                limit: json::MAX_DEPTH,
            },
        }
    }
}

/// For parsers: arguments that are no JSON do not belong in a packet.
impl From<ArgsError> for DecodeError {
    fn from(_: ArgsError) -> Self {
        Self::Payload
    }
}

/// The peer broke the rules of the connection, which is dead from then on: close the link below.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProtocolError {
    /// What came is no packet.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A client asked for a namespace that it has joined or is joining.
    #[error("namespace joined twice")]
    AlreadyJoined,
    /// EVENT, ACK or DISCONNECT from a client for a namespace that it never asked for, or has left
    /// itself.
    #[error("packet for a namespace that is not joined")]
    NotJoined,
    /// A CONNECT_ERROR from a client or, in revision 5, from a server for a namespace it had
    /// granted.
    #[error("unexpected CONNECT_ERROR")]
    UnexpectedConnectError,
    /// A client asked for more namespaces than
    /// [`Limits::max_namespaces`](crate::Limits::max_namespaces).
    #[error("more than {limit} namespaces")]
    TooManyNamespaces {
        /// Namespaces allowed.
        limit: usize,
    },
    /// No namespace was joined in time.
    #[error("no namespace joined in time")]
    ConnectTimeout,
    /// The connection is dead since an earlier error.
    #[error("connection is dead")]
    Dead,
}

/// The packet asked for cannot be encoded. Nothing was sent and nothing has changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The namespace does not start with a slash or contains a comma.
    #[error("invalid namespace")]
    Namespace,
    /// The acknowledgement id exceeds 2^53 - 1, which JavaScript peers cannot represent.
    #[error("acknowledgement id out of range")]
    Id,
    /// The event's name is reserved for the library.
    #[error("reserved event name")]
    ReservedEvent,
    /// The data cannot be represented in JSON; the source says why.
    #[error("data cannot be represented in JSON")]
    Json(#[source] serde_json::Error),
    /// Data beside the attachments contains an object that receivers would take for a placeholder,
    /// or a [`Binary`](crate::Binary) was serialised elsewhere than into the packet.
    #[error("data looks like a placeholder for an attachment")]
    Placeholder,
    /// Data with attachments is nested deeper than the limit.
    #[error("nested deeper than {limit} levels")]
    TooDeep {
        /// Levels allowed.
        limit: usize,
    },
    /// The arguments to be passed on are malformed: their sender violated the protocol.
    #[error("malformed arguments")]
    Malformed,
    /// The connection's [`Parser`](crate::Parser) cannot express the packet; the source says why.
    #[error("the parser cannot express the packet")]
    Parser(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The arguments cannot be read as the type asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArgsError {
    /// They are not JSON: the peer violated the protocol, and the connection has to be closed.
    #[error("malformed arguments")]
    Malformed,
    /// They are JSON of another shape than the type's, or hold what the type cannot, such as half a
    /// surrogate pair in a string. The connection is fine. The source has the details, which may
    /// quote the data.
    #[error("arguments do not fit the type")]
    Mismatch(#[source] serde_json::Error),
}
