//! Where the handles of a client and its driver meet: the manager behind the one lock there is, and
//! whom to wake. Of no runtime: a driver is a task or a thread, whichever gives a waker.
//!
//! ```text
//!  emit, connect, … ──► command ──► │ Manager │ ◄── drive ── driver
//!                          │        └─────────┘               ▲ │
//!                          └─ the driver sleeps: wake it ─────┘ └─ something changed: wake
//!                             it runs: it looks again              those who watch
//! ```
//!
//! Nothing of the user's runs, is dropped or woken while the lock is held.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use parking_lot::Mutex;

use crate::Status;
use crate::config::Config;
use crate::manager::{AckFailure, Event, Manager, SocketKey};
use crate::proto::{Args, Encoder, Tick};
use crate::slot::Filler;

/// What became of an awaited acknowledgement.
pub(crate) type Answer = Result<Args<'static>, AckFailure>;

/// Kept for each of them. Dropped, it says that there will be none.
pub(crate) type Ticket = Filler<Answer>;

/// Reads the driver's clock.
pub(crate) type Clock = Box<dyn Fn() -> Tick + Send + Sync>;

/// One per client.
pub(crate) struct Hub {
    state: Mutex<State>,
    encoder: Encoder,
    clock: Clock,
    /// Whether the manager wants an acknowledgement for every event.
    retries: bool,
    /// Queues of events that nobody takes fast enough.
    full_queues: AtomicUsize,
}

struct State {
    manager: Manager<Ticket>,
    driver: Driver,
    /// The driver is to look again before it sleeps.
    dirty: bool,
    /// The last handle has gone.
    abandoned: bool,
    watchers: Vec<(u64, Waker)>,
    next_watcher: u64,
}

enum Driver {
    /// There is none.
    None,
    Running,
    Sleeping(Waker),
}

/// What a driver that has nothing to do does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// There is something to do after all.
    Never,
    /// It will be woken.
    Sleep,
    /// The client is closed. If it is asked for again, it needs another driver.
    End,
}

impl Hub {
    pub(crate) fn new(config: &Config, seed: u64, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                manager: Manager::new(config, seed),
                driver: Driver::None,
                dirty: false,
                abandoned: false,
                watchers: Vec::new(),
                next_watcher: 0,
            }),
            encoder: config.encoder(),
            clock,
            retries: config.retries > 0,
            full_queues: AtomicUsize::new(0),
        })
    }

    pub(crate) fn now(&self) -> Tick {
        (self.clock)()
    }

    pub(crate) const fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    pub(crate) const fn retries(&self) -> bool {
        self.retries
    }

    // ---- For handles ----------------------------------------------------------------------

    /// Commands the manager, and sees to it that the driver takes notice.
    pub(crate) fn command<R>(&self, command: impl FnOnce(&mut Manager<Ticket>, Tick) -> R) -> R {
        let now = self.now();
        let mut state = self.state.lock();
        let result = command(&mut state.manager, now);
        let waker = state.rouse();
        let events = state.unheard();
        drop(state);
        wake(waker);
        settle(events);
        result
    }

    /// Sees to it that the driver looks again. Says whether there is one.
    pub(crate) fn look_again(&self) -> bool {
        let mut state = self.state.lock();
        let waker = state.rouse();
        let is_driven = !matches!(state.driver, Driver::None);
        drop(state);
        wake(waker);
        is_driven
    }

    /// Reads what the manager knows.
    pub(crate) fn ask<R>(&self, ask: impl FnOnce(&Manager<Ticket>) -> R) -> R {
        ask(&self.state.lock().manager)
    }

    /// There are no handles any more.
    pub(crate) fn abandon(&self) {
        self.state.lock().abandoned = true;
        self.notify();
    }

    /// Claims the place of the driver, if it is free.
    pub(crate) fn claim(&self) -> bool {
        let mut state = self.state.lock();
        let is_free = matches!(state.driver, Driver::None);
        if is_free {
            state.driver = Driver::Running;
        }
        is_free
    }

    // ---- For queues -----------------------------------------------------------------------

    pub(crate) fn queue_is_full(&self) {
        self.full_queues.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn queue_has_room(&self) {
        self.full_queues.fetch_sub(1, Ordering::Relaxed);
        let waker = self.state.lock().rouse();
        wake(waker);
    }

    // ---- For the driver -------------------------------------------------------------------

    /// Commands the manager.
    pub(crate) fn drive<R>(&self, command: impl FnOnce(&mut Manager<Ticket>, Tick) -> R) -> R {
        let now = self.now();
        command(&mut self.state.lock().manager, now)
    }

    /// The driver has woken up.
    pub(crate) fn run(&self) {
        let mut state = self.state.lock();
        let _sleeping = std::mem::replace(&mut state.driver, Driver::Running);
        drop(state);
    }

    /// The driver has nothing to do, and no work of its own either if `idle`.
    pub(crate) fn rest(&self, idle: bool, waker: &Waker) -> Rest {
        let waker = waker.clone();
        let mut state = self.state.lock();
        if std::mem::take(&mut state.dirty) {
            return Rest::Never;
        }
        if idle && state.manager.status() == Status::Closed {
            state.driver = Driver::None;
            let events = state.unheard();
            drop(state);
            settle(events);
            self.notify();
            return Rest::End;
        }
        state.driver = Driver::Sleeping(waker);
        Rest::Sleep
    }

    /// The driver is gone, whatever there was to do.
    pub(crate) fn release(&self) {
        let mut state = self.state.lock();
        let _gone = std::mem::replace(&mut state.driver, Driver::None);
        let events = state.unheard();
        drop(state);
        settle(events);
        self.notify();
    }

    /// Whether everybody takes events fast enough.
    pub(crate) fn queues_have_room(&self) -> bool {
        self.full_queues.load(Ordering::Relaxed) == 0
    }

    /// Something has changed that others may be waiting for.
    pub(crate) fn notify(&self) {
        let watchers = std::mem::take(&mut self.state.lock().watchers);
        watchers.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

impl State {
    const fn view(&self) -> View<'_> {
        View {
            manager: &self.manager,
            driven: !matches!(self.driver, Driver::None),
            #[cfg(feature = "async")]
            abandoned: self.abandoned,
        }
    }

    /// What nobody is there to be told of.
    fn unheard(&mut self) -> Vec<Event<'static, Ticket>> {
        match self.driver {
            Driver::None => std::iter::from_fn(|| self.manager.poll_event()).collect(),
            Driver::Running | Driver::Sleeping(_) => Vec::new(),
        }
    }

    /// Has the driver look again. The waker is to be woken without the lock.
    fn rouse(&mut self) -> Option<Waker> {
        self.dirty = true;
        match std::mem::replace(&mut self.driver, Driver::Running) {
            Driver::Sleeping(waker) => Some(waker),
            other => {
                self.driver = other;
                None
            }
        }
    }
}

