//! The head of a text message: everything in front of the JSON (protocol section 10), parsed with
//! nom.

use nom::{
    IResult, Parser,
    bytes::complete::take_till,
    character::complete::{char, digit1, one_of},
    combinator::{opt, recognize},
    sequence::{pair, terminated},
};

use crate::{DecodeError, Limits, revision::Rules};

/// The largest acknowledgement id: the largest integer JavaScript counts to.
pub(crate) const MAX_ID: u64 = (1 << 53) - 1;

/// The type of a packet, spelled as a digit. Binary packets have digits of their own for the same
/// types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
}

impl Kind {
    /// The digit on the wire.
    pub(crate) fn digit(self, has_attachments: bool) -> u8 {
        match self {
            Self::Connect => b'0',
            Self::Disconnect => b'1',
            Self::Event if has_attachments => b'5',
            Self::Event => b'2',
            Self::Ack if has_attachments => b'6',
            Self::Ack => b'3',
            Self::ConnectError => b'4',
        }
    }

    fn from_digit(digit: char) -> (Self, bool) {
        match digit {
            '0' => (Self::Connect, false),
            '1' => (Self::Disconnect, false),
            '2' => (Self::Event, false),
            '3' => (Self::Ack, false),
            '4' => (Self::ConnectError, false),
            '5' => (Self::Event, true),
            _ => (Self::Ack, true),
        }
    }
}

/// A parsed head and what follows it.
pub(crate) struct Head<'a> {
    pub(crate) kind: Kind,
    /// How many binary messages belong to the packet.
    pub(crate) attachments: usize,
    pub(crate) nsp: &'a str,
    pub(crate) id: Option<u64>,
    /// The rest; `None` if the head is all there is.
    pub(crate) payload: Option<&'a str>,
}

impl<'a> Head<'a> {
    pub(crate) fn parse(
        text: &'a str,
        rules: &Rules,
        limits: &Limits,
    ) -> Result<Self, DecodeError> {
        let (rest, digit) = packet_type(text).map_err(|_| DecodeError::UnknownType)?;
        let (kind, is_binary) = Kind::from_digit(digit);
        let (rest, attachments) = if is_binary {
            let (rest, count) = attachment_count(rest).map_err(|_| DecodeError::AttachmentCount)?;
            (rest, check_count(count, limits.max_attachments)?)
        } else {
            (rest, 0)
        };
        let (rest, nsp) = optional(namespace, rest);
        let nsp = nsp.unwrap_or("/");
        let (name, query) = (rules.split_query)(nsp);
        limits.check_namespace(name, query)?;
        let (rest, id) = optional(digit1, rest);
        let id = id.map(check_id).transpose()?;
        Ok(Self {
            kind,
            attachments,
            nsp,
            id,
            payload: (!rest.is_empty()).then_some(rest),
        })
    }
}

fn packet_type(input: &str) -> IResult<&str, char> {
    one_of("0123456")(input)
}

fn attachment_count(input: &str) -> IResult<&str, &str> {
    terminated(digit1, char('-')).parse(input)
}

/// The comma may be missing if nothing follows.
fn namespace(input: &str) -> IResult<&str, &str> {
    terminated(
        recognize(pair(char('/'), take_till(|c| c == ','))),
        opt(char(',')),
    )
    .parse(input)
}

fn optional<'a>(
    parser: impl Fn(&'a str) -> IResult<&'a str, &'a str>,
    input: &'a str,
) -> (&'a str, Option<&'a str>) {
    match parser(input) {
        Ok((rest, found)) => (rest, Some(found)),
        Err(_) => (input, None),
    }
}

/// Counts that overflow are too many, too.
fn check_count(digits: &str, limit: usize) -> Result<usize, DecodeError> {
    match digits.parse() {
        Ok(0) => Err(DecodeError::AttachmentCount),
        Ok(count) if count <= limit => Ok(count),
        _ => Err(DecodeError::TooManyAttachments { limit }),
    }
}

fn check_id(digits: &str) -> Result<u64, DecodeError> {
    match digits.parse() {
        Ok(id) if id <= MAX_ID && digits.len() <= 16 => Ok(id),
        _ => Err(DecodeError::Id),
    }
}
