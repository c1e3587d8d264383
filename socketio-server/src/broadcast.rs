//! Sending to many: a selection of sockets, built step by step, and what became of an emit.

use std::borrow::Cow;
use std::slice;
use std::time::Duration;

use engine::Prepared;
use socketio_adapter::Target;

use crate::ack::Acks;
use crate::dynamic::DynamicNamespace;
use crate::namespace::Namespace;
use crate::proto::{EncodeError, FromArgs, Payload};
use crate::rooms::Rooms;
use crate::routes::Show;
use crate::socket::{Pushed, Socket};

/// The event that [`Broadcast::send`] and the like emit.
pub(crate) const MESSAGE: &str = "message";

/// How something is sent, whoever it goes to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flags {
    /// Only if it can leave at once.
    pub(crate) volatile: bool,
    /// Not to be compressed.
    pub(crate) plain: bool,
    /// How long an acknowledgement is awaited, if not as long as usual.
    pub(crate) timeout: Option<Duration>,
}

impl Flags {
    /// Tells a message what it has to know of this; the result is its size.
    pub(crate) fn mark(self, message: &Prepared) -> usize {
        if self.plain {
            message.forbid_compression();
        }
        message.wire_len()
    }
}

/// A selection of the sockets of a namespace, or of all [of one kind](DynamicNamespace), and how to
/// send to them. Each step returns it anew.
///
/// Who belongs to it is decided when something is sent. A socket that is in a target room all that
/// time gets the event exactly once, however many of the rooms it is in; one that joins or leaves
/// meanwhile gets it at most once.
///
/// ```
/// # use std::time::Duration;
/// # use socketio_server::{Acks, EncodeError, Io};
/// # async fn example(io: Io) -> Result<(), EncodeError> {
/// io.to(["red", "blue"]).except("muted").emit("score", &(3, 1))?;
/// io.to("dashboards").volatile().emit("load", &0.7)?;
///
/// let votes: Acks<bool> = io.to("jury").timeout(Duration::from_secs(5)).call("vote", &())?;
/// for (juror, vote) in votes.all().await {
///     println!("{juror}: {vote:?}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a selection does nothing until something is sent to it"]
pub struct Broadcast {
    scope: Scope,
    target: Target,
    flags: Flags,
}

/// Where sockets are selected.
#[derive(Debug, Clone)]
enum Scope {
    Namespace(Namespace),
    /// In all of these, as they are when something is sent.
    Family(DynamicNamespace),
}

impl Broadcast {
    /// Everyone in a namespace.
    pub(crate) fn in_namespace(namespace: Namespace) -> Self {
        Self::new(Scope::Namespace(namespace))
    }

    /// Everyone in all namespaces of a kind.
    pub(crate) fn in_family(family: DynamicNamespace) -> Self {
        Self::new(Scope::Family(family))
    }

    fn new(scope: Scope) -> Self {
        Self {
            scope,
            target: Target::everyone(),
            flags: Flags::default(),
        }
    }

    // ---- Who -------------------------------------------------------------------------------

    /// Only those in these rooms; after several calls, those in any of them. An empty list of rooms
    /// reaches nobody.
    pub fn to(mut self, rooms: impl Rooms) -> Self {
        self.target = self.target.to(rooms.into_rooms());
        self
    }

    /// Nobody in these rooms, whatever else they are in.
    pub fn except(mut self, rooms: impl Rooms) -> Self {
        self.target = self.target.except(rooms.into_rooms());
        self
    }

    /// Only clients of this server, not those of other nodes it forms a cluster with. A server
    /// that stands alone has no others.
    pub fn local(self) -> Self {
        self
    }

    /// The sockets of the selection, as it is now.
    #[must_use]
    pub fn sockets(&self) -> Vec<Socket> {
        let mut sockets = Vec::new();
        self.for_each(|socket| sockets.push(socket.clone()));
        sockets
    }

    // ---- How -------------------------------------------------------------------------------

    /// Drops the event for clients that cannot take it at once, because something else is on its way
    /// to them or their transport is not ready.
    pub const fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// Whether the event may be compressed. Default yes; `false` saves the work for data that would
    /// not get smaller, such as pictures.
    ///
    /// This concerns answers to polls: the server's own compression (`Builder::http_compression`, with
    /// the feature `http-compression`) and, by the header `cache-control: no-transform`, that of
    /// proxies. An event that shares an answer with others that may be compressed is compressed with
    /// them. Messages over websocket are never compressed.
    pub const fn compress(mut self, compress: bool) -> Self {
        self.flags.plain = !compress;
        self
    }

