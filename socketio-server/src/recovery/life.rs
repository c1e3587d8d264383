//! How sockets come, go, and come back, in the order of what is sent to them.

use std::sync::Arc;

use engine::{Prepared, Session};

use super::expiry::let_go;
use super::sequencer::{Item, Sequencer, Turn, Waiting};
use super::session::{Pid, Position, Recoverable, Saved, Whom};
use crate::broadcast::Flags;
use crate::entry::Entry;
use crate::error::DisconnectReason;
use crate::gate::Standing;
use crate::namespace::Namespace;
use crate::proto::recovery::{Claim, is_recoverable};
use crate::socket::Socket;

/// What became of a client's claim to a socket.
#[derive(Default)]
pub(crate) struct Claimed {
    /// The socket's last handle, and what its new one is to have.
    pub(crate) restored: Option<(Saved, Box<Recoverable>)>,
    /// A socket that has been on another link until now: its goodbye is still to be said.
    pub(crate) replaced: Option<Socket>,
}

impl Sequencer {
    /// A socket that is nobody's yet.
    pub(crate) fn new_socket() -> Box<Recoverable> {
        Recoverable::new(Pid::random(), None)
    }

    /// A client claims a socket.
    ///
    /// If the socket's link has not been found dead yet, the client knows better: the socket is
    /// taken from there, and that link is closed.
    ///
    /// What the socket has missed has to find room in the session it is to go on in.
    pub(crate) fn claim(
        self: &Arc<Self>,
        namespace: &Namespace,
        claim: &Claim<'_>,
        session: &Session<Entry>,
    ) -> Claimed {
        let (pid, now) = (Pid::claimed(&claim.pid), self.now());
        let room = self.room(session);
        let remembers_rooms = namespace.routes().needs_last_rooms();
        let (claimed, dropped, closed) = self.baton.look(|log| {
            let replaced = log.remove(&pid);
            let mut closed = Vec::new();
            if let Some(socket) = &replaced {
                if let Some(recoverable) = socket.recoverable() {
                    recoverable.replace();
                }
                self.absent.insert(&socket.id());
                let (saved, entries) = take_down(socket, remembers_rooms);
                closed = entries;
                log.save(now, &pid, saved);
            }
            let restored = log.restore(now, &claim.pid, &claim.offset, room);
            let restored =
                restored.map(|(saved, position)| (saved, Recoverable::new(pid, Some(position))));
            let claimed = Claimed { restored, replaced };
            (claimed, self.expired(log, now), closed)
        });
        drop(closed);
        if let Some(socket) = &claimed.replaced {
            // A link that has ended needs not be closed.
            let close = Entry::Close(DisconnectReason::TransportClose);
            let _ = socket.push_entry(close, 0, Flags::default());
        }
        let_go(dropped);
        namespace.tell_of_rooms();
        claimed
    }

    /// Lets a client in: what it has missed, the answer to its CONNECT, what its connect handler has
    /// sent, and from then on what others send. `false` if nobody knows any more what it has missed,
    /// or if that has become too much.
    pub(crate) fn open(self: &Arc<Self>, socket: &Socket, answer: Prepared) -> bool {
        let now = self.now();
        let room = self.room(socket.engine_session());
        let ((is_open, dropped, behind), _) = self.baton.pass(
            |log| {
                let mut items = Vec::new();
                if let Some(position) = position(socket) {
                    let Some(missed) = log.missed(now, &socket.id(), position, room) else {
                        socket
                            .recoverable()
                            .into_iter()
                            .for_each(Recoverable::give_up);
                        return (None, (false, log.take_dropped(), Vec::new()));
                    };
                    items.extend(missed.into_iter().map(Item::Event));
                }
                let bytes = answer.wire_len();
                items.push(Item::Entry(Entry::Message(answer), bytes));
                let mut behind = Vec::new();
                let mut leaves = false;
                while let Some(waiting) = socket.gate().take_or_open(|rooms| socket.enter(rooms)) {
                    let mut waiting = waiting.into_iter();
                    while !leaves && let Some(next) = waiting.next() {
                        items.push(match next {
                            Waiting::Entry(entry, bytes) => {
                                leaves = entry.is_leave();
                                Item::Entry(entry, bytes)
                            }
                            Waiting::Draft(draft) => {
                                Item::Event(log.append(now, Whom::Socket(socket.id()), *draft))
                            }
                        });
                    }
                    behind.extend(waiting);
                    if leaves {
                        behind.extend(socket.gate().close());
                    }
                }
                self.absent.remove(&socket.id());
                match socket.recoverable() {
                    Some(recoverable) if leaves => recoverable.leave(),
                    Some(recoverable) => log.insert(&recoverable.pid, socket),
                    None => {}
                }
                let turn = Turn::Open(socket.clone(), items);
                (Some(turn), (true, log.take_dropped(), behind))
            },
            |turn| self.run(turn),
        );
        let_go(dropped);
        drop(behind);
        self.watch();
        is_open
    }

