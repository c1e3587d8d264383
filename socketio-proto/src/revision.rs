//! The revisions of the Socket.IO protocol and the table of what differs between them. The only
//! file that knows how many there are; everything else asks the table.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{v4, v5};

/// A revision of the Socket.IO protocol, chosen once per connection.
///
/// Not the revision of the Engine.IO link below: the two are numbered apart (SIO4 runs over EIO3,
/// SIO5 over EIO4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revision {
    /// SIO4: Socket.IO 1.x and 2.x.
    V4,
    /// SIO5: Socket.IO 3.x and 4.x.
    V5,
}

impl Revision {
    /// Every revision there is.
    pub const ALL: [Self; 2] = [Self::V4, Self::V5];

    /// The revision that goes with a revision of Engine.IO below, given as in its `EIO` parameter:
    /// SIO4 with `3`, SIO5 with `4`.
    #[must_use]
    pub fn over(eio: &str) -> Self {
        match eio {
            "3" => Self::V4,
            _ => Self::V5,
        }
    }

    /// Whether clients know of connection state recovery; see [the module](crate::recovery).
    #[must_use]
    pub fn recovers(self) -> bool {
        self.rules().recovers
    }

    /// As a record has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::V4 => "4",
            Self::V5 => "5",
        }
    }

    pub(crate) fn rules(self) -> &'static Rules {
        match self {
            Self::V4 => &v4::RULES,
            Self::V5 => &v5::RULES,
        }
    }

    /// What a server grants, read from its CONNECT; `None` if there is no session id to be had.
    pub(crate) fn read_answer<'a>(
        self,
        payload: Option<Json<'a>>,
        nsp: &str,
        link: &str,
    ) -> Option<Answer<'a>> {
        let read = self.rules().read_answer;
        match payload {
            None => read(None, nsp, link),
            Some(Cow::Borrowed(json)) => read(Some(json), nsp, link),
            Some(Cow::Owned(json)) => read(Some(&json), nsp, link).map(Answer::into_owned),
        }
    }
}

/// What a revision decides; the grammar of packets and attachments is common to all.
pub(crate) struct Rules {
    /// The namespace that a server opens for each client, without being asked.
    pub(crate) implicit: Option<&'static str>,
    /// Event names that no EVENT may carry.
    pub(crate) reserved_events: &'static [&'static str],
    /// The name that a packet of a client addresses, and the query behind it.
    pub(crate) split_query: fn(&str) -> (&str, Option<&str>),
    /// Where a client's CONNECT carries its credentials: the namespace to write and the payload.
    pub(crate) write_request:
        for<'a> fn(nsp: &'a str, auth: Option<&'a Credentials>) -> Request<'a>,
    /// The inverse of `write_request`: the credentials, as a JSON object.
    pub(crate) read_request:
        for<'a> fn(query: Option<&str>, payload: Option<Json<'a>>) -> Option<Json<'a>>,
    /// Whether a CONNECT may carry this payload.
    pub(crate) connect_fits: fn(Option<&str>) -> bool,
    /// Whether a CONNECT_ERROR may carry this payload.
    pub(crate) refusal_fits: fn(Option<&str>) -> bool,
    /// The id that both sides derive for a socket from its namespace and the id of the link; `None`
    /// if the server picks one.
    pub(crate) socket_id: fn(nsp: &str, link: &str) -> Option<String>,
    /// Whether clients know recovery ids, and a CONNECT may claim a socket by one.
    pub(crate) recovers: bool,
    /// The payload of the server's CONNECT: session id and recovery id.
    pub(crate) write_answer: fn(&mut Vec<u8>, sid: &str, pid: Option<&str>),
    /// The inverse of `write_answer`; `None` if there is no session id to be had.
    pub(crate) read_answer:
        for<'a> fn(payload: Option<&'a str>, nsp: &str, link: &str) -> Option<Answer<'a>>,
    /// The payload of a CONNECT_ERROR.
    pub(crate) write_refusal: fn(&mut Vec<u8>, message: &str, data: Option<&Value>),
    /// The inverse of `write_refusal`.
    pub(crate) read_refusal: fn(&str) -> Refusal,
    /// The event that a CONNECT_ERROR stands for in a namespace that was granted before; `None` if
    /// there must be none then.
    pub(crate) error_event: Option<&'static str>,
}

/// A JSON text.
pub(crate) type Json<'a> = Cow<'a, str>;

/// What a client has to say for itself.
pub(crate) type Credentials = Map<String, Value>;

/// What a client's CONNECT is made of.
pub(crate) struct Request<'a> {
    pub(crate) nsp: Cow<'a, str>,
    pub(crate) payload: Option<&'a Credentials>,
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
