//! What is different in revision 3: who pings, how payloads are put, and what clients that cannot
//! take bytes get instead (protocol.md §3, §4).

use bytes::Bytes;
use engineio_proto::server::{Config, RequestId};
use engineio_proto::{
    Content, DecodeError, Format, Packet, PacketType, Payload, Prepared, Revision, client, server,
};

use crate::trace::*;

const V3: Format = Format::new(Revision::V3);

/// Pings after 1000 ms, answered within 500.
fn config() -> Config {
    Config {
        ping_interval: 1000,
        ping_timeout: 500,
        ..Config::default()
    }
}

fn on_link() -> server::Session {
    let mut session = server::Session::open_link(config().into(), V3, &sid(), LINK, 0);
    assert_eq!(server_lines(&mut session), ["send 0: 0{…}"]);
    session
}

fn client_on_link() -> client::Session {
    let config = client::Config {
        transport: engineio_proto::Transport::Websocket,
        ..Default::default()
    };
    let mut session = client::Session::new(config.into(), V3, 0);
    assert_eq!(client_lines(&mut session), ["open link 0"]);
    session.handle_link(0, LINK);
    assert_eq!(session.handle_text(0, LINK, HANDSHAKE), None);
    assert_eq!(client_lines(&mut session), ["opened"]);
    session
}

fn attachment() -> Prepared {
    Prepared::from_parts(
        "€".to_owned().into_bytes(),
        0,
        vec![Bytes::from_static(&[1, 2, 3, 4])],
    )
}

#[test]
fn pong_comes_behind_the_messages_it_shares_a_response_with() {
    let mut session = server_speaking(V3, config());
    session.send(Prepared::text("a"));
    post(&mut session, 1, 1, "1:2");
    assert_eq!(server_lines(&mut session), ["reply 1: 200 ok"]);
    session.handle_get(1, RequestId(2));
    assert_eq!(server_lines(&mut session), ["reply 2: 200 2:4a1:3"]);
}

#[test]
fn server_answers_pings_and_ends_the_session_without_them() {
    let mut session = on_link();
    assert_eq!(session.poll_timeout(), Some(1500));
    assert_eq!(session.handle_text(1000, LINK, "2"), None);
    assert_eq!(server_lines(&mut session), ["send 0: 3"]);
    assert_eq!(session.poll_timeout(), Some(2500));
    assert!(session.handle_text(2400, LINK, "4a").is_some());
    assert_eq!(session.poll_timeout(), Some(2500), "only pings count");
    session.handle_timeout(2499);
    assert!(!session.is_closed());
    session.handle_timeout(2500);
    assert_eq!(
        server_lines(&mut session),
        ["close link 0", "closed: ping timeout"]
    );
}

#[test]
fn pong_has_no_data_whatever_the_ping_had() {
    let mut session = on_link();
    session.handle_text(5, LINK, "2probe");
    assert_eq!(server_lines(&mut session), ["send 0: 3"]);
    session.handle_binary(6, LINK, &[2, 9, 9]);
    assert_eq!(server_lines(&mut session), ["send 0: 3"]);
}

#[test]
fn pong_from_a_client_ends_the_session() {
    let mut session = on_link();
    session.handle_text(5, LINK, "3");
    let end = "closed: transport error, invalid heartbeat direction";
    assert_eq!(server_lines(&mut session), ["close link 0", end]);
}

#[test]
fn missing_ping_is_nobodys_fault_while_the_server_does_not_read() {
    let mut session = on_link();
    session.set_reading(1400, false);
    assert_eq!(session.poll_timeout(), None);
    session.set_reading(9000, true);
    assert_eq!(session.poll_timeout(), Some(10_500));
}

#[test]
fn client_pings_after_the_interval_and_gives_up_after_the_timeout() {
    let mut session = client_on_link();
    assert_eq!(session.poll_timeout(), Some(1000));
    session.handle_timeout(1000);
    session.send(Prepared::text("a"));
    assert_eq!(client_lines(&mut session), ["send 0: 2", "send 0: 4a"]);
    assert_eq!(session.poll_timeout(), Some(1500));
    assert_eq!(session.handle_text(1200, LINK, "3"), None);
    assert_eq!(session.poll_timeout(), Some(2200));
    session.handle_timeout(2200);
    assert_eq!(client_lines(&mut session), ["send 0: 2"]);
    session.handle_timeout(2700);
    assert_eq!(
        client_lines(&mut session),
        ["close link 0", "closed: ping timeout"]
    );
}

