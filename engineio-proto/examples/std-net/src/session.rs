//! A session, shared by the threads that have to do with it. Whoever hands something in acts on
//! what comes of it, under the session's lock: a client that does not read blocks whoever writes to
//! it, and so is not read from either.

use std::collections::HashMap;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use engineio_proto::server::{LinkEnd, LinkId, Output, RequestId, Session};
use engineio_proto::{Content, Prepared, Sid, Tick};
use socketio_proto::ProtocolError;

use crate::application::{Application, random_sid};
use crate::http;
use crate::websocket::Link;

/// All sessions there are.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<Sid, Arc<Shared>>>);

pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

pub(crate) struct State {
    pub(crate) session: Session,
    pub(crate) application: Application,
    /// Where unanswered requests came from, and whether that stays open behind the answer.
    requests: HashMap<RequestId, (Arc<TcpStream>, bool)>,
    /// Open websockets: one, or two while the session moves.
    pub(crate) links: HashMap<LinkId, Link>,
}

impl Sessions {
    pub(crate) fn find(&self, sid: &Sid) -> Option<Arc<Shared>> {
        lock(&self.0).get(sid).cloned()
    }

    /// Begins a session, which is kept for as long as it lives, and tells it something first.
    pub(crate) fn begin<R>(
        self: &Arc<Self>,
        speaks_socketio: bool,
        session: impl FnOnce(&Sid) -> Session,
        first: impl FnOnce(&mut State) -> R,
    ) -> (Arc<Shared>, R) {
        let sid = random_sid();
        let mut session = session(&sid);
        let mut application = Application::new(speaks_socketio, sid, &session, now());
        if let Some(welcome) = application.welcome() {
            session.send(welcome);
        }
        let state = State {
            session,
            application,
            requests: HashMap::new(),
            links: HashMap::new(),
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        lock(&self.0).insert(sid, shared.clone());
        let result = shared.tell(first);
        let (sessions, watched) = (self.clone(), shared.clone());
        thread::spawn(move || {
            watched.watch();
            lock(&sessions.0).remove(&sid);
        });
        (shared, result)
    }
}

impl Shared {
    /// The first two steps of the loop: hands something in, then acts on what comes of it.
    pub(crate) fn tell<R>(&self, what: impl FnOnce(&mut State) -> R) -> R {
        let mut state = lock(&self.state);
        let result = what(&mut state);
        state.act();
        self.changed.notify_one();
        result
    }

    /// The third step: waits for the time the session names, which any input may change.
    fn watch(&self) {
        let mut state = lock(&self.state);
        while let Some(deadline) = state.poll_timeout() {
            let wait = Duration::from_millis(deadline.saturating_sub(now()));
            let waited = self.changed.wait_timeout(state, wait);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.handle_timeout();
            state.act();
        }
    }
}

impl State {
    /// Notes where the answer to a request goes.
    pub(crate) fn await_answer(
        &mut self,
        id: RequestId,
        stream: &Arc<TcpStream>,
        keep_alive: bool,
    ) {
        self.requests.insert(id, (stream.clone(), keep_alive));
    }

    /// Gives a request up. False if it has been answered.
    pub(crate) fn abandon(&mut self, id: RequestId) -> bool {
        let waits = self.requests.remove(&id).is_some();
        if waits {
            self.session.handle_abandoned(now(), id);
        }
        waits
    }

    pub(crate) fn handle_post(&mut self, id: RequestId, content: Content, body: Vec<u8>) {
        self.session.handle_post(now(), id, content, body.into());
        while let Some(message) = self.session.next_message(now()) {
            let answer = self.application.answer(now(), &message);
            self.respond(answer);
        }
    }

    /// Says what the application answers, or nothing more to a client that broke its rules.
    pub(crate) fn respond(&mut self, answer: Result<Option<Prepared>, ProtocolError>) {
        match answer {
            Ok(Some(message)) => self.session.send(message),
            Ok(None) => {}
            Err(_) => self.session.close(now()),
        }
    }

    fn poll_timeout(&self) -> Option<Tick> {
        let session = self.session.poll_timeout()?;
        let application = self.application.poll_timeout();
        Some(application.map_or(session, |deadline| deadline.min(session)))
    }

    fn handle_timeout(&mut self) {
        self.session.handle_timeout(now());
        if self.application.handle_timeout(now()).is_err() {
            self.session.close(now());
        }
    }

    fn act(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Reply { request, response } => {
                    if let Some((stream, keep_alive)) = self.requests.remove(&request) {
                        let sent = (&*stream).write_all(&http::respond(&response));
                        if sent.is_err() || !keep_alive {
                            _ = stream.shutdown(Shutdown::Write);
                        }
                    }
                }
                Output::Send { link: id, item } => {
                    if let Some(link) = self.links.get(&id)
                        && link.send(&item).is_err()
                    {
                        self.links.remove(&id);
                        let end = LinkEnd::Failed("write failed");
                        self.session.handle_link_end(now(), id, end);
                    }
                }
                Output::CloseLink { link: id } => {
                    self.links.remove(&id).inspect(|link| link.close(None));
                }
                // `Upgraded` and `Closed` are for applications that want to know.
                _ => {}
            }
        }
    }
}

/// Milliseconds since the first call, rounded down.
#[expect(clippy::disallowed_methods, reason = "somebody has to read the clock")]
pub(crate) fn now() -> Tick {
    static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
    EPOCH.elapsed().as_millis() as Tick
}

/// A name for a request or a link.
pub(crate) fn next_id() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Invariant: nothing panics under a lock.
    mutex.lock().expect("not poisoned")
}
