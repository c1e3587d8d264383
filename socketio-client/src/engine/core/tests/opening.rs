//! What is asked of the server first, and what comes of its answers: URLs, refusals,
//! revisions, transports.

use engineio_proto::{Revision, Transport};

use super::bench::{Bench, OPEN, frame, header, line, redirect};
use crate::engine::{Config, RevisionChoice};

fn websocket_only(url: &str) -> Config {
    let mut config = Config::new(url);
    config.transports = vec![Transport::Websocket];
    config
}

#[test]
fn urls_are_put_together_as_the_reference_does() {
    type Change = fn(&mut Config);
    let cases: [(&str, Change, &str, &str); 12] = [
        (
            "http://a",
            |_| {},
            "/engine.io/?EIO=4&transport=polling",
            "a",
        ),
        (
            "http://a:80",
            |_| {},
            "/engine.io/?EIO=4&transport=polling",
            "a",
        ),
        (
            "ws://a:8080/ignored/path#x",
            |_| {},
            "/engine.io/?EIO=4&transport=polling",
            "a:8080",
        ),
        (
            "https://[::1]:3000",
            |_| {},
            "/engine.io/?EIO=4&transport=polling",
            "[::1]:3000",
        ),
        (
            "http://a?x=1&y=%20z",
            |_| {},
            "/engine.io/?x=1&y=%20z&EIO=4&transport=polling",
            "a",
        ),
        (
            "http://a?EIO=7&x=1&sid=s&transport=t",
            |_| {},
            "/engine.io/?x=1&EIO=4&transport=polling",
            "a",
        ),
        (
            "http://a?x=1",
            |it| it.query = vec![("q r".into(), "&".into()), ("sid".into(), "s".into())],
            "/engine.io/?x=1&q+r=%26&EIO=4&transport=polling",
            "a",
        ),
        (
            "http://a",
            |it| it.path = "/socket.io/".into(),
            "/socket.io/?EIO=4&transport=polling",
            "a",
        ),
        (
            "http://a",
            |it| it.path = "chat".into(),
            "/chat/?EIO=4&transport=polling",
            "a",
        ),
        (
            "http://a",
            |it| (it.path, it.trailing_slash) = ("/chat/".into(), false),
            "/chat?EIO=4&transport=polling",
            "a",
        ),
        (
            "http://a",
            |it| it.base64 = true,
            "/engine.io/?EIO=4&transport=polling&b64=1",
            "a",
        ),
        (
            "http://a",
            |it| it.revision = RevisionChoice::Only(Revision::V3),
            "/engine.io/?EIO=3&transport=polling",
            "a",
        ),
    ];
    for (url, change, path, host) in cases {
        let mut config = Config::new(url);
        config.timestamp_requests = false;
        change(&mut config);
        let request = Bench::new(config).request().text;
        assert_eq!(line(&request), format!("GET {path} HTTP/1.1"), "{url}");
        assert_eq!(header(&request, "host"), Some(host), "{url}");
        assert_eq!(header(&request, "accept"), Some("*/*"), "{url}");
    }
}

#[test]
fn streams_lead_where_the_url_says() {
    for (url, host, port, tls) in [
        ("http://a", "a", 80, false),
        ("wss://a", "a", 443, true),
        ("https://[::1]:3000", "::1", 3000, true),
        ("ws://127.0.0.1:1", "127.0.0.1", 1, false),
    ] {
        let bench = Bench::new(Config::new(url));
        let target = &bench.dialed[0].1;
        assert_eq!(
            (target.host.as_str(), target.port, target.tls),
            (host, port, tls)
        );
    }
}

#[test]
fn configurations_without_a_server_are_refused() {
    for (url, expected) in [
        ("localhost:3000", "url is not http, https, ws or wss"),
        ("/socket.io", "url cannot be parsed"),
        ("http://", "url cannot be parsed"),
    ] {
        let core = super::super::Core::new(
            Config::new(url).into(),
            super::super::Memory::default(),
            Box::new(|| 0),
            0,
        );
        assert_eq!(
            core.err().map(|it| it.to_string()).as_deref(),
            Some(expected)
        );
    }
}

#[test]
fn every_polling_request_has_its_own_timestamp() {
    let mut bench = Bench::new(Config::new("http://a"));
    let first = bench.reply(OPEN);
    let second = bench.request().text;
    let stamp = |request: &str| line(request).split("&t=").nth(1).unwrap().to_owned();
    assert_ne!(stamp(&first), stamp(&second));
    assert!(second.contains("&sid=abc&t="));
}

