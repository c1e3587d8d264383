//! A client whose driver is the test: what it sends is collected, what it is told is written down.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use crate::{
    Config, Stage,
    engine::{CloseReason, ErrorKind},
    link::Opened,
    manager::{Event, Manager, Outgoing, Output, ReplyTo, Sent, SocketKey},
    proto::{Revision, Tick},
};

pub(super) struct World {
    pub(super) now: Tick,
    pub(super) manager: Manager<&'static str>,
    config: Config,
    /// Whether questions for credentials wait for [`answer`](Self::answer).
    pub(super) holds_auth: bool,
    pub(super) questions: VecDeque<(SocketKey, u32)>,
    outputs: Vec<String>,
    told: Vec<String>,
    pub(super) replies: Vec<(SocketKey, ReplyTo)>,
    ids: u64,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(super) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new("http://virtual");
        // Delays of exactly 1, 2, 4, 5 seconds.
        config.reconnection.randomization = 0.0;
        change(&mut config);
        Self {
            now: 0,
            manager: Manager::new(&config, 1),
            config,
            holds_auth: false,
            questions: VecDeque::new(),
            outputs: Vec::new(),
            told: Vec::new(),
            replies: Vec::new(),
            ids: 0,
        }
    }

    /// One socket, connected; nothing noted yet.
    pub(super) fn connected(change: impl FnOnce(&mut Config)) -> (Self, SocketKey) {
        let mut world = Self::with(change);
        let socket = world.connect("/");
        world.link();
        world.say(r#"0{"sid":"a"}"#);
        world.outputs();
        world.told();
        (world, socket)
    }

    pub(super) fn connect(&mut self, nsp: &str) -> SocketKey {
        let socket = self.manager.socket(nsp);
        self.again(socket);
        socket
    }

    pub(super) fn again(&mut self, socket: SocketKey) {
        self.manager.connect(self.now, socket);
        self.settle();
    }

    pub(super) fn disconnect(&mut self, socket: SocketKey) {
        self.manager.disconnect(self.now, socket);
        self.settle();
    }

    pub(super) fn close(&mut self) {
        self.manager.close(self.now);
        self.settle();
    }

    pub(super) fn link(&mut self) {
        self.link_speaking(Revision::V5);
    }

    pub(super) fn link_speaking(&mut self, revision: Revision) {
        self.manager
            .handle_opened(self.now, opened(revision, "link"));
        self.settle();
    }

    pub(super) fn no_link(&mut self) {
        let error = ErrorKind::Timeout.into();
        self.manager.handle_open_failed(self.now, error);
        self.settle();
    }

    pub(super) fn cut(&mut self, reason: CloseReason) {
        self.manager.handle_closed(self.now, reason, None);
        self.settle();
    }

    /// The server sends a text message.
    pub(super) fn say(&mut self, text: &str) {
        if let Some(event) = self.manager.handle_text(self.now, text) {
            let line = self.line(&event);
            self.told.push(line);
        }
        self.settle();
    }

    /// Time passes, without skipping what is due.
    pub(super) fn pass(&mut self, ms: u64) {
        let until = self.now + ms;
        while let Some(due) = self.manager.poll_timeout().filter(|due| *due <= until) {
            self.now = due.max(self.now);
            self.manager.handle_timeout(self.now);
            self.settle();
        }
        self.now = until;
    }

    /// Answers the oldest question for credentials.
    pub(super) fn answer(&mut self, auth: Result<Option<Value>, &str>) {
        let (socket, ticket) = self.questions.pop_front().expect("a question");
        self.answer_as(socket, ticket, auth);
    }

    pub(super) fn answer_as(
        &mut self,
        socket: SocketKey,
        ticket: u32,
        auth: Result<Option<Value>, &str>,
    ) {
        let map = |auth: Value| -> Map<String, Value> { auth.as_object().expect("map").clone() };
        let auth = auth.map(|auth| auth.map(map)).map_err(str::to_owned);
        self.manager.handle_auth(self.now, socket, ticket, auth);
        self.settle();
    }

    /// An event that nobody answers.
    pub(super) fn emit(&mut self, socket: SocketKey, name: &str) -> &'static str {
        let event = self.outgoing(socket, name, None);
        self.send(socket, event)
    }

    /// An event whose answer is awaited, for ever or some milliseconds.
    pub(super) fn ask(
        &mut self,
        socket: SocketKey,
        tag: &'static str,
        timeout: Option<u64>,
    ) -> &'static str {
        let mut event = self.outgoing(socket, tag, Some(tag));
        event.timeout = timeout;
        self.send(socket, event)
    }

    pub(super) fn emit_volatile(&mut self, socket: SocketKey, name: &str) -> &'static str {
        let mut event = self.outgoing(socket, name, None);
        event.volatile = true;
        self.send(socket, event)
    }

    pub(super) fn outgoing(
        &mut self,
        socket: SocketKey,
        name: &str,
        ack: Option<&'static str>,
    ) -> Outgoing<&'static str> {
        let id = (ack.is_some() || self.config.retries > 0).then_some(self.ids);
        self.ids += u64::from(id.is_some());
        let nsp = self.manager.namespace(socket).expect("a socket");
        let encoder = self.config.encoder();
        Outgoing {
            message: encoder.event(nsp, id, name, &()).expect("a fine name"),
            id,
            ack,
            timeout: None,
            volatile: false,
        }
    }

    pub(super) fn send(
        &mut self,
        socket: SocketKey,
        event: Outgoing<&'static str>,
    ) -> &'static str {
        let fate = match self.manager.emit(self.now, socket, event) {
            Sent::Queued => "queued",
            Sent::Buffered => "buffered",
            Sent::Dropped(_) => "dropped",
            Sent::Refused(_) => "refused",
        };
        self.told_only();
        fate
    }

    /// What the driver was to do since the last look.
    pub(super) fn outputs(&mut self) -> Vec<String> {
        self.settle();
        std::mem::take(&mut self.outputs)
    }

    /// What the application was told since the last look.
    pub(super) fn told(&mut self) -> Vec<String> {
        self.told_only();
        std::mem::take(&mut self.told)
    }

    pub(super) fn settle(&mut self) {
        loop {
            self.told_only();
            match self.manager.poll_output() {
                Some(output) => self.act(output),
                None => return,
            }
        }
    }

    fn told_only(&mut self) {
        while let Some(event) = self.manager.poll_event() {
            let line = self.line(&event);
            self.told.push(line);
        }
    }

    fn act(&mut self, output: Output) {
        self.outputs.push(match output {
            Output::Open => "open".to_owned(),
            Output::Close => "close".to_owned(),
            Output::Send(message) => message.text().to_owned(),
            Output::Auth { socket, ticket } if self.holds_auth => {
                self.questions.push_back((socket, ticket));
                return;
            }
            Output::Auth { socket, ticket } => {
                self.manager.handle_auth(self.now, socket, ticket, Ok(None));
                return;
            }
        });
    }

    fn line(&mut self, event: &Event<'_, &'static str>) -> String {
        let again = |again: &bool| if *again { ", again" } else { "" };
        let name = |socket: &SocketKey| self.manager.namespace(*socket).unwrap_or("?").to_owned();
        match event {
            Event::Connected { socket, recovered } => {
                let recovered = if *recovered { " recovered" } else { "" };
                format!("{} connected{recovered}", name(socket))
            }
            Event::ConnectError {
                socket,
                error,
                will_retry,
            } => format!("{} error: {error}{}", name(socket), again(will_retry)),
            Event::Event {
                socket,
                reply,
                name: event,
                args,
            } => {
                let line = format!("{} {event}[{}]", name(socket), args.raw());
                self.replies.extend(reply.map(|reply| (*socket, reply)));
                line
            }
            Event::Ack {
                socket,
                ack,
                result,
            } => match result {
                Ok(args) => format!("{} ack {ack}[{}]", name(socket), args.raw()),
                Err(failure) => format!("{} ack {ack}: {failure:?}", name(socket)),
            },
            Event::Disconnected {
                socket,
                reason,
                will_reconnect,
            } => format!("{} lost: {reason}{}", name(socket), again(will_reconnect)),
            Event::Stage(stage) => format!("* {}", shown(stage)),
        }
    }
}

fn shown(stage: &Stage) -> String {
    match stage {
        Stage::Open => "open".to_owned(),
        Stage::OpenFailed { error } => format!("not open: {error}"),
        Stage::Closed { reason, .. } => format!("closed: {reason}"),
        Stage::Reconnecting { attempt, delay } => format!("attempt {attempt} in {delay:?}"),
        Stage::ReconnectAttempt { attempt } => format!("attempt {attempt}"),
        Stage::ReconnectError { attempt, error } => format!("attempt {attempt} failed: {error}"),
        Stage::Reconnected { attempt } => format!("open again after {attempt}"),
        Stage::ReconnectFailed => "given up".to_owned(),
    }
}

/// A link by this id, which nobody records.
pub(in crate::manager) fn opened(revision: Revision, sid: &str) -> Opened {
    Opened {
        revision,
        sid: sid.to_owned(),
        tape: None,
    }
}
