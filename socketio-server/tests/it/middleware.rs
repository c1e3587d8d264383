//! Who is asked before a client is let in, and who is told when one goes.

use serde::{Deserialize, Serialize};
use socketio_server::test::{Client, Refusal, Server};
use socketio_server::{Auth, ConnectError, DisconnectReason, EncodeError, Io, Socket, State};

use crate::host::{Door, Host, Pen, settle};

/// The client's credentials.
#[derive(Serialize, Deserialize)]
struct Ticket {
    number: Option<u8>,
}

/// A middleware that notes its name and agrees.
fn notes(name: &'static str) -> impl Fn(State<Pen>) + Clone + Send + Sync + 'static {
    move |pen: State<Pen>| pen.note(name)
}

async fn refused(server: &Server, nsp: &str) -> Refusal {
    server.connect().namespace(nsp).await.unwrap_err()
}

// ---- Before a client is let in ------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn middlewares_are_asked_in_order_and_before_the_connect_handler() {
    let mut host = Host::new();
    host.io
        .of("/chat")
        .on_connect(notes("handler"))
        .before_connect(notes("first"))
        .before_connect(async |door: State<Door>, pen: State<Pen>| {
            door.pass().await;
            pen.note("second");
        })
        .before_connect(notes("third"));
    host.io.any_namespace().before_connect(notes("all"));
    host.io.before_connect(notes("of another namespace"));
    let server = Server::new(&host.io);
    let joining = tokio::spawn({
        let connect = server.connect().namespace("/chat");
        async move { connect.await.map(drop) }
    });
    settle().await;
    assert_eq!(host.diary.rest(), ["all", "first"]);
    assert!(!joining.is_finished());
    host.door.open();
    joining.await.unwrap().unwrap();
    assert_eq!(host.diary.rest(), ["second", "third", "handler"]);
}

#[tokio::test(start_paused = true)]
async fn a_middleware_that_refuses_is_the_last_one_that_is_asked() {
    let mut host = Host::new();
    host.io
        .before_connect(notes("first"))
        .before_connect(async |Auth(ticket): Auth<Ticket>| match ticket.number {
            Some(1) => Ok(()),
            _ => Err(ConnectError::new("no").with_data(7)),
        })
        .before_connect(notes("third"))
        .on_connect(notes("handler"))
        .on_disconnect(notes("gone"));
    let server = Server::new(&host.io);
    let Refusal::Namespace { message, data } = refused(&server, "/").await else {
        panic!("the link is open");
    };
    assert_eq!((&*message, data), ("no", Some(7.into())));
    settle().await;
    assert_eq!(host.diary.rest(), ["first"]);
    host.assert_deserted("/");
}

