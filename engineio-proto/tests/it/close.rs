//! How sessions end (protocol.md §1.5, §6): by either side, in good order or not, and what
//! becomes of requests that wait and messages that are queued.

use bytes::Bytes;
use engineio_proto::server::{self, LinkEnd, RequestId};
use engineio_proto::{CloseReason, Content, Prepared, Transport, client};

use crate::pair::Pair;
use crate::trace::*;

fn server() -> server::Session {
    server_on_polling(server::Config::default())
}

// ---- Rules broken by a polling client -----------------------------------------------------

#[test]
fn second_get_ends_the_session_and_releases_the_first() {
    let mut session = server();
    session.handle_get(1, RequestId(1));
    session.handle_get(2, RequestId(2));
    let lines = [
        "reply 2: 400 ",
        "reply 1: 200 1",
        "closed: transport error, overlap from client",
    ];
    assert_eq!(server_lines(&mut session), lines);
}

#[test]
fn second_post_ends_the_session_and_its_predecessor() {
    let overlap = "closed: transport error, data request overlap from client";
    let mut session = server();
    session.handle_get(1, RequestId(1));
    session.handle_post(
        2,
        RequestId(2),
        Content::Text,
        Bytes::from_static(b"4a\x1e4b"),
    );
    assert!(session.next_message(2).is_some());
    assert!(session.has_posted_messages());
    session.handle_post(3, RequestId(3), Content::Text, Bytes::from_static(b"4c"));
    let lines = ["reply 3: 400 ", "reply 1: 200 1", "reply 2: 400 ", overlap];
    assert_eq!(server_lines(&mut session), lines);
    assert_eq!(session.next_message(4), None);

    // The first one may still be on its way to the driver.
    let mut session = server();
    session.handle_post_overlap(1, RequestId(1));
    assert_eq!(server_lines(&mut session), ["reply 1: 400 ", overlap]);
}

#[test]
fn abandoned_get_ends_the_session() {
    let mut session = server();
    session.handle_get(1, RequestId(1));
    session.handle_abandoned(2, RequestId(1));
    let closed = "closed: transport error, poll connection closed prematurely";
    assert_eq!(server_lines(&mut session), [closed]);
}

#[test]
fn abandoned_post_ends_the_session_and_releases_the_get() {
    let mut session = server();
    session.handle_get(1, RequestId(1));
    session.handle_post(
        2,
        RequestId(2),
        Content::Text,
        Bytes::from_static(b"4a\x1e4b"),
    );
    assert!(session.next_message(2).is_some());
    session.handle_abandoned(3, RequestId(2));
    let closed = "closed: transport error, data request connection closed prematurely";
    assert_eq!(server_lines(&mut session), ["reply 1: 200 1", closed]);
}

#[test]
fn abandoned_request_that_was_answered_means_nothing() {
    let mut session = server();
    session.handle_abandoned(1, RequestId(0));
    assert_eq!(post(&mut session, 2, 1, "4a"), ["a"]);
    session.handle_abandoned(3, RequestId(1));
    assert_eq!(server_lines(&mut session), ["reply 1: 200 ok"]);
}

#[test]
fn post_is_answered_once_its_messages_are_taken() {
    let mut session = server();
    session.handle_post(
        1,
        RequestId(1),
        Content::Text,
        Bytes::from_static(b"4a\x1ebAQI=\x1e3"),
    );
    assert_eq!(session.next_message(1).map(show).as_deref(), Some("a"));
    assert_eq!(session.next_message(1).map(show).as_deref(), Some("#0102"));
    assert!(server_lines(&mut session).is_empty());
    assert_eq!(session.next_message(1), None);
    assert_eq!(server_lines(&mut session), ["reply 1: 200 ok"]);
}

#[test]
fn post_is_answered_behind_its_last_message_and_ahead_of_what_that_led_to() {
    let mut session = server();
    session.handle_get(1, RequestId(1));
    session.handle_post(
        2,
        RequestId(2),
        Content::Text,
        Bytes::from_static(b"4a\x1e4b"),
    );
    assert!(session.next_message(2).is_some());
    assert!(session.has_posted_messages());
    assert!(session.next_message(2).is_some());
    // A driver that stops here, for it has handled enough, must not leave the client waiting.
    assert!(!session.has_posted_messages());
    session.send(Prepared::text("answer"));
    let lines = ["reply 2: 200 ok", "reply 1: 200 4answer"];
    assert_eq!(server_lines(&mut session), lines);
}

