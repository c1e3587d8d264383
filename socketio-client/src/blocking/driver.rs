//! The thread that talks to the server for one client: it owns the link, and does what the manager
//! decides.
//!
//! ```text
//!   server ◄──► link ──messages──► manager ──events──► worker: the thread of the handlers
//!                ▲                    │ outputs
//!                └── open, send, close ┤
//!                                      └──► questions: credentials, URL, headers
//! ```
//!
//! It starts when somebody wants to be connected and ends when nobody does any more. What the link
//! has to say comes before what is to be sent, so that nothing is given to a link that is dead.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::Shared;
use super::asking::{Questions, Said};
use super::socket::Socket;
use super::worker::Worker;
use crate::engine::blocking::{Dialer, Reactor, Session, Step};
use crate::engine::core::{Memory, StreamId};
use crate::engine::{self, ErrorKind, Handshake, Message, Prepared, Tape, Transport};
use crate::extract::What;
use crate::hub::{Answer, Rest, Ticket};
use crate::link::{self, Link, Work};
use crate::manager::{Event, Output, SocketKey};
use crate::proto::{Args, BoxError};
use crate::provide::Credentials;

/// Asks for namespaces, and sees to it that there is a thread.
pub(super) fn open(shared: &Arc<Shared>, wanted: &[SocketKey]) {
    let is_alone = shared.hub().claim();
    shared.hub().command(|manager, now| {
        for &key in wanted {
            manager.connect(now, key);
        }
        // Somebody who asks does not want to wait for the end of a delay.
        manager.open(now);
    });
    if is_alone {
        let mut claim = Claim {
            shared: Arc::clone(shared),
            ended: false,
        };
        let thread = thread::Builder::new().name("socketio-client".into());
        let run = move || {
            if let Ok(driver) = Driver::new(&claim.shared) {
                driver.run();
                claim.ended = true;
            }
        };
        // Without a thread, whoever waits for the outcome learns that there will be none.
        let _ = thread.spawn(run);
    }
}

/// The place of the driver. Should its thread fail, those who wait are told, and another may take
/// the place.
struct Claim {
    shared: Arc<Shared>,
    /// In good order: somebody else may have the place by now.
    ended: bool,
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let hub = self.shared.hub();
        hub.drive(|manager, now| manager.close(now));
        self.shared.attempts().clear();
        hub.release();
    }
}

/// Events the link may yield before what is to be sent has its turn.
const BATCH: usize = 256;

struct Driver<'a> {
    shared: &'a Arc<Shared>,
    reactor: Reactor,
    link: Link<Session, u64>,
    worker: Worker,
    questions: Questions,
}

impl<'a> Driver<'a> {
    fn new(shared: &'a Arc<Shared>) -> io::Result<Self> {
        let reactor = Reactor::new()?;
        let worker = Worker::start(shared.config().handlers, reactor.waker().clone())?;
        Ok(Self {
            shared,
            questions: Questions::new(reactor.waker().clone()),
            reactor,
            link: Link::default(),
            worker,
        })
    }

    fn run(mut self) {
        loop {
            self.shared.hub().run();
            while self.turn() {}
            let idle = self.link.is_idle() && self.worker.is_idle();
            match self.shared.hub().rest(idle, self.reactor.waker()) {
                Rest::Never => {}
                Rest::Sleep => self.sleep(),
                Rest::End => return,
            }
        }
    }

    /// One turn. Says whether there is more to do at once.
    fn turn(&mut self) -> bool {
        let mut moved = self.take_answers();
        moved |= self.run_link();
        moved |= self.run_leaving();
        moved |= self.check_time();
        moved |= self.take_events();
        moved |= self.act();
        self.shared.attempts().review(self.shared.hub());
        moved
    }

