//! Sending to one: a socket, and how to send to it.

use std::time::Duration;

use crate::ack::PendingAck;
use crate::broadcast::{Broadcast, Flags, MESSAGE, Report};
use crate::proto::{EncodeError, FromArgs, Payload};
use crate::rooms::Rooms;
use crate::routes::Show;
use crate::socket::Socket;

/// Sending.
impl Socket {
    /// Sends an event. A tuple, or an array of fixed size, is several arguments, `()` is none, and
    /// anything else is one, also a `Vec` or a slice; see [`Payload`].
    ///
    /// ```
    /// # use socketio_server::{EncodeError, Socket};
    /// # fn example(socket: Socket) -> Result<(), EncodeError> {
    /// socket.emit("move", &("e2", "e4"))?; // two arguments
    /// socket.emit("points", &[1, 2, 3])?; // three arguments
    /// socket.emit("points", &vec![1, 2, 3])?; // one argument, a list
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Returns as soon as the event is queued; events of one socket leave in the order in which
    /// `emit` returned. In a connect handler they leave after the client has been let in. With
    /// [recovery](crate::Builder::connection_state_recovery) it may have to wait for other threads that
    /// emit.
    ///
    /// # Errors
    /// If name or arguments cannot be encoded; nothing was sent. A client that is gone is no error:
    /// see the report.
    pub fn emit<T: Payload + ?Sized>(&self, event: &str, args: &T) -> Result<Report, EncodeError> {
        Unicast::new(self).emit(event, args)
    }

    /// Sends an event only if it can leave at once; short for [`volatile`](Self::volatile).
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn emit_volatile<T: Payload + ?Sized>(
        &self,
        event: &str,
        args: &T,
    ) -> Result<Report, EncodeError> {
        self.volatile().emit(event, args)
    }

    /// Sends an event named `message`, as `send` does in JavaScript and Python.
    ///
    /// ```
    /// # use socketio_server::{EncodeError, Socket};
    /// # fn example(socket: Socket) -> Result<(), EncodeError> {
    /// socket.send("welcome")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn send<T: Payload + ?Sized>(&self, args: &T) -> Result<Report, EncodeError> {
        Unicast::new(self).send(args)
    }

    /// Sends an event and returns a future of the client's acknowledgement, which waits for 60 s unless
    /// another [timeout](PendingAck::timeout) is set. The event is sent now, not when the future is
    /// first polled.
    ///
    /// `T` is what the client answers with: a tuple for several arguments, any other type for the
    /// first one.
    ///
    /// ```
    /// # use socketio_server::{AckError, Socket};
    /// # async fn example(socket: Socket) -> Result<(), AckError> {
    /// let name: String = socket.call("who are you?", &()).await?;
    /// let (x, y): (f64, f64) = socket.call("where are you?", &()).await?;
    /// # let _ = (name, x, y);
    /// # Ok(())
    /// # }
    /// ```
    pub fn call<T: FromArgs>(&self, event: &str, args: &(impl Payload + ?Sized)) -> PendingAck<T> {
        Unicast::new(self).call(event, args)
    }

    /// This socket, for events that are dropped unless they can leave at once: nothing else is on
    /// its way to the client, and its transport is ready.
    pub fn volatile(&self) -> Unicast<'_> {
        Unicast::new(self).volatile()
    }

    /// This socket, for events that may be compressed or not; see
    /// [`Broadcast::compress`](crate::Broadcast::compress).
    pub fn compress(&self, compress: bool) -> Unicast<'_> {
        Unicast::new(self).compress(compress)
    }

    /// This socket, for a call that waits this long for its answer, instead of 60 s.
    pub fn timeout(&self, timeout: Duration) -> Unicast<'_> {
        Unicast::new(self).timeout(timeout)
    }

    /// Everyone in these rooms but this socket.
    ///
    /// ```
    /// # use socketio_server::{EncodeError, Socket};
    /// # fn example(socket: Socket) -> Result<(), EncodeError> {
    /// socket.to("lobby").emit("joined", "Ada")?;
    /// socket.to(["red", "blue"]).emit("score", &(3, 1))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn to(&self, rooms: impl Rooms) -> Broadcast {
        self.broadcast().to(rooms)
    }

    /// Everyone in the namespace but this socket and those in these rooms.
    ///
    /// ```
    /// # use socketio_server::{EncodeError, Socket};
    /// # fn example(socket: Socket) -> Result<(), EncodeError> {
    /// socket.except("muted").emit("said", "hello")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn except(&self, rooms: impl Rooms) -> Broadcast {
        self.broadcast().except(rooms)
    }

    /// Everyone in the namespace but this socket.
    ///
    /// ```
    /// # use socketio_server::{EncodeError, Socket};
    /// # fn example(socket: Socket) -> Result<(), EncodeError> {
    /// socket.broadcast().emit("joined", "Ada")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn broadcast(&self) -> Broadcast {
        self.namespace().broadcast().except(self.id())
    }
}

