//! What a server does beside its clients: tasks of its own, calls from threads, a whole program.

use std::io::{BufRead, BufReader, Lines};
use std::net::TcpStream;
use std::process::{Child, ChildStdout};
use std::thread;
use std::time::Duration;

use futures_util::FutureExt;
use socketio_server::test::Server;
use socketio_server::{AckError, Handler, Io, Socket, State};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::child;
use crate::host::{Door, Host, Pen, settle};
use crate::logs::Log;

const PATIENCE: Duration = Duration::from_secs(10);

/// A server that runs in this runtime: it has answered a request.
async fn running(io: &Io) -> Server {
    let server = Server::new(io);
    drop(server.connect().await.unwrap());
    server.settle().await;
    server
}

// ---- Tasks --------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_task_has_an_output_unless_it_panics_or_is_aborted() {
    let io = Io::builder().build();
    let task = io.spawn(async { 7 });
    assert!(task.name().contains("background.rs:"), "{}", task.name());
    assert_eq!(task.await, Some(7));
    let failing = io.spawn_named("failing", async { panic!("on purpose") });
    assert_eq!(failing.name(), "failing");
    assert_eq!(failing.await, None::<()>);
    let endless = io.spawn(std::future::pending::<()>());
    endless.abort();
    assert_eq!(endless.await, None);
    let ended = io.shutdown(PATIENCE).await;
    assert!(ended.is_complete());
}

#[test]
fn a_task_may_be_spawned_before_there_is_a_runtime_and_from_any_thread_afterwards() {
    let io = Io::builder().build();
    let early = io.spawn(async { "early" });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let _server = running(&io).await;
        assert_eq!(early.await, Some("early"));
        let other = io.clone();
        let late = thread::spawn(move || other.spawn(async { "late" }));
        assert_eq!(late.join().unwrap().await, Some("late"));
    });
}