#[test]
fn undecodable_post_is_answered_ok_and_ends_the_session() {
    let table: [(&[u8], &[&str], &str); 6] = [
        (b"abc", &[], "payload cannot be decoded"),
        (b"", &[], "payload cannot be decoded"),
        (b"4a\x1e", &["a"], "payload cannot be decoded"),
        (b"4a\x1e\x1e4b", &["a"], "payload cannot be decoded"),
        (b"4a\x1eb@@@@\x1e4b", &["a"], "payload cannot be decoded"),
        (b"4\xff", &[], "payload is not utf-8"),
    ];
    for (body, messages, detail) in table {
        let mut session = server();
        session.handle_get(1, RequestId(1));
        session.handle_post(2, RequestId(2), Content::Text, Bytes::from_static(body));
        let taken: Vec<_> = std::iter::from_fn(|| session.next_message(2).map(show)).collect();
        assert_eq!(taken, messages, "{body:?}");
        let closed = format!("closed: parse error, {detail}");
        let lines = ["reply 2: 200 ok", "reply 1: 200 1", &closed];
        assert_eq!(server_lines(&mut session), lines, "{body:?}");
    }
}

#[test]
fn post_of_bytes_ends_the_session() {
    let mut session = server();
    session.handle_post_invalid(1, RequestId(1));
    let lines = ["reply 1: 400 ", "closed: transport error, invalid content"];
    assert_eq!(server_lines(&mut session), lines);
}

#[test]
fn undecodable_packet_on_a_link_ends_the_session() {
    let mut session = server_on_link(server::Config::default());
    assert_eq!(session.handle_text(1, LINK, "b64 is for polling"), None);
    let lines = [
        "close link 0",
        "closed: parse error, packet cannot be decoded",
    ];
    assert_eq!(server_lines(&mut session), lines);
}

// ---- Closed by the client -----------------------------------------------------------------

#[test]
fn close_packet_in_a_post_stops_the_payload_and_releases_the_get() {
    let mut session = server();
    session.handle_get(1, RequestId(1));
    assert_eq!(post(&mut session, 2, 2, "4a\u{1e}1\u{1e}4b"), ["a"]);
    let lines = [
        "reply 2: 200 ok",
        "reply 1: 200 6",
        "closed: transport close",
    ];
    assert_eq!(server_lines(&mut session), lines);
}

#[test]
fn poll_is_released_once_when_asked_for() {
    let mut session = server();
    session.handle_get(1, RequestId(1));
    session.release_poll();
    assert_eq!(server_lines(&mut session), ["reply 1: 200 6"]);
    // Or else the next one.
    session.release_poll();
    session.handle_get(2, RequestId(2));
    assert_eq!(server_lines(&mut session), ["reply 2: 200 6"]);
    session.handle_get(3, RequestId(3));
    assert_eq!(server_lines(&mut session), [""; 0]);
    // A message does as well as a noop.
    session.release_poll();
    session.send(Prepared::text("a"));
    assert_eq!(server_lines(&mut session), ["reply 3: 200 4a"]);
}

#[test]
fn poll_that_came_before_a_close_packet_gets_the_messages_sent_before_both() {
    let mut session = server();
    session.send(Prepared::text("a"));
    session.handle_get(1, RequestId(1));
    assert!(post(&mut session, 1, 2, "1").is_empty());
    let lines = [
        "reply 2: 200 ok",
        "reply 1: 200 4a",
        "closed: transport close",
    ];
    assert_eq!(server_lines(&mut session), lines);
}

#[test]
fn close_packet_on_a_link_ends_the_session() {
    let mut session = server_on_link(server::Config::default());
    session.handle_text(1, LINK, "1");
    assert_eq!(
        server_lines(&mut session),
        ["close link 0", "closed: transport close"]
    );
}

