//! The reference's HTTP exchanges, recorded live (`tests/vectors/engineio-http.json`), replayed
//! against this server. What is answered otherwise stands in a list here and says why.

mod compression;
mod cors;
mod hooks;
mod recorded;
mod setup;
mod upgrade;

use engineio_server::Prepared;
use serde_json::Value;

use self::recorded::{assert_closed, bytes, members, without_sid, without_value};
use self::upgrade::Upgrade;
use crate::host::{Host, Polling, settle};
use crate::puppet::{Event, Events, Order, order, send};
use crate::wire::{Received, Response, Websocket, request};

/// What this server answers on purpose where the reference answers something else.
enum Instead {
    /// A request or a waiting poll gets another answer.
    Answer(u16, &'static str),
    /// The recorded opening of a session.
    Opens,
    /// Another step of an upgrade: its index and what the waiting poll gets.
    Poll(usize, &'static str),
}

/// Row, what happens here, and why.
const DIFFERENCES: &[(&str, Instead, &str)] = &[
    (
        "v4 handshake polling without trailing slash",
        Instead::Opens,
        "a slash at the end of a path means nothing",
    ),
    (
        "ws upgrade request with transport=polling",
        Instead::Answer(400, "Bad request"),
        "refused before the 101 rather than closed behind it",
    ),
    (
        "ws EIO=3 refused",
        Instead::Answer(400, "Unsupported protocol version"),
        "refused before the 101 rather than broken off behind it",
    ),
    (
        "ws wrong path",
        Instead::Answer(404, ""),
        "whoever serves the other paths answers them",
    ),
    (
        "overlapping POST: first POST result",
        Instead::Answer(400, r#"{"code":1,"message":"Session ID unknown"}"#),
        "an answer says more than a connection that breaks",
    ),
    (
        "server closes without pending GET: next GET",
        Instead::Answer(200, "1"),
        "the close packet needs no noop in front of it",
    ),
    (
        "upgrade: messages sent by the server between probe and upgrade",
        Instead::Poll(2, "6"),
        "a waiting poll is released with the probe, not 100 ms after it",
    ),
    (
        "upgrade without probe",
        Instead::Poll(1, "6"),
        "the session lives on: its poll is released, not told of a close",
    ),
];

/// Headers that are held against the recorded ones.
const HEADERS: &[&str] = &["content-type", "content-length", "cache-control"];

/// Headers that are there if they were recorded, and only then.
const RARE_HEADERS: &[&str] = &[
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "content-encoding",
    "set-cookie",
    "vary",
];

/// The recording has `cache-control` on answers to POST too. Nothing caches those (RFC 9111 §3).
/// Nor has an answer without content a length (RFC 9110 §8.6), as the preflight's has there.
fn is_compared(header: &str, method: &str) -> bool {
    let is_idle = matches!(
        (header, method),
        ("cache-control", "POST") | ("content-length", "OPTIONS")
    );
    HEADERS.contains(&header) && !is_idle
}

/// Words of ours for an end whose recorded words are those of a JavaScript library.
const DETAILS: &[(&str, &str)] = &[(
    "RangeError: Max payload size exceeded",
    "websocket protocol violated",
)];

#[tokio::test(start_paused = true)]
async fn exchanges_of_the_reference_are_answered_alike() {
    let recorded = include_str!("../../vectors/engineio-http.json");
    let recorded: Value = serde_json::from_str(recorded).unwrap();
    let rows: Vec<Row<'_>> = recorded["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .map(Row)
        .collect();
    for (name, ..) in DIFFERENCES {
        assert!(rows.iter().any(|row| row.name() == *name), "no row {name}");
    }
    assert_eq!(rows.len(), 95);

    for row in rows {
        eprintln!("row: {}", row.name());
        row.replay().await;
    }
}

/// One recorded exchange.
#[derive(Clone, Copy)]
struct Row<'a>(&'a Value);

impl<'a> Row<'a> {
    fn name(self) -> &'a str {
        self.0["name"].as_str().unwrap()
    }

    fn difference(self) -> Option<&'static Instead> {
        let row = DIFFERENCES.iter().find(|row| row.0 == self.name());
        row.map(|(_, instead, _)| instead)
    }

    async fn replay(self) {
        let (host, mut events) = self.host();
        if self.0["log"].is_array() {
            Upgrade::replay(self, &host, &mut events).await;
        } else if self.request()["url"].is_null() {
            self.replay_story(&host, &mut events).await;
        } else if self.request()["upgrade"].is_string() {
            self.replay_websocket(&host).await;
        } else {
            self.replay_request(&host).await;
        }
        settle().await;
        self.assert_reported(events.drain());
    }

