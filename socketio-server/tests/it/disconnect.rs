//! Ways a socket ends, the reason its handler hears, and what holds from then on.

use std::sync::Arc;
use std::time::Duration;

use socketio_server::{DisconnectReason, HandlerLimits, Io, OutboxLimits, RawArgs, Socket, State};

use crate::client::{Client, Received};
use crate::host::{Door, Host, Pen, settle};

const HEARTBEAT: Duration = Duration::from_secs(5);

/// Sockets are in a room, and the end of each is noted along with what still holds of it.
fn watched() -> Host {
    let limits = OutboxLimits {
        hard: 100_000,
        soft: 50_000,
        ..OutboxLimits::default()
    };
    let handlers = HandlerLimits {
        running: 1,
        inbox: 2,
        stall: HEARTBEAT / 2,
        ..HandlerLimits::default()
    };
    let builder = Io::builder().heartbeat(HEARTBEAT, HEARTBEAT);
    let host = Host::start(
        builder
            .max_payload(10_000)
            .outbox_limits(limits)
            .handler_limits(handlers),
    );
    for nsp in ["/", "/other"] {
        let namespace = host.io.of(nsp);
        namespace.on_connect(async |socket: Socket| socket.join(["room", "hall"]));
        namespace.on_disconnect(note_end);
        namespace.on("wait", async |door: State<Door>| door.pass().await);
        namespace.on("echo", async |args: RawArgs| args);
    }
    host
}

async fn note_end(socket: Socket, reason: DisconnectReason, pen: State<Pen>) {
    let namespace = socket.namespace();
    socket.join("too late");
    let mut remains = Vec::new();
    let mut note = |remains_so: bool, what: &'static str| {
        remains.extend(remains_so.then_some(what));
    };
    note(socket.is_connected(), "connected");
    note(!socket.rooms().is_empty(), "in rooms");
    note(namespace.socket(socket.id()).is_some(), "found");
    note(namespace.broadcast().sockets().contains(&socket), "listed");
    note(namespace.to("room").sockets().contains(&socket), "in room");
    note(
        namespace.to(socket.id()).emit("x", &()).unwrap().queued > 0,
        "reached",
    );
    note(socket.emit("x", &()).unwrap().queued > 0, "told");
    note(socket.emit_volatile("x", &()).unwrap().dropped != 1, "told");
    let name = namespace.name();
    pen.note(format!("{name}: {reason}{}", remains.concat()));
}

/// The only socket of the default namespace.
fn socket(host: &Host) -> Socket {
    let [socket] = host.io.of("/").broadcast().sockets().try_into().unwrap();
    socket
}

