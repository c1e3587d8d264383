//! How one transport of a session is spelled: what its first request asked for beside the revision.

use crate::revision::Revision;

/// A revision, and how bytes and polling payloads are put for a client that cannot take all of it
/// (protocol.md §1.2).
///
/// It is read off the request that opens a transport and holds for as long as that lives: a session
/// that moves from polling to a websocket may take bytes there only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Format {
    /// The revision of the session.
    pub revision: Revision,
    /// `b64`: bytes travel as base64 in text, on links as well. Default no.
    pub base64: bool,
    /// `j`: polling responses are calls of a JavaScript function with this index, and POST bodies
    /// are forms, neither of which holds bytes: polling has them as base64 then, links do not.
    /// Default none.
    pub jsonp: Option<u32>,
}

impl Format {
    /// What a client gets that asks for nothing special.
    #[must_use]
    pub const fn new(revision: Revision) -> Self {
        Self {
            revision,
            base64: false,
            jsonp: None,
        }
    }

    /// The same with bytes as base64.
    #[must_use]
    pub const fn with_base64(self) -> Self {
        Self {
            base64: true,
            ..self
        }
    }

    /// The same for a client that fetches scripts.
    #[must_use]
    pub const fn with_jsonp(self, index: u32) -> Self {
        Self {
            jsonp: Some(index),
            ..self
        }
    }

    /// Reads the parameters `b64` (any value but the empty one) and `j` (of which the digits count,
    /// whatever else it holds, so that nothing of it is ever sent back).
    pub(crate) fn from_query(revision: Revision, b64: Option<&str>, j: Option<&str>) -> Self {
        let format = Self {
            base64: b64.is_some_and(|b64| !b64.is_empty()),
            ..Self::new(revision)
        };
        let Some(j) = j else {
            return format;
        };
        let digits = j.bytes().filter(u8::is_ascii_digit);
        format.with_jsonp(digits.fold(0, |index, digit| {
            index.wrapping_mul(10).wrapping_add(u32::from(digit - b'0'))
        }))
    }
}

impl From<Revision> for Format {
    fn from(revision: Revision) -> Self {
        Self::new(revision)
    }
}

/// What kind of body an HTTP message of a session has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete by the protocol")]
pub enum Content {
    /// Text.
    Text,
    /// Bytes, in revision 3 only.
    Binary,
    /// A form with one field, as JSONP posts it.
    Form,
}

impl Content {
    /// What the value of a `content-type` header announces. Only bytes have to: everything else is
    /// taken for text, as in the reference.
    #[must_use]
    pub fn from_header(value: Option<&[u8]>) -> Self {
        match value {
            Some(b"application/octet-stream") => Self::Binary,
            Some(form) if form.starts_with(b"application/x-www-form-urlencoded") => Self::Form,
            _ => Self::Text,
        }
    }

    /// The value of the `content-type` header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=UTF-8",
            Self::Binary => "application/octet-stream",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }
}