#[test]
fn a_server_that_refuses_is_quoted() {
    for (body, expected) in [
        (r#"{"code":3,"message":"Bad request"}"#, ": Bad request"),
        (r#""not you""#, ": not you"),
        ("Forbidden", ": Forbidden"),
        ("<html>nginx</html>", ""),
        ("", ""),
    ] {
        let mut bench = Bench::new(Config::new("http://a"));
        let request = bench.request();
        let len = body.len();
        bench.say(
            request.stream,
            format!("HTTP/1.1 403 No\r\ncontent-length: {len}\r\n\r\n{body}"),
        );
        let expected = format!("closed: transport error: polling: server answered 403{expected}");
        assert_eq!(bench.seen, [expected]);
    }
}

const V3_OPEN: &str = r#"68:0{"sid":"old","upgrades":[],"pingInterval":25000,"pingTimeout":5000}"#;

#[test]
fn a_server_of_revision_3_is_recognised_by_its_answer_and_remembered() {
    let mut bench = Bench::new(Config::new("http://a"));
    let first = bench.reply(V3_OPEN);
    assert!(first.contains("EIO=4"));
    let second = bench.reply(V3_OPEN);
    assert!(second.contains("EIO=3") && !second.contains("sid="));
    assert_eq!(bench.seen, ["opened"]);
    assert_eq!(bench.core.revision(), Revision::V3);
    assert_eq!(bench.dialed.len(), 1, "over the same stream");
    let mut next = Bench::remembering(Config::new("http://a"), bench.core.memory.clone());
    assert!(next.request().text.contains("EIO=3"));
}

#[test]
fn an_error_about_the_version_leads_to_the_other_revision_once() {
    let refusal = r#"{"code":5,"message":"Unsupported protocol version"}"#;
    let len = refusal.len();
    let refusal = format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {len}\r\n\r\n{refusal}");
    let mut bench = Bench::new(Config::new("http://a"));
    for revision in ["EIO=4", "EIO=3"] {
        let request = bench.request();
        assert!(request.text.contains(revision));
        bench.say(request.stream, &refusal);
    }
    assert_eq!(
        bench.seen,
        ["closed: transport error: polling: server answered 400: Unsupported protocol version"]
    );
}

#[test]
fn a_websocket_that_is_refused_for_its_version_leads_to_the_other_revision() {
    let mut bench = Bench::new(websocket_only("http://a"));
    let refusal = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/html\r\n\
        content-length: 28\r\n\r\nUnsupported protocol version";
    let request = bench.request();
    bench.say(request.stream, refusal);
    let request = bench.request();
    assert!(request.text.contains("EIO=3&transport=websocket"));
}

#[test]
fn a_revision_that_was_chosen_is_not_changed() {
    let mut config = Config::new("http://a");
    config.revision = RevisionChoice::Only(Revision::V4);
    let mut bench = Bench::new(config);
    bench.reply(V3_OPEN);
    assert_eq!(
        bench.seen,
        ["closed: parse error: polling: handshake expected"]
    );
}

#[test]
fn a_remembered_revision_is_given_up_when_a_websocket_ends_at_once() {
    let mut bench = Bench::new(Config::new("http://a"));
    bench.reply(V3_OPEN);
    bench.reply(V3_OPEN);
    let mut next = Bench::remembering(websocket_only("http://a"), bench.core.memory.clone());
    let stream = next.accept();
    next.end(stream);
    let request = next.request().text;
    assert!(request.contains("EIO=4"), "{request}");
}

#[test]
fn the_next_transport_is_tried_only_if_that_is_wanted() {
    for tries in [true, false] {
        let mut config = Config::new("http://a");
        config.transports = vec![Transport::Websocket, Transport::Polling];
        config.try_all_transports = tries;
        let mut bench = Bench::new(config);
        bench.core.send(engineio_proto::Prepared::text("early"));
        let request = bench.request();
        bench.say(
            request.stream,
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
        );
        if !tries {
            let expected = "closed: transport error: websocket: server answered 400";
            assert_eq!(bench.seen, [expected]);
            continue;
        }
        bench.reply(OPEN);
        assert_eq!(bench.seen, ["opened"]);
        let early = bench
            .requests()
            .into_iter()
            .any(|it| it.text.ends_with("4early"));
        assert!(early, "what was sent before is for the session that opens");
    }
}

#[test]
fn the_error_is_that_of_what_was_tried_last() {
    let mut config = Config::new("http://a");
    config.try_all_transports = true;
    let mut bench = Bench::new(config);
    for status in [502, 503] {
        let request = bench.request();
        let answer = format!("HTTP/1.1 {status} No\r\ncontent-length: 0\r\n\r\n");
        bench.say(request.stream, answer);
    }
    assert_eq!(
        bench.seen,
        ["closed: transport error: websocket: server answered 503"]
    );
}

#[test]
fn an_upgrade_is_remembered_until_it_fails() {
    let mut config = Config::new("http://a");
    config.remember_upgrade = true;
    let mut bench = Bench::new(websocket_only("http://a"));
    let stream = bench.accept();
    bench.say(stream, frame(OPEN));
    let mut next = Bench::remembering(config.clone(), bench.core.memory.clone());
    let request = next.request();
    assert!(request.text.contains("transport=websocket"));
    next.break_off(request.stream);
    assert!(
        next.last()
            .starts_with("closed: transport error: websocket: connection broke")
    );
    let mut last = Bench::remembering(config, next.core.memory.clone());
    assert!(last.request().text.contains("transport=polling"));
}

#[test]
fn a_remembered_websocket_is_tried_once() {
    let mut bench = Bench::new(websocket_only("http://a"));
    let stream = bench.accept();
    bench.say(stream, frame(OPEN));
    let mut config = Config::new("http://a");
    (config.remember_upgrade, config.try_all_transports) = (true, true);
    let mut next = Bench::remembering(config, bench.core.memory.clone());
    for transport in ["websocket", "polling"] {
        let request = next.request();
        assert!(request.text.contains(transport));
        next.break_off(request.stream);
    }
    assert!(next.last().starts_with("closed: transport error: polling"));
}

#[test]
fn a_server_out_of_reach_is_an_error_of_dialing() {
    let mut bench = Bench::new(Config::new("http://a"));
    bench.unreachable = true;
    let request = bench.request();
    bench.say(request.stream, redirect(302, "http://b/"));
    let expected = "closed: transport error: polling: cannot connect: connection refused";
    assert_eq!(bench.seen, [expected]);
}

#[test]
fn opening_takes_no_longer_than_allowed_whatever_is_tried() {
    let mut config = Config::new("http://a");
    config.try_all_transports = true;
    let mut bench = Bench::new(config);
    bench.request();
    bench.sleep(19_999);
    assert!(bench.seen.is_empty());
    bench.sleep(1);
    assert_eq!(bench.seen, ["closed: transport error: polling: timeout"]);
}