// ---- Reasons ------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn the_end_of_a_websocket_has_the_reference_s_reason_and_is_heard_once() {
    for (end, reason) in [
        ("client leaves", "client namespace disconnect"),
        ("server sends away", "server namespace disconnect"),
        ("both at once", "server namespace disconnect"),
        ("server closes", "server namespace disconnect"),
        ("shutdown", "server shutting down"),
        ("no pong", "ping timeout"),
        ("stream ends", "transport close"),
        ("close frame", "transport close"),
        ("close packet", "transport close"),
        ("frame without mask", "transport error"),
        ("message too large", "transport error"),
        ("events too fast", "transport error"),
        ("client too slow", "transport error"),
        ("no packet of the engine", "parse error"),
        ("unknown type", "forced close"),
        ("bytes without event", "forced close"),
        ("attachment missing", "forced close"),
        ("joins twice", "forced close"),
        ("foreign namespace", "forced close"),
        ("reserved name", "forced close"),
        ("malformed arguments", "forced close"),
    ] {
        let mut host = watched();
        let mut client = host.join("/").await;
        match end {
            "client leaves" => client.say("41").await,
            "server sends away" => socket(&host).disconnect(),
            "both at once" => {
                socket(&host).disconnect();
                client.say("41").await;
            }
            "server closes" => socket(&host).disconnect_and_close(),
            "shutdown" => {
                let leave = async move {
                    client.expect_close().await;
                };
                let (shutdown, ()) = tokio::join!(host.io.shutdown(HEARTBEAT), leave);
                assert!(shutdown.is_complete());
            }
            "no pong" => {
                assert_eq!(client.packet().await, Received::Text("2".to_owned()));
                // The client lives, but says nothing.
                host.diary.expect("/: ping timeout").await;
            }
            "stream ends" => drop(client),
            "close frame" => client.say_close().await,
            "close packet" => client.say("1").await,
            "frame without mask" => client.write(&[0x81, 1, b'3']).await,
            "message too large" => client.say(&format!("4{}", "x".repeat(10_000))).await,
            "events too fast" => client.say_all([r#"42["wait"]"#; 3]).await,
            "client too slow" => {
                let much = "x".repeat(60_000);
                assert_eq!(socket(&host).emit("much", &much).unwrap().queued, 1);
                assert_eq!(socket(&host).emit("much", &much).unwrap().dropped, 1);
            }
            "no packet of the engine" => client.say("9").await,
            "unknown type" => client.say("49").await,
            "bytes without event" => client.say_binary(&[1]).await,
            "attachment missing" => client.say_all([HEAD, "41"]).await,
            "joins twice" => client.say("40").await,
            "foreign namespace" => client.say("41/other,").await,
            "reserved name" => client.say(r#"42["disconnect"]"#).await,
            "malformed arguments" => client.say(r#"42["unheard",x]"#).await,
            _ => unreachable!(),
        }
        if end == "events too fast" {
            // Virtual time: later than the limit says.
            tokio::time::sleep(HEARTBEAT).await;
            host.door.open();
        }
        if end != "no pong" {
            assert_eq!(host.diary.next().await, format!("/: {reason}"), "{end}");
        }
        // Virtual time: whatever might still follow has followed.
        tokio::time::sleep(HEARTBEAT * 3).await;
        assert_eq!(host.diary.rest(), [""; 0], "{end}");
        host.assert_deserted("/");
    }
}

/// An event whose attachment is to follow.
const HEAD: &str = r#"451-0["echo",{"_placeholder":true,"num":0}]"#;

#[tokio::test(start_paused = true)]
async fn the_end_of_a_polling_client_has_the_reference_s_reason_and_is_heard_once() {
    for (end, reason) in [
        ("client leaves", "client namespace disconnect"),
        ("server sends away", "server namespace disconnect"),
        ("server closes", "server namespace disconnect"),
        ("shutdown", "server shutting down"),
        ("silence", "ping timeout"),
        ("close packet", "transport close"),
        ("two polls", "transport error"),
        ("no packet of the engine", "parse error"),
        ("unknown type", "forced close"),
        ("joins twice", "forced server close"),
        ("joins twice during a poll", "forced close"),
    ] {
        let mut host = watched();
        let client = host.poll().await;
        client.join("/").await;
        match end {
            "client leaves" => client.say("41").await,
            "server sends away" => socket(&host).disconnect(),
            "server closes" => socket(&host).disconnect_and_close(),
            "shutdown" => {
                let shutdown = host.io.shutdown(HEARTBEAT);
                let (shutdown, _) = tokio::join!(shutdown, client.ask("GET", ""));
                assert!(shutdown.is_complete());
            }
            "silence" => {}
            "close packet" => client.say("1").await,
            "two polls" => {
                tokio::join!(client.ask("GET", ""), client.ask("GET", ""));
            }
            "no packet of the engine" => drop(client.ask("POST", "9").await),
            "unknown type" => drop(client.ask("POST", "49").await),
            "joins twice" => drop(client.ask("POST", "40").await),
            "joins twice during a poll" => {
                tokio::join!(client.ask("GET", ""), client.ask("POST", "40"));
            }
            _ => unreachable!(),
        }
        assert_eq!(host.diary.next().await, format!("/: {reason}"), "{end}");
        // Virtual time: whatever might still follow has followed.
        tokio::time::sleep(HEARTBEAT * 3).await;
        assert_eq!(host.diary.rest(), [""; 0], "{end}");
        host.assert_deserted("/");
    }
}

#[tokio::test(start_paused = true)]
async fn no_poll_of_a_client_that_leaves_waits_whatever_order_its_requests_come_in() {
    const GET: &str = "GET";
    const BOTH: &str = "41\u{1e}1";
    const RELEASED: (u16, &str) = (200, "6");
    const UNKNOWN: (u16, &str) = (400, r#"{"code":1,"message":"Session ID unknown"}"#);
    for (requests, polled) in [
        (&[GET, BOTH][..], &[RELEASED][..]),
        (&[BOTH, GET], &[UNKNOWN]),
        (&[GET, "41", "1"], &[RELEASED]),
        (&[GET, "41", GET, "1"], &[RELEASED, RELEASED]),
        (&["41", GET, "1"], &[RELEASED]),
        (&["41", GET, GET, "1"], &[RELEASED, RELEASED]),
        (&["41", "1", GET], &[UNKNOWN]),
        (&[GET, "1"], &[RELEASED]),
        (&["1", GET], &[UNKNOWN]),
        // python-engineio may forget its close packet, and looks around only between two polls.
        (&[GET, "41"], &[RELEASED]),
        (&["41", GET], &[RELEASED]),
    ] {
        let mut host = watched();
        let client = Arc::new(host.poll().await);
        client.join("/").await;
        let mut polls = Vec::new();
        for &request in requests {
            if request == GET {
                let client = Arc::clone(&client);
                polls.push(tokio::spawn(async move { client.ask(GET, "").await }));
            } else {
                client.say(request).await;
            }
            settle().await;
        }
        for (poll, (status, body)) in polls.into_iter().zip(polled) {
            // One that waited would bring a ping instead.
            let expected = (*status, (*body).to_owned());
            assert_eq!(poll.await.unwrap(), expected, "{requests:?}");
        }
        let reason = match requests.contains(&"41") || requests.contains(&BOTH) {
            true => "client namespace disconnect",
            false => "transport close",
        };
        assert_eq!(
            host.diary.next().await,
            format!("/: {reason}"),
            "{requests:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_link_is_the_end_of_all_its_sockets() {
    let mut host = watched();
    let mut client = host.join("/").await;
    client.join("/other").await;
    let mut other = host.join("/").await;
    drop(client);
    let mut ends = [host.diary.next().await, host.diary.next().await];
    ends.sort();
    assert_eq!(ends, ["/: transport close", "/other: transport close"]);
    host.assert_deserted("/other");
    assert_eq!(host.io.of("/").len(), 1);
    other.say(r#"420["echo",1]"#).await;
    other.expect("430[1]").await;
}

// ---- Leaving one namespace ----------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn what_comes_late_for_one_namespace_does_not_harm_the_others() {
    let mut host = watched();
    let mut client = host.join("/").await;
    client.join("/other").await;
    socket(&host).disconnect();
    client.say_all([r#"420["echo",1]"#, "430[]", HEAD]).await;
    client.say_binary(&[1]).await;
    client.say_all(["41", r#"42/other,0["echo",1]"#]).await;
    client.expect("41").await;
    client.expect("43/other,0[1]").await;
    assert!(client.is_silent().await);
    host.diary.expect("/: server namespace disconnect").await;
    assert_eq!(host.diary.rest(), [""; 0]);
    host.assert_deserted("/");
    assert_eq!(host.io.of("/other").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_keeps_its_other_namespaces_and_its_link() {
    let mut host = watched();
    let mut client = host.join("/").await;
    client.join("/other").await;
    client.say_all(["41", r#"42/other,0["echo",1]"#]).await;
    client.expect("43/other,0[1]").await;
    client.say("41/other,").await;
    host.diary.expect("/: client namespace disconnect").await;
    host.diary
        .expect("/other: client namespace disconnect")
        .await;
    // Nobody says anything on a link without namespaces, for as long as it likes.
    assert!(client.idle(Duration::from_secs(120)).await > 10);
    client.join("/other").await;
}

#[tokio::test(start_paused = true)]
async fn nothing_passes_a_socket_that_has_been_sent_away() {
    let host = watched();
    let mut client = host.join("/").await;
    let socket = socket(&host);
    assert!(socket.is_connected());
    assert_eq!(socket.emit("last", &1).unwrap().queued, 1);
    socket.disconnect();
    // Nothing has been sent yet.
    assert!(!socket.is_connected());
    let report = socket.emit("too late", &2).unwrap();
    assert_eq!((report.queued, report.dropped), (0, 1));
    let report = socket.emit_volatile("too late", &2).unwrap();
    assert_eq!((report.queued, report.dropped), (0, 1));
    for nobody in [host.io.to(socket.id()), host.io.of("/").broadcast()] {
        let report = nobody.emit("too late", &3).unwrap();
        assert_eq!((report.queued, report.dropped), (0, 0));
    }
    socket.join("room");
    assert!(socket.rooms().is_empty());
    assert!(host.io.of("/").socket(socket.id()).is_none());
    host.assert_deserted("/");
    client.expect(r#"42["last",1]"#).await;
    client.expect("41").await;
    assert!(client.is_silent().await);
}

#[tokio::test(start_paused = true)]
async fn who_joins_again_is_somebody_else() {
    for by_server in [false, true] {
        let mut host = watched();
        let mut client = host.open().await;
        let old_id = client.join("/").await;
        let old = socket(&host);
        match by_server {
            true => {
                old.disconnect();
                client.expect("41").await;
            }
            false => client.say("41").await,
        }
        let new_id = client.join("/").await;
        assert_ne!(new_id, old_id);
        host.diary.next().await;
        let new = socket(&host);
        assert_eq!(new.id().as_str(), new_id);
        assert_ne!(new, old);
        // The old handle has no power over the new socket.
        old.join("secret");
        old.leave("room");
        old.disconnect();
        old.disconnect_and_close();
        assert_eq!(old.emit("x", &()).unwrap().dropped, 1);
        assert_eq!(host.io.to(old.id()).emit("x", &()).unwrap().queued, 0);
        assert!(client.is_silent().await);
        assert_eq!(new.rooms().len(), 2);
        assert!(host.io.to("secret").sockets().is_empty());
        client.say(r#"420["echo",1]"#).await;
        client.expect("430[1]").await;
        assert_eq!(host.diary.rest(), [""; 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_that_is_repeated_is_one() {
    let mut host = watched();
    let mut client = host.join("/").await;
    let socket = socket(&host);
    host.io.of("/").broadcast().sockets()[0].disconnect();
    socket.disconnect();
    socket.disconnect_and_close();
    client.expect("41").await;
    assert!(client.is_silent().await);
    host.diary.expect("/: server namespace disconnect").await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

// ---- Closing the link ---------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_link_that_is_closed_has_delivered_everything_before() {
    let mut host = watched();
    let mut client = host.join("/").await;
    client.join("/other").await;
    // More than the pipe holds at once.
    let text = "x".repeat(1_000);
    let first = socket(&host);
    for n in 0..40 {
        assert_eq!(first.emit("news", &(n, &text)).unwrap().queued, 1);
    }
    first.disconnect_and_close();
    for n in 0..40 {
        client.expect(&format!(r#"42["news",{n},"{text}"]"#)).await;
    }
    said_goodbye(&mut client).await;
    host.diary.expect("/: server namespace disconnect").await;
    host.diary
        .expect("/other: server namespace disconnect")
        .await;
    settle().await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

async fn said_goodbye(client: &mut Client) {
    client.expect("41").await;
    client.expect("41/other,").await;
    client.expect_close().await;
    assert_eq!(client.receive().await, Received::End);
}

#[tokio::test(start_paused = true)]
async fn a_polling_client_gets_everything_before_its_link_is_closed() {
    let mut host = watched();
    let client = host.poll().await;
    client.join("/").await;
    let socket = socket(&host);
    socket.emit("news", &1).unwrap();
    socket.emit("news", &2).unwrap();
    socket.disconnect_and_close();
    let news = "42[\"news\",1]\u{1e}42[\"news\",2]\u{1e}41";
    client.expect(news).await;
    client.expect("1").await;
    host.diary.expect("/: server namespace disconnect").await;
    assert_eq!(client.ask("GET", "").await.0, 400);
}
