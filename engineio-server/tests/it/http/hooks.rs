//! What the application has to say while a session is opened: whether, under which id, with which
//! headers.

use engineio_server::{Config, SessionCookie, Sid};

use crate::host::{Host, settle};
use crate::puppet::{Event, Reaction};
use crate::wire::{UPGRADE, Websocket, request};

const POLLING: &str = "/engine.io/?EIO=4&transport=polling";
const WEBSOCKET: &str = "/engine.io/?EIO=4&transport=websocket";

#[tokio::test(start_paused = true)]
async fn headers_of_the_application_are_on_all_answers_that_succeed() {
    let (host, _events) = Host::start(Config::default(), Reaction::Label);
    let mut answers = vec![host.ask("GET", POLLING, "").await];
    let client = host.open().await;
    answers.push(client.post("4a").await);
    let mut wire = host.send("GET", WEBSOCKET, UPGRADE, "").await;
    answers.push(wire.response("GET").await);
    let upgrade = format!("{WEBSOCKET}&sid={}", client.sid);
    let mut wire = host.send("GET", &upgrade, UPGRADE, "").await;
    answers.push(wire.response("GET").await);
    answers.push(
        host.ask("GET", "/engine.io/?EIO=4&transport=none", "")
            .await,
    );
    answers.push(host.ask("PUT", &client.target(), "").await);
    let labels: Vec<_> = answers
        .iter()
        .map(|it| (it.status, it.header("x-any"), it.header("x-first")))
        .collect();
    let (any, first) = (Some("any"), Some("first"));
    let expected = [
        (200, any, first),
        (200, any, None),
        (101, any, first),
        (101, any, None),
        (400, None, None),
        (500, None, None),
    ];
    assert_eq!(labels, expected);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_leaves_nothing_behind() {
    for reaction in [Reaction::Disallow("no"), Reaction::Refuse("no")] {
        let (host, mut events) = Host::start(Config::default(), reaction);
        host.ask("GET", POLLING, "")
            .await
            .assert(403, r#"{"code":4,"message":"no"}"#);
        let wire = host.connect().await;
        let Err(response) = Websocket::open(wire, WEBSOCKET).await else {
            panic!("let in");
        };
        response.assert(400, "no");
        assert!(events.drain().is_empty());
        host.assert_empty().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_gone_before_the_decision_gets_no_session() {
    let (host, mut events) = Host::start(Config::default(), Reaction::Disallow("no"));
    let mut wire = host.connect().await;
    wire.write(&request("GET", POLLING, &[], b"")).await;
    drop(wire);
    settle().await;
    assert!(events.drain().is_empty());
    host.assert_empty().await;
}

#[tokio::test(start_paused = true)]
async fn an_id_of_the_applications_own_is_used_once() {
    let sid = Sid::from_random([7; 15]);
    let (host, mut events) = Host::start(Config::default(), Reaction::Name(sid));
    assert_eq!(host.open().await.sid, sid.as_str());
    host.ask("GET", POLLING, "")
        .await
        .assert(400, r#"{"code":3,"message":"Bad request"}"#);
    assert_eq!(host.server.sessions(), 1);
    let events = events.drain();
    let [Event::Open(_), Event::Open(_), Event::Closed(reason, _)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(reason.as_str(), "forced close");
}

#[tokio::test(start_paused = true)]
async fn the_cookie_comes_with_the_handshake_of_polling_alone() {
    let cookie = SessionCookie::new("node").domain("example.com");
    let config = Config {
        cookie: Some(cookie),
        ..Config::default()
    };
    let (host, _events) = Host::start(config, Reaction::Nothing);
    let first = host.ask("GET", POLLING, "").await;
    let sid = crate::wire::sid(first.text());
    let cookie = format!("node={sid}; Domain=example.com; Path=/; HttpOnly; SameSite=Lax");
    assert_eq!(first.header("set-cookie"), Some(&*cookie));
    let client = host.open().await;
    assert_eq!(client.post("4a").await.header("set-cookie"), None);
    let mut wire = host.send("GET", WEBSOCKET, UPGRADE, "").await;
    assert_eq!(wire.response("GET").await.header("set-cookie"), None);
}

#[test]
#[should_panic(expected = "not a cookie's name")]
fn a_cookie_has_a_name() {
    let _ = SessionCookie::new("a;b");
}
