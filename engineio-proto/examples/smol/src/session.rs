//! A session, shared by the tasks that have to do with it. Whoever hands something in acts on what
//! comes of it; what is to be written goes to the task of its connection. All tasks run on one
//! thread, so nothing is locked.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use engineio_proto::server::{LinkId, Output, RequestId, Response, Session};
use engineio_proto::ws::ControlFrame;
use engineio_proto::{Content, Prepared, Sid, Tick};
use smol::channel::{Receiver, Sender, bounded, unbounded};
use smol::future::or;
use smol::{LocalExecutor, Timer};
use socketio_proto::ProtocolError;

use crate::application::{Application, random_sid};
use crate::websocket::Outgoing;

/// All sessions there are, and what runs their tasks.
#[derive(Default)]
pub(crate) struct Sessions {
    pub(crate) executor: LocalExecutor<'static>,
    live: RefCell<HashMap<Sid, Rc<Shared>>>,
    next_id: Cell<u32>,
}

pub(crate) struct Shared {
    state: RefCell<State>,
    changed: (Sender<()>, Receiver<()>),
}

pub(crate) struct State {
    pub(crate) session: Session,
    pub(crate) application: Application,
    /// Who waits for answers to requests.
    requests: HashMap<RequestId, Sender<Response>>,
    /// Open websockets: one, or two while the session moves.
    links: HashMap<LinkId, Sender<Outgoing>>,
}

impl Sessions {
    /// A name for a request or a link.
    pub(crate) fn next_id(&self) -> u32 {
        let id = self.next_id.get();
        self.next_id.set(id.wrapping_add(1));
        id
    }

    pub(crate) fn find(&self, sid: &Sid) -> Option<Rc<Shared>> {
        self.live.borrow().get(sid).cloned()
    }

    /// Begins a session, which is kept for as long as it lives.
    pub(crate) fn begin(
        self: &Rc<Self>,
        speaks_socketio: bool,
        session: impl FnOnce(&Sid) -> Session,
    ) -> Rc<Shared> {
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
        let shared = Rc::new(Shared {
            state: RefCell::new(state),
            changed: bounded(1),
        });
        self.live.borrow_mut().insert(sid, shared.clone());
        let (sessions, watched) = (self.clone(), shared.clone());
        let watch = async move {
            watched.watch().await;
            sessions.live.borrow_mut().remove(&sid);
        };
        self.executor.spawn(watch).detach();
        shared
    }
}

impl Shared {
    /// The first two steps of the loop: hands something in, then acts on what comes of it.
    pub(crate) fn tell<R>(&self, what: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.borrow_mut();
        let result = what(&mut state);
        state.act();
        // If it is full, the watch is about to look.
        _ = self.changed.0.try_send(());
        result
    }

    /// The third step: waits for the time the session names, which any input may change.
    async fn watch(&self) {
        while let Some(deadline) = self.poll_timeout() {
            let wait = Duration::from_millis(deadline.saturating_sub(now()));
            let timer = async { _ = Timer::after(wait).await };
            let change = async { _ = self.changed.1.recv().await };
            or(timer, change).await;
            let mut state = self.state.borrow_mut();
            state.handle_timeout();
            state.act();
        }
    }

    fn poll_timeout(&self) -> Option<Tick> {
        let state = self.state.borrow();
        let session = state.session.poll_timeout()?;
        let application = state.application.poll_timeout();
        Some(application.map_or(session, |deadline| deadline.min(session)))
    }
}

impl State {
    /// Where the answer to a request will arrive.
    pub(crate) fn await_answer(&mut self, id: RequestId) -> Receiver<Response> {
        let (sender, answer) = bounded(1);
        self.requests.insert(id, sender);
        answer
    }

    /// Gives up a request that has not been answered.
    pub(crate) fn abandon(&mut self, id: RequestId) {
        self.requests.remove(&id);
        self.session.handle_abandoned(now(), id);
    }

    pub(crate) fn handle_post(&mut self, id: RequestId, content: Content, body: Vec<u8>) {
        self.session.handle_post(now(), id, content, body.into());
        while let Some(message) = self.session.next_message(now()) {
            let answer = self.application.answer(now(), &message);
            self.respond(answer);
        }
    }

    /// Where that arrives which is to be written on a new websocket.
    pub(crate) fn add_link(&mut self, id: LinkId) -> Receiver<Outgoing> {
        let (sender, outgoing) = unbounded();
        self.links.insert(id, sender);
        outgoing
    }

    /// Says goodbye on a websocket, unless that has happened.
    pub(crate) fn close_link(&mut self, id: LinkId, code: Option<u16>) {
        self.write(id, Outgoing::Control(ControlFrame::close(code, None)));
        self.links.remove(&id);
    }

    pub(crate) fn write(&self, id: LinkId, outgoing: Outgoing) {
        // A task that is gone has told how its websocket ended.
        if let Some(link) = self.links.get(&id) {
            _ = link.try_send(outgoing);
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
                    let caller = self.requests.remove(&request);
                    caller.map(|caller| caller.try_send(response));
                }
                Output::Send { link, item } => self.write(link, Outgoing::Item(item)),
                Output::CloseLink { link } => self.close_link(link, None),
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
