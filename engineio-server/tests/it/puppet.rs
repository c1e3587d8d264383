//! The application of these tests. A puppet reports what it is told, and does what the entries of
//! its session order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use engineio_server::{
    Acceptor, Application, CloseReason, Message, Prepared, Refusal, Session, SessionContext, Sid,
    Transport, Weight,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use tokio::sync::mpsc;

use crate::host::{patiently, settle};

/// What an entry tells a puppet to do.
#[derive(Debug)]
pub(crate) enum Order {
    Send(Prepared),
    /// As well, and a policy must not drop it.
    Keep(Prepared),
    Close,
    Panic,
    /// Whether to take messages from now on.
    Read(bool),
}

/// What a puppet was told.
#[derive(Debug)]
pub(crate) enum Event {
    Open(Session<Order>),
    Text(String),
    Binary(Vec<u8>),
    Upgraded,
    Closed(CloseReason, Option<&'static str>),
}

/// What a puppet does about a message besides reporting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reaction {
    Nothing,
    /// Sends it back.
    Echo,
    /// Sends it back through the session's own queue, as long as that takes it.
    EchoThroughQueue,
    /// Refuses further messages until it is polled.
    Pause,
    /// Refuses the session instead, in these words, after a while.
    Disallow(&'static str),
    /// The same, when everything else of the session is there.
    Refuse(&'static str),
    /// Finds the request for a session senseless, at once or once it is to have an id.
    Reject(Step),
    /// Gives the session this id.
    Name(Sid),
    /// Adds headers: `x-any` to whatever succeeds, `x-first` to the first answer.
    Label,
    /// Sends this before anything else.
    Greet(&'static str),
}

/// When a session is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Allow,
    Name,
}

/// Makes puppets. All report to the same [`Events`].
#[derive(Debug)]
pub(crate) struct Puppets {
    reaction: Reaction,
    events: mpsc::UnboundedSender<Event>,
    polls: Arc<AtomicUsize>,
    alive: Arc<AtomicUsize>,
}

impl Puppets {
    pub(crate) fn new(reaction: Reaction) -> (Self, Events) {
        let (events, receiver) = mpsc::unbounded_channel();
        let puppets = Self {
            reaction,
            events,
            polls: Arc::default(),
            alive: Arc::default(),
        };
        (puppets, Events(receiver))
    }

    /// How often any puppet was polled.
    pub(crate) fn polls(&self) -> usize {
        self.polls.load(Ordering::SeqCst)
    }

    /// How many puppets have not been dropped.
    pub(crate) fn alive(&self) -> usize {
        self.alive.load(Ordering::SeqCst)
    }
}

pub(crate) struct Puppet {
    session: Session<Order>,
    reaction: Reaction,
    events: mpsc::UnboundedSender<Event>,
    polls: Arc<AtomicUsize>,
    alive: Arc<AtomicUsize>,
    reading: bool,
}

impl Acceptor for Puppets {
    type Application = Puppet;

    async fn allow(&self, _: &mut Parts) -> Result<(), Refusal> {
        match self.reaction {
            Reaction::Disallow(words) => {
                settle().await;
                Err(Refusal::new(words))
            }
            Reaction::Reject(Step::Allow) => Err(Refusal::BadRequest),
            _ => Ok(()),
        }
    }

    fn sid(&self, _: &Parts) -> Result<Option<Sid>, Refusal> {
        match self.reaction {
            Reaction::Reject(Step::Name) => Err(Refusal::BadRequest),
            Reaction::Name(sid) => Ok(Some(sid)),
            _ => Ok(None),
        }
    }

    fn headers(&self, _: &Parts, opens: bool, headers: &mut HeaderMap) {
        if self.reaction == Reaction::Label {
            headers.insert("x-any", HeaderValue::from_static("any"));
            if opens {
                headers.insert("x-first", HeaderValue::from_static("first"));
            }
        }
    }

    fn open(&self, session: Session<Order>, _: &Parts) -> Result<Puppet, Refusal> {
        match self.reaction {
            Reaction::Refuse(words) => return Err(Refusal::new(words)),
            Reaction::Greet(text) => {
                let greeting = Order::Send(Prepared::text(text));
                session.push(greeting, text.len()).unwrap();
            }
            _ => {}
        }
        self.alive.fetch_add(1, Ordering::SeqCst);
        let puppet = Puppet {
            session: session.clone(),
            reaction: self.reaction,
            events: self.events.clone(),
            polls: Arc::clone(&self.polls),
            alive: Arc::clone(&self.alive),
            reading: true,
        };
        puppet.report(Event::Open(session));
        Ok(puppet)
    }
}

impl Puppet {
    fn report(&self, event: Event) {
        // A test that has seen enough may have dropped its end.
        let _ = self.events.send(event);
    }
}

impl Application for Puppet {
    type Entry = Order;

    fn weigh(order: &Order) -> Weight {
        let (bytes, droppable) = match order {
            Order::Send(message) => (message.wire_len(), true),
            Order::Keep(message) => (message.wire_len(), false),
            Order::Close | Order::Panic | Order::Read(_) => (0, false),
        };
        Weight { bytes, droppable }
    }

    fn handle_message(&mut self, cx: &mut SessionContext<'_, '_>, message: Message<'_>) {
        let (event, answer) = match message {
            Message::Text(text) => (Event::Text(text.to_owned()), Prepared::text(text)),
            Message::Binary(data) => (
                Event::Binary(data.to_vec()),
                Prepared::binary(Bytes::copy_from_slice(&data)),
            ),
        };
        self.report(event);
        match self.reaction {
            Reaction::Echo => cx.send(answer),
            Reaction::EchoThroughQueue => {
                let len = answer.wire_len();
                let _ = self.session.push(Order::Send(answer), len);
            }
            Reaction::Pause => self.reading = false,
            _ => {}
        }
    }

    fn handle_entry(&mut self, cx: &mut SessionContext<'_, '_>, order: Order) {
        match order {
            Order::Send(message) | Order::Keep(message) => cx.send(message),
            Order::Close => cx.close(),
            Order::Panic => panic!("ordered to"),
            Order::Read(reading) => self.reading = reading,
        }
    }

    fn poll(&mut self, _: &mut SessionContext<'_, '_>) {
        self.polls.fetch_add(1, Ordering::SeqCst);
        if self.reaction == Reaction::Pause {
            self.reading = true;
        }
    }

    fn wants_messages(&self) -> bool {
        self.reading
    }

    fn handle_upgrade(&mut self, _: &mut SessionContext<'_, '_>, to: Transport) {
        assert_eq!(to, Transport::Websocket);
        self.report(Event::Upgraded);
    }

    fn handle_close(&mut self, reason: CloseReason, detail: Option<&'static str>) {
        self.report(Event::Closed(reason, detail));
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What all puppets of a server were told, in order.
pub(crate) struct Events(mpsc::UnboundedReceiver<Event>);

impl Events {
    pub(crate) async fn next(&mut self) -> Event {
        patiently(self.0.recv()).await.expect("the server lives")
    }

    /// The handle of a session that has just been opened.
    pub(crate) async fn opened(&mut self) -> Session<Order> {
        match self.next().await {
            Event::Open(session) => session,
            event => panic!("unexpected {event:?}"),
        }
    }

    /// Skips to the end of a session and tells its reason and detail.
    pub(crate) async fn closed(&mut self) -> (&'static str, Option<&'static str>) {
        loop {
            if let Event::Closed(reason, detail) = self.next().await {
                return (reason.as_str(), detail);
            }
        }
    }

    /// Skips to the next text message.
    pub(crate) async fn text(&mut self) -> String {
        loop {
            if let Event::Text(text) = self.next().await {
                return text;
            }
        }
    }

    /// What has been reported and not been taken yet.
    pub(crate) fn drain(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.0.try_recv().ok()).collect()
    }
}

/// Orders a puppet to send a text message.
#[track_caller]
pub(crate) fn send(session: &Session<Order>, text: &str) {
    let message = Prepared::text(text);
    let len = message.wire_len();
    session.push(Order::Send(message), len).unwrap();
}

/// Gives a puppet an order that costs nothing on the wire.
#[track_caller]
pub(crate) fn order(session: &Session<Order>, order: Order) {
    session.push(order, 0).unwrap();
}
