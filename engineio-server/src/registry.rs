//! The sessions of a server and the tasks that belong to it; knows when all have ended.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use futures_util::FutureExt;
use parking_lot::Mutex;
use proto::{Sid, Tick};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::metrics::Meters;
use crate::session::Session;

/// Locks the sessions are spread over: connects on one core do not wait for those on another.
const SHARDS: usize = 16;

pub(crate) struct Registry<E> {
    clock: Clock,
    shards: [Mutex<HashMap<Sid, Session<E>>>; SHARDS],
    tasks: Arc<Tasks>,
    closing: AtomicBool,
    numbers: AtomicU64,
    pub(crate) meters: Meters,
}

/// Counts running tasks.
#[derive(Default)]
struct Tasks {
    running: AtomicUsize,
    /// Those of links that take leave.
    leaving: AtomicUsize,
    none_left: Notify,
}

impl<E> Registry<E> {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            shards: std::array::from_fn(|_| Mutex::default()),
            tasks: Arc::default(),
            closing: AtomicBool::new(false),
            numbers: AtomicU64::new(0),
            meters: Meters::new(),
        }
    }

    pub(crate) fn now(&self) -> Tick {
        self.clock.now()
    }

    pub(crate) fn instant(&self, tick: Tick) -> Instant {
        self.clock.instant(tick)
    }

    fn shard(&self, sid: &Sid) -> &Mutex<HashMap<Sid, Session<E>>> {
        // Ids are random in every character.
        &self.shards[usize::from(sid.as_str().as_bytes()[0]) % SHARDS]
    }

    /// Adds a session; `false` if none is opened any more, or its id is taken.
    pub(crate) fn insert(&self, session: Session<E>) -> bool {
        let sid = session.sid();
        let mut shard = self.shard(&sid).lock();
        // Asked under the lock: whoever closes and then looks for sessions misses none.
        let open = !self.is_closing() && !shard.contains_key(&sid);
        if open {
            shard.insert(sid, session);
        }
        open
    }

    pub(crate) fn get(&self, sid: &Sid) -> Option<Session<E>> {
        self.shard(sid).lock().get(sid).cloned()
    }

    pub(crate) fn remove(&self, sid: &Sid) {
        let session = self.shard(sid).lock().remove(sid);
        // Dropped here, behind the lock: its queue may own data of the application.
        drop(session);
    }

    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    pub(crate) fn sessions(&self) -> Vec<Session<E>> {
        let all = self.shards.iter();
        all.flat_map(|shard| shard.lock().values().cloned().collect::<Vec<_>>())
            .collect()
    }

    /// A number for a session, to be told from others where its id must not appear.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The sessions that `wanted` says yes to.
    pub(crate) fn select(&self, wanted: impl Fn(&Session<E>) -> bool) -> Vec<Session<E>> {
        let mut selected = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock();
            selected.extend(shard.values().filter(|it| wanted(it)).cloned());
        }
        selected
    }

    /// Runs a task that [`idle`](Self::idle) waits for.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let running = self.running();
        tokio::spawn(async move {
            task.await;
            drop(running);
        });
    }

    /// Runs the last task of a link whose session is over: it takes leave of its client.
    pub(crate) fn see_off(&self, farewell: impl Future<Output = ()> + Send + 'static) {
        let tasks = Arc::clone(&self.tasks);
        tasks.leaving.fetch_add(1, Ordering::Relaxed);
        self.spawn(farewell.map(move |()| {
            tasks.leaving.fetch_sub(1, Ordering::Relaxed);
        }));
    }

    /// Links that are taking leave.
    pub(crate) fn leaving(&self) -> usize {
        self.tasks.leaving.load(Ordering::Relaxed)
    }

    /// A task that [`idle`](Self::idle) waits for, from before it is spawned. A session's task owns
    /// this itself: around it, an async block would double its size.
    pub(crate) fn running(&self) -> Running {
        Running::new(Arc::clone(&self.tasks))
    }

    /// Ready when no task is left.
    pub(crate) async fn idle(&self) {
        loop {
            let notified = self.tasks.none_left.notified();
            if self.tasks.running.load(Ordering::Acquire) == 0 {
                return;
            }
            notified.await;
        }
    }

    /// From now on no session is opened.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}

/// Counts as a running task until it is dropped.
pub(crate) struct Running(Arc<Tasks>);

impl Running {
    fn new(tasks: Arc<Tasks>) -> Self {
        tasks.running.fetch_add(1, Ordering::Relaxed);
        Self(tasks)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none_left.notify_waiters();
        }
    }
}
