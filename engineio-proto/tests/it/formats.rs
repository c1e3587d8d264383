//! How payloads are put in revision 3, and what clients of either get that cannot take bytes or load
//! scripts only (protocol.md §3).

use bytes::Bytes;
use engineio_proto::server::{Config, RequestId};
use engineio_proto::{
    Content, DecodeError, Format, Packet, PacketType, Payload, Prepared, Revision, client, server,
};

use crate::trace::*;

const V3: Format = Format::new(Revision::V3);

fn attachment() -> Prepared {
    Prepared::from_parts(
        "€".to_owned().into_bytes(),
        0,
        vec![Bytes::from_static(&[1, 2, 3, 4])],
    )
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
        let mut session = server_speaking(format, Config::default());
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
    let mut session = server_speaking(V3, Config::default());
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
    let long = Prepared::text(&"a".repeat(100));
    assert_eq!(
        posts([long, attachment()]),
        [Content::Text, Content::Binary]
    );
    assert_eq!(
        posts([Prepared::text("a"), attachment()]),
        [Content::Binary]
    );
}

/// The kinds of bodies in which a client posts these messages to a server that takes 100 bytes.
fn posts(messages: [Prepared; 2]) -> Vec<Content> {
    let mut session = client::Session::new(Default::default(), V3, 0);
    assert_eq!(client_lines(&mut session), ["get 0"]);
    let handshake = format!("{}:{HANDSHAKE}", HANDSHAKE.len());
    respond(&mut session, 0, 0, &handshake);
    for message in messages {
        session.send(message);
    }
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
    posts
}

#[test]
fn response_is_bytes_whichever_of_its_messages_is() {
    for (messages, body) in [
        (
            [attachment(), Prepared::text("a")],
            &b"\0\x04\xff4\xe2\x82\xac\x01\x05\xff\x04\x01\x02\x03\x04\0\x02\xff4a"[..],
        ),
        (
            [Prepared::text("a"), attachment()],
            b"\0\x02\xff4a\0\x04\xff4\xe2\x82\xac\x01\x05\xff\x04\x01\x02\x03\x04",
        ),
    ] {
        let mut session = server_speaking(V3, Config::default());
        for message in messages {
            session.send(message);
        }
        session.handle_get(1, RequestId(1));
        let Some(server::Output::Reply { response, .. }) = session.poll_output() else {
            panic!("no answer");
        };
        assert_eq!(response.body, body);
    }
}

#[test]
fn post_of_bytes_is_refused_in_revision_4_only() {
    let body = Bytes::from_static(b"\x01\x02\xff\x04\x07");
    let mut session = server_speaking(V3, Config::default());
    session.handle_post(1, RequestId(1), Content::Binary, body.clone());
    assert_eq!(messages(&mut session, 1), ["#07"]);

    let v4 = Format::new(Revision::V4);
    for format in [v4, v4.with_base64(), v4.with_jsonp(0)] {
        let mut session = server_speaking(format, Config::default());
        session.handle_post(1, RequestId(1), Content::Binary, body.clone());
        let end = "closed: transport error, invalid content";
        assert_eq!(server_lines(&mut session), ["reply 1: 400 ", end]);
    }
}

#[test]
fn lengths_have_as_many_digits_as_they_need() {
    for text in ["a", "€", "😀"].map(|it| it.repeat(123_456)) {
        let units = 1 + text.encode_utf16().count();
        let mut session = server_speaking(V3, Config::default());
        assert_eq!(
            post(&mut session, 1, 1, &format!("{units}:4{text}")),
            [text]
        );
    }
    let bytes = [&[1, 1, 2, 3, 4, 5, 7, 255, 4][..], &[7; 123_456]].concat();
    let mut session = server_speaking(V3, Config::default());
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
        let mut session = server_speaking(format, Config::default());
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
        let mut session = server_speaking(V3.with_jsonp(0), Config::default());
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
        let mut session = server_speaking(format, Config::default());
        session.handle_post(1, RequestId(1), content, Bytes::from_static(b"d=2:4\xff"));
        let end = "closed: parse error, payload is not utf-8";
        assert_eq!(server_lines(&mut session), ["reply 1: 200 ok", end]);
    }
    // What is escaped in it is replaced, as in the reference.
    let mut session = server_speaking(V3.with_jsonp(0), Config::default());
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
        let mut session = server_speaking(V3.with_jsonp(0), Config::default());
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

        let mut server = server_speaking(format, Config::default());
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
