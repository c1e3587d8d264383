//! The revisions of the Socket.IO protocol and the table of what differs between them. The only
//! file that knows how many there are; everything else asks the table.

use std::borrow::Cow;

use serde_json::Value;

use crate::v5;

/// A revision of the Socket.IO protocol, chosen once per connection.
///
/// Not the revision of the Engine.IO link below: the two are numbered apart (SIO5 usually runs over
/// EIO4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revision {
    /// SIO5: Socket.IO 3.x and 4.x.
    V5,
}

impl Revision {
    pub(crate) fn rules(self) -> &'static Rules {
        match self {
            Self::V5 => &v5::RULES,
        }
    }

    /// What a server grants, read from its CONNECT; `None` if there is no session id in it.
    pub(crate) fn read_answer(self, payload: Option<Cow<'_, str>>) -> Option<Answer<'_>> {
        let read = self.rules().read_answer;
        match payload {
            None => read(None),
            Some(Cow::Borrowed(json)) => read(Some(json)),
            Some(Cow::Owned(json)) => read(Some(&json)).map(Answer::into_owned),
        }
    }
}

/// What a revision decides; the grammar of packets and attachments is common to all.
pub(crate) struct Rules {
    /// Event names that no EVENT may carry.
    pub(crate) reserved_events: &'static [&'static str],
    /// Whether a CONNECT may carry this payload.
    pub(crate) connect_fits: fn(Option<&str>) -> bool,
    /// Whether a CONNECT_ERROR may carry this payload.
    pub(crate) refusal_fits: fn(Option<&str>) -> bool,
    /// The payload of the server's CONNECT: session id and recovery id.
    pub(crate) write_answer: fn(&mut Vec<u8>, sid: &str, pid: Option<&str>),
    /// The inverse of `write_answer`; `None` if there is no session id in it.
    pub(crate) read_answer: fn(Option<&str>) -> Option<Answer<'_>>,
    /// The payload of a CONNECT_ERROR.
    pub(crate) write_refusal: fn(&mut Vec<u8>, message: &str, data: Option<&Value>),
    /// The inverse of `write_refusal`.
    pub(crate) read_refusal: fn(&str) -> Refusal,
}

/// What a server grants with its CONNECT.
pub(crate) struct Answer<'a> {
    pub(crate) sid: Cow<'a, str>,
    pub(crate) pid: Option<Cow<'a, str>>,
}

impl Answer<'_> {
    fn into_owned(self) -> Answer<'static> {
        Answer {
            sid: self.sid.into_owned().into(),
            pid: self.pid.map(|pid| pid.into_owned().into()),
        }
    }
}

/// Why a server refuses a CONNECT.
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) data: Option<Value>,
}
