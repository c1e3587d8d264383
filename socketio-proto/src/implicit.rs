//! The namespace that servers of revision 4 open unasked, as a client sees it.
//!
//! ```text
//!                CONNECT, nobody has asked            asked for, DISCONNECT
//!  Expected ────────────────────────────────► Open ─────────────────────────► Spent
//!      │                                                                        ▲
//!      └────────── CONNECT for somebody who has asked, CONNECT_ERROR ───────────┘
//! ```

use crate::Revision;

/// How a namespace stands with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The server will open or refuse it by itself, and has done neither yet.
    Expected,
    /// The server has opened it, and nobody has asked for it.
    Open,
    /// It has to be asked for with a CONNECT.
    Spent,
}

#[derive(Debug)]
pub(crate) struct Implicit {
    revision: Revision,
    standing: Standing,
}

impl Implicit {
    pub(crate) fn new(revision: Revision) -> Self {
        Self {
            revision,
            standing: Standing::Expected,
        }
    }

    /// How the namespace of this name stands; all but one have to be asked for.
    pub(crate) fn standing(&self, name: &str) -> Standing {
        if self.is(name) {
            self.standing
        } else {
            Standing::Spent
        }
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.revision.rules().implicit == Some(name)
    }

    /// The server has opened it, and nobody has asked.
    pub(crate) fn open(&mut self) {
        self.standing = Standing::Open;
    }

    /// The one time that the server opens it is over, if it is this one.
    pub(crate) fn spend(&mut self, name: &str) {
        if self.is(name) {
            self.standing = Standing::Spent;
        }
    }
}