#[test]
fn every_packet_is_a_sign_of_life_to_the_client() {
    let mut session = client_on_link();
    session.handle_timeout(1000);
    assert_eq!(client_lines(&mut session), ["send 0: 2"]);
    assert!(session.handle_text(1499, LINK, "4a").is_some());
    assert_eq!(session.poll_timeout(), Some(1499 + 1500));
}

#[test]
fn ping_from_a_server_is_a_sign_of_life_and_not_answered() {
    let mut session = client_on_link();
    session.handle_timeout(1000);
    assert_eq!(client_lines(&mut session), ["send 0: 2"]);
    session.handle_text(1400, LINK, "2");
    assert!(client_lines(&mut session).is_empty());
    assert_eq!(session.poll_timeout(), Some(1400 + 1500));
}

#[test]
fn client_that_was_asleep_asks_before_it_gives_up() {
    let mut session = client_on_link();
    session.handle_timeout(90_000);
    assert_eq!(client_lines(&mut session), ["send 0: 2"]);
    assert_eq!(session.poll_timeout(), Some(90_500));
    session.handle_timeout(90_500);
    assert!(session.is_closed());
}

#[test]
fn pong_that_waits_while_the_session_moves_is_sent_behind_the_switch() {
    let mut session = server_speaking(V3, config());
    assert!(post(&mut session, 1, 1, "1:2").is_empty());
    assert_eq!(server_lines(&mut session), ["reply 1: 200 ok"]);
    session.handle_link(2, LINK);
    session.handle_text(3, LINK, "5");
    assert_eq!(
        server_lines(&mut session),
        ["upgraded to websocket", "send 0: 3"]
    );
}

#[test]
fn response_is_bytes_only_if_some_of_it_is() {
    for (format, message, content, body) in [
        (V3, Prepared::text("😀"), Content::Text, "3:4😀".as_bytes()),
        (
            V3,
            attachment(),
            Content::Binary,
            b"\0\x04\xff4\xe2\x82\xac\x01\x05\xff\x04\x01\x02\x03\x04",
        ),
        (
            V3.with_base64(),
            attachment(),
            Content::Text,
            "2:4€10:b4AQIDBA==".as_bytes(),
        ),
        (
            V3.with_jsonp(7),
            attachment(),
            Content::Text,
            r#"___eio[7]("2:4€10:b4AQIDBA==");"#.as_bytes(),
        ),
        (
            V3.with_jsonp(7),
            Prepared::text("\"\u{2028}\u{2029}"),
            Content::Text,
            br#"___eio[7]("4:4\"\u2028\u2029");"#,
        ),
    ] {
        let mut session = server_speaking(format, config());
        session.send(message);
        session.handle_get(1, RequestId(1));
        let Some(server::Output::Reply { response, .. }) = session.poll_output() else {
            panic!("no answer");
        };
        assert_eq!(response.body, body, "{format:?}");
        let header = ("content-type", content.as_str());
        assert!(response.headers.contains(&header), "{format:?}");
    }
}

#[test]
fn bytes_that_are_left_for_the_next_poll_do_not_make_this_one_binary() {
    let mut session = server_speaking(V3, config());
    session.send(Prepared::text(&"a".repeat(1 << 20)));
    session.send(attachment());
    for (request, content) in [(1, Content::Text), (2, Content::Binary)] {
        session.handle_get(1, RequestId(request));
        let Some(server::Output::Reply { response, .. }) = session.poll_output() else {
            panic!("no answer");
        };
        let header = ("content-type", content.as_str());
        assert!(response.headers.contains(&header), "{request}");
    }
}

#[test]
fn bytes_that_are_left_for_the_next_post_do_not_make_this_one_binary() {
    let mut session = client::Session::new(Default::default(), V3, 0);
    assert_eq!(client_lines(&mut session), ["get 0"]);
    let handshake = format!("{}:{HANDSHAKE}", HANDSHAKE.len());
    respond(&mut session, 0, 0, &handshake);
    session.send(Prepared::text(&"a".repeat(100)));
    session.send(attachment());
    let mut posts = Vec::new();
    while let Some(output) = session.poll_output() {
        if let client::Output::Post {
            request, content, ..
        } = output
        {
            posts.push(content);
            respond(&mut session, 0, request.0, "ok");
        }
    }
    assert_eq!(posts, [Content::Text, Content::Binary]);
}

