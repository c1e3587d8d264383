//! What a server tells whoever runs it: log lines, spans, refused requests.

use std::fmt::Write;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use socketio_server::test::Server;
use socketio_server::{Data, Io, RefusalReason, Socket};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, dynamic_filter_fn};
use tracing_subscriber::layer::{Context, Identity, Layer, SubscriberExt};
use tracing_subscriber::registry;
use tracing_subscriber::registry::LookupSpan;

use crate::child;
use crate::client::request;

/// Collects what this thread logs, a line each: the level, the spans around it, what was said.
#[derive(Default, Clone)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// From now on, everything down to a level.
    fn capture(&self, level: LevelFilter) -> DefaultGuard {
        self.install(level, |_| {})
    }

    /// The same of level `INFO`, and tells of each line.
    pub(crate) fn capture_and(&self, tell: impl Fn(&str) + Send + Sync + 'static) -> DefaultGuard {
        self.install(LevelFilter::INFO, tell)
    }

    fn install(
        &self,
        level: LevelFilter,
        tell: impl Fn(&str) + Send + Sync + 'static,
    ) -> DefaultGuard {
        // While there is a single subscriber, `tracing` believes it to be that of all threads. What
        // another test's thread then is the first to say would never be heard.
        // This one is in doubt about everything, so that nobody is spared being asked.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        ANOTHER.get_or_init(|| {
            let doubt = Identity::new().with_filter(dynamic_filter_fn(|_, _| false));
            Dispatch::new(registry().with(doubt))
        });
        let layer = Capture(self.clone(), tell).with_filter(level);
        tracing::subscriber::set_default(registry().with(layer))
    }

    /// All lines.
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }

    /// The lines with this in them, which are then forgotten with all others.
    fn take(&self, part: &str) -> Vec<String> {
        let lines = std::mem::take(&mut *self.0.lock().unwrap());
        lines.into_iter().filter(|it| it.contains(part)).collect()
    }
}

struct Capture<F>(Log, F);

/// The name of a span with its fields.
struct Title(String);

impl<F, S> Layer<S> for Capture<F>
where
    F: Fn(&str) + 'static,
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let mut title = Title(attributes.metadata().name().to_owned());
        attributes.record(&mut title);
        cx.span(id).unwrap().extensions_mut().insert(title);
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = Title(format!("{} {}", metadata.level(), metadata.target()));
        for span in cx
            .event_scope(event)
            .into_iter()
            .flat_map(|it| it.from_root())
        {
            let extensions = span.extensions();
            write!(line.0, " {{{}}}", extensions.get::<Title>().unwrap().0).unwrap();
        }
        event.record(&mut line);
        self.1(&line.0);
        self.0.0.lock().unwrap().push(line.0);
    }
}

