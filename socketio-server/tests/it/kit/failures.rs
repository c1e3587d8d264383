//! What a failing test says.

use std::future::{Pending, Ready, pending, ready};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::Full;
use socketio_server::Io;
use socketio_server::test::{Client, Refusal, Server};
use tower::Service;

/// What `check` panics with, without the places in this file.
async fn message<T>(check: impl Future<Output = T>) -> String {
    let panic = AssertUnwindSafe(check).catch_unwind().await;
    let panic = panic.err().expect("the check fails");
    let message = panic.downcast::<String>().unwrap();
    let places = message
        .split(" at ")
        .map(|part| match part.split_once(", ") {
            Some((place, rest)) if place.contains("failures.rs:") => format!("HERE, {rest}"),
            _ => part.to_owned(),
        });
    places.collect::<Vec<_>>().join(" at ")
}

async fn client() -> (Io, Client) {
    let io = Io::builder().build();
    let client = Server::new(&io).connect().await.unwrap();
    (io, client)
}

#[tokio::test(start_paused = true)]
async fn another_event_is_shown_with_what_came_behind_it() {
    let (io, mut client) = client().await;
    io.emit("news", &("a", 1)).unwrap();
    io.emit("message", "hello").unwrap();
    Server::new(&io).settle().await;
    assert_eq!(
        message(client.expect::<String>("message")).await,
        r#"expected `message` at HERE, but got `news ["a",1]`, and behind it `message ["hello"]`"#
    );
    io.emit("news", &()).unwrap();
    assert_eq!(
        message(client.expect_event("message")).await,
        "expected `message` at HERE, but got `news []`"
    );
    io.emit("news", &1).unwrap();
    assert_eq!(
        message(client.expect_nothing()).await,
        "expected nothing at HERE, but got [`news [1]`]"
    );
    io.emit("news", &()).unwrap();
    assert_eq!(
        message(client.expect_disconnect()).await,
        "expected the end at HERE, but got `news []`"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_not_waited_for_without_end() {
    let (_io, mut client) = client().await;
    assert_eq!(
        message(client.expect::<()>("message")).await,
        "expected `message` at HERE, but nothing came within 120s"
    );
    assert_eq!(
        message(client.receive()).await,
        "expected an event at HERE, but nothing came within 120s"
    );
    assert_eq!(
        message(client.expect_disconnect()).await,
        "expected the end at HERE, but nothing came within 120s"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_was_sent_away_says_so() {
    let (io, mut client) = client().await;
    io.of("/").broadcast().sockets()[0].disconnect();
    // Before anybody looks.
    Server::new(&io).settle().await;
    assert_eq!(
        message(client.expect_nothing()).await,
        "expected nothing at HERE, but got [] and the end: io server disconnect"
    );
    assert_eq!(
        message(client.expect::<()>("message")).await,
        "expected `message` at HERE, but the client is disconnected: io server disconnect"
    );
    // What is known already is no news.
    client.expect_nothing().await;
    let mut other = Server::new(&io).connect().await.unwrap();
    other.drop_link();
    other.expect_nothing().await;
    let gone = "the client is disconnected: io server disconnect";
    assert_eq!(
        message(async { client.emit("message", &()) }).await,
        format!("`message` cannot be sent: {gone}")
    );
    assert_eq!(
        message(async { drop(client.call::<()>("message", &())) }).await,
        format!("`message` cannot be sent: {gone}")
    );
}

#[tokio::test(start_paused = true)]
async fn data_of_another_shape_is_shown() {
    let (io, mut client) = client().await;
    io.emit("message", &7).unwrap();
    let message_ = message(client.expect::<String>("message")).await;
    assert!(
        message_.starts_with("`message [7]` is no alloc::string::String: arguments do not fit the type: invalid type: integer `7`, expected a string"),
        "{message_}"
    );
    io.emit("message", &7).unwrap();
    let event = client.receive().await;
    assert_eq!(
        message(async { event.ack(&()) }).await,
        "`message [7]` wants no answer"
    );
    assert_eq!(
        message(async { client.emit("connect", &()) }).await,
        "`connect` cannot be sent: reserved event name"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_is_refused_at_once() {
    let server = Server::new(&Io::builder().build());
    let connect = || server.connect();
    let credentials = message(async { drop(connect().auth("secret")) }).await;
    assert!(
        credentials.starts_with("credentials are a JSON object, not "),
        "{credentials}"
    );
    let header = message(async { drop(connect().header("a b", "c")) }).await;
    assert_eq!(header, r#"not a header: "a b: c""#);
    let query = message(async { drop(connect().query("a b")) }).await;
    assert_eq!(query, r#"not a query: "a b""#);
}

/// A service that does not work, and whether it was called all the same.
#[derive(Clone, Default)]
struct Broken(Arc<AtomicBool>);

impl<B> Service<http::Request<B>> for Broken {
    type Response = http::Response<Full<Bytes>>;
    type Error = std::io::Error;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Err(std::io::ErrorKind::Unsupported.into()))
    }

    fn call(&mut self, _: http::Request<B>) -> Self::Future {
        self.0.store(true, Ordering::Relaxed);
        ready(Ok(http::Response::default()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_answers_nobody() {
    let broken = Broken::default();
    let server = Server::with_service(&Io::builder().build(), broken.clone());
    for connect in [server.connect(), server.connect().polling()] {
        let refusal = connect.await.unwrap_err();
        assert_eq!(refusal, Refusal::Link("transport error"));
    }
    let request = http::Request::post("/login").body("").unwrap();
    let panic = message(server.request(request)).await;
    assert!(
        panic.starts_with("POST /login is not answered: "),
        "{panic}"
    );
    assert!(!broken.0.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_decide_closes_the_link() {
    let io = Io::builder()
        .connect_timeout(Duration::from_secs(3))
        .build();
    io.on_connect(pending::<()>);
    let server = Server::new(&io);
    for connect in [
        server.connect(),
        server.connect().polling(),
        server.connect().eio3(),
    ] {
        let refusal = connect.await.unwrap_err();
        assert_eq!(refusal.message(), "transport close");
        assert_eq!(refusal.data(), None);
    }
    // One that has another namespace may wait, though not for ever.
    io.of("/decided");
    let client = server.connect().namespace("/decided").await.unwrap();
    let refusal = client.join("/").await.unwrap_err();
    assert_eq!(refusal, Refusal::Unanswered);
}

/// A service that never answers.
#[derive(Clone)]
struct Silent;

impl<B> Service<http::Request<B>> for Silent {
    type Response = http::Response<Full<Bytes>>;
    type Error = std::io::Error;
    type Future = Pending<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Request<B>) -> Self::Future {
        pending()
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_silent_is_not_waited_for_without_end() {
    let server = Server::with_service(&Io::builder().build(), Silent);
    let request = http::Request::get("/news").body("").unwrap();
    assert_eq!(
        message(server.request(request)).await,
        "GET /news is not answered within 120s"
    );
    let refusal = server.connect().await.unwrap_err();
    assert_eq!(refusal, Refusal::Link("transport error"));
}