    fn sleep(&mut self) {
        let hub = self.shared.hub();
        let due = hub.ask(|manager| manager.poll_timeout());
        let due = due.and_then(|at| {
            let epoch = self.shared.epoch();
            epoch.checked_add(Duration::from_millis(at))
        });
        let sessions = self.link.sessions().filter_map(|it| it.deadline());
        let deadline = due.into_iter().chain(sessions).min();
        let link = &mut self.link;
        self.reactor.wait(deadline, |id: StreamId| {
            // Sessions number their streams alike: looking in vain costs one call.
            link.sessions().for_each(|session| session.handle_ready(id));
        });
    }

    // ---- What comes in --------------------------------------------------------------------

    /// Takes what the link has to say.
    fn run_link(&mut self) -> bool {
        let mut moved = false;
        for _ in 0..BATCH {
            let has_room = self.worker.has_room() && self.shared.hub().queues_have_room();
            self.link.set_reading(has_room);
            let Work::Session(session) = self.link.work() else {
                return moved;
            };
            let Some(step) = session.step(&self.reactor) else {
                return moved;
            };
            moved = true;
            match step {
                Step::Message => {
                    let hub = self.shared.hub();
                    let message = session.message();
                    let event = hub.drive(|manager, now| match &message {
                        Message::Text(text) => manager.handle_text(now, text),
                        Message::Binary(data) => manager.handle_binary(now, data),
                    });
                    if let Some(event) = event {
                        handle(self.shared, &self.worker, event);
                    }
                }
                Step::Opened => self.handle_opened(),
                Step::Closed => self.handle_closed(),
                Step::Upgraded(to) => self.shared.set_transport(Some(to)),
            }
            // What a message has set off comes before the next one.
            self.take_events();
        }
        moved
    }

    /// Goes on with links that are being closed, each for one step.
    fn run_leaving(&mut self) -> bool {
        let mut moved = false;
        let reactor = &self.reactor;
        self.link.leaving().retain_mut(|session| {
            let step = session.step(reactor);
            moved |= step.is_some();
            step != Some(Step::Closed)
        });
        moved
    }

    fn handle_opened(&mut self) {
        if let Some(opened) = self.link.opened() {
            self.shared.set_transport(self.link.transport());
            let hub = self.shared.hub();
            hub.drive(|manager, now| manager.handle_opened(now, opened));
        }
    }

    fn handle_closed(&mut self) {
        let (reason, error) = match self.link.work() {
            Work::Session(session) => (session.close_reason(), session.take_error()),
            Work::Nothing | Work::Configure(_) => (None, None),
        };
        self.shared.set_transport(None);
        let was_open = self.link.ended();
        let hub = self.shared.hub();
        hub.drive(|manager, now| match was_open {
            true => {
                let reason = reason.unwrap_or(engine::CloseReason::ForcedClose);
                manager.handle_closed(now, reason, error);
            }
            false => {
                let error = error.unwrap_or_else(|| ErrorKind::Ended.into());
                manager.handle_open_failed(now, error);
            }
        });
        hub.notify();
    }

    fn take_events(&self) -> bool {
        let mut moved = false;
        while let Some(event) = self.shared.hub().drive(|manager, _| manager.poll_event()) {
            handle(self.shared, &self.worker, event);
            moved = true;
        }
        moved
    }

    fn check_time(&self) -> bool {
        self.shared.hub().drive(|manager, now| {
            let is_due = manager.poll_timeout().is_some_and(|at| at <= now);
            if is_due {
                manager.handle_timeout(now);
            }
            is_due
        })
    }

    // ---- What goes out --------------------------------------------------------------------

    /// Does what the manager wants.
    fn act(&mut self) -> bool {
        let mut moved = false;
        loop {
            let flow = self.link.flow();
            let output = self.shared.hub().drive(|manager, _| {
                manager.set_flow(flow);
                manager.poll_output()
            });
            let Some(output) = output else {
                return moved;
            };
            moved = true;
            match output {
                Output::Open => self.open_link(),
                Output::Auth { socket, ticket } => {
                    let provider = self.shared.credentials(socket);
                    self.questions.ask_credentials(socket, ticket, provider);
                }
                Output::Send(message) => self.link.send(message),
                Output::Close => {
                    self.shared.set_transport(None);
                    self.link.close();
                }
            }
        }
    }

