//! A namespace whose sockets can be recovered: everything that is sent in it happens in one order,
//! that of its offsets.
//!
//! An offset claims that everything before it has arrived. So whoever sends decides under the lock
//! of the [`Baton`] what is to be done: takes the offset, logs, selects the recipients. Pushing to
//! their outboxes, which may drop what belongs to users, is done without the lock and in the order of
//! the decisions. Answers, calls and farewells carry no offset, but queue up all the same: what was
//! emitted before them is to leave before them.
//!
//! Lock order: this one, then that of a socket's gate, then that of those who are [absent](Absent),
//! then that of the [changes of rooms](crate::room_events), then those of the namespace's sockets and
//! of its adapter.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::{Prepared, PushError};
use parking_lot::RwLockReadGuard;
use socketio_adapter::{Room, Target};
use tokio::time::Instant;

use super::absent::Absent;
use super::baton::Baton;
use super::config::RecoveryConfig;
use super::expiry::let_go;
use super::log::Log;
use super::message::{Draft, Message, Spelling};
use super::panics::contained;
use super::session::{Recoverable, Whom};
use crate::broadcast::{Flags, Report};
use crate::entry::Entry;
use crate::gate::Standing;
use crate::namespace::Namespace;
use crate::proto::{EncodeError, Encoder, Parser, Payload, Tick};
use crate::socket::{Pushed, Socket};

/// What may wait for its turn before emitting has to.
const MAX_WAITING: usize = 64;

pub(crate) struct Sequencer {
    pub(super) baton: Baton<Log, Turn>,
    pub(super) config: RecoveryConfig,
    /// Bytes that may be on their way to one client.
    pub(super) max_queued: usize,
    pub(super) absent: Absent,
    spelling: Spelling,
    started: Instant,
    /// Something waits for the time to pass.
    pub(super) is_timed: AtomicBool,
}

/// What is to be done in one go.
pub(super) enum Turn {
    /// An event for many. Who knows of no offsets gets it `without`.
    Broadcast {
        message: Arc<Message>,
        without: Option<Prepared>,
        sockets: Vec<Socket>,
        flags: Flags,
    },
    One(Socket, Item, Flags),
    /// A client is let in.
    Open(Socket, Vec<Item>),
}

/// Something for one socket.
pub(super) enum Item {
    Entry(Entry, usize),
    Event(Arc<Message>),
}

/// What came of a turn: all in all, and with the last of its sockets.
type Done = (Report, Pushed);

/// What a client that is not let in yet has been sent.
pub(crate) enum Waiting {
    Entry(Entry, usize),
    /// An event that gets its offset when the client is let in: before, nothing reaches it that
    /// others are sent.
    Draft(Box<Draft>),
}