#[tokio::test(start_paused = true)]
async fn a_middleware_that_cannot_run_refuses_and_the_hook_hears_of_it() {
    let mut host = Host::new();
    host.io
        .before_connect(async |_: Auth<u8>| ())
        .on_connect(notes("handler"));
    host.io.of("/panic").before_connect(async || {
        if true {
            panic!("middle");
        }
    });
    let server = Server::new(&host.io);
    assert_eq!(refused(&server, "/").await.message(), "invalid credentials");
    let message = refused(&server, "/panic").await.message();
    assert_eq!(message, "internal server error");
    let notes = host.diary.rest();
    assert!(notes[0].starts_with("connect in / failed: "), "{notes:?}");
    assert_eq!(notes[1..], ["connect in /panic failed: panicked: middle"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_meanwhile_is_not_asked_about_any_further() {
    let mut host = Host::new();
    host.io
        .before_connect(async |door: State<Door>, pen: State<Pen>| {
            door.pass().await;
            pen.note("first");
        })
        .before_connect(notes("second"))
        .on_disconnect(notes("gone"));
    let mut client = host.open().await;
    client.say("40").await;
    settle().await;
    client.say("41").await;
    settle().await;
    host.door.open();
    host.diary.expect("first").await;
    settle().await;
    assert_eq!(host.diary.rest(), [""; 0]);
    host.assert_deserted("/");
}

#[tokio::test(start_paused = true)]
async fn a_connect_handler_that_says_false_refuses_in_python_s_words() {
    let io = Io::builder().build();
    io.of("/plain").on_connect(|| false);
    io.of("/async").on_connect(async || false);
    io.of("/middle").before_connect(|| false);
    io.of("/open").before_connect(|| true).on_connect(|| true);
    let server = Server::new(&io);
    for nsp in ["/plain", "/async", "/middle"] {
        let message = refused(&server, nsp).await.message();
        assert_eq!(message, "Connection rejected by server", "{nsp}");
    }
    server.connect().namespace("/open").await.unwrap();
}

// ---- Let in before the handler has decided ------------------------------------------------

/// Emits, asks the client and refuses it if the answer is not `yes`.
fn decides_late(host: &Host) -> &Io {
    host.io
        .before_connect(async |Auth(ticket): Auth<Ticket>| ticket.number != Some(0))
        .on_connect(async |socket: Socket, pen: State<Pen>| {
            socket.join("room");
            socket.emit("hello", &socket.is_connected()).unwrap();
            let answer = socket.call::<String>("who", &()).await;
            pen.note(format!("{answer:?}"));
            socket.emit("heard", &()).unwrap();
            answer.is_ok_and(|answer| answer == "yes")
        })
        .on("ping", async || "pong")
        .on_disconnect(async |reason: DisconnectReason, pen: State<Pen>| {
            pen.note(reason.as_str());
        })
}

async fn answer(client: &mut Client, answer: &str) {
    assert!(client.expect::<bool>("hello").await);
    let pong: String = client.call("ping", &()).await.unwrap();
    assert_eq!(pong, "pong");
    client.expect_event("who").await.ack(&answer);
    client.expect::<()>("heard").await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_let_in_at_once_may_be_refused_later() {
    for by_builder in [false, true] {
        let mut host = match by_builder {
            true => Host::start(Io::builder().always_connect()),
            false => Host::new(),
        };
        decides_late(&host);
        if !by_builder {
            host.io.always_connect();
        }
        let server = Server::new(&host.io);
        let mut client = server.connect().await.unwrap();
        answer(&mut client, "no").await;
        assert_eq!(client.expect_disconnect().await, "io server disconnect");
        host.diary.expect(r#"Ok("no")"#).await;
        settle().await;
        assert_eq!(host.diary.rest(), [""; 0]);
        host.assert_deserted("/");

        let mut client = server.connect().await.unwrap();
        answer(&mut client, "yes").await;
        host.diary.expect(r#"Ok("yes")"#).await;
        assert_eq!(host.io.of("/").len(), 1);
        client.disconnect();
        host.diary.expect("client namespace disconnect").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_before_it_is_refused_has_left_by_itself() {
    let mut host = Host::new();
    decides_late(&host).always_connect();
    let mut client = Server::new(&host.io).connect().await.unwrap();
    assert!(client.expect::<bool>("hello").await);
    client.disconnect();
    let mut notes = [host.diary.next().await, host.diary.next().await];
    notes.sort();
    assert_eq!(notes, ["Err(Disconnected)", "client namespace disconnect"]);
    settle().await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn middlewares_are_asked_before_a_client_is_let_in_at_once() {
    let mut host = Host::new();
    decides_late(&host).always_connect();
    let server = Server::new(&host.io);
    let refused = server
        .connect()
        .auth(Ticket { number: Some(0) })
        .await
        .unwrap_err();
    assert_eq!(refused.message(), "Connection rejected by server");
    settle().await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_a_refused_client_sends_on_its_way_out_is_not_handled() {
    let mut host = Host::new();
    host.io
        .always_connect()
        .on_connect(async || false)
        .on("event", notes("handled"));
    let mut client = host.open().await;
    client.say_all(["40", r#"42["event"]"#]).await;
    assert!(client.text().await.starts_with(r#"40{"sid""#));
    client.expect("41").await;
    assert_eq!(host.diary.rest(), [""; 0]);
}

// ---- On the way out -----------------------------------------------------------------------

/// Tells the rooms that a socket leaves.
async fn farewell(socket: Socket, pen: State<Pen>, door: State<Door>) -> Result<(), EncodeError> {
    let mut rooms = socket.rooms();
    rooms.sort();
    let report = socket.to(rooms.clone()).emit("left", &())?;
    pen.note(format!("disconnecting {rooms:?}, told {}", report.queued));
    door.pass().await;
    pen.note(format!("still {}", socket.rooms().len()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_disconnecting_handler_sees_the_rooms_and_the_disconnect_handler_waits_for_it() {
    for end in [
        "client leaves",
        "server sends away",
        "link ends",
        "shutdown",
    ] {
        let mut host = Host::new();
        host.io
            .on_connect(|socket: Socket| socket.join(["a", "b"]))
            .on_disconnecting(farewell)
            .on_disconnect(async |socket: Socket, pen: State<Pen>| {
                pen.note(format!("disconnected {:?}", socket.rooms()));
            });
        let server = Server::new(&host.io);
        let client = server.connect().await.unwrap();
        let [socket] = host.io.of("/").broadcast().sockets().try_into().unwrap();
        let mut other = server.connect().await.unwrap();
        match end {
            "client leaves" => client.disconnect(),
            "server sends away" => socket.disconnect(),
            "link ends" => client.drop_link(),
            _ => client.vanish(),
        }
        let note = r#"disconnecting ["a", "b"], told 1"#;
        host.diary.expect(note).await;
        other.expect::<()>("left").await;
        assert_eq!(host.io.of("/").len(), 1, "{end}");
        settle().await;
        assert_eq!(host.diary.rest(), [""; 0], "{end}");
        host.door.open();
        host.diary.expect("still 2").await;
        host.diary.expect("disconnected []").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_disconnecting_handler_that_fails_does_not_keep_the_disconnect_handler() {
    let mut host = Host::new();
    host.io
        .on_disconnecting(async || {
            if true {
                panic!("on the way");
            }
        })
        .on_disconnect(notes("gone"));
    host.io
        .of("/other")
        .on_disconnecting(async |_: State<u8>| ())
        .on_disconnect(notes("gone"));
    for nsp in ["/", "/other"] {
        let client = Server::new(&host.io)
            .connect()
            .namespace(nsp)
            .await
            .unwrap();
        client.disconnect();
        let note = host.diary.next().await;
        assert!(
            note.starts_with(&format!("disconnecting in {nsp} failed: ")),
            "{note}"
        );
        host.diary.expect("gone").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_disconnecting_handler_needs_no_disconnect_handler() {
    let mut host = Host::new();
    host.io.on_disconnecting(notes("going"));
    Server::new(&host.io).connect().await.unwrap().disconnect();
    host.diary.expect("going").await;
}
