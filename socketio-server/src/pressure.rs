//! What waits for clients: figures, and how a producer waits for room.

use engine::Stats;

use crate::broadcast::Report;
use crate::io::Io;
use crate::proto::{EncodeError, Payload};
use crate::socket::Socket;

/// What waits for this client, on its link and from all of its namespaces.
impl Socket {
    /// Waits until there is room for more: until less than the soft limit of
    /// [`OutboxLimits`](crate::OutboxLimits) is on its way to the client, and then, so that producers
    /// come in turns and not for each event, less than half of it. False if the client is gone.
    ///
    /// It is how to send more than fits, to a client that may be slow:
    ///
    /// ```
    /// # use socketio_server::{Binary, EncodeError, Socket};
    /// # async fn example(socket: Socket, pieces: Vec<Binary>) -> Result<(), EncodeError> {
    /// for piece in pieces {
    ///     if !socket.ready().await {
    ///         break;
    ///     }
    ///     socket.emit("piece", &piece)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Can be dropped and asked for again at any time. A client that takes nothing makes it wait for
    /// long: until it is given up, or under a [policy](crate::OverflowPolicy) that drops, until its
    /// heartbeat fails.
    #[must_use = "the client may be gone"]
    pub async fn ready(&self) -> bool {
        self.engine_session().ready().await && !self.is_gone()
    }

    /// Waits until there is [room](Self::ready), then sends an event.
    ///
    /// # Errors
    /// As [`emit`](Self::emit). A client that is gone is no error: see the report.
    pub async fn emit_when_ready<T: Payload + ?Sized>(
        &self,
        event: &str,
        args: &T,
    ) -> Result<Report, EncodeError> {
        // Of a client that is gone, the report will tell.
        let _ = self.ready().await;
        self.emit(event, args)
    }

    /// Bytes on their way to the client: queued, and not yet taken by the kernel or an HTTP
    /// response.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.engine_session().buffered()
    }

    /// Events that were dropped: volatile ones that could not leave at once, and those that an
    /// [`OverflowPolicy`](crate::OverflowPolicy) has dropped because the client took too little.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.engine_session().dropped()
    }
}

impl Io {
    /// Figures of the server, as they are now: how many links there are, what waits for them, and
    /// what was dropped.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.engine().stats()
    }
}
