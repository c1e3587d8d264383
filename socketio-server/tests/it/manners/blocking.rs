//! Handlers on threads that may block, and those that block the thread of others.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use socketio_server::{ConnectError, Data, Handler, HandlerLimits, Io, State};
use tokio::task::yield_now;

use super::{LetGo, assert_two_meet, note, wait};
use crate::host::{Host, Pen, settle};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn blocking_handlers_run_beside_a_runtime_of_one_thread() {
    assert_two_meet(|meet| (move || meet()).blocking()).await;
}

#[tokio::test(start_paused = true)]
async fn a_blocking_handler_may_be_async_and_fails_like_any_other() {
    let mut host = Host::new();
    let half = async |Data(n): Data<u64>| {
        yield_now().await;
        match n % 2 {
            0 => Ok(n / 2),
            _ => Err("odd"),
        }
    };
    let panic = || {
        if true {
            panic!("oh");
        }
    };
    host.io
        .blocking()
        .on("half", half)
        .on("panic", panic)
        .on_connect(|Data(_): Data<u64>| ());
    host.io
        .of("/ok")
        .blocking()
        .on_connect(|| Err::<(), _>(ConnectError::new("later")));
    host.io.of("/half").blocking().on("half", half);
    let mut client = host.open().await;
    client.say("40/ok,").await;
    client.expect(r#"44/ok,{"message":"later"}"#).await;
    client.join("/half").await;
    client.say(r#"42/half,0["half",4]"#).await;
    client.expect("43/half,0[2]").await;
    client.say(r#"42/half,1["half",3]"#).await;
    host.diary.expect("half in /half failed: odd").await;
    client.say("40").await;
    client
        .expect(r#"44{"message":"internal server error"}"#)
        .await;
    host.diary
        .expect("connect in / failed: argument is missing")
        .await;
}

/// Lets everything in this thread go on, without time: that stands still while others block.
async fn look_around() {
    for _ in 0..1000 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn blocking_handlers_wait_for_a_thread_in_the_order_in_which_they_came() {
    let mut host = Host::start(Io::builder().blocking_threads(1));
    host.io.on("wait", wait.blocking()).on("echo", || "echo");
    let mut one = host.join("/").await;
    let mut two = host.join("/").await;
    let let_go = LetGo::of(&host);
    for n in 0..6 {
        let client = if n % 2 == 0 { &mut one } else { &mut two };
        client.say(&format!(r#"42["wait","{n}"]"#)).await;
        // Others need not wait for a thread.
        client.say(r#"420["echo"]"#).await;
        client.expect(r#"430["echo"]"#).await;
    }
    host.diary.expect("0 started").await;
    look_around().await;
    assert_eq!(host.diary.rest(), [""; 0]);
    drop(let_go);
    host.diary.expect("0 ended").await;
    for n in 1..6 {
        host.diary.expect(&format!("{n} started")).await;
        host.diary.expect(&format!("{n} ended")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn events_that_wait_for_a_thread_count() {
    let limits = HandlerLimits {
        inbox: 4,
        ..HandlerLimits::default()
    };
    let mut host = Host::start(Io::builder().handler_limits(limits).blocking_threads(1));
    host.io.on("wait", wait.blocking()).on("note", note);
    let mut client = host.join("/").await;
    let let_go = LetGo::of(&host);
    client.say(r#"42["wait","a"]"#).await;
    host.diary.expect("a started").await;
    client.say_all([r#"42["wait","b"]"#; 4]).await;
    client.say(r#"420["note","c"]"#).await;
    look_around().await;
    assert_eq!(host.diary.rest(), [""; 0]);
    // It is read when one of them has got the thread.
    drop(let_go);
    client.expect("430[]").await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_be_blocking_and_ordered() {
    let mut host = Host::new();
    host.io
        .on("wait", wait.blocking().ordered())
        .on("note", note);
    let mut client = host.join("/").await;
    let let_go = LetGo::of(&host);
    client
        .say_all([r#"420["wait","a"]"#, r#"421["note","b"]"#])
        .await;
    host.diary.expect("a started").await;
    look_around().await;
    drop(let_go);
    for note in ["a ended", "b"] {
        host.diary.expect(note).await;
    }
    client.expect(r#"430["a"]"#).await;
    client.expect("431[]").await;
}

// ---- Holding the thread -------------------------------------------------------------------

/// What is logged, line by line.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Longer than any handler should hold its thread. Not a wait for something: it is the thing.
#[expect(clippy::disallowed_methods, reason = "the runtime's clock is paused")]
fn hold() {
    let start = std::time::Instant::now();
    while start.elapsed() < Duration::from_millis(150) {
        std::hint::spin_loop();
    }
}

async fn hold_late(pen: State<Pen>) {
    yield_now().await;
    hold();
    pen.note("late");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_holds_its_thread_is_named_once_a_minute() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let mut host = Host::new();
    host.io
        .on("hold", hold)
        .on("hold late", hold_late)
        .on("hold elsewhere", hold.blocking())
        .on("hold in a task", hold.spawned())
        .on("let go", || ());
    let mut client = host.join("/").await;
    for event in ["let go", "hold", "hold elsewhere", "hold in a task", "hold"] {
        client.say(&format!(r#"420["{event}"]"#)).await;
        client.expect("430[]").await;
    }
    client.say(r#"42["hold late"]"#).await;
    host.diary.expect("late").await;
    settle().await;
    drop(guard);
    let log = String::from_utf8(log.0.lock().clone()).unwrap();
    let mut lines = log.lines().filter(|line| line.contains("held its thread"));
    let (at_once, late) = (lines.next().unwrap(), lines.next().unwrap());
    for (line, handler, event) in [(at_once, "hold", "hold"), (late, "hold_late", "hold late")] {
        assert!(line.contains("WARN") && line.contains("socketio"), "{line}");
        let handler = format!(r#"handler="it::manners::blocking::{handler}""#);
        assert!(line.contains(&handler), "{line}");
        assert!(line.contains(&format!("event={event:?}")), "{line}");
    }
    assert_eq!(lines.next(), None);
}