#[test]
fn requests_after_the_end_meet_an_unknown_session() {
    let mut session = server();
    session.abort(1, CloseReason::TransportError, "why not");
    session.handle_get(2, RequestId(1));
    session.handle_post(2, RequestId(2), Content::Text, Bytes::from_static(b"4a"));
    session.handle_link(2, LINK);
    session.send(Prepared::text("late"));
    session.close(3);
    let unknown = r#"400 {"code":1,"message":"Session ID unknown"}"#;
    let lines = [
        "closed: transport error, why not".to_owned(),
        format!("reply 1: {unknown}"),
        format!("reply 2: {unknown}"),
        "close link 0".to_owned(),
    ];
    assert_eq!(server_lines(&mut session), lines);
    assert_eq!(session.poll_timeout(), None);
    assert_eq!(session.queued_bytes(), 0);
}

// ---- Closed by the server -----------------------------------------------------------------

#[test]
fn closing_server_answers_the_waiting_get() {
    let mut session = server();
    session.handle_get(1, RequestId(1));
    session.close(2);
    let lines = ["reply 1: 200 1", "closed: forced close"];
    assert_eq!(server_lines(&mut session), lines);

    let mut session = server();
    session.handle_get(1, RequestId(1));
    session.send(Prepared::text("a"));
    session.send(Prepared::text("b"));
    session.close(2);
    session.send(Prepared::text("dropped"));
    assert_eq!(server_lines(&mut session), ["reply 1: 200 4a␞4b"]);
    assert!(!session.is_closed());
    session.handle_get(3, RequestId(2));
    let lines = ["reply 2: 200 1", "closed: forced close"];
    assert_eq!(server_lines(&mut session), lines);
}

#[test]
fn closing_server_waits_for_the_next_get() {
    let mut session = server();
    session.send(Prepared::text("a"));
    session.close(2);
    assert!(server_lines(&mut session).is_empty());
    assert_eq!(session.poll_timeout(), Some(30_002));
    session.handle_get(9_000, RequestId(1));
    assert_eq!(server_lines(&mut session), ["reply 1: 200 4a"]);
    session.handle_get(9_001, RequestId(2));
    let lines = ["reply 2: 200 1", "closed: forced close"];
    assert_eq!(server_lines(&mut session), lines);
}

#[test]
fn closing_server_gives_up_when_no_get_comes() {
    let mut session = server();
    session.send(Prepared::text("a"));
    session.close(2);
    session.handle_timeout(30_001);
    assert!(!session.is_closed());
    session.handle_timeout(30_002);
    assert_eq!(server_lines(&mut session), ["closed: forced close"]);
}

#[test]
fn messages_leave_a_link_before_it_is_closed() {
    let mut session = server_on_link(server::Config::default());
    session.send(Prepared::text("a"));
    session.send(Prepared::binary(Bytes::from_static(&[1])));
    session.close(2);
    session.send(Prepared::text("dropped"));
    assert!(!session.is_closed());
    let lines = [
        "send 0: 4a",
        "send 0: #01",
        "close link 0",
        "closed: forced close",
    ];
    assert_eq!(server_lines(&mut session), lines);
}

#[test]
fn link_that_takes_nothing_more_is_closed_in_the_end() {
    let mut session = server_on_link(server::Config::default());
    session.send(Prepared::text("a"));
    session.close(2);
    session.handle_timeout(30_002);
    assert_eq!(
        server_lines(&mut session),
        ["close link 0", "closed: forced close"]
    );
}

#[test]
fn failed_link_ends_the_session_with_the_reason() {
    let mut session = server_on_link(server::Config::default());
    session.handle_link_end(1, LINK, LinkEnd::Failed("message too big"));
    let lines = ["close link 0", "closed: transport error, message too big"];
    assert_eq!(server_lines(&mut session), lines);
}

// ---- The client's end ---------------------------------------------------------------------

fn client() -> client::Session {
    let config = client::Config {
        upgrade: false,
        ..Default::default()
    };
    let mut session = client_on_polling(config);
    assert_eq!(client_lines(&mut session), ["opened", "get 1"]);
    session
}