impl Visit for Title {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => write!(self.0, " {value:?}").unwrap(),
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

/// A client comes by polling, moves to a websocket, says something secret and goes.
async fn visit(server: &Server) {
    let client = server.connect().upgrading().await.unwrap();
    let answer: String = client.call("whisper", "a secret").await.unwrap();
    assert_eq!(answer, "heard");
    client.disconnect();
    server.settle().await;
    client.close_link();
    server.settle().await;
}

fn whispering() -> Server {
    let io = Io::builder().build();
    io.on(
        "whisper",
        async |socket: Socket, Data(text): Data<String>| {
            socket.emit("echo", &text).unwrap();
            tracing::info!("in a handler");
            tokio::task::yield_now().await;
            tracing::info!("behind a wait");
            "heard"
        },
    );
    Server::new(&io)
}

// ---- Spans and lines ----------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn what_handlers_log_stands_within_their_session_and_run() {
    let server = whispering();
    let log = Log::default();
    let _capturing = log.capture(LevelFilter::DEBUG);
    visit(&server).await;
    for said in ["in a handler", "behind a wait"] {
        let lines: Vec<_> = log
            .text()
            .lines()
            .filter(|it| it.ends_with(said))
            .map(str::to_owned)
            .collect();
        let [line] = &lines[..] else {
            panic!("{}", log.text());
        };
        assert!(line.contains("{session number=1 eio=\"4\""), "{line}");
        assert!(line.contains("{handler nsp=\"/\" sid=\""), "{line}");
        assert!(line.contains("event=\"whisper\"}"), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_visit_can_be_followed_in_the_log() {
    let server = whispering();
    let log = Log::default();
    let _capturing = log.capture(LevelFilter::DEBUG);
    visit(&server).await;
    let text = log.text();
    let mut rest = &*text;
    for line in [
        "session opened",
        "connected nsp=\"/\"",
        "event received nsp=\"/\"",
        "emitting nsp=\"/\" event=\"echo\"",
        "disconnected nsp=\"/\"",
        "reason=client namespace disconnect",
        "session closed",
    ] {
        let Some((_, behind)) = rest.split_once(line) else {
            panic!("{line} is missing in\n{text}");
        };
        rest = behind;
    }
    assert!(text.contains("session upgraded to=websocket"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_is_logged_at_the_lowest_level_only_and_ids_of_sessions_never() {
    for (level, is_said) in [(LevelFilter::DEBUG, false), (LevelFilter::TRACE, true)] {
        let server = whispering();
        let log = Log::default();
        let _capturing = log.capture(level);
        visit(&server).await;
        let (_, answer) = request(server.io(), "GET", "EIO=4&transport=polling", "").await;
        let (_, sid) = answer.split_once(r#""sid":""#).unwrap();
        let sid = &sid[..20];
        let query = format!("EIO=4&transport=polling&sid={sid}");
        assert_eq!(request(server.io(), "POST", &query, "40").await.0, 200);
        // In an answer to it, the client's own.
        let text = log.text().replace(&answer, "");
        assert!(text.contains("connected"), "{text}");
        assert!(!text.contains(sid), "{text}");
        assert_eq!(text.contains("a secret"), is_said, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_is_logged_by_name() {
    let io = Io::builder().build();
    let log = Log::default();
    let _capturing = log.capture(LevelFilter::ERROR);
    io.spawn_named("feed", async { panic!("out of food") })
        .await
        .unwrap_or(());
    let lines = log.take("feed");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("out of food"), "{lines:?}");
}

// ---- Refused requests ---------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_refusal_is_a_warning_once_a_minute_with_its_reason_in_plain_words() {
    let io = Io::builder().build();
    let log = Log::default();
    let _capturing = log.capture(LevelFilter::DEBUG);
    for _ in 0..3 {
        request(&io, "GET", "EIO=4&transport=flash", "").await;
    }
    let lines = log.take("request refused");
    let warnings = |lines: &[String]| lines.iter().filter(|it| it.starts_with("WARN")).count();
    assert_eq!((lines.len(), warnings(&lines)), (3, 1), "{lines:?}");
    for part in [
        "there is no such transport",
        "transport=\"flash\"",
        "code=0",
        "repeated=0",
    ] {
        assert!(lines[0].contains(part), "{lines:?}");
    }
    // Another kind has a minute of its own.
    request(&io, "GET", "EIO=4&transport=polling&sid=x", "").await;
    let lines = log.take("sticky sessions");
    assert_eq!(warnings(&lines), 1, "{lines:?}");
    // Virtual time: the minute is over.
    tokio::time::sleep(Duration::from_secs(60)).await;
    request(&io, "GET", "EIO=4&transport=flash", "").await;
    let lines = log.take("repeated=2");
    assert_eq!(warnings(&lines), 1, "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn a_hook_hears_of_each_refusal_what_was_asked_and_answered() {
    let refused = Arc::new(Mutex::new(Vec::new()));
    let told = refused.clone();
    let io = Io::builder()
        .allow_eio3(false)
        .on_connection_error(move |refused| {
            let query = refused.request.uri.query().unwrap_or_default().to_owned();
            let message = refused.message.clone().into_owned();
            let (code, context) = (refused.code, refused.context.clone());
            told.lock()
                .unwrap()
                .push((refused.reason, code, message, query, context));
        })
        .build();
    let cases = [
        (
            "GET",
            "EIO=4&transport=flash",
            RefusalReason::UnknownTransport,
            0,
            "Transport unknown",
            "\"flash\"",
        ),
        (
            "GET",
            "EIO=4",
            RefusalReason::UnknownTransport,
            0,
            "Transport unknown",
            "(no transport)",
        ),
        (
            "GET",
            "EIO=4&transport=polling&sid=nobody",
            RefusalReason::UnknownSession,
            1,
            "Session ID unknown",
            "sticky",
        ),
        (
            "POST",
            "EIO=4&transport=polling",
            RefusalReason::BadMethod,
            2,
            "Bad handshake method",
            "(POST)",
        ),
        (
            "GET",
            "EIO=4&transport=websocket",
            RefusalReason::BadHandshake,
            3,
            "Bad request",
            "proxy",
        ),
        (
            "GET",
            "EIO=3&transport=polling",
            RefusalReason::UnsupportedVersion,
            5,
            "Unsupported protocol version",
            "allow_eio3",
        ),
    ];
    for (method, query, reason, code, message, context) in cases {
        let (status, body) = request(&io, method, query, "").await;
        assert_eq!(status, 400);
        assert!(body.contains(message), "{body}");
        let [(told_reason, told_code, told_message, told_query, told_context)] =
            &std::mem::take(&mut *refused.lock().unwrap())[..]
        else {
            panic!("one refusal");
        };
        assert_eq!((*told_reason, *told_code), (reason, Some(code)), "{query}");
        assert_eq!((&**told_message, &**told_query), (message, query));
        assert!(told_context.contains(context), "{told_context}");
        assert!(!told_context.contains("nobody"), "{told_context}");
    }
    let ended = io.shutdown(Duration::ZERO).await;
    assert!(ended.is_complete());
    let (status, _) = request(&io, "GET", "EIO=4&transport=polling", "").await;
    assert_eq!(status, 503);
    let [(reason, code, ..)] = refused.lock().unwrap()[..] else {
        panic!("one refusal");
    };
    assert_eq!((reason, code), (RefusalReason::ShuttingDown, None));
}

// ---- The logger ---------------------------------------------------------------------------

/// The printer is there once per process, so this test needs one of its own for each case.
#[test]
fn a_program_without_a_subscriber_prints_what_was_asked_for() {
    match child::role() {
        Some(role) => act(&role),
        None => {
            let printed = |role| {
                let name = "logs::a_program_without_a_subscriber_prints_what_was_asked_for";
                let child = child::start(name, role).wait_with_output().unwrap();
                let printed = String::from_utf8(child.stderr).unwrap();
                assert!(child.status.success(), "{role}: {printed}");
                printed
            };
            let nothing = printed("nothing");
            assert!(
                !nothing.contains("socketio") && !nothing.contains("engineio"),
                "{nothing}"
            );
            let events = printed("logger");
            assert!(events.contains("event received"), "{events}");
            assert!(
                !events.contains("a secret") && !events.contains("session opened"),
                "{events}"
            );
            let messages = printed("engineio_logger");
            assert!(messages.contains("a secret"), "{messages}");
            assert!(!messages.contains("event received"), "{messages}");
            let own = printed("own subscriber");
            assert!(
                own.contains("OWN") && !own.contains("event received"),
                "{own}"
            );
        }
    }
}

fn act(role: &str) {
    let io = Io::builder();
    let io = match role {
        "logger" | "own subscriber" => io.logger(true),
        "engineio_logger" => io.engineio_logger(true),
        _ => io,
    };
    let io = io.build();
    if role == "own subscriber" {
        // After the server was built, as in many programs.
        let writer = || -> Box<dyn std::io::Write> {
            eprint!("OWN ");
            Box::new(std::io::stderr())
        };
        let own = tracing_subscriber::fmt().with_writer(writer);
        own.with_max_level(Level::INFO).init();
    }
    io.on("whisper", async |Data(_): Data<String>| {
        tracing::info!(target: "application", "in a handler");
        "heard"
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(visit(&Server::new(&io)));
}
