//! Handlers that wait: for their own client, for each other, for a door that opens late.

use std::collections::BTreeSet;
use std::time::Duration;

use socketio_server::{BoxError, Data, HandlerLimits, Io, Socket, State};
use tokio::sync::Notify;
use tokio::task::coop;
use tokio::time::Instant;

use super::note_disconnects;
use crate::host::{Door, Host, Pen, settle};

#[tokio::test(start_paused = true)]
async fn handlers_that_ask_their_own_client_neither_deadlock_nor_kill_it() {
    let defaults = HandlerLimits::default();
    let few = HandlerLimits {
        running: 4,
        inbox: 60,
        ..defaults
    };
    // As many as may run, and as many more as the inbox takes.
    for (limits, events) in [
        (defaults, defaults.running),
        (defaults, defaults.running + defaults.inbox - 1),
        (few, few.running),
        (few, few.running + few.inbox - 1),
    ] {
        let heartbeat = Duration::from_secs(5);
        let host = Host::start(
            Io::builder()
                .handler_limits(limits)
                .heartbeat(heartbeat, heartbeat / 2),
        );
        host.io.on("ask", ask_back);
        let mut client = host.join("/").await;
        client
            .say_all((0..events).map(|n| format!(r#"42{n}["ask",{n}]"#)))
            .await;

        let mut asked = 0;
        let mut answers = BTreeSet::new();
        let mut questions = Vec::new();
        while answers.len() < events {
            let due = limits.running.min(events - asked);
            while questions.len() < due {
                questions.push(question(&client.text().await).unwrap());
            }
            asked += questions.len();
            // Late, but within the time an acknowledgement has.
            assert!(client.idle(heartbeat * 4).await >= 3);
            let answered = questions
                .drain(..)
                .rev()
                .map(|(id, n)| format!("43{id}[{n}]"));
            let answered = answered.collect::<Vec<_>>();
            client.say_all(&answered).await;
            let wanted = answers.len() + answered.len();
            // Handlers that come to an end make room for others at once.
            while answers.len() < wanted {
                let packet = client.text().await;
                match question(&packet) {
                    Some(question) => questions.push(question),
                    None => assert!(answers.insert(packet)),
                }
            }
        }
        assert_eq!(
            answers,
            (0..events).map(|n| format!("43{n}[{n}]")).collect()
        );
        assert!(client.is_silent().await);
    }
}

async fn ask_back(socket: Socket, Data(n): Data<u64>) -> Result<u64, BoxError> {
    Ok(socket.call("question", &n).await?)
}

/// The id and the argument of `42<id>["question",<n>]`.
fn question(packet: &str) -> Option<(u64, u64)> {
    let packet = packet.strip_prefix("42")?.strip_suffix(']')?;
    let (id, n) = packet.split_once(r#"["question","#)?;
    Some((id.parse().unwrap(), n.parse().unwrap()))
}

#[tokio::test(start_paused = true)]
async fn a_full_inbox_holds_the_client_up_and_lets_it_go_on() {
    let limits = HandlerLimits {
        running: 2,
        inbox: 8,
        ..HandlerLimits::default()
    };
    let heartbeat = Duration::from_secs(5);
    let host = Host::start(
        Io::builder()
            .handler_limits(limits)
            .heartbeat(heartbeat, heartbeat),
    );
    host.io
        .on("wait", async |door: State<Door>, Data(n): Data<u64>| {
            door.pass().await;
            n
        });
    let mut client = host.join("/").await;
    client
        .say_all((0..500).map(|n| format!(r#"42{n}["wait",{n}]"#)))
        .await;
    // The pongs are not read, and not missed.
    assert!(client.idle(heartbeat * 5).await > 0);
    host.door.open();
    let mut answers = BTreeSet::new();
    while answers.len() < 500 {
        answers.insert(client.text().await);
    }
    assert_eq!(answers, (0..500).map(|n| format!("43{n}[{n}]")).collect());
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_handlers_never_catch_up_is_closed() {
    let limits = HandlerLimits {
        running: 2,
        inbox: 8,
        stall: Duration::from_secs(7),
        ..HandlerLimits::default()
    };
    let mut host = Host::start(Io::builder().handler_limits(limits));
    note_disconnects(&host.io);
    host.io
        .on("wait", async |door: State<Door>, pen: State<Pen>| {
            door.pass().await;
            pen.note("done");
        });
    let mut client = host.join("/").await;
    client.say_all([r#"42["wait"]"#; 10]).await;
    client.idle(limits.stall - Duration::from_millis(10)).await;
    client.expect_close().await;
    // Whatever was accepted is done all the same, the goodbye last.
    host.door.open();
    for _ in 0..10 {
        host.diary.expect("done").await;
    }
    host.diary.expect("transport error").await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_meets_an_empty_budget_does_not_hold_up_the_next() {
    let limits = HandlerLimits {
        running: 2,
        ..HandlerLimits::default()
    };
    let host = Host::start(Io::builder().handler_limits(limits).state(Notify::new()));
    host.io
        .on("spend", async |door: State<Door>| {
            coop::unconstrained(door.pass()).await;
            while coop::has_budget_remaining() {
                coop::consume_budget().await;
            }
        })
        .on("await", async |notify: State<Notify>| {
            coop::unconstrained(notify.notified()).await;
        })
        .on("notify", async |notify: State<Notify>| notify.notify_one());
    let mut client = host.join("/").await;
    let events = ["spend", "spend", "await", "notify"];
    let events = events.iter().zip(0..);
    client
        .say_all(events.map(|(event, n)| format!(r#"42{n}["{event}"]"#)))
        .await;
    settle().await;
    host.door.open();
    let start = Instant::now();
    let mut answers = BTreeSet::new();
    while answers.len() < 4 {
        answers.insert(client.text().await);
    }
    assert_eq!(answers, (0..4).map(|n| format!("43{n}[]")).collect());
    // Without a turn of its own it would be the next ping that wakes the client's task.
    assert_eq!(start.elapsed(), Duration::ZERO);
}
