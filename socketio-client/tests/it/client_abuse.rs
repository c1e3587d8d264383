//! Servers that break the rules, or say what nobody expects.

use std::future;

use engineio_server::{
    Acceptor, Application, CloseReason, Config, Message, Prepared, Refusal, Server, Session,
    SessionContext, serve,
};
use http::request::Parts;
use socketio_client::engine::Target;
use socketio_client::{AckError, Client, DisconnectReason, RawArgs};
use tokio::io::duplex;
use tokio::sync::mpsc;

use crate::host::{Diary, Memory, Pen, patiently, websocket};

/// Lets everybody in, and answers what is emitted with what it was told to say.
struct Rude(&'static str);

impl Acceptor for Rude {
    type Application = Self;

    fn open(&self, _: Session<()>, _: &Parts) -> Result<Self, Refusal> {
        Ok(Self(self.0))
    }
}

impl Application for Rude {
    type Entry = ();

    fn handle_message(&mut self, cx: &mut SessionContext<'_, '_>, message: Message<'_>) {
        match message {
            Message::Text(text) if text.starts_with('0') => {
                cx.send(Prepared::text(r#"0{"sid":"somebody"}"#));
            }
            _ => cx.send(Prepared::text(self.0)),
        }
    }

    fn handle_entry(&mut self, _: &mut SessionContext<'_, '_>, (): ()) {}

    fn handle_close(&mut self, _: CloseReason, _: Option<&'static str>) {}
}

/// A client that is connected to such a server, and what happens to it.
async fn connected(says: &'static str) -> (Client, Diary) {
    let config = Config {
        path: "/socket.io".into(),
        ..Config::default()
    };
    let server = Server::new(config, Rude(says));
    let respond = move |request| {
        let server = server.clone();
        async move { server.handle(request).await }
    };
    let (dial, accept) = mpsc::unbounded_channel();
    tokio::spawn(serve(Memory(accept), respond, future::pending()));
    let client = Client::with_connector(websocket(), move |_: Target| {
        let (near, far) = duplex(1024);
        dial.send(far).unwrap();
        async { Ok(near) }
    });
    let (pen, diary) = Pen::new();
    let notes = pen.clone();
    client.on_connect(move || {
        notes.note("connect");
        async {}
    });
    let notes = pen.clone();
    client.on_disconnect(move |reason: DisconnectReason| {
        notes.note(reason.as_str());
        async {}
    });
    client.on("raw", move |RawArgs(args): RawArgs| {
        pen.note(args.raw());
        async {}
    });
    patiently(client.connect()).await.unwrap();
    (client, diary)
}

#[tokio::test(start_paused = true)]
async fn what_is_no_socketio_ends_the_link_which_comes_back() {
    for says in [
        "no packet",
        r#"2["raw",]"#,
        r#"2["unhandled",]"#,
        r#"2["raw",1"#,
        r#"30[}]"#,
        r#"51-["raw",{"_placeholder":true,"num":1}]"#,
    ] {
        let (client, mut diary) = connected(says).await;
        diary.expect("connect").await;
        let asked = client.call::<u8>("anything", &());
        if says.starts_with('5') {
            // Attachments were announced, text came.
            client.emit("more", &()).unwrap();
        }
        let answer = patiently(asked).await;
        assert!(
            matches!(answer, Err(AckError::Disconnected)),
            "{says}: {answer:?}"
        );
        diary.expect("parse error").await;
        diary.expect("connect").await;
        client.close().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_means_nothing_is_ignored() {
    for says in [
        "3999[1]",
        "2/elsewhere,[\"raw\",0]",
        "0{\"sid\":\"again\"}",
        "1/elsewhere,",
    ] {
        let (client, mut diary) = connected(says).await;
        diary.expect("connect").await;
        client.emit("anything", &()).unwrap();
        let asked = client.call::<u8>("anything", &());
        let answer = patiently(asked).await;
        assert!(
            matches!(answer, Err(AckError::Timeout)),
            "{says}: {answer:?}"
        );
        assert_eq!(diary.rest(), [""; 0]);
        patiently(client.close()).await;
    }
}