#[test]
fn post_of_bytes_is_refused_in_revision_4_only() {
    let body = Bytes::from_static(b"\x01\x02\xff\x04\x07");
    let mut session = server_speaking(V3, config());
    session.handle_post(1, RequestId(1), Content::Binary, body.clone());
    assert_eq!(messages(&mut session, 1), ["#07"]);

    let v4 = Format::new(Revision::V4);
    for format in [v4, v4.with_base64(), v4.with_jsonp(0)] {
        let mut session = server_speaking(format, config());
        session.handle_post(1, RequestId(1), Content::Binary, body.clone());
        let end = "closed: transport error, invalid content";
        assert_eq!(server_lines(&mut session), ["reply 1: 400 ", end]);
    }
}

#[test]
fn lengths_have_as_many_digits_as_they_need() {
    for text in ["a", "€", "😀"].map(|it| it.repeat(123_456)) {
        let units = 1 + text.encode_utf16().count();
        let mut session = server_speaking(V3, config());
        assert_eq!(
            post(&mut session, 1, 1, &format!("{units}:4{text}")),
            [text]
        );
    }
    let bytes = [&[1, 1, 2, 3, 4, 5, 7, 255, 4][..], &[7; 123_456]].concat();
    let mut session = server_speaking(V3, config());
    session.handle_post(1, RequestId(1), Content::Binary, bytes.into());
    assert_eq!(messages(&mut session, 1)[0].len(), 1 + 2 * 123_456);
}

#[test]
fn packets_in_bytes_that_are_no_messages_have_no_data() {
    let body = b"\x01\x03\xff\x02\xff\xfe\x01\x01\xff\x06";
    let mut payload = Payload::new(Revision::V3, Content::Binary, body[..].into()).unwrap();
    for kind in [PacketType::Ping, PacketType::Noop] {
        assert_eq!(payload.next_packet(), Ok(Some(Packet::Text(kind, ""))));
    }
    assert_eq!(payload.next_packet(), Ok(None));
}

#[test]
fn lengths_that_are_no_plain_numbers_are_refused() {
    let refused = |content, body: Vec<u8>| {
        let mut payload = Payload::new(Revision::V3, content, body.into()).unwrap();
        assert_eq!(payload.next_packet(), Err(DecodeError::Length));
    };
    for length in [
        "",
        "+2",
        "-2",
        "02",
        "2.0",
        "0x2",
        "2e0",
        " 2",
        "२",
        &"9".repeat(400),
    ] {
        refused(Content::Text, format!("{length}:4a").into_bytes());
    }
    for length in [&[][..], &[0, 2], &[10], &[254], &[9; 400]] {
        refused(Content::Binary, [&[0], length, b"\xff4a"].concat());
    }
}

#[test]
fn post_is_answered_behind_its_last_message_in_every_form() {
    for (format, content, body) in [
        (V3, Content::Text, &b"2:4a2:4b"[..]),
        (V3, Content::Binary, b"\0\x02\xff4a\x01\x02\xff\x04b"),
        (V3.with_jsonp(0), Content::Form, b"d=2:4a2:4b"),
    ] {
        let mut session = server_speaking(format, config());
        session.handle_post(1, RequestId(1), content, Bytes::from_static(body));
        assert!(session.next_message(1).is_some());
        assert!(server_lines(&mut session).is_empty());
        assert!(session.next_message(1).is_some());
        assert!(!session.has_posted_messages(), "{format:?} {content:?}");
        assert_eq!(server_lines(&mut session), ["reply 1: 200 ok"]);
    }
}

#[test]
fn form_without_a_payload_is_answered_and_means_nothing() {
    for body in ["", "x=1%3A4", "d"] {
        let mut session = server_speaking(V3.with_jsonp(0), config());
        let body = Bytes::from_static(body.as_bytes());
        let is_empty_payload = *body == *b"d";
        session.handle_post(1, RequestId(1), Content::Form, body);
        assert!(messages(&mut session, 1).is_empty());
        let lines = server_lines(&mut session);
        assert_eq!(lines[0], "reply 1: 200 ok");
        assert_eq!(session.is_closed(), is_empty_payload, "{lines:?}");
    }
}

