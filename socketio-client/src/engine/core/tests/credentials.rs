//! What goes along with requests, and where it may go: headers, credentials, cookies, redirects.

use engineio_proto::Transport;
use http::HeaderValue;
use http::header::{AUTHORIZATION, COOKIE};

use super::bench::{Bench, OPEN, accepted, frame, header, line, redirect};
use crate::engine::Config;

#[test]
fn headers_and_credentials_go_with_every_request() {
    let mut config = Config::new("http://me:p%40ss@a");
    config
        .headers
        .insert("x-token", HeaderValue::from_static("7"));
    config
        .headers
        .insert("host", HeaderValue::from_static("other"));
    let mut bench = Bench::new(config);
    let upgrading = OPEN.replace("[]", r#"["websocket"]"#);
    let first = bench.reply(&upgrading);
    let requests: Vec<_> = bench.requests().into_iter().map(|it| it.text).collect();
    assert_eq!(requests.len(), 2, "a poll and a websocket");
    for request in requests.iter().chain([&first]) {
        assert_eq!(header(request, "x-token"), Some("7"));
        assert_eq!(header(request, "host"), Some("a"));
        assert_eq!(header(request, "authorization"), Some("Basic bWU6cEBzcw=="));
    }
}

#[test]
fn cookies_come_back_on_polling_and_websocket_and_in_the_next_session() {
    let mut config = Config::new("http://a");
    config
        .headers
        .insert(COOKIE, HeaderValue::from_static("mine=1"));
    let mut bench = Bench::new(config.clone());
    let request = bench.request();
    let body = OPEN.replace("[]", r#"["websocket"]"#);
    let head =
        "HTTP/1.1 200 OK\r\nset-cookie: lb=x; Path=/; HttpOnly\r\nset-cookie: e=; Max-Age=0\r\n";
    let len = body.len();
    bench.say(
        request.stream,
        format!("{head}content-length: {len}\r\n\r\n{body}"),
    );
    for request in bench.requests() {
        assert_eq!(header(&request.text, "cookie"), Some("mine=1; lb=x"));
    }
    let mut next = Bench::remembering(config, bench.core.memory.clone());
    assert_eq!(header(&next.request().text, "cookie"), Some("mine=1; lb=x"));
}

#[test]
fn a_session_that_is_being_closed_and_the_next_one_share_their_cookies() {
    let config = Config::new("http://a");
    let mut old = Bench::new(config.clone());
    old.reply(OPEN);
    old.core.close(0);
    let mut next = Bench::remembering(config, old.core.memory.clone());
    let goodbye = old.requests().pop().unwrap();
    old.say(
        goodbye.stream,
        "HTTP/1.1 200 OK\r\nset-cookie: late=1\r\ncontent-length: 2\r\n\r\nok",
    );
    let first = next.reply(OPEN);
    assert_eq!(header(&first, "cookie"), None, "made before");
    assert_eq!(header(&next.request().text, "cookie"), Some("late=1"));
}

#[test]
fn cookies_are_not_kept_if_they_are_not_wanted() {
    let mut config = Config::new("http://a");
    config.cookies = false;
    let mut bench = Bench::new(config);
    let request = bench.request();
    let len = OPEN.len();
    bench.say(
        request.stream,
        format!("HTTP/1.1 200 OK\r\nset-cookie: lb=x\r\ncontent-length: {len}\r\n\r\n{OPEN}"),
    );
    assert_eq!(header(&bench.request().text, "cookie"), None);
}

#[test]
fn redirects_are_followed_and_credentials_stay_behind() {
    let mut config = Config::new("http://me:secret@a");
    config
        .headers
        .insert(COOKIE, HeaderValue::from_static("mine=1"));
    config
        .headers
        .insert("x-token", HeaderValue::from_static("7"));
    for (location, host, trusted) in [
        ("/elsewhere", "a", true),
        ("https://a/x", "a", true),
        ("http://b/x", "b", false),
        ("http://a:8080/x", "a:8080", false),
        ("https://a:8443/x", "a:8443", false),
    ] {
        let mut bench = Bench::new(config.clone());
        let request = bench.request();
        bench.say(request.stream, redirect(302, location));
        let followed = bench.request().text;
        assert_eq!(header(&followed, "host"), Some(host), "{location}");
        assert_eq!(header(&followed, "x-token"), Some("7"), "{location}");
        assert_eq!(
            header(&followed, "authorization").is_some(),
            trusted,
            "{location}"
        );
        assert_eq!(header(&followed, "cookie").is_some(), trusted, "{location}");
    }
}

#[test]
fn authorization_of_the_headers_stays_behind_as_well() {
    let mut config = Config::new("http://a");
    config
        .headers
        .insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    let mut bench = Bench::new(config);
    let request = bench.request();
    assert_eq!(header(&request.text, "authorization"), Some("Bearer x"));
    bench.say(request.stream, redirect(307, "http://b/"));
    assert_eq!(header(&bench.request().text, "authorization"), None);
}

#[test]
fn redirects_that_lead_astray_are_errors() {
    for (url, location, expected) in [
        ("https://a", "http://a/", "it leads away from tls"),
        ("http://a", "ftp://a/", "it does not lead to http"),
        ("http://a", "http://", "its location is no url"),
    ] {
        let mut bench = Bench::new(Config::new(url));
        let request = bench.request();
        bench.say(request.stream, redirect(301, location));
        let expected =
            format!("closed: transport error: polling: redirect not followed: {expected}");
        assert_eq!(bench.last(), expected);
    }
}

#[test]
fn redirects_are_bounded() {
    for (limit, reason) in [(2, "too many"), (0, "none is allowed")] {
        let mut config = Config::new("http://a");
        config.max_redirects = limit;
        let mut bench = Bench::new(config);
        for _ in 0..=limit {
            let request = bench.request();
            bench.say(request.stream, redirect(302, "/again"));
        }
        let expected = format!("closed: transport error: polling: redirect not followed: {reason}");
        assert_eq!(bench.last(), expected);
    }
}

#[test]
fn a_websocket_is_redirected_like_anything_else() {
    let mut config = Config::new("ws://a");
    config.transports = vec![Transport::Websocket];
    let mut bench = Bench::new(config);
    let request = bench.request();
    bench.say(request.stream, redirect(307, "http://b/x?y"));
    let followed = bench.request();
    assert_eq!(line(&followed.text), "GET /x?y HTTP/1.1");
    bench.say(followed.stream, accepted(&followed.text, ""));
    bench.say(followed.stream, frame(OPEN));
    assert_eq!(bench.seen, ["opened"]);
}

#[test]
fn cookies_of_an_answer_that_ends_with_its_stream_are_kept_as_well() {
    let mut bench = Bench::new(Config::new("http://a"));
    let request = bench.request();
    let answer = format!("HTTP/1.1 200 OK\r\nset-cookie: lb=x\r\n\r\n{OPEN}");
    bench.say(request.stream, answer);
    bench.end(request.stream);
    assert_eq!(header(&bench.request().text, "cookie"), Some("lb=x"));
}
