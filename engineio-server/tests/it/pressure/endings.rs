//! A session comes to its end and its task to rest, whatever its client has asked for and has not
//! been answered.

use std::time::Duration;

use engineio_server::{Config, OutboxLimits, OverflowPolicy, ServerLimits, Session};

use super::{BLOCK, POLICIES, SOFT, STALL, TOO_SLOW, opened, push_kept, start_with};
use crate::host::{Host, Polling, pass};
use crate::puppet::{Events, Order, Reaction, order};
use crate::wire::{Wire, request};

/// What ends a session.
#[derive(Debug, Clone, Copy)]
enum End {
    /// More is pushed than may wait for one client.
    Overflow,
    /// It waits for longer than it may.
    Stall,
    /// More waits than may for all clients.
    Eviction,
    Close,
    /// An eviction while it closes.
    EvictionOfClosing,
}

const ENDS: [End; 5] = [
    End::Overflow,
    End::Stall,
    End::Eviction,
    End::Close,
    End::EvictionOfClosing,
];

/// How far a POST has come.
#[derive(Debug, Clone, Copy)]
enum Post {
    None,
    Arriving,
    /// The application does not take its message.
    Parked,
    /// It has been given up since.
    GivenUp,
}

const POSTS: [Post; 4] = [Post::None, Post::Arriving, Post::Parked, Post::GivenUp];

impl Post {
    async fn begin(self, client: &Polling<'_>, host: &Host) -> Option<Wire> {
        match self {
            Self::None => None,
            Self::Arriving => {
                let whole = request("POST", &client.target(), &[], b"4never finished");
                let mut wire = host.connect().await;
                wire.write(&whole[..whole.len() - 3]).await;
                Some(wire)
            }
            Self::Parked | Self::GivenUp => Some(client.start_post("4unread").await),
        }
    }
}

/// Lets everything run that can, in no time, and sees that it ends: a task that only seems to have
/// something to do would go round for ever, and the clock of the test would stand still.
pub(super) async fn rest(host: &Host, case: &str) {
    let run = async || {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        host.server.acceptor().polls()
    };
    assert_eq!(run().await, run().await, "no rest: {case}");
}

/// Pushes so many blocks, each when the one before has been handled, or until no more are taken.
async fn push_slowly(host: &Host, session: &Session<Order>, count: usize, case: &str) {
    for number in 0..count {
        if push_kept(session, number).is_err() {
            break;
        }
        rest(host, case).await;
    }
}

/// More than may wait for all clients together.
const LIMIT: usize = 10 * BLOCK;

async fn bring_about(
    end: End,
    host: &Host,
    events: &mut Events,
    session: &Session<Order>,
    case: &str,
) {
    match end {
        // In one turn: the task has not seen any of it.
        End::Overflow => while push_kept(session, 0).is_ok() {},
        End::Stall => {
            push_slowly(host, session, SOFT / BLOCK + 2, case).await;
            pass(STALL).await;
            while push_kept(session, 0).is_ok() {}
        }
        End::Eviction => push_slowly(host, session, LIMIT / BLOCK + 2, case).await,
        End::Close => session.close(),
        End::EvictionOfClosing => {
            host.open().await;
            let other = opened(events).await;
            push_slowly(host, session, LIMIT / BLOCK - 1, case).await;
            session.close();
            rest(host, case).await;
            push_slowly(host, &other, 3, case).await;
        }
    }
}

async fn assert_ends(policy: OverflowPolicy, end: End, post: Post, polls: bool) {
    let case = &format!("{policy:?} {end:?} {post:?} polls: {polls}");
    let mut limits = ServerLimits::default();
    if let End::Eviction | End::EvictionOfClosing = end {
        limits.bytes = LIMIT;
    }
    let (host, mut events) = start_with(policy, limits);
    let client = host.open().await;
    let session = opened(&mut events).await;
    order(&session, Order::Read(false));
    let poll = match polls {
        true => Some(client.park().await),
        false => None,
    };
    let posting = post.begin(&client, &host).await;
    rest(&host, case).await;
    bring_about(end, &host, &mut events, &session, case).await;
    let posting = posting.filter(|_| !matches!(post, Post::GivenUp));
    rest(&host, case).await;
    if let End::Close = end {
        // What was pushed before may still be fetched, for half a minute.
        pass(Duration::from_secs(31)).await;
    }
    assert!(session.is_closed(), "{case}");
    drop((poll, posting));
    // The second client of an eviction misses its heartbeat.
    host.assert_empty().await;
    assert_eq!(host.server.stats().waiting, 0, "{case}");
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_whatever_is_under_way() {
    for policy in POLICIES {
        for end in ENDS {
            for post in POSTS {
                for polls in [false, true] {
                    assert_ends(policy, end, post, polls).await;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_whose_answers_are_too_much_ends_its_session() {
    // All of its messages are handled in one turn.
    let answer = "x".repeat(BLOCK);
    let count = 6;
    let outbox = OutboxLimits {
        soft: BLOCK,
        hard: (count - 1) * BLOCK,
        ..OutboxLimits::default()
    };
    let config = Config {
        outbox,
        ..Config::default()
    };
    let (host, mut events) = Host::start(config, Reaction::EchoThroughQueue);
    let client = host.open().await;
    let mut wire = client
        .start_post(vec![format!("4{answer}"); count].join("\u{1e}"))
        .await;
    rest(&host, "flood").await;
    wire.response("POST").await.assert(400, "");
    assert_eq!(events.closed().await, TOO_SLOW);
    client.assert_unknown().await;
    host.assert_empty().await;
}
