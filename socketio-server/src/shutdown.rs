//! How a server ended: who was done in time, and who was not, by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use engine::Transport;
use parking_lot::Mutex;

use crate::entry::Entry;
use crate::error::DisconnectReason;
use crate::io::Io;

impl Io {
    /// Says goodbye: no new clients are let in, and every socket is disconnected with the reason
    /// `server shutting down` once it has got what was emitted before; clients of today see a link
    /// that is closed, and try to connect again. Then waits for clients, disconnect handlers,
    /// handlers under way and [tasks](Self::spawn), up to `patience`, and reports.
    ///
    /// Handlers that are not done by then go on for as long as the runtime lives; tasks are aborted. What
    /// is emitted afterwards reaches nobody, and what is registered is forgotten.
    ///
    /// ```no_run
    /// # async fn example(io: socketio_server::Io) {
    /// let ended = io.shutdown(std::time::Duration::from_secs(10)).await;
    /// if !ended.is_complete() {
    ///     eprintln!("{ended}");
    /// }
    /// # }
    /// ```
    pub async fn shutdown(&self, patience: Duration) -> Shutdown {
        let engine = self.engine();
        let background = self.background();
        background.begin(self);
        // First, so that no client comes in that is not told the reason.
        engine.close();
        background.change(|phase| phase.shutting_down = true);
        let sessions = engine.all_sessions();
        for session in &sessions {
            let reason = DisconnectReason::ServerShuttingDown;
            // A session that has ended meanwhile needs no goodbye.
            let _ = session.push_order(Entry::Close(reason));
        }
        let clients = sessions.len();
        drop(sessions);
        let complete = engine.shutdown(patience).await == engine::Shutdown::Complete;
        let ended = self.tally(clients, complete);
        background.change(|phase| phase.out_of_time = true);
        self.forget_all();
        if complete {
            tracing::info!(target: "socketio", "shut down: {ended}");
        } else {
            tracing::warn!(target: "socketio", "shut down before all was done: {ended}");
        }
        ended
    }

    /// Who is done, of so many clients and everybody else.
    pub(crate) fn tally(&self, clients: usize, complete: bool) -> Shutdown {
        let mut unfinished = BTreeMap::new();
        let leaving = std::iter::repeat_n(Transport::Websocket, self.engine().leaving());
        let sessions = self.engine().all_sessions();
        let sessions = sessions.iter().map(engine::Session::transport);
        for transport in sessions.chain(leaving) {
            *unfinished.entry(transport.to_string()).or_default() += 1;
        }
        let left = unfinished.values().sum();
        Shutdown {
            clients: Tally {
                finished: clients.saturating_sub(left),
                unfinished,
            },
            handlers: self.background().handlers.call(),
            tasks: self.background().tasks.call(),
            complete,
        }
    }
}

/// How a shutdown went. Everything that was under way when the server was first told to end, or began
/// after that, is either finished or unfinished.
///
/// It can be printed: `2 clients, 3 handlers, 1 task finished; unfinished: task src/main.rs:12`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Shutdown {
    /// Links of clients. Finished means that the client has got everything that was sent to it
    /// before, and the goodbye. The others are named for their transport.
    pub clients: Tally,
    /// Handlers, those for the disconnects included: `resize in /photos`. Unfinished ones go on for
    /// as long as the runtime lives.
    pub handlers: Tally,
    /// Tasks of [`Io::spawn`](crate::Io::spawn). Unfinished ones have been aborted.
    pub tasks: Tally,
    pub(crate) complete: bool,
}

impl Shutdown {
    /// Whether everybody was done before the patience was over.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.complete
    }
}

/// How many have come to their end, and who has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// How many have.
    pub finished: usize,
    /// Who has not, and how many of that name.
    pub unfinished: BTreeMap<String, usize>,
}

impl Tally {
    /// How many have not come to their end.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.unfinished.values().sum()
    }
}

impl fmt::Display for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds = [
            ("client", &self.clients),
            ("handler", &self.handlers),
            ("task", &self.tasks),
        ];
        for (index, (kind, tally)) in kinds.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let plural = if tally.finished == 1 { "" } else { "s" };
            write!(f, "{comma}{} {kind}{plural}", tally.finished)?;
        }
        f.write_str(" finished")?;
        let unfinished = kinds.iter().flat_map(|(kind, tally)| {
            let names = tally.unfinished.iter();
            names.map(move |(name, count)| (kind, name, count))
        });
        for (index, (kind, name, count)) in unfinished.enumerate() {
            f.write_str(if index == 0 { "; unfinished: " } else { ", " })?;
            write!(f, "{kind} {name}")?;
            if *count > 1 {
                write!(f, " ({count} times)")?;
            }
        }
        Ok(())
    }
}

/// Who is at work.
#[derive(Default)]
pub(crate) struct Roll(Mutex<Tally>);

impl Roll {
    /// Somebody is at work until what this returns is dropped.
    pub(crate) fn enter(self: &Arc<Self>, name: String) -> AtWork {
        let mut tally = self.0.lock();
        *tally.unfinished.entry(name.clone()).or_default() += 1;
        AtWork {
            roll: Arc::clone(self),
            name,
            is_somebody_else: false,
        }
    }

    /// Counts who finishes from now on.
    pub(crate) fn count_from_now(&self) {
        self.0.lock().finished = 0;
    }

    /// One more has finished, who was never seen at work.
    pub(crate) fn finished(&self) {
        self.0.lock().finished += 1;
    }

    pub(crate) fn call(&self) -> Tally {
        self.0.lock().clone()
    }
}

/// Somebody who is at work.
pub(crate) struct AtWork {
    roll: Arc<Roll>,
    name: String,
    is_somebody_else: bool,
}

impl AtWork {
    /// It is somebody else now.
    pub(crate) fn withdraw(mut self) {
        self.is_somebody_else = true;
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        let mut tally = self.roll.0.lock();
        tally.finished += usize::from(!self.is_somebody_else);
        if let Some(count) = tally.unfinished.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                tally.unfinished.remove(&self.name);
            }
        }
    }
}