/// Tells those who wait for an acknowledgement; what else there is has no meaning without a driver.
fn settle(events: Vec<Event<'static, Ticket>>) {
    for event in events {
        if let Event::Ack { ack, result, .. } = event {
            ack.fill(result);
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

/// What somebody who watches sees.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) manager: &'a Manager<Ticket>,
    /// Whether there is a driver.
    pub(crate) driven: bool,
    /// Whether the last handle has gone.
    #[cfg(feature = "async")]
    pub(crate) abandoned: bool,
}

impl View<'_> {
    /// Whether a socket is not connected, and will not be by itself.
    pub(crate) fn is_over(&self, key: SocketKey) -> bool {
        let Self { manager, .. } = self;
        manager.sid(key).is_none()
            && (!manager.is_active(key) || manager.status() == Status::Closed)
    }
}

/// Waits until the client is in a certain state. Leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Watcher {
    hub: Arc<Hub>,
    id: u64,
}

impl Watcher {
    pub(crate) fn new(hub: &Arc<Hub>) -> Self {
        let mut state = hub.state.lock();
        state.next_watcher += 1;
        Self {
            id: state.next_watcher,
            hub: Arc::clone(hub),
        }
    }

    /// Ready once `look` finds what it looks for. It is called again after every change.
    pub(crate) fn poll<R>(
        &self,
        cx: &Context<'_>,
        look: impl FnOnce(View<'_>) -> Option<R>,
    ) -> Poll<R> {
        let waker = cx.waker().clone();
        let mut state = self.hub.state.lock();
        if let Some(found) = look(state.view()) {
            return Poll::Ready(found);
        }
        let mine = state.watchers.iter().position(|(id, _)| *id == self.id);
        let old = mine.map(|index| state.watchers.swap_remove(index));
        state.watchers.push((self.id, waker));
        drop(state);
        drop(old);
        Poll::Pending
    }

    /// Looks now.
    #[cfg(feature = "async")]
    pub(crate) fn ask<R>(&self, look: impl FnOnce(View<'_>) -> R) -> R {
        look(self.hub.state.lock().view())
    }

    /// [`poll`](Self::poll), as a future. Dropped, nothing has happened.
    #[cfg(feature = "async")]
    pub(crate) async fn until<R>(&self, mut look: impl FnMut(View<'_>) -> Option<R>) -> R {
        std::future::poll_fn(|cx| self.poll(cx, &mut look)).await
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut state = self.hub.state.lock();
        let mine = state.watchers.iter().position(|(id, _)| *id == self.id);
        let waker = mine.map(|index| state.watchers.swap_remove(index));
        drop(state);
        drop(waker);
    }
}