    /// Sends a client away, behind everything that was emitted before.
    pub(crate) fn leave(&self, socket: &Socket, entry: Entry) {
        let remembers_rooms = socket.namespace().routes().needs_last_rooms();
        let (refused, _) = self.baton.pass(
            |log| match socket.gate().standing() {
                Standing::Pending => {
                    socket.wait(Waiting::Entry(entry, 0));
                    (None, None)
                }
                Standing::Open => {
                    let (_, behind) = take_down(socket, remembers_rooms);
                    debug_assert!(behind.is_empty(), "an open gate keeps nothing");
                    if let Some(recoverable) = socket.recoverable() {
                        log.remove(&recoverable.pid);
                        recoverable.leave();
                    }
                    let item = Item::Entry(entry, 0);
                    (
                        Some(Turn::One(socket.clone(), item, Flags::default())),
                        None,
                    )
                }
                Standing::Closed => (None, Some(entry)),
            },
            |turn| self.run(turn),
        );
        drop(refused);
    }

    /// The client of a socket has left, or its link has ended. `false` if the socket goes on
    /// elsewhere, where its goodbye has been said.
    pub(crate) fn end(self: &Arc<Self>, socket: &Socket, reason: DisconnectReason) -> bool {
        let now = self.now();
        let remembers_rooms = socket.namespace().routes().needs_last_rooms();
        let (is_last, closed, dropped) = self.baton.look(|log| {
            let was_told = socket.was_open() || position(socket).is_some();
            let may_come_back = |it: &Recoverable| {
                was_told && !it.is_gone() && !it.is_replaced() && is_recoverable(reason.as_str())
            };
            let may_come_back = socket.recoverable().is_some_and(may_come_back);
            if may_come_back {
                self.absent.insert(&socket.id());
            }
            let (saved, mut closed) = take_down(socket, remembers_rooms);
            let Some(recoverable) = socket.recoverable() else {
                return (true, closed, log.take_dropped());
            };
            if recoverable.is_replaced() {
                return (false, closed, log.take_dropped());
            }
            log.remove(&recoverable.pid);
            if may_come_back {
                // A connect handler's, that has not decided: it is sent to the socket all the same.
                for waiting in closed.extract_if(.., |it| matches!(it, Waiting::Draft(_))) {
                    if let Waiting::Draft(draft) = waiting {
                        log.append(now, Whom::Socket(socket.id()), *draft);
                    }
                }
                match recoverable.is_given_up() {
                    true => log.give_up(saved),
                    false => log.save(now, &recoverable.pid, saved),
                }
            } else {
                recoverable.leave();
                self.absent.remove(&socket.id());
            }
            (true, closed, self.expired(log, now))
        });
        drop(closed);
        let_go(dropped);
        self.watch();
        is_last
    }

    /// Bytes that may be sent to a session at once.
    fn room(&self, session: &Session<Entry>) -> usize {
        self.max_queued.saturating_sub(session.buffered())
    }

    /// The server is shutting down: nobody comes back.
    pub(crate) fn forget(&self) {
        let forgotten = self.baton.look(|log| {
            self.absent.clear();
            log.clear(&self.config)
        });
        drop(forgotten);
    }
}

/// Nothing reaches a socket any longer. Returns it as it was, and what it has not been sent.
///
/// Whether it remembers its rooms is asked for without the lock: handlers that have been replaced may
/// be dropped meanwhile.
fn take_down(socket: &Socket, remembers_rooms: bool) -> (Saved, Vec<Waiting>) {
    let saved = Saved {
        socket: socket.clone(),
        rooms: socket.rooms(),
    };
    let behind = socket.gate().close();
    socket.leave_all(remembers_rooms);
    (saved, behind)
}

/// Where a socket goes on, if it does.
fn position(socket: &Socket) -> Option<&Position> {
    socket.recoverable()?.goes_on.as_ref()
}
