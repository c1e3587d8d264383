//! How a socket begins and ends.

use engine::Prepared;

use super::Socket;
use crate::entry::Entry;
use crate::error::DisconnectReason;
use crate::gate::Admission;
use crate::recovery::{Saved, Waiting};

/// Disconnecting.
impl Socket {
    /// Disconnects the client from the namespace. It gets everything that was emitted before, and
    /// then sees the reason `io server disconnect`; the disconnect handler sees
    /// `server namespace disconnect`. From now on the socket is in no room and gets nothing more.
    ///
    /// ```
    /// # use socketio_server::{EncodeError, Socket};
    /// # fn example(socket: Socket) -> Result<(), EncodeError> {
    /// socket.emit("goodbye", "you have been idle")?;
    /// socket.disconnect();
    /// # Ok(())
    /// # }
    /// ```
    pub fn disconnect(&self) {
        self.leave_with(Entry::Leave(self.0.nsp));
    }

    /// [`disconnect`](Self::disconnect)s the client from all namespaces and closes its link.
    ///
    /// ```
    /// # use socketio_server::Socket;
    /// # fn example(socket: Socket) {
    /// socket.disconnect_and_close();
    /// # }
    /// ```
    pub fn disconnect_and_close(&self) {
        self.leave_with(Entry::LeaveAll);
    }

    fn leave_with(&self, entry: Entry) {
        match self.0.namespace.sequencer() {
            Some(sequencer) => sequencer.leave(self, entry),
            None => self.leave_at_once(entry),
        }
        self.0.namespace.tell_of_rooms();
    }

    fn leave_at_once(&self, entry: Entry) {
        // A client that is about to be let in is sent away after that.
        let admission = self.0.gate.admit_last(Waiting::Entry(entry, 0));
        if let Admission::Open(Waiting::Entry(entry, _)) = admission {
            // A session that has ended tells its sockets itself.
            let _ = self.0.session.push_order(entry);
            self.become_invisible();
        }
    }
}

/// Coming and going, as the client's link says.
impl Socket {
    /// Lets the client in: its CONNECT answer is queued first, then what its connect handler has
    /// sent, and only then can others see the socket. `false` if a socket that goes on cannot be
    /// sent any more what it has missed.
    pub(crate) fn open(&self, answer: Prepared) -> bool {
        let is_open = match self.0.namespace.sequencer() {
            Some(sequencer) => sequencer.open(self, answer),
            None => {
                self.open_at_once(answer);
                true
            }
        };
        self.0.namespace.tell_of_rooms();
        is_open
    }

    fn open_at_once(&self, answer: Prepared) {
        let bytes = answer.wire_len();
        // A session that has ended tells its sockets itself.
        let _ = self.0.session.push(Entry::Message(answer), bytes);
        while let Some(entries) = self.0.gate.take_or_open(|rooms| self.enter(rooms)) {
            for waiting in entries {
                let Waiting::Entry(entry, bytes) = waiting else {
                    continue;
                };
                if entry.is_leave() {
                    let _ = self.0.session.push_order(entry);
                    return self.close();
                }
                let _ = self.0.session.push(entry, bytes);
            }
        }
    }

    /// The socket is disconnected: nothing passes from now on, and nobody sees it.
    fn close(&self) {
        drop(self.0.gate.close());
        self.become_invisible();
    }

    /// The client has left, or its link has ended. `false` if the socket goes on on another link,
    /// where its goodbye has been said.
    pub(crate) fn end(&self, reason: DisconnectReason) -> bool {
        let is_last = match self.0.namespace.sequencer() {
            Some(sequencer) => sequencer.end(self, reason),
            None => {
                self.close();
                true
            }
        };
        self.0.namespace.tell_of_rooms();
        is_last
    }

    /// Goes on with the data and the rooms of a former socket.
    pub(crate) fn restore(&self, saved: &Saved) {
        let locals = saved.socket.0.locals.lock().clone();
        *self.0.locals.lock() = locals;
        self.0.gate.rooms(|kept| kept.clone_from(&saved.rooms));
    }

    fn become_invisible(&self) {
        if self.was_open() {
            let remembers_rooms = self.0.namespace.routes().needs_last_rooms();
            self.leave_all(remembers_rooms);
        }
    }
}
