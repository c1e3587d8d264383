//! What whoever runs a server is told, and what is written down.

use engine::{RefusedRequest, Tape};
use http::request::Parts;

use super::Builder;
use crate::error::HandlerError;
use crate::handler::ErrorHook;
use crate::reply::ErrorReply;

impl Builder {
    /// Called with every handler that fails, by returning an error, by panicking, or because what it
    /// asks for is not there; in namespaces that have no hook [of their own](crate::Namespace::on_error).
    /// Default: logs it.
    ///
    /// What the hook returns is the answer in the handler's place; see [`ErrorReply`]. `()` is none:
    ///
    /// ```
    /// use socketio_server::{HandlerErrorKind, Io};
    ///
    /// let io = Io::builder()
    ///     .on_error(|error| match &error.kind {
    ///         // What the client got wrong, it may know.
    ///         HandlerErrorKind::Rejected(rejection) => Some(rejection.to_string()),
    ///         _ => {
    ///             eprintln!("{error}");
    ///             None
    ///         }
    ///     })
    ///     .build();
    /// ```
    pub fn on_error<R: ErrorReply>(
        mut self,
        hook: impl Fn(&HandlerError) -> R + Send + Sync + 'static,
    ) -> Self {
        self.0.on_error = ErrorHook::new(hook);
        self
    }

    /// Prints to stderr what the server does, from when it serves: clients that come and go, events
    /// that are received and emitted, by name, and everything that fails. Default no: only the
    /// program's own subscriber of `tracing` is told, if there is one.
    ///
    /// For the first look, and for programs that have no subscriber. One that is installed before the
    /// server serves is left alone and decides itself: targets `socketio` and `engineio`, where `ERROR`
    /// and `WARN` are what somebody should look at, `DEBUG` is what this prints, and `TRACE` has
    /// messages word for word. The spans `session` (a client's link) and `handler` (one run, with
    /// `nsp`, `sid` and `event`) are of level `DEBUG` and contain what handlers log themselves.
    ///
    /// ```
    /// # use socketio_server::Io;
    /// let io = Io::builder().logger(true).build();
    /// ```
    #[cfg(feature = "logger")]
    pub fn logger(mut self, on: bool) -> Self {
        self.0.loggers.socketio = on;
        self
    }

    /// Prints to stderr what the layer below does, as [`logger`](Self::logger) does for this one:
    /// links that open, move and close, requests that are refused, **and every message word for
    /// word**, with what people say in it. Ids of links, which are secrets, are not printed. Default
    /// no.
    #[cfg(feature = "logger")]
    pub fn engineio_logger(mut self, on: bool) -> Self {
        self.0.loggers.engineio = on;
        self
    }

    /// Called with every request that is refused: an unknown transport or session, a revision that
    /// is switched off, a handshake that the application does not want. It runs before the answer
    /// leaves and must not block. The reference's `connection_error`.
    ///
    /// A client that may have a link but not join a namespace is another matter: its connect handler
    /// has refused it. Bodies that are too large or too slow are refused without this.
    ///
    /// Without a hook nothing is lost: each kind of refusal is logged once a minute, in plain words
    /// and with how often it has happened (level `WARN`, target `engineio`), all others at `DEBUG`.
    ///
    /// ```
    /// use socketio_server::Io;
    ///
    /// let io = Io::builder()
    ///     .on_connection_error(|refused| {
    ///         let agent = refused.request.headers.get("user-agent");
    ///         eprintln!("{:?} {}: {} {agent:?}", refused.code, refused.message, refused.context);
    ///     })
    ///     .build();
    /// ```
    pub fn on_connection_error(
        mut self,
        hook: impl Fn(&RefusedRequest<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.0.on_connection_error = Some(Box::new(hook));
        self
    }

    /// Records what happens to some clients: asked once for each, with the request that opened its
    /// link. Default: nobody.
    ///
    /// A record is a file of JSON lines, in which texts and numbers are replaced by others of the same
    /// length, and which leaves out ids and credentials; names of namespaces and events are in it, and
    /// the rules of [`Tape`] hold. It is enough to see what went wrong between a client and the server,
    /// and to make it happen again: `cargo xtask replay FILE` in this project's repository runs it
    /// through the protocol's state machines.
    ///
    /// To record one client that misbehaves, let it connect with a query of your choice, such as
    /// `io({ query: { record: "yes" } })` in JavaScript, and send us the file:
    ///
    /// ```
    /// use std::fs::File;
    /// use std::io::BufWriter;
    ///
    /// use socketio_server::{Io, Tape};
    ///
    /// let io = Io::builder()
    ///     .record(|request| {
    ///         let wanted = request.uri.query()?.contains("record=yes");
    ///         let file = wanted.then(|| File::create("client.jsonl").ok())??;
    ///         Some(Tape::new(BufWriter::new(file)))
    ///     })
    ///     .build();
    /// ```
    ///
    /// Each client needs a file of its own. Who may ask for a record is up to you: this example lets
    /// everybody fill the disk.
    pub fn record(mut self, hook: impl Fn(&Parts) -> Option<Tape> + Send + Sync + 'static) -> Self {
        self.0.record = Some(Box::new(hook));
        self
    }
}