#[test]
fn message_of_a_response_is_lent_again_until_the_next_one_or_the_end() {
    let body = || "4a\u{1e}bAQI=\u{1e}4b".into();
    let lent = |session: &client::Session| session.message().map(show);
    let mut session = client();
    assert_eq!(lent(&session), None);
    session.handle_response(1, RequestId(1), 200, Content::Text, body());
    for message in ["a", "#0102", "b"] {
        assert_eq!(session.next_message(1).map(show).as_deref(), Some(message));
        assert_eq!(lent(&session).as_deref(), Some(message));
    }
    assert_eq!(session.next_message(1), None);
    assert_eq!(lent(&session), None);

    let mut session = client();
    session.handle_response(1, RequestId(1), 200, Content::Text, body());
    assert!(session.next_message(1).is_some());
    session.abort(1, CloseReason::TransportError, "gone");
    assert_eq!(lent(&session), None);
}

#[test]
fn closing_client_posts_its_messages_and_the_close_packet() {
    let mut session = client();
    session.send(Prepared::text("a"));
    session.close(1);
    session.send(Prepared::text("dropped"));
    assert_eq!(client_lines(&mut session), ["post 2: 4a␞1"]);
    assert_eq!(session.poll_timeout(), Some(30_001));
    assert_eq!(
        respond(&mut session, 2, 1, "4b"),
        ["b"],
        "what was on its way arrives"
    );
    assert!(
        client_lines(&mut session).is_empty(),
        "but nobody asks for more"
    );
    respond(&mut session, 3, 2, "ok");
    assert_eq!(client_lines(&mut session), ["closed: forced close"]);
}

#[test]
fn closing_client_waits_for_its_running_post() {
    let mut session = client();
    session.send(Prepared::text("a"));
    assert_eq!(client_lines(&mut session), ["post 2: 4a"]);
    session.close(1);
    assert!(client_lines(&mut session).is_empty());
    respond(&mut session, 2, 2, "ok");
    assert_eq!(client_lines(&mut session), ["post 3: 1"]);
    session.handle_request_failed(3, RequestId(3));
    assert_eq!(
        client_lines(&mut session),
        ["closed: forced close"],
        "it was wanted"
    );
}

#[test]
fn closing_client_gives_up_when_nothing_is_answered() {
    let mut session = client();
    session.close(1);
    assert_eq!(client_lines(&mut session), ["post 2: 1"]);
    session.handle_timeout(30_001);
    assert_eq!(client_lines(&mut session), ["closed: forced close"]);
}

#[test]
fn messages_leave_a_client_before_its_link_is_closed() {
    let mut session = client_on_link(client::Config::default());
    session.send(Prepared::text("a"));
    session.close(1);
    let lines = ["send 0: 4a", "close link 0", "closed: forced close"];
    assert_eq!(client_lines(&mut session), lines);
}

#[test]
fn client_closed_while_opening_tells_the_server_when_it_can() {
    let new = |config: client::Config| {
        client::Session::new(config.into(), engineio_proto::Revision::V4, 0)
    };
    let closed = "closed: forced close";

    let mut nothing_sent = new(client::Config::default());
    nothing_sent.close(1);
    assert_eq!(client_lines(&mut nothing_sent), [closed]);

    let mut asked = new(client::Config::default());
    assert_eq!(client_lines(&mut asked), ["get 0"]);
    asked.close(1);
    assert!(client_lines(&mut asked).is_empty());
    respond(&mut asked, 2, 0, HANDSHAKE);
    assert_eq!(client_lines(&mut asked), ["post 1: 1"]);
    respond(&mut asked, 3, 1, "ok");
    assert_eq!(client_lines(&mut asked), [closed]);

    let websocket = client::Config {
        transport: Transport::Websocket,
        ..Default::default()
    };
    let mut link = new(websocket.clone());
    link.close(1);
    assert_eq!(
        client_lines(&mut link),
        ["open link 0", "close link 0", closed]
    );

    let mut link = new(websocket);
    link.send(Prepared::text("a"));
    link.close(1);
    assert_eq!(client_lines(&mut link), ["open link 0"]);
    link.handle_text(2, LINK, HANDSHAKE);
    assert_eq!(
        client_lines(&mut link),
        ["send 0: 4a", "close link 0", closed]
    );
}

