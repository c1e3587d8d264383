//! How handlers are run, and how many at once.

use std::time::Duration;

use super::Builder;
use crate::handler::{Manner, Place, Pool};

/// How much of one client's work may be under way, or wait, at once. Without any of it a client would
/// never be served: 0 of something counts as 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "made to be written with ..HandlerLimits::default()"
)]
pub struct HandlerLimits {
    /// Handlers that may be waiting for something at once. Default 64.
    pub running: usize,
    /// Events that may wait for a handler to finish before the client is no longer read.
    /// Default 256.
    pub inbox: usize,
    /// Bytes of such events. Default 1 MiB.
    pub inbox_bytes: usize,
    /// How long a client may stay unread before its link is closed. Default 30 s.
    pub stall: Duration,
}

impl Default for HandlerLimits {
    fn default() -> Self {
        Self {
            running: 64,
            inbox: 256,
            inbox_bytes: 1 << 20,
            stall: Duration::from_secs(30),
        }
    }
}

impl Builder {
    /// How much of one client's work may be under way, or wait.
    pub fn handler_limits(mut self, limits: HandlerLimits) -> Self {
        self.0.handlers = HandlerLimits {
            running: limits.running.max(1),
            inbox: limits.inbox.max(1),
            inbox_bytes: limits.inbox_bytes.max(1),
            stall: limits.stall,
        };
        self
    }

    /// Runs every handler as [`Handler::ordered`](crate::Handler::ordered) says: each socket's events
    /// are handled one after the other, as python-socketio does with `async_handlers=False`, except
    /// that acknowledgements, heartbeats and disconnects go on.
    ///
    /// ```
    /// use socketio_server::Io;
    ///
    /// let io = Io::builder().ordered().build();
    /// ```
    pub fn ordered(self) -> Self {
        self.manner(Manner::ordered())
    }

    /// Runs every handler as [`Handler::spawned`](crate::Handler::spawned) says, unless it or its
    /// namespace says otherwise.
    ///
    /// ```
    /// use socketio_server::Io;
    ///
    /// let io = Io::builder().spawned().build();
    /// ```
    pub fn spawned(self) -> Self {
        self.manner(Manner::at(Place::Task))
    }

    /// Runs every handler as [`Handler::blocking`](crate::Handler::blocking) says, unless it or its
    /// namespace says otherwise.
    ///
    /// ```
    /// use socketio_server::Io;
    ///
    /// let io = Io::builder().blocking().blocking_threads(8).build();
    /// ```
    pub fn blocking(self) -> Self {
        self.manner(Manner::at(Place::Pool))
    }

    /// Runs every handler as
    /// [`Handler::cancel_on_disconnect`](crate::Handler::cancel_on_disconnect) says.
    ///
    /// ```
    /// use socketio_server::Io;
    ///
    /// let io = Io::builder().cancel_on_disconnect().build();
    /// ```
    pub fn cancel_on_disconnect(self) -> Self {
        self.manner(Manner::cancelled())
    }

    fn manner(mut self, manner: Manner) -> Self {
        self.0.manner = manner.or(self.0.manner);
        self
    }

    /// How many [blocking](crate::Handler::blocking) handlers may run at once, of all clients
    /// together; at least one. Default: four for each core. The threads are those of the runtime,
    /// whose own limit (512 in tokio) holds as well.
    pub fn blocking_threads(mut self, threads: usize) -> Self {
        self.0.pool = Pool::new(threads);
        self
    }
}
