//! What happened to a session and how it may end because of that: the table of close reasons.

use std::fmt;

use engineio_proto::CloseReason;

use crate::fault::{Check, broken};

/// An end of a session or link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client = 0,
    Server = 1,
}

impl Side {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Server => "server",
        })
    }
}

/// A set of things that happened to a session.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Causes(u32);

macro_rules! causes {
    ($($(#[$doc:meta])* $name:ident = $bit:expr;)*) => {
        impl Causes {
            $($(#[$doc])* pub(crate) const $name: Self = Self(1 << $bit);)*
            const NAMES: &[(&str, Self)] = &[$((stringify!($name), Self::$name)),*];
        }
    };
}

causes! {
    /// `close` was called on the client.
    CLIENT_CLOSED = 0;
    /// `close` was called on the server.
    SERVER_CLOSED = 1;
    /// `abort` was called on the client.
    CLIENT_ABORTED = 2;
    /// `abort` was called on the server.
    SERVER_ABORTED = 3;
    /// The client's session has ended.
    CLIENT_ENDED = 4;
    /// The server's session has ended.
    SERVER_ENDED = 5;
    /// A request or response got lost.
    LOST = 6;
    /// A request broke off, or was never heard of again.
    BROKEN = 7;
    /// A GET arrived while another one was waiting.
    DOUBLE_GET = 8;
    /// A POST arrived while another one was being read.
    DOUBLE_POST = 9;
    /// The link that carried the session broke.
    CUT = 10;
    /// The link that carried the session went silent.
    SILENT = 11;
    /// A delivery took seconds.
    SLOW = 12;
    /// An application stopped reading.
    PAUSED = 13;
    /// A clock jumped.
    CLOCK = 14;
    /// The server forgot the session.
    RESTART = 15;
    /// A message exceeded the limit.
    OVERSIZE = 16;
    /// What is no packet or no frame was sent to the server.
    GARBAGE_TO_SERVER = 17;
    /// What is no packet was sent to the client.
    GARBAGE_TO_CLIENT = 18;
    /// The link the session was to be opened on could not be had.
    REFUSED = 19;
    /// The client heard nothing of the handshake, or the server of the client after it.
    ORPHAN = 20;
    /// The server gave up the link the client was about to move to.
    OVERDUE = 21;
    /// Another websocket took the session over.
    TAKEN = 22;
}

impl Causes {
    pub(crate) const NONE: Self = Self(0);

    /// What delays or withholds signs of life.
    const HUSHED: Self = Self::LOST
        .or(Self::BROKEN)
        .or(Self::CUT)
        .or(Self::SILENT)
        .or(Self::SLOW)
        .or(Self::PAUSED)
        .or(Self::CLOCK)
        .or(Self::RESTART)
        .or(Self::OVERSIZE)
        .or(Self::REFUSED)
        .or(Self::ORPHAN)
        .or(Self::TAKEN);

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// Whether anything of `other` happened.
    pub(crate) const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn ended(side: Side) -> Self {
        match side {
            Side::Client => Self::CLIENT_ENDED,
            Side::Server => Self::SERVER_ENDED,
        }
    }

    /// Whether nothing happened but what a peaceful end brings about.
    pub(crate) const fn are_peaceful(self) -> bool {
        const PEACE: Causes = Causes::CLIENT_CLOSED
            .or(Causes::SERVER_CLOSED)
            .or(Causes::CLIENT_ENDED)
            .or(Causes::SERVER_ENDED);
        self.0 & !PEACE.0 == 0
    }
}

impl fmt::Debug for Causes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.iter().filter(|(_, cause)| self.any(*cause));
        let names: Vec<_> = names.map(|(name, _)| *name).collect();
        f.write_str(&names.join("|"))
    }
}

/// How a session ended on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) reason: CloseReason,
    pub(crate) detail: Option<&'static str>,
}

/// Details that come from this driver: how a link failed, and why a session was given up.
pub(crate) const CUT: &str = "cut";
pub(crate) const VIOLATION: &str = "websocket protocol violated";
pub(crate) const GONE: &str = "server is gone";
pub(crate) const REFUSED: &str = "websocket was refused";
pub(crate) const GIVEN_UP: &str = "given up";

/// Which ends there are, with their detail, and what must have happened: at least one of it.
#[rustfmt::skip]
const ENDS: &[(Side, CloseReason, Option<&str>, Causes)] = {
    use CloseReason::{ForcedClose, ParseError, PingTimeout, TransportClose, TransportError};
    use Side::{Client, Server};
    &[
        (Client, ForcedClose, None, Causes::CLIENT_CLOSED),
        (Client, TransportClose, None, Causes::SERVER_ENDED.or(Causes::CUT).or(Causes::RESTART).or(Causes::OVERDUE).or(Causes::GARBAGE_TO_SERVER)),
        (Client, PingTimeout, None, Causes::HUSHED.or(Causes::SERVER_ENDED)),
        (Client, ParseError, Some("packet cannot be decoded"), Causes::GARBAGE_TO_CLIENT),
        (Client, ParseError, Some("handshake expected"), Causes::GARBAGE_TO_CLIENT),
        (Client, TransportError, Some("invalid heartbeat direction"), Causes::GARBAGE_TO_CLIENT),
        (Client, TransportError, Some("handshake timed out"), Causes::HUSHED.or(Causes::SERVER_ENDED)),
        (Client, TransportError, Some("poll was refused"), Causes::SERVER_ENDED.or(Causes::RESTART).or(Causes::TAKEN)),
        (Client, TransportError, Some("post was refused"), Causes::SERVER_ENDED.or(Causes::RESTART).or(Causes::OVERSIZE).or(Causes::TAKEN)),
        (Client, TransportError, Some("poll failed"), Causes::LOST.or(Causes::BROKEN).or(Causes::RESTART)),
        (Client, TransportError, Some("post failed"), Causes::LOST.or(Causes::BROKEN).or(Causes::RESTART)),
        (Client, TransportError, Some(CUT), Causes::CUT),
        (Client, TransportError, Some(GONE), Causes::RESTART),
        (Client, TransportError, Some(REFUSED), Causes::REFUSED.or(Causes::RESTART)),
        (Client, TransportError, Some(GIVEN_UP), Causes::CLIENT_ABORTED),
        (Server, ForcedClose, None, Causes::SERVER_CLOSED),
        (Server, TransportClose, None, Causes::CLIENT_CLOSED.or(Causes::CLIENT_ENDED).or(Causes::CUT)),
        (Server, PingTimeout, None, Causes::HUSHED.or(Causes::CLIENT_ENDED)),
        (Server, ParseError, Some("packet cannot be decoded"), Causes::GARBAGE_TO_SERVER),
        (Server, ParseError, Some("payload cannot be decoded"), Causes::GARBAGE_TO_SERVER),
        (Server, TransportError, Some("overlap from client"), Causes::DOUBLE_GET),
        (Server, TransportError, Some("data request overlap from client"), Causes::DOUBLE_POST),
        (Server, TransportError, Some("poll connection closed prematurely"), Causes::BROKEN.or(Causes::CLIENT_ENDED)),
        (Server, TransportError, Some("data request connection closed prematurely"), Causes::BROKEN.or(Causes::CLIENT_ENDED)),
        (Server, TransportError, Some("invalid heartbeat direction"), Causes::GARBAGE_TO_SERVER),
        (Server, TransportError, Some(CUT), Causes::CUT.or(Causes::CLIENT_ENDED)),
        (Server, TransportError, Some(VIOLATION), Causes::GARBAGE_TO_SERVER.or(Causes::OVERSIZE)),
        (Server, TransportError, Some(GIVEN_UP), Causes::SERVER_ABORTED),
    ]
};

/// Every session ends with a right reason for what happened to it.
pub(crate) fn check_end(side: Side, end: End, causes: Causes) -> Check {
    let row = ENDS
        .iter()
        .find(|row| (row.0, row.1, row.2) == (side, end.reason, end.detail));
    let End { reason, detail } = end;
    let detail = detail.unwrap_or("no detail");
    match row {
        None => broken("reason", format!("{side} ended with {reason}, {detail}")),
        Some((.., permitted)) if !causes.any(*permitted) => broken(
            "reason",
            format!(
                "{side} ended with {reason}, {detail}, which takes one of {permitted:?}; what happened is [{causes:?}]"
            ),
        ),
        Some(_) => Ok(()),
    }
}
