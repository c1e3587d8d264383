//! Pages of other origins, beyond what was recorded.

use std::time::Duration;

use engineio_server::{Config, Cors};
use http::Method;
use http::header::{AUTHORIZATION, ETAG};

use crate::host::Host;
use crate::puppet::{Events, Reaction};
use crate::wire::{Response, UPGRADE, Websocket};

const POLLING: &str = "/engine.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/engine.io/?EIO=4&transport=websocket";

fn host(cors: Cors) -> (Host, Events) {
    let config = Config {
        cors: Some(cors),
        ..Config::default()
    };
    Host::start(config, Reaction::Nothing)
}

async fn ask(host: &Host, method: &str, headers: &[(&str, &str)]) -> Response {
    let mut wire = host.send(method, POLLING, headers, "").await;
    wire.response(method).await
}

fn allowed(response: &Response) -> Option<&str> {
    response.header("access-control-allow-origin")
}

#[tokio::test(start_paused = true)]
async fn any_page_may_read_the_answers_if_all_are_allowed() {
    let (host, _events) = host(Cors::any());
    for headers in [&[][..], &[("origin", "https://a.b")]] {
        let response = ask(&host, "GET", headers).await;
        assert_eq!(response.status, 200);
        assert_eq!(allowed(&response), Some("*"));
        assert_eq!(response.header("vary"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_sends_cookies_is_allowed_by_its_name() {
    let (host, _events) = host(Cors::any().credentials());
    let response = ask(&host, "GET", &[("origin", "https://a.b")]).await;
    assert_eq!(allowed(&response), Some("https://a.b"));
    assert_eq!(response.header("vary"), Some("Origin"));
    let credentials = response.header("access-control-allow-credentials");
    assert_eq!(credentials, Some("true"));
}

#[tokio::test(start_paused = true)]
async fn a_preflight_is_told_everything() {
    let cors = Cors::matching(|origin, request| {
        origin.ends_with(".example.com") && request.uri.path() == "/engine.io/"
    });
    let cors = cors
        .methods([Method::GET])
        .headers([AUTHORIZATION, ETAG])
        .expose([ETAG])
        .max_age(Duration::from_millis(1999));
    let (host, mut events) = host(cors);
    let asked = [
        ("origin", "https://a.example.com"),
        ("access-control-request-headers", "x-anything"),
    ];
    let response = ask(&host, "OPTIONS", &asked).await;
    assert_eq!(response.status, 204);
    let expected = [
        ("access-control-allow-origin", "https://a.example.com"),
        ("access-control-allow-methods", "GET"),
        ("access-control-allow-headers", "authorization,etag"),
        ("access-control-expose-headers", "etag"),
        ("access-control-max-age", "1"),
        ("vary", "Origin"),
    ];
    for (name, value) in expected {
        assert_eq!(response.header(name), Some(value), "{name}");
    }
    let other = ask(&host, "OPTIONS", &[("origin", "https://example.org")]).await;
    assert_eq!((other.status, allowed(&other)), (204, None));
    assert!(events.drain().is_empty());
}

#[tokio::test(start_paused = true)]
async fn pages_may_read_why_they_are_refused() {
    let (host, _events) = host(Cors::list(["https://a.b"]));
    let target = "/engine.io/?EIO=4&transport=telepathy";
    let headers = [("origin", "https://a.b")];
    let mut wire = host.send("GET", target, &headers, "").await;
    let response = wire.response("GET").await;
    assert_eq!(response.status, 400);
    assert_eq!(allowed(&response), Some("https://a.b"));
}

#[tokio::test(start_paused = true)]
async fn others_are_served_unless_they_are_to_be_refused() {
    let words = "Not an accepted origin.";
    for (cors, is_refused) in [
        (Cors::list(["https://a.b"]), false),
        (Cors::list(["https://a.b"]).refuse_others(), true),
    ] {
        let (host, _events) = host(cors);
        let stranger = [("origin", "https://evil.com")];
        let polling = ask(&host, "GET", &stranger).await;
        assert_eq!(polling.status == 403, is_refused);
        assert_eq!(allowed(&polling), None);
        let headers = [UPGRADE, &stranger].concat();
        let wire = host.send("GET", WEBSOCKET, &headers, "").await;
        let websocket = Websocket::accepted(wire).await;
        match websocket {
            Err(response) => assert!(is_refused && response.text() == words),
            Ok(_) => assert!(!is_refused),
        }
        for headers in [&[][..], &[("origin", "https://a.b")]] {
            assert_eq!(ask(&host, "GET", headers).await.status, 200);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stranger_cannot_go_on_with_a_session_either() {
    let (host, _events) = host(Cors::list(["https://a.b"]).refuse_others());
    let client = host.open().await;
    let stranger = [("origin", "https://evil.com")];
    let mut wire = host
        .send("POST", &client.target(), &stranger, "4hello")
        .await;
    assert_eq!(wire.response("POST").await.status, 403);
    client.say("4hello").await;
}

#[tokio::test(start_paused = true)]
async fn the_own_origin_is_the_host_that_was_asked_for() {
    let table = [
        // Tests ask for `localhost`.
        (false, "http://localhost", None, true),
        (false, "https://localhost", None, true),
        (false, "http://localhost:8080", None, false),
        (false, "null", None, false),
        (false, "https://a.b", Some("a.b"), false),
        (true, "https://a.b", Some("a.b, proxy"), true),
        (true, "https://proxy", Some("a.b, proxy"), false),
        (true, "http://localhost", Some("a.b"), true),
    ];
    for (trusted, origin, forwarded, accepted) in table {
        let mut cors = Cors::same_origin().refuse_others();
        if trusted {
            cors = cors.trust_forwarded_host();
        }
        let (host, _events) = host(cors);
        let mut headers = vec![("origin", origin)];
        headers.extend(forwarded.map(|host| ("x-forwarded-host", host)));
        let response = ask(&host, "GET", &headers).await;
        assert_eq!(response.status == 200, accepted, "{origin} {forwarded:?}");
    }
}