    /// What the sessions of the recording asked for when they were opened.
    fn parameters(self) -> &'static str {
        match self.name() {
            name if !name.starts_with("v3 ") => "EIO=4",
            name if name.contains("b64") => "EIO=3&b64=1",
            name if name.contains("JSONP") => "EIO=3&j=0",
            _ => "EIO=3",
        }
    }

    fn request(self) -> &'a Value {
        &self.0["request"]
    }

    fn response(self) -> &'a Value {
        &self.0["response"]
    }

    /// A plain request; if it names a session, that one is opened before.
    async fn replay_request(self, host: &Host) {
        let recorded = self.request();
        let method = recorded["method"].as_str().unwrap();
        let client = self.client(host).await;
        let mut parked = None;
        match self.name() {
            "overlapping GET" => parked = Some(client.as_ref().unwrap().park().await),
            "overlapping POST" => {
                let mut first = host.connect().await;
                let whole = request("POST", &client.as_ref().unwrap().target(), &[], b"4a");
                first.write(&whole[..whole.len() - 1]).await;
                parked = Some(first);
            }
            _ => {}
        }
        settle().await;
        let headers: Vec<_> = members(&recorded["headers"]).collect();
        let target = self.target(client.as_ref());
        let mut wire = host
            .send(method, &target, &headers, bytes(&recorded["body"]))
            .await;
        self.assert_answered(&wire.response(method).await, method);
        drop(parked);
    }

    /// A request for a websocket.
    async fn replay_websocket(self, host: &Host) {
        let client = self.client(host).await;
        let target = self.target(client.as_ref());
        match Websocket::open(host.connect().await, &target).await {
            Ok(mut websocket) => {
                assert!(self.difference().is_none());
                assert_eq!(self.response()["status"], 101);
                self.assert_frames(&mut websocket).await;
            }
            Err(response) => self.assert_answered(&response, "GET"),
        }
    }

    async fn client(self, host: &Host) -> Option<Polling<'_>> {
        match self.request()["url"].as_str().unwrap().contains("<sid>") {
            true => Some(host.open_with(self.parameters()).await),
            false => None,
        }
    }

    fn target(self, client: Option<&Polling<'_>>) -> String {
        let url = self.request()["url"].as_str().unwrap();
        match client {
            Some(client) => url.replace("<sid>", &client.sid),
            None => url.to_owned(),
        }
    }

    /// A row whose name tells what to do.
    async fn replay_story(self, host: &Host, events: &mut Events) {
        match self.name() {
            "overlapping GET: first pending poll result" => {
                let client = host.open().await;
                let mut first = client.park().await;
                client.get().await;
                self.assert_answered(&first.response("GET").await, "GET");
            }
            "overlapping POST: first POST result" => {
                let client = host.open().await;
                let whole = request("POST", &client.target(), &[], b"4a");
                let mut first = host.connect().await;
                first.write(&whole[..whole.len() - 1]).await;
                settle().await;
                client.post("4b").await;
                first.write(&whole[whole.len() - 1..]).await;
                self.assert_answered(&first.response("POST").await, "POST");
            }
            "client aborts a pending GET" => {
                let poll = host.open().await.park().await;
                settle().await;
                drop(poll);
            }
            "server closes while a GET is pending" => {
                let mut poll = host.open().await.park().await;
                settle().await;
                order(&events.opened().await, Order::Close);
                self.assert_answered(&poll.response("GET").await, "GET");
            }
            "server closes without pending GET: next GET" => {
                let client = host.open().await;
                order(&events.opened().await, Order::Close);
                settle().await;
                self.assert_answered(&client.get().await, "GET");
            }
            "httpCompression above 1024 bytes" => {
                let client = host.open().await;
                send(&events.opened().await, &"a".repeat(1024));
                let headers = [("accept-encoding", "gzip, deflate, br")];
                let mut poll = host.send("GET", &client.target(), &headers, "").await;
                self.assert_headers(&poll.response("GET").await, "GET");
            }
            "three buffered packets flushed in one payload" => {
                let client = host.open().await;
                let session = events.opened().await;
                send(&session, "a");
                let data = Prepared::binary((&[1, 2][..]).into());
                order(&session, Order::Send(data));
                send(&session, "b");
                self.assert_answered(&client.get().await, "GET");
            }
            "ws frame over maxHttpBufferSize" => {
                let mut websocket = host.open_websocket().await;
                websocket.say("41234567890").await;
                self.assert_frames(&mut websocket).await;
            }
            "v4 client sends ping" => {
                let mut websocket = host.open_websocket().await;
                websocket.say("2").await;
                self.assert_frames(&mut websocket).await;
            }
            "v4 heartbeat: no pong" => {
                let mut websocket = host.websocket("").await;
                self.assert_frames(&mut websocket).await;
            }
            "v3 GET after ping gives pong" => {
                let client = host.open_with(self.parameters()).await;
                client.say("1:2").await;
                self.assert_answered(&client.get().await, "GET");
            }
            "v3 GET mixed payload is binary" | "v3 GET mixed payload with b64" => {
                let client = host.open_with(self.parameters()).await;
                let session = events.opened().await;
                send(&session, "€");
                let data = Prepared::binary((&[1, 2, 3, 4][..]).into());
                order(&session, Order::Send(data));
                self.assert_answered(&client.get().await, "GET");
            }
            "v3 JSONP GET data" => {
                let client = host.open_with(self.parameters()).await;
                send(&events.opened().await, "a\"b\u{2028}c€");
                self.assert_answered(&client.get().await, "GET");
            }
            "v3 websocket session" => {
                let mut websocket = host.websocket_with(self.parameters(), "").await;
                let session = events.opened().await;
                websocket.say("2probe").await;
                websocket.say_binary(&[4, 1, 2, 3]).await;
                settle().await;
                let data = Prepared::binary((&[9, 8][..]).into());
                order(&session, Order::Send(data));
                self.assert_frames(&mut websocket).await;
            }
            name => panic!("nothing is known about the row {name}"),
        }
    }

    fn assert_answered(self, response: &Response, method: &str) {
        let text = without_sid(&String::from_utf8_lossy(&response.body));
        match self.difference() {
            Some(Instead::Answer(status, body)) => {
                assert_eq!((response.status, text.as_str()), (*status, *body));
                return;
            }
            Some(Instead::Opens) => {
                assert!(response.status == 200 && text.starts_with("0{"), "{text}");
                return;
            }
            Some(Instead::Poll(..)) | None => {}
        }
        let recorded = self.response();
        assert_eq!(response.status, recorded["status"]);
        assert_eq!(text, String::from_utf8_lossy(&bytes(&recorded["body"])));
        self.assert_headers(response, method);
    }

    fn assert_headers(self, response: &Response, method: &str) {
        let recorded = &self.response()["headers"];
        for (name, value) in members(recorded) {
            if is_compared(name, method) {
                assert_eq!(response.header(name), Some(value), "{name}");
            }
        }
        for name in RARE_HEADERS {
            let recorded = recorded[name]
                .as_str()
                .or_else(|| recorded[name][0].as_str());
            let without_sid = |value: &str| match *name {
                "set-cookie" => without_value(value),
                _ => value.to_owned(),
            };
            let answered = response.header(name).map(without_sid);
            assert_eq!(answered, recorded.map(without_sid), "{name}");
        }
    }

    /// The frames of a websocket up to its end, if that was recorded.
    async fn assert_frames(self, websocket: &mut Websocket) {
        for frame in self.response()["frames"].as_array().into_iter().flatten() {
            let received = match websocket.receive().await {
                Received::Text(text) => without_sid(&text).into_bytes(),
                Received::Binary(data) => data,
                other => panic!("{other:?}"),
            };
            let expected = match frame.as_str() {
                Some(text) => text.as_bytes().to_vec(),
                None => bytes(frame),
            };
            assert_eq!(received, expected);
        }
        if let Some(code) = self.response()["closed"][0].as_u64() {
            assert_closed(&websocket.receive().await, code);
        }
    }

    /// What the application was told, in the recording's terms.
    fn assert_reported(self, events: Vec<Event>) {
        let mut messages = Vec::new();
        let mut ends = Vec::new();
        for event in events {
            match event {
                Event::Text(text) => messages.push(Value::from(text)),
                Event::Binary(data) => {
                    let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
                    messages.push(serde_json::json!({ "hex": hex }));
                }
                Event::Closed(reason, detail) => ends.push((reason.as_str(), detail)),
                Event::Open(_) | Event::Upgraded => {}
            }
        }
        assert_eq!(
            Some(&messages),
            self.0["messages"].as_array().or(Some(&Vec::new()))
        );
        let Some(recorded) = self.0["session_close"].as_array() else {
            return;
        };
        assert_eq!(ends.len(), recorded.len());
        for ((reason, detail), recorded) in ends.into_iter().zip(recorded) {
            assert_eq!(reason, recorded[0]);
            // Where the reference says nothing, this server may.
            if let Some(words) = recorded[1].as_str() {
                let ours = DETAILS.iter().find(|(theirs, _)| *theirs == words);
                assert_eq!(detail, Some(ours.map_or(words, |(_, ours)| ours)));
            }
        }
    }
}
