//! Clients that take less than they are sent, one by one and together.

mod endings;
mod policies;
mod room;
mod schedules;
mod server;

use std::time::Duration;

use engineio_server::{
    Config, OutboxLimits, OverflowPolicy, Prepared, PushError, ServerLimits, Session,
};

use crate::host::{Host, Polling, settle};
use crate::puppet::{Event, Events, Order, Reaction};
use crate::wire::{Received, Websocket, Wire};

const SOFT: usize = 200_000;
const HARD: usize = 400_000;
const STALL: Duration = Duration::from_secs(10);

/// Why a session ends that lags too far behind.
const TOO_SLOW: (&str, Option<&str>) = ("transport error", Some("client is too slow"));

/// Bytes that a block counts, about.
const BLOCK: usize = 10_000;

/// All of them.
const POLICIES: [OverflowPolicy; 3] = [
    OverflowPolicy::Disconnect,
    OverflowPolicy::DropNewest,
    OverflowPolicy::DropOldest,
];

fn start(policy: OverflowPolicy) -> (Host, Events) {
    start_with(policy, ServerLimits::default())
}

fn start_with(policy: OverflowPolicy, server: ServerLimits) -> (Host, Events) {
    let config = Config {
        outbox: OutboxLimits {
            soft: SOFT,
            hard: HARD,
            stall: STALL,
            policy,
        },
        server,
        ..Config::default()
    };
    Host::start(config, Reaction::Nothing)
}

/// A client on either transport that reads when it is told to.
enum Reader<'a> {
    Websocket(Box<Websocket>),
    /// With the poll that waits, if one does.
    Polling(Polling<'a>, Option<Wire>),
}

impl<'a> Reader<'a> {
    /// One of each kind, with its session.
    async fn both(host: &'a Host, events: &mut Events) -> [(Self, Session<Order>); 2] {
        let websocket = Self::Websocket(Box::new(host.open_websocket().await));
        let session = opened(events).await;
        let polling = Self::Polling(host.open().await, None);
        settle().await;
        [(websocket, session), (polling, opened(events).await)]
    }

    /// Reads whatever is there: the numbers of the blocks, and that of what was to be kept.
    async fn numbers(&mut self) -> Vec<usize> {
        let mut numbers = Vec::new();
        match self {
            Self::Websocket(websocket) => {
                while let Ok(received) =
                    tokio::time::timeout(Duration::from_millis(5), websocket.receive()).await
                {
                    match received {
                        Received::Text(text) => numbers.push(number(&text)),
                        other => panic!("unexpected {other:?}"),
                    }
                }
            }
            Self::Polling(polling, parked) => loop {
                let mut poll = match parked.take() {
                    Some(poll) => poll,
                    None => polling.park().await,
                };
                if poll.is_silent().await {
                    *parked = Some(poll);
                    break;
                }
                let payload = poll.response("GET").await;
                numbers.extend(payload.text().split('\u{1e}').map(number));
            },
        }
        numbers
    }

    /// Answers a ping, if one is due before long. It reads nothing.
    async fn beat(&mut self) {
        match self {
            Self::Websocket(websocket) => websocket.say("3").await,
            Self::Polling(polling, _) => polling.say("3").await,
        }
    }
}

/// The session that has been opened, whatever became of others.
async fn opened(events: &mut Events) -> Session<Order> {
    loop {
        if let Event::Open(session) = events.next().await {
            return session;
        }
    }
}

/// Which block this message is.
#[track_caller]
fn number(text: &str) -> usize {
    let number = text[1..].split(' ').next().unwrap();
    number
        .parse()
        .unwrap_or_else(|_| panic!("no block: {text}"))
}

fn block(number: usize) -> Prepared {
    Prepared::text(&format!(
        "{number} {}",
        "x".repeat(BLOCK - OutboxLimits::PER_MESSAGE)
    ))
}

fn push(session: &Session<Order>, number: usize) -> Result<(), PushError> {
    let message = block(number);
    let bytes = message.wire_len();
    session.push(Order::Send(message), bytes)
}

fn push_kept(session: &Session<Order>, number: usize) -> Result<(), PushError> {
    let message = block(number);
    let bytes = message.wire_len();
    session.push(Order::Keep(message), bytes)
}

/// Pushes blocks until they are more than `limit` bytes; the first one has this number. Returns the
/// number of the next one.
async fn push_beyond(session: &Session<Order>, from: usize, limit: usize) -> usize {
    let mut next = from;
    while session.buffered() <= limit {
        push(session, next).unwrap();
        next += 1;
        settle().await;
    }
    next
}