#[test]
fn form_that_is_not_utf_8_ends_the_session_as_such_a_text_does() {
    for (format, content) in [(V3, Content::Text), (V3.with_jsonp(0), Content::Form)] {
        let mut session = server_speaking(format, config());
        session.handle_post(1, RequestId(1), content, Bytes::from_static(b"d=2:4\xff"));
        let end = "closed: parse error, payload is not utf-8";
        assert_eq!(server_lines(&mut session), ["reply 1: 200 ok", end]);
    }
    // What is escaped in it is replaced, as in the reference.
    let mut session = server_speaking(V3.with_jsonp(0), config());
    session.handle_post(1, RequestId(1), Content::Form, "d=2:4%FF".into());
    assert_eq!(messages(&mut session, 1), ["\u{fffd}"]);
}

#[test]
fn line_breaks_survive_the_forms_of_browsers() {
    // As engine.io-client 3 escapes them; the second one is an escape in JSON.
    for (form, message) in [
        (r"d=4:4a\nb", "a\nb"),
        (r"d=5:4%22\\n%22", r#""\n""#),
        (r"d=6:4%22\\\n%22", r#""\\n""#),
        ("d=4%3A4%2B+c", "+ c"),
    ] {
        let mut session = server_speaking(V3.with_jsonp(0), config());
        let body = Bytes::from_static(form.as_bytes());
        session.handle_post(1, RequestId(1), Content::Form, body);
        assert_eq!(messages(&mut session, 1), [message], "{form}");
    }
}

/// All texts of up to five characters out of these.
fn texts(alphabet: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut start = 0;
    for _ in 0..5 {
        let end = all.len();
        for at in start..end {
            all.extend(
                alphabet
                    .chars()
                    .map(|it| format!("{}{it}", all[at]))
                    .collect::<Vec<_>>(),
            );
        }
        start = end;
    }
    all
}

#[test]
fn forms_of_a_client_carry_every_mix_of_backslashes_and_line_breaks() {
    let format = V3.with_jsonp(0);
    for text in texts("\\n\n") {
        let mut client = client::Session::new(Default::default(), format, 0);
        assert_eq!(client_lines(&mut client), ["get 0"]);
        let handshake = serde_json::Value::from(format!("{}:{HANDSHAKE}", HANDSHAKE.len()));
        respond(&mut client, 0, 0, &format!("___eio[0]({handshake});"));
        client.send(Prepared::text(&text));
        let form = std::iter::from_fn(|| client.poll_output()).find_map(|output| match output {
            client::Output::Post { content, body, .. } => Some((content, body)),
            _ => None,
        });
        let (content, body) = form.unwrap();
        assert_eq!(content, Content::Form);

        let mut server = server_speaking(format, config());
        server.handle_post(1, RequestId(1), content, body.into());
        assert_eq!(messages(&mut server, 1), [text]);
    }
}

#[test]
fn client_tells_in_each_request_what_it_cannot_take() {
    let query = |format: Format, transport| {
        let session = client::Session::new(Default::default(), format, 0);
        session.query(transport)
    };
    let (polling, websocket) = (
        engineio_proto::Transport::Polling,
        engineio_proto::Transport::Websocket,
    );
    assert_eq!(query(V3, polling), "EIO=3&transport=polling");
    assert_eq!(
        query(V3.with_base64(), websocket),
        "EIO=3&transport=websocket&b64=1"
    );
    assert_eq!(
        query(V3.with_jsonp(5), polling),
        "EIO=3&transport=polling&b64=1&j=5"
    );
    // A websocket can take bytes whatever polling can.
    assert_eq!(
        query(V3.with_jsonp(5), websocket),
        "EIO=3&transport=websocket"
    );
}

#[test]
fn response_that_is_not_the_call_asked_for_ends_the_clients_session() {
    for body in [
        "1:6",
        "___eio[6](\"1:6\");",
        "___eio[5](1);",
        "___eio[5](\"1:6\")",
    ] {
        let mut session = client::Session::new(Default::default(), V3.with_jsonp(5), 0);
        assert_eq!(client_lines(&mut session), ["get 0"]);
        let response = Bytes::from_static(body.as_bytes());
        session.handle_response(1, RequestId(0), 200, Content::Text, response);
        let end = "closed: parse error, response is no payload";
        assert_eq!(client_lines(&mut session), [end], "{body}");
    }
}
