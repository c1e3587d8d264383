//! How handlers are run: one after the other, in tasks of their own, on threads that may block, and
//! only as long as their socket is there.

mod blocking;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use socketio_server::test::Server;
use socketio_server::{
    BoxError, Data, DisconnectReason, EventHandler, Handler, HandlerLimits, Io, Socket, State,
};
use tokio::task::yield_now;

use crate::host::{Door, Host, Pen, settle};

/// Notes that it has started, and ends when the door is open.
async fn wait(pen: State<Pen>, door: State<Door>, Data(name): Data<String>) -> String {
    pen.note(format!("{name} started"));
    door.pass().await;
    pen.note(format!("{name} ended"));
    name
}

fn note(pen: State<Pen>, Data(name): Data<String>) {
    pen.note(name);
}

fn note_goodbye(pen: State<Pen>, reason: DisconnectReason) {
    pen.note(reason.as_str());
}

/// Opens the door however a test ends: a runtime waits for its threads.
struct LetGo(Door);

impl LetGo {
    fn of(host: &Host) -> Self {
        Self(host.door.clone())
    }
}

impl Drop for LetGo {
    fn drop(&mut self) {
        self.0.open();
    }
}

// ---- Ordered ------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn an_ordered_handler_holds_up_its_own_socket_and_nobody_else() {
    let mut host = Host::new();
    for nsp in ["/", "/other"] {
        let namespace = host.io.of(nsp);
        namespace.on("wait", wait.ordered()).on("note", note);
    }
    let mut client = host.join("/").await;
    client.join("/other").await;
    let mut neighbour = host.join("/").await;
    client
        .say_all([r#"420["wait","a"]"#, r#"421["note","b"]"#])
        .await;
    host.diary.expect("a started").await;
    neighbour.say(r#"422["note","neighbour"]"#).await;
    host.diary.expect("neighbour").await;
    client.say(r#"42/other,3["note","other"]"#).await;
    host.diary.expect("other").await;
    client.say(r#"424["wait","c"]"#).await;
    settle().await;
    assert_eq!(host.diary.rest(), [""; 0]);
    client.expect("43/other,3[]").await;
    host.door.open();
    for note in ["a ended", "b", "c started", "c ended"] {
        host.diary.expect(note).await;
    }
    for answer in [r#"430["a"]"#, "431[]", r#"434["c"]"#] {
        client.expect(answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_namespace_or_a_server_may_be_ordered_as_a_whole() {
    let server = Host::start(Io::builder().ordered());
    let namespace = Host::new();
    namespace.io.ordered();
    let without = Host::new();
    for (mut host, ordered) in [(server, true), (namespace, true), (without, false)] {
        host.io.on("wait", wait).on("note", note);
        let mut client = host.join("/").await;
        client
            .say_all([r#"42["wait","a"]"#, r#"42["note","b"]"#])
            .await;
        settle().await;
        host.door.open();
        settle().await;
        let expected = match ordered {
            true => ["a started", "a ended", "b"],
            false => ["a started", "b", "a ended"],
        };
        assert_eq!(host.diary.rest(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn an_ordered_handler_may_ask_its_own_client() {
    let io = Io::builder().build();
    let ask = async |socket: Socket| -> Result<u64, BoxError> {
        let first: u64 = socket.call("question", &1).await?;
        let second: u64 = socket.call("question", &2).await?;
        Ok(first + second)
    };
    io.on("ask", ask.ordered());
    let mut client = Server::new(&io).connect().await.unwrap();
    let answer = client.call::<u64>("ask", &());
    for _ in 0..2 {
        let question = client.expect_event("question").await;
        question.ack(&21);
    }
    assert_eq!(answer.await.unwrap(), 42);
}

#[tokio::test(start_paused = true)]
async fn a_client_of_ordered_handlers_may_leave_and_is_told_of_in_its_turn() {
    let mut host = Host::new();
    host.io
        .ordered()
        .on("wait", wait)
        .on("note", note)
        .on_disconnect(note_goodbye);
    let mut client = host.join("/").await;
    client
        .say_all([r#"42["wait","a"]"#, r#"42["note","b"]"#, "41"])
        .await;
    host.diary.expect("a started").await;
    settle().await;
    // It is gone at once.
    host.assert_deserted("/");
    host.door.open();
    for note in ["a ended", "b", "client namespace disconnect"] {
        host.diary.expect(note).await;
    }
    // Whoever comes back is another socket, and is not held up.
    client.join("/").await;
    client.say(r#"420["note","back"]"#).await;
    client.expect("430[]").await;
}

#[tokio::test(start_paused = true)]
async fn events_that_wait_for_an_ordered_handler_count() {
    let limits = HandlerLimits {
        inbox: 4,
        ..HandlerLimits::default()
    };
    let mut host = Host::start(Io::builder().handler_limits(limits));
    host.io.on("wait", wait.ordered()).on("note", note);
    let mut client = host.join("/").await;
    client.say(r#"42["wait","a"]"#).await;
    client.say_all([r#"42["note","b"]"#; 20]).await;
    host.diary.expect("a started").await;
    // A client that is not read is closed in the end.
    client.idle(limits.stall - Duration::from_millis(10)).await;
    client.expect_close().await;
    host.door.open();
    settle().await;
    assert_eq!(host.diary.rest(), ["a ended", "b", "b", "b", "b"]);
}

#[tokio::test(start_paused = true)]
async fn an_ordered_handler_that_fails_lets_the_next_go() {
    let mut host = Host::new();
    let fail = async |door: State<Door>, Data(panics): Data<bool>| {
        door.pass().await;
        assert!(!panics, "oh");
        Err::<(), _>("broken")
    };
    host.io.on("fail", fail.ordered()).on("note", note);
    let mut client = host.join("/").await;
    client
        .say_all([
            r#"42["fail",true]"#,
            r#"42["fail",false]"#,
            r#"42["note","b"]"#,
        ])
        .await;
    settle().await;
    host.door.open();
    for note in [
        "fail in / failed: panicked: oh",
        "fail in / failed: broken",
        "b",
    ] {
        host.diary.expect(note).await;
    }
}

// ---- Spawned ------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_spawned_handler_is_a_task_that_is_awaited_at_the_end() {
    let mut host = Host::new();
    host.io
        .on("wait", wait.spawned())
        .on("note", note)
        .on_disconnect(note_goodbye);
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let mut client = host.join("/").await;
    settle().await;
    let before = tasks();
    client
        .say_all([r#"420["wait","a"]"#, r#"421["note","b"]"#])
        .await;
    client.expect("431[]").await;
    settle().await;
    assert_eq!(tasks(), before + 1);
    host.diary.expect("b").await;
    host.diary.expect("a started").await;
    client.say_close().await;
    host.diary.expect("transport close").await;
    let io = host.io.clone();
    let shutdown = tokio::spawn(async move { io.shutdown(Duration::from_secs(60)).await });
    settle().await;
    assert!(!shutdown.is_finished());
    host.door.open();
    host.diary.expect("a ended").await;
    let _ = shutdown.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_spawned_handler_answers_and_fails_like_any_other() {
    let mut host = Host::new();
    let half = async |Data(n): Data<u64>| match n % 2 {
        0 => Ok(n / 2),
        _ => Err("odd"),
    };
    let panic = || {
        if true {
            panic!("oh");
        }
    };
    host.io
        .on("half", half.spawned())
        .on("panic", panic.spawned());
    let mut client = host.join("/").await;
    client.say(r#"420["half",4]"#).await;
    client.expect("430[2]").await;
    client.say(r#"421["half",3]"#).await;
    host.diary.expect("half in / failed: odd").await;
    client.say(r#"422["panic"]"#).await;
    host.diary.expect("panic in / failed: panicked: oh").await;
    assert!(client.is_silent().await);
}

/// What a client's events are answered that it sends at once.
async fn ask_all(io: &Io, events: usize, event: &str) -> Vec<u64> {
    let client = Server::new(io).connect().await.unwrap();
    let calls = (0..events as u64).map(|n| client.call::<u64>(event, &n));
    let answers = futures_util::future::join_all(calls).await;
    answers.into_iter().map(Result::unwrap).collect()
}

// The thread would start the latest task first.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn spawned_handlers_start_in_order() {
    const EVENTS: usize = 60;
    let order = Arc::new(Mutex::new(Vec::new()));
    let io = Io::builder().build();
    let started = Arc::clone(&order);
    let handler = move |Data(n): Data<u64>| {
        let started = Arc::clone(&started);
        async move {
            started.lock().push(n);
            yield_now().await;
            n
        }
    };
    io.on("start", handler.spawned());
    let answers = ask_all(&io, EVENTS, "start").await;
    assert_eq!(answers, Vec::from_iter(0..EVENTS as u64));
    assert_eq!(*order.lock(), answers);
}

/// Where two handlers meet.
#[derive(Default)]
struct Place {
    present: Mutex<usize>,
    arrived: Condvar,
}

impl Place {
    /// Whether another one came, which it can only while this one holds its thread.
    fn meet(&self) -> bool {
        let mut present = self.present.lock();
        *present += 1;
        self.arrived.notify_all();
        let alone = |present: &mut usize| *present < 2;
        let patience = Duration::from_secs(20);
        let waited = self.arrived.wait_while_for(&mut present, alone, patience);
        !waited.timed_out()
    }
}

/// Two handlers of one socket meet.
async fn assert_two_meet<M, H>(manner: impl FnOnce(Box<dyn Fn() -> bool + Send + Sync>) -> H)
where
    H: EventHandler<M, Output = bool>,
{
    let place = Place::default();
    let io = Io::builder().build();
    io.on("meet", manner(Box::new(move || place.meet())));
    let client = Server::new(&io).connect().await.unwrap();
    let one = client.call::<bool>("meet", &());
    let two = client.call::<bool>("meet", &());
    assert!(one.await.unwrap() && two.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn spawned_handlers_of_one_socket_run_at_the_same_time() {
    assert_two_meet(|meet| (move || meet()).spawned()).await;
}

// ---- Cancelled ----------------------------------------------------------------------------

/// Notes when it is dropped.
struct Trace(State<Pen>, String);

impl Drop for Trace {
    fn drop(&mut self) {
        self.0.note(format!("{} dropped", self.1));
    }
}

/// Waits until its socket is long gone.
async fn linger(pen: State<Pen>, door: State<Door>, Data(name): Data<String>) {
    pen.note(format!("{name} started"));
    let trace = Trace(pen, name);
    door.pass().await;
    trace.0.note("still there");
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_end_with_its_socket() {
    for event in ["here", "spawned", "blocking", "ordered"] {
        let mut host = Host::new();
        host.io
            .on("here", linger.cancel_on_disconnect())
            .on("spawned", linger.spawned().cancel_on_disconnect())
            .on("blocking", linger.cancel_on_disconnect().blocking())
            .on("ordered", linger.cancel_on_disconnect().ordered())
            .on("note", note.cancel_on_disconnect())
            .on_disconnect(note_goodbye);
        host.io.of("/other").on("wait", wait.spawned());
        let mut client = host.join("/").await;
        client.join("/other").await;
        let _let_go = LetGo::of(&host);
        client.say(&format!(r#"42["{event}","it"]"#)).await;
        host.diary.expect("it started").await;
        client.say(r#"42["note","and others go on"]"#).await;
        if event != "ordered" {
            host.diary.expect("and others go on").await;
        }
        client.say(r#"42/other,["wait","other"]"#).await;
        host.diary.expect("other started").await;
        client.say("41").await;
        let mut notes = [host.diary.next().await, host.diary.next().await];
        notes.sort();
        assert_eq!(notes, ["client namespace disconnect", "it dropped"]);
        // Only what belongs to the socket.
        host.door.open();
        host.diary.expect("other ended").await;
        settle().await;
        assert_eq!(host.diary.rest(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_link_ends_such_handlers_as_well() {
    let mut host = Host::start(Io::builder().cancel_on_disconnect());
    host.io
        .on("linger", linger)
        .on_disconnect(async |pen: State<Pen>| {
            yield_now().await;
            pen.note("goodbye");
        });
    let mut client = host.join("/").await;
    client.say(r#"42["linger","it"]"#).await;
    host.diary.expect("it started").await;
    drop(client);
    let mut notes = [host.diary.next().await, host.diary.next().await];
    notes.sort();
    assert_eq!(notes, ["goodbye", "it dropped"]);
}

#[tokio::test(start_paused = true)]
async fn a_connect_handler_may_end_with_its_client() {
    for (nsp, dropped) in [("/ends", true), ("/spawned", true), ("/outlives", false)] {
        let mut host = Host::new();
        let decide = async |pen: State<Pen>, door: State<Door>| {
            let trace = Trace(pen, "decision".to_owned());
            door.pass().await;
            trace.0.note("decided");
        };
        host.io
            .of("/ends")
            .on_connect(decide.cancel_on_disconnect());
        host.io
            .of("/spawned")
            .on_connect(decide.cancel_on_disconnect().spawned());
        host.io.of("/outlives").on_connect(decide);
        let mut client = host.join("/").await;
        client.say(&format!("40{nsp},")).await;
        settle().await;
        client.say(&format!("41{nsp},")).await;
        settle().await;
        if dropped {
            assert_eq!(host.diary.rest(), ["decision dropped"]);
        }
        host.door.open();
        settle().await;
        if !dropped {
            assert_eq!(host.diary.rest(), ["decided", "decision dropped"]);
        }
        assert_eq!(host.diary.rest(), [""; 0]);
    }
}

// ---- Limits -------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_limit_of_nothing_is_a_limit_of_one() {
    let limits = HandlerLimits::default();
    for limits in [
        HandlerLimits {
            running: 0,
            ..limits
        },
        HandlerLimits { inbox: 0, ..limits },
        HandlerLimits {
            inbox_bytes: 0,
            ..limits
        },
    ] {
        let mut host = Host::start(Io::builder().handler_limits(limits));
        host.io.on("wait", wait);
        host.door.open();
        let mut client = host.join("/").await;
        for n in 0..3 {
            client.say(&format!(r#"42{n}["wait","a"]"#)).await;
            client.expect(&format!(r#"43{n}["a"]"#)).await;
        }
        drop(host.diary.rest());
    }
}