#[test]
fn closing_client_gives_up_its_upgrade() {
    let mut session = client_on_polling(client::Config::default());
    session.handle_link(1, LINK);
    session.handle_text(2, LINK, "3probe");
    session.close(3);
    let lines = [
        "opened",
        "open link 0",
        "send 0: 2probe",
        "close link 0",
        "post 1: 1",
    ];
    assert_eq!(client_lines(&mut session), lines);
}

#[test]
fn client_closes_when_the_server_says_so() {
    let mut session = client();
    assert_eq!(respond(&mut session, 1, 1, "4a\u{1e}1\u{1e}4b"), ["a"]);
    assert_eq!(client_lines(&mut session), ["closed: transport close"]);

    let mut session = client_on_link(client::Config::default());
    session.handle_text(1, LINK, "1");
    assert_eq!(
        client_lines(&mut session),
        ["close link 0", "closed: transport close"]
    );
}

#[test]
fn failing_requests_end_the_clients_session() {
    type Fail = fn(&mut client::Session);
    let table: [(&str, Fail); 6] = [
        ("transport error, poll was refused", |it| {
            it.handle_response(1, RequestId(1), 400, Content::Text, Bytes::new());
        }),
        ("transport error, poll failed", |it| {
            it.handle_request_failed(1, RequestId(1))
        }),
        ("transport error, post was refused", |it| {
            it.handle_response(1, RequestId(2), 413, Content::Text, Bytes::new());
        }),
        ("transport error, post failed", |it| {
            it.handle_request_failed(1, RequestId(2))
        }),
        ("parse error, payload cannot be decoded", |it| {
            respond(it, 1, 1, "x");
        }),
        ("parse error, payload is not utf-8", |it| {
            it.handle_response(
                1,
                RequestId(1),
                200,
                Content::Text,
                Bytes::from_static(b"4\xff"),
            );
        }),
    ];
    for (reason, fail) in table {
        let mut session = client();
        session.send(Prepared::text("a"));
        assert_eq!(client_lines(&mut session), ["post 2: 4a"]);
        session.handle_request_failed(1, RequestId(0));
        session.handle_response(1, RequestId(3), 500, Content::Text, Bytes::new());
        assert!(!session.is_closed(), "requests that are over mean nothing");
        fail(&mut session);
        assert_eq!(client_lines(&mut session), [format!("closed: {reason}")]);
    }
}

#[test]
fn session_that_does_not_begin_with_a_handshake_ends() {
    for body in ["4a", "6", "1", "0{}", "0", "bAQ=="] {
        let mut session = client::Session::new(Default::default(), engineio_proto::Revision::V4, 0);
        assert_eq!(client_lines(&mut session), ["get 0"]);
        assert!(respond(&mut session, 1, 0, body).is_empty());
        let closed = "closed: parse error, handshake expected";
        assert_eq!(client_lines(&mut session), [closed], "{body}");
    }
}

#[test]
fn handshake_must_come_in_time() {
    let mut session = client::Session::new(Default::default(), engineio_proto::Revision::V4, 5);
    assert_eq!(client_lines(&mut session), ["get 0"]);
    assert_eq!(session.poll_timeout(), Some(20_005));
    session.handle_timeout(20_005);
    let closed = "closed: transport error, handshake timed out";
    assert_eq!(client_lines(&mut session), [closed]);
}

// ---- Both together ------------------------------------------------------------------------

#[test]
fn either_side_can_close_at_any_moment_and_both_end() {
    for at in 0..200 {
        for by_server in [false, true] {
            let mut pair = Pair::new(server::Config::default(), client::Config::default());
            pair.run_until(at);
            match &mut pair.server {
                Some(server) if by_server => {
                    server.session.send(Prepared::text("last"));
                    server.session.close(at);
                }
                _ => {
                    pair.client.session.send(Prepared::text("last"));
                    pair.client.session.close(at);
                }
            }
            let context = format!("at {at} ms, by server: {by_server}");
            pair.run_for(60_000);
            assert!(pair.client.closed.is_some(), "{context}");
            if let Some(server) = &pair.server {
                assert!(server.closed.is_some(), "{context}");
                assert!(server.received.len() + pair.client.received.len() <= 1);
            }
        }
    }
}