    /// How long [`call`](Self::call) waits for acknowledgements. Default 60 s.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.flags.timeout = Some(timeout);
        self
    }

    // ---- Sending ---------------------------------------------------------------------------

    /// Sends an event to all of the selection. A tuple, or an array of fixed size, is several
    /// arguments, `()` is none, and anything else is one, also a `Vec` or a slice; see [`Payload`].
    ///
    /// ```
    /// # use socketio_server::{EncodeError, Io};
    /// # fn example(io: Io) -> Result<(), EncodeError> {
    /// io.to("red").emit("points", &[1, 2, 3])?; // three arguments
    /// io.to("red").emit("points", &vec![1, 2, 3])?; // one argument, a list
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It is encoded once for each namespace. Waits for no client; with
    /// [recovery](crate::Builder::connection_state_recovery) perhaps for other threads that emit.
    ///
    /// # Errors
    /// If name or arguments cannot be encoded; nothing was sent.
    pub fn emit<T: Payload + ?Sized>(&self, event: &str, args: &T) -> Result<Report, EncodeError> {
        let mut report = Report::default();
        for namespace in &*self.namespaces() {
            report.add(self.emit_in(namespace, event, args)?);
        }
        Ok(report)
    }

    fn emit_in<T: Payload + ?Sized>(
        &self,
        namespace: &Namespace,
        event: &str,
        args: &T,
    ) -> Result<Report, EncodeError> {
        let show = Show::of(namespace, event, args);
        if let Some(sequencer) = namespace.sequencer() {
            // It selects under a lock, where nobody can be shown anything.
            if let Some(show) = &show {
                namespace.for_each(&self.target, |socket| show.to(socket));
            }
            return sequencer.broadcast(namespace, &self.target, self.flags, event, args);
        }
        let message = namespace.encode(None, event, args)?;
        let mut report = Report::default();
        namespace.for_each(&self.target, |socket| {
            if let Some(show) = &show {
                show.to(socket);
            }
            report.count(socket.send_event(message.clone(), self.flags));
        });
        Ok(report)
    }

    /// Sends an event named `message`, as `send` does in JavaScript and Python.
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn send<T: Payload + ?Sized>(&self, args: &T) -> Result<Report, EncodeError> {
        self.emit(MESSAGE, args)
    }

    /// Sends an event to all of the selection and collects their acknowledgements, as a stream in
    /// which each of them appears once: with its answer, or with the reason why there is none,
    /// after the [timeout](Self::timeout) at the latest. The event is sent now, encoded as
    /// by [`emit`](Self::emit).
    ///
    /// # Errors
    /// If name or arguments cannot be encoded; nothing was sent.
    pub fn call<T: FromArgs>(
        &self,
        event: &str,
        args: &(impl Payload + ?Sized),
    ) -> Result<Acks<T>, EncodeError> {
        let mut acks = Acks::new(self.flags);
        for namespace in &*self.namespaces() {
            acks.ask(namespace, &self.target, self.flags, event, args)?;
        }
        Ok(acks)
    }

    // ---- For the crate ---------------------------------------------------------------------

    /// Calls `each` with every socket of the selection, without holding a lock.
    pub(crate) fn for_each(&self, mut each: impl FnMut(&Socket)) {
        for namespace in &*self.namespaces() {
            namespace.for_each(&self.target, &mut each);
        }
    }

    fn namespaces(&self) -> Cow<'_, [Namespace]> {
        match &self.scope {
            Scope::Namespace(namespace) => Cow::Borrowed(slice::from_ref(namespace)),
            Scope::Family(family) => Cow::Owned(family.namespaces()),
        }
    }
}

/// What became of an emit: for how many sockets it was queued, and for how many it was not.
///
/// Queued means that it will leave in its turn if the client stays and takes it, not that it has
/// arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Sockets whose queue has taken it.
    pub queued: usize,
    /// Sockets for which it was dropped: gone, too slow, or not ready for something volatile.
    pub dropped: usize,
    /// Sockets whose queue gets it in its turn, behind what others are sending at this moment. Only
    /// with [recovery](crate::Builder::connection_state_recovery), where events of a namespace leave
    /// one after the other.
    pub deferred: usize,
}

impl Report {
    pub(crate) fn of(pushed: Pushed) -> Self {
        let mut report = Self::default();
        report.count(pushed);
        report
    }

    pub(crate) fn deferred(deferred: usize) -> Self {
        Self {
            deferred,
            ..Self::default()
        }
    }

    const fn add(&mut self, other: Self) {
        self.queued += other.queued;
        self.dropped += other.dropped;
        self.deferred += other.deferred;
    }

    pub(crate) fn count(&mut self, pushed: Pushed) {
        match pushed {
            Ok(()) => self.queued += 1,
            Err(_) => self.dropped += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_add_up_and_forget_nothing() {
        let mut sum = Report::of(Ok(()));
        sum.add(Report::deferred(5));
        sum.add(Report {
            queued: 1,
            dropped: 2,
            deferred: 3,
        });
        let expected = Report {
            queued: 2,
            dropped: 2,
            deferred: 8,
        };
        assert_eq!(sum, expected);
    }
}