/// One socket, and how to send to it: what [`Broadcast`](crate::Broadcast) is for many. Each step
/// returns it anew.
///
/// ```
/// # use std::time::Duration;
/// # use socketio_server::{AckError, Socket};
/// # async fn example(socket: Socket) -> Result<(), AckError> {
/// socket.volatile().emit("position", &(52.5, 13.4))?;
///
/// let name: String = socket.timeout(Duration::from_secs(5)).call("who are you", &()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "nothing is sent yet"]
pub struct Unicast<'a> {
    socket: &'a Socket,
    flags: Flags,
}

impl<'a> Unicast<'a> {
    pub(crate) fn new(socket: &'a Socket) -> Self {
        Self {
            socket,
            flags: Flags::default(),
        }
    }

    /// Drops the event if the client cannot take it at once, because something else is on its way to
    /// it or its transport is not ready.
    pub const fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// Whether the event may be compressed; see [`Broadcast::compress`](crate::Broadcast::compress).
    pub const fn compress(mut self, compress: bool) -> Self {
        self.flags.plain = !compress;
        self
    }

    /// How long [`call`](Self::call) waits for the acknowledgement. Default 60 s.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.flags.timeout = Some(timeout);
        self
    }

    /// Sends an event. A tuple, or an array of fixed size, is several arguments, `()` is none, and
    /// anything else is one, also a `Vec` or a slice; see [`Socket::emit`].
    ///
    /// ```
    /// # use socketio_server::{EncodeError, Socket};
    /// # fn example(socket: Socket) -> Result<(), EncodeError> {
    /// socket.volatile().emit("position", &[52.5, 13.4])?; // two arguments
    /// socket.volatile().emit("position", &vec![52.5, 13.4])?; // one argument, a list
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If name or arguments cannot be encoded; nothing was sent.
    pub fn emit<T: Payload + ?Sized>(&self, event: &str, args: &T) -> Result<Report, EncodeError> {
        let namespace = self.socket.namespace();
        let show = Show::of(namespace, event, args);
        let show = || show.iter().for_each(|show| show.to(self.socket));
        if let Some(sequencer) = namespace.sequencer() {
            show();
            return sequencer.emit(self.socket, self.flags, event, args);
        }
        let message = namespace.encode(None, event, args)?;
        show();
        Ok(Report::of(self.socket.send_event(message, self.flags)))
    }

    /// Sends the event `message`; see [`Socket::send`].
    ///
    /// # Errors
    /// As [`emit`](Self::emit).
    pub fn send<T: Payload + ?Sized>(&self, args: &T) -> Result<Report, EncodeError> {
        self.emit(MESSAGE, args)
    }

    /// Sends an event and waits for the client's acknowledgement; see [`Socket::call`].
    pub fn call<T: FromArgs>(&self, event: &str, args: &(impl Payload + ?Sized)) -> PendingAck<T> {
        PendingAck::call(self.socket, self.flags, event, args)
    }
}