impl Sequencer {
    pub(crate) fn new(
        config: RecoveryConfig,
        max_queued: usize,
        encoder: Encoder,
        parser: Option<Arc<dyn Parser>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            baton: Baton::new(Log::new(&config), MAX_WAITING),
            spelling: Spelling::new(encoder, parser),
            config,
            max_queued,
            absent: Absent::default(),
            started: Instant::now(),
            is_timed: AtomicBool::new(false),
        })
    }

    /// Whether a socket that goes on is asked by connect middlewares again.
    pub(crate) const fn skips_middlewares(&self) -> bool {
        self.config.skip_middlewares
    }

    /// The private rooms of sockets that are away: none of them can be entered, and as long as this is
    /// held, none is left by its owner.
    pub(crate) fn absent(&self) -> RwLockReadGuard<'_, HashSet<Room>> {
        self.absent.rooms()
    }

    pub(super) fn now(&self) -> Tick {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    // ---- Events ---------------------------------------------------------------------------

    /// Sends an event to everyone a target means.
    pub(crate) fn broadcast<T: Payload + ?Sized>(
        self: &Arc<Self>,
        namespace: &Namespace,
        target: &Target,
        flags: Flags,
        event: &str,
        args: &T,
    ) -> Result<Report, EncodeError> {
        let draft = self.spelling.draft(namespace.name(), event, args)?;
        let (whom, now) = (Whom::Target(target.clone()), self.now());
        Ok(self.pass(|log| {
            let sockets = namespace.selected(target);
            let knows_none = |socket: &Socket| socket.recoverable().is_none();
            let without = sockets.iter().any(knows_none);
            let without = without.then(|| draft.without_offset());
            let message = match flags.volatile {
                true => log.pass_by(draft),
                false => log.append(now, whom, draft),
            };
            let count = sockets.len();
            let turn = Turn::Broadcast {
                message,
                without,
                sockets,
                flags,
            };
            ((count > 0).then_some(turn), Report::deferred(count))
        }))
    }

    /// Sends an event to one socket, wherever it goes on.
    pub(crate) fn emit<T: Payload + ?Sized>(
        self: &Arc<Self>,
        socket: &Socket,
        flags: Flags,
        event: &str,
        args: &T,
    ) -> Result<Report, EncodeError> {
        let namespace = socket.namespace();
        let Some(recoverable) = socket.recoverable() else {
            let message = namespace.encode(None, event, args)?;
            return Ok(Report::of(socket.send_event(message, flags)));
        };
        let draft = self.spelling.draft(namespace.name(), event, args)?;
        let (id, now) = (socket.id(), self.now());
        Ok(self.pass(|log| {
            let recipient = match socket.gate().standing() {
                Standing::Pending if flags.volatile => None,
                Standing::Pending => {
                    socket.wait(Waiting::Draft(Box::new(draft)));
                    return (None, Report::of(Ok(())));
                }
                Standing::Open => Some(socket.clone()),
                Standing::Closed if recoverable.is_gone() => {
                    return (None, Report::of(Err(PushError::Closed)));
                }
                // It may have gone on elsewhere, or may yet do so.
                Standing::Closed => namespace.socket(&id),
            };
            let message = match flags.volatile {
                true => log.pass_by(draft),
                false => log.append(now, Whom::Socket(id), draft),
            };
            let Some(recipient) = recipient else {
                return (None, Report::of(Err(PushError::Closed)));
            };
            let turn = Turn::One(recipient, Item::Event(message), flags);
            (Some(turn), Report::deferred(1))
        }))
    }

    /// Anything else for one socket.
    pub(crate) fn push(&self, socket: &Socket, entry: Entry, bytes: usize, flags: Flags) -> Pushed {
        let (refused, outcome) = self.baton.pass(
            |_| match socket.gate().standing() {
                Standing::Pending if flags.volatile => (None, Some((PushError::NotReady, entry))),
                Standing::Pending => {
                    socket.wait(Waiting::Entry(entry, bytes));
                    (None, None)
                }
                Standing::Open => {
                    let item = Item::Entry(entry, bytes);
                    (Some(Turn::One(socket.clone(), item, flags)), None)
                }
                Standing::Closed => (None, Some((PushError::Closed, entry))),
            },
            |turn| self.run(turn),
        );
        match (refused, outcome) {
            (Some((error, _)), _) => Err(error),
            (None, Some((_, pushed))) => pushed,
            (None, None) => Ok(()),
        }
    }

    // ---- Turns ----------------------------------------------------------------------------

    /// Has something decided, and done in its turn. `decide` says what there is to do, and what has
    /// come of it as long as it has not been done.
    fn pass(self: &Arc<Self>, decide: impl FnOnce(&mut Log) -> (Option<Turn>, Report)) -> Report {
        let ((report, dropped), outcome) = self.baton.pass(
            |log| {
                let (turn, report) = decide(log);
                (turn, (report, log.take_dropped()))
            },
            |turn| self.run(turn),
        );
        let_go(dropped);
        self.watch();
        outcome.map_or(report, |(report, _)| report)
    }

    /// Does what was decided, be it by this thread or by another: a panic on the way is nobody's
    /// business, and nothing that waits for its turn.
    pub(super) fn run(&self, turn: Turn) -> Done {
        let done = contained("sending", || self.carry_out(turn));
        done.unwrap_or_else(|| (Report::default(), Ok(())))
    }

    fn carry_out(&self, turn: Turn) -> Done {
        let mut done = (Report::default(), Ok(()));
        let mut count = |pushed| {
            done.0.count(pushed);
            done.1 = pushed;
        };
        match turn {
            Turn::Broadcast {
                message,
                without,
                sockets,
                flags,
            } => {
                for socket in sockets {
                    // One that does not get it is no reason why others should not.
                    count(pushed(|| {
                        let message = match (&without, socket.recoverable()) {
                            (Some(without), None) => without,
                            _ => self.spelling.with_offset(&message),
                        };
                        socket.push_event(message.clone(), flags)
                    }));
                }
            }
            Turn::One(socket, item, flags) => count(self.hand_over(&socket, item, flags)),
            Turn::Open(socket, items) => {
                for item in items {
                    let pushed = self.hand_over(&socket, item, Flags::default());
                    if matches!(pushed, Err(PushError::Full)) {
                        // The link ends for it, and so would the next one.
                        socket
                            .recoverable()
                            .into_iter()
                            .for_each(Recoverable::give_up);
                    }
                    count(pushed);
                }
            }
        }
        done
    }

    fn hand_over(&self, socket: &Socket, item: Item, flags: Flags) -> Pushed {
        pushed(|| match item {
            Item::Entry(entry, bytes) => socket.push_entry(entry, bytes, flags),
            Item::Event(message) => {
                let message = self.spelling.with_offset(&message).clone();
                socket.push_event(message, flags)
            }
        })
    }

    /// Sees to it that time passes for what is kept. Without a runtime it does when the next event
    /// comes.
    pub(super) fn watch(self: &Arc<Self>) {
        if !self.is_timed.load(Ordering::Relaxed) {
            super::expiry::start(self);
        }
    }
}

/// Sends something to one socket. What panics instead is dropped.
fn pushed(push: impl FnOnce() -> Pushed) -> Pushed {
    contained("sending to a socket", push).unwrap_or(Err(PushError::Dropped))
}