    fn open_link(&mut self) {
        let (shared, questions) = (self.shared, &mut self.questions);
        self.link.open(|| {
            let (url, headers) = shared.link_providers();
            questions.ask_link(shared.config().engine.clone(), url, headers)
        });
    }

    fn take_answers(&mut self) -> bool {
        let mut moved = false;
        while let Some(said) = self.questions.answer() {
            moved = true;
            match said {
                Said::Link(question, config) => self.handle_config(question, *config),
                Said::Credentials(socket, ticket, said) => {
                    let said = said.map(Credentials::into_object);
                    let said = said.map_err(|error| error.to_string());
                    let hub = self.shared.hub();
                    hub.drive(|manager, now| manager.handle_auth(now, socket, ticket, said));
                }
            }
        }
        moved
    }

    fn handle_config(&mut self, question: u64, config: Result<engine::Config, BoxError>) {
        match self.link.work() {
            Work::Configure(current) if *current == question => {}
            // It was given up meanwhile.
            _ => return,
        }
        let started = self.link.configured(|memory| {
            let config = config.map_err(|error| ErrorKind::Dial(io::Error::other(error)))?;
            start(self.shared, config, memory)
        });
        if let Err(error) = started {
            let hub = self.shared.hub();
            hub.drive(|manager, now| manager.handle_open_failed(now, error));
        }
    }
}

/// Tells the application.
fn handle(shared: &Arc<Shared>, worker: &Worker, event: Event<'_, Ticket>) {
    let run = |key, what: What<'_>| {
        // Otherwise nobody holds the client any more: there is nobody to be told.
        if let Some(socket) = Socket::find(shared, key) {
            worker.push(socket, what.to_owned());
        }
    };
    match event {
        Event::Connected { socket, .. } => run(socket, What::Connect),
        Event::ConnectError {
            socket,
            error,
            will_retry,
        } => {
            let attempts = shared.attempts();
            attempts.fail(socket, &error, will_retry);
            run(socket, What::ConnectError(error));
        }
        Event::Event {
            socket,
            reply,
            name,
            args,
        } => return run(socket, What::Event { name, reply, args }),
        Event::Ack { ack, result, .. } => {
            return settle(shared, ack, result.map(Args::into_owned));
        }
        Event::Disconnected { socket, reason, .. } => run(socket, What::Disconnect(reason)),
        Event::Stage(stage) => {
            tracing::debug!(target: "socketio", ?stage, "link");
            shared.tell(&stage);
        }
    }
    shared.hub().notify();
}

/// Settles an acknowledgement. An answer that is no JSON is none.
fn settle(shared: &Shared, ticket: Ticket, answer: Answer) {
    match &answer {
        Ok(args) if args.check().is_err() => shared
            .hub()
            .drive(|manager, now| manager.handle_malformed(now)),
        _ => ticket.fill(answer),
    }
}

fn start(
    shared: &Shared,
    config: engine::Config,
    memory: Memory,
) -> Result<Session, engine::Error> {
    let config = Arc::new(config);
    let dialer = Dialer::new(Arc::clone(&config), shared.connector());
    Session::start(config, dialer, memory, shared.epoch())
}

impl link::Session for Session {
    fn handshake(&self) -> Option<&Handshake> {
        self.core().handshake()
    }

    fn tape(&self) -> Option<&Tape> {
        self.core().tape()
    }

    fn revision(&self) -> engine::Revision {
        self.core().revision()
    }

    fn transport(&self) -> Transport {
        self.core().transport()
    }

    fn is_writable(&self) -> bool {
        self.core().is_writable()
    }

    fn queued_bytes(&self) -> usize {
        self.core().queued_bytes()
    }

    fn send(&mut self, message: Prepared) {
        self.send(message);
    }

    fn set_reading(&mut self, reading: bool) {
        self.set_reading(reading);
    }

    fn start_close(&mut self) {
        self.start_close();
    }
}