#[tokio::test(start_paused = true)]
async fn what_a_thread_emits_arrives() {
    let host = Host::new();
    let mut client = host.join("/").await;
    let io = host.io.clone();
    let emit = move || io.emit("news", "it rains").unwrap().queued;
    assert_eq!(thread::spawn(emit).join().unwrap(), 1);
    client.expect(r#"42["news","it rains"]"#).await;
}

#[tokio::test(start_paused = true)]
async fn a_sleep_ends_when_its_time_has_passed_or_the_server_is_to_end() {
    let io = Io::builder().build();
    let start = Instant::now();
    assert!(io.sleep(PATIENCE).await);
    assert_eq!(start.elapsed(), PATIENCE);
    let sleep = io.sleep(PATIENCE);
    assert!(io.stopping().now_or_never().is_none());
    io.stop();
    assert!(!sleep.await);
    assert!(!io.sleep(PATIENCE).await);
    io.stopping().await;
    assert_eq!(start.elapsed(), PATIENCE);
}

// ---- Their end ----------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_shutdown_wakes_tasks_and_waits_for_them() {
    let mut host = Host::new();
    let (io, door) = (host.io.clone(), host.door.clone());
    host.io.spawn(async move {
        while io.sleep(Duration::from_secs(3600)).await {}
        door.pass().await;
    });
    let io = host.io.clone();
    let shutdown = tokio::spawn(async move { io.shutdown(PATIENCE).await });
    settle().await;
    assert!(!shutdown.is_finished());
    host.door.open();
    let start = Instant::now();
    let ended = shutdown.await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert!(ended.is_complete());
    assert_eq!((ended.tasks.finished, ended.tasks.unfinished()), (1, 0));
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_does_not_end_is_aborted_and_named() {
    let io = Io::builder().build();
    let (alive, gone) = oneshot::channel::<()>();
    let endless = io.spawn_named("feed", async move {
        let _alive = alive;
        std::future::pending::<()>().await;
    });
    io.spawn(async {}).await;
    settle().await;
    let ended = io.shutdown(PATIENCE).await;
    assert!(!ended.is_complete());
    assert_eq!(ended.tasks.unfinished.get("feed"), Some(&1));
    assert_eq!(ended.tasks.finished, 0);
    assert_eq!(
        ended.to_string(),
        "0 clients, 0 handlers, 0 tasks finished; unfinished: task feed"
    );
    assert_eq!(endless.await, None);
    assert!(gone.await.is_err());
}

// ---- Waiting without async ----------------------------------------------------------------

#[tokio::test]
async fn a_thread_may_wait_for_an_answer() {
    let host = Host::new();
    let mut client = host.join("/").await;
    let [socket] = host.io.of("/").broadcast().sockets().try_into().unwrap();
    let (answered, answer) = oneshot::channel();
    thread::spawn(move || answered.send(socket.call_blocking::<u64>("ask", "why")));
    client.expect(r#"420["ask","why"]"#).await;
    client.say("430[7]").await;
    assert_eq!(answer.await.unwrap().unwrap(), 7);
}

#[tokio::test]
async fn a_thread_waits_no_longer_than_it_wants() {
    let host = Host::new();
    let _client = host.join("/").await;
    let [socket] = host.io.of("/").broadcast().sockets().try_into().unwrap();
    let (answered, answer) = oneshot::channel();
    thread::spawn(move || {
        let ack = socket.call::<u64>("ask", &()).timeout(Duration::ZERO);
        answered.send(ack.wait_blocking())
    });
    assert!(matches!(answer.await.unwrap(), Err(AckError::Timeout)));
}

#[tokio::test]
async fn a_blocking_handler_may_wait_for_its_client() {
    let host = Host::new();
    let ask = |socket: Socket| socket.call_blocking::<u64>("ask", &()).unwrap() + 1;
    host.io.on("work", ask.blocking());
    let mut client = host.join("/").await;
    client.say(r#"421["work"]"#).await;
    client.expect(r#"420["ask"]"#).await;
    client.say("430[7]").await;
    client.expect("431[8]").await;
}

#[tokio::test(start_paused = true)]
async fn asynchronous_code_is_told_that_it_would_block() {
    let mut host = Host::new();
    host.io.on("work", async |socket: Socket, pen: State<Pen>| {
        let error = socket.call_blocking::<()>("ask", &()).unwrap_err();
        pen.note(error.to_string());
        let ack = socket.call::<()>("ask anyway", &());
        assert!(matches!(ack.wait_blocking(), Err(AckError::WouldBlock)));
    });
    let mut client = host.join("/").await;
    client.say(r#"42["work"]"#).await;
    let told = "waiting here would block asynchronous code: await the answer instead";
    host.diary.expect(told).await;
    // Nothing was sent before.
    client.expect(r#"420["ask anyway"]"#).await;
}

#[test]
fn a_thread_of_the_runtime_that_runs_no_task_may_wait() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let host = Host::new();
        let mut client = host.join("/").await;
        let [socket] = host.io.of("/").broadcast().sockets().try_into().unwrap();
        let wait = move || socket.call_blocking::<u64>("ask", &());
        let answer = tokio::task::spawn_blocking(wait);
        client.expect(r#"420["ask"]"#).await;
        client.say("430[7]").await;
        assert_eq!(answer.await.unwrap().unwrap(), 7);
    });
}

// ---- A whole program ----------------------------------------------------------------------

/// Serves as a program does, in a child. What happens to it is printed.
fn program(role: &str) {
    let is_endless = role == "endless";
    let log = Log::default();
    let _capturing = log.capture_and(|line| println!("{line}"));
    let io = Io::builder().build();
    let task = io.clone();
    io.spawn_named("clock", async move {
        while task.sleep(PATIENCE * 1000).await {}
        println!("stopping");
        if is_endless {
            std::future::pending::<()>().await;
        }
    });
    let stopping = io.clone();
    thread::spawn(move || {
        // The end of the input is an order to stop.
        let mut order = String::new();
        std::io::Read::read_to_string(&mut std::io::stdin(), &mut order).unwrap();
        stopping.stop();
    });
    println!("ended: {}", io.run("127.0.0.1:0").unwrap());
}

/// A child that serves.
struct Program {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    address: String,
}

impl Program {
    fn start(test: &str, role: &str) -> Self {
        let mut child = child::start(&format!("background::{test}"), role);
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut program = Self {
            child,
            output,
            address: String::new(),
        };
        let line = program.wait_for("listening address=");
        let (_, address) = line.split_once("address=").unwrap();
        program.address = address.to_owned();
        program
    }

    /// Skips to the line with this in it.
    #[track_caller]
    fn wait_for(&mut self, part: &str) -> String {
        let mut output = self.output.by_ref().map(Result::unwrap);
        output.find(|line| line.contains(part)).unwrap()
    }

    /// All that is still printed.
    fn rest(mut self) -> String {
        let rest: Vec<_> = self.output.by_ref().map(Result::unwrap).collect();
        assert!(self.child.wait().unwrap().success());
        rest.join("\n")
    }
}

#[test]
fn a_program_serves_until_it_is_stopped() {
    if let Some(role) = child::role() {
        return program(&role);
    }
    let mut program = Program::start("a_program_serves_until_it_is_stopped", "serve");
    let mut stream = TcpStream::connect(&program.address).unwrap();
    let request = b"GET /elsewhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    std::io::Write::write_all(&mut stream, request).unwrap();
    let answer = std::io::read_to_string(stream).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    drop(program.child.stdin.take());
    let rest = program.rest();
    let ended = "ended: 0 clients, 0 handlers, 1 task finished";
    assert!(rest.contains("stopping") && rest.contains(ended), "{rest}");
}

#[cfg(unix)]
#[test]
fn a_program_ends_by_a_signal_and_at_once_by_a_second_one() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    if let Some(role) = child::role() {
        return program(&role);
    }
    let start = |role| {
        Program::start(
            "a_program_ends_by_a_signal_and_at_once_by_a_second_one",
            role,
        )
    };
    let send = |program: &Program, signal| {
        let pid = i32::try_from(program.child.id()).unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    };
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let program = start("serve");
        send(&program, signal);
        let rest = program.rest();
        assert!(rest.contains("1 task finished"), "{rest}");
    }
    let mut program = start("endless");
    send(&program, Signal::SIGTERM);
    program.wait_for("stopping");
    send(&program, Signal::SIGTERM);
    let rest = program.rest();
    assert!(rest.contains("unfinished: task clock"), "{rest}");
    // It did not come to the end of its patience.
    assert!(!rest.contains("shut down"), "{rest}");
}

#[tokio::test]
async fn a_runtime_is_not_to_be_blocked_by_a_program() {
    let error = Io::builder().build().run("127.0.0.1:0").unwrap_err();
    assert!(error.to_string().contains("Io::serve"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_stop_whoever_serves() {
    let (_never, stop) = oneshot::channel::<()>();
    let mut host = Host::start_until(Io::builder(), stop.map(drop), PATIENCE);
    host.io.on("stop", async |io: Io, door: State<Door>| {
        door.pass().await;
        io.stop();
    });
    let mut client = host.join("/").await;
    client.say(r#"42["stop"]"#).await;
    settle().await;
    assert!(!host.serving.is_finished());
    host.door.open();
    client.expect_close().await;
    drop(client);
    assert!((&mut host.serving).await.unwrap().is_complete());
}
