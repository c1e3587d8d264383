//! What sessions cost, and how much they send at once.

use bytes::Bytes;
use engineio_proto::{DecodeError, Format, Prepared, RequestError, Revision, client, server};

use crate::trace::*;

#[test]
fn idle_session_is_small() {
    assert!(size_of::<server::Session>() <= 256);
    assert!(size_of::<client::Session>() <= 256);
}

#[test]
fn errors_are_small() {
    assert!(size_of::<DecodeError>() <= 8);
    assert!(size_of::<RequestError>() <= 32);
}

#[test]
fn queued_bytes_are_counted_as_on_a_websocket() {
    let mut session = server_on_polling(server::Config::default());
    session.send(Prepared::text("hello"));
    session.send(Prepared::from_parts(
        b"x".to_vec(),
        0,
        vec![Bytes::from(vec![0; 1000])],
    ));
    assert_eq!(session.queued_bytes(), (2 + 6) + (2 + 2) + (4 + 1000));
    session.handle_get(1, server::RequestId(1));
    assert_eq!(server_lines(&mut session).len(), 1);
    assert_eq!(session.queued_bytes(), 0);
}

#[test]
fn queued_bytes_of_a_client_are_counted_until_all_of_a_message_has_left() {
    let mut session = client();
    let message = Prepared::from_parts(b"x".to_vec(), 0, vec![Bytes::from(vec![0; 90])]);
    session.send(message.clone());
    assert_eq!(session.queued_bytes(), message.wire_len());
    assert_eq!(client_lines(&mut session), ["post 2: 4x"]);
    assert_eq!(session.queued_bytes(), message.wire_len());
    respond(&mut session, 1, 2, "ok");
    assert_eq!(client_lines(&mut session).len(), 1);
    assert_eq!(session.queued_bytes(), 0);

    let mut session = client_on_link(client::Config::default());
    session.send(message.clone());
    assert_eq!(client_lines(&mut session).len(), 1);
    assert_eq!(session.queued_bytes(), 0);
}

#[test]
fn post_of_a_client_has_no_more_packets_than_servers_in_python_take() {
    let mut session = client();
    for _ in 0..16 {
        session.send(Prepared::text("a"));
    }
    session.close(1);
    assert_eq!(
        client_lines(&mut session),
        [format!("post 2: {}", ["4a"; 16].join("␞"))]
    );
    respond(&mut session, 2, 2, "ok");
    assert_eq!(client_lines(&mut session), ["post 3: 1"]);
    respond(&mut session, 3, 3, "ok");
    assert_eq!(client_lines(&mut session), ["closed: forced close"]);
}

#[test]
fn response_stops_growing_at_a_megabyte() {
    let mut session = server_on_polling(server::Config::default());
    let message = Prepared::text(&"x".repeat(600_000));
    for _ in 0..3 {
        session.send(message.clone());
    }
    session.close(1);
    let mut lens = Vec::new();
    for request in 1..=3 {
        session.handle_get(1, server::RequestId(request));
        lens.push(server_lines(&mut session)[0].len() / 100_000);
    }
    assert_eq!(lens, [12, 6, 0], "the next polls take the rest");
    assert!(session.is_closed());
}

/// A client whose server takes 100 bytes, GET 1 waits.
fn client() -> client::Session {
    let config = client::Config {
        upgrade: false,
        ..Default::default()
    };
    let mut session = client_on_polling(config);
    assert_eq!(client_lines(&mut session), ["opened", "get 1"]);
    session
}

/// The bodies a client posts one after the other.
fn bodies(session: &mut client::Session) -> Vec<String> {
    let mut bodies = Vec::new();
    for request in 2.. {
        let lines = client_lines(session).concat();
        let Some(body) = lines.strip_prefix(&format!("post {request}: ")) else {
            break;
        };
        bodies.push(body.to_owned());
        respond(session, 1, request, "ok");
    }
    bodies
}

#[test]
fn posts_are_split_at_what_the_server_takes() {
    let mut session = client();
    let [a, b, c] = ["a", "b", "c"].map(|it| it.repeat(48));
    for text in [&a, &b, &c] {
        session.send(Prepared::text(text));
    }
    // Twice 49 bytes and a separator are 99.
    assert_eq!(
        bodies(&mut session),
        [format!("4{a}␞4{b}"), format!("4{c}")]
    );
}

#[test]
fn limit_counts_bytes_and_includes_the_last_one() {
    for (second, expected) in [("é".repeat(24) + "x", 1), ("é".repeat(25), 2)] {
        let mut session = client();
        session.send(Prepared::text(&"a".repeat(48)));
        session.send(Prepared::text(&second));
        assert_eq!(bodies(&mut session).len(), expected, "{second}");
    }
}

/// In a form every quotation mark takes three bytes.
#[test]
fn posts_of_scripts_are_split_at_what_their_forms_take() {
    let marks = "\"".repeat(15);
    // `d=4` and fifteen escapes are 48 bytes, a separator between two packets is three more.
    assert_eq!(
        forms(&[&marks, &marks, &marks, &marks]),
        [48 + 3 + 46, 48 + 3 + 46]
    );
}

#[test]
fn name_and_escapes_of_a_form_count_up_to_the_last_byte() {
    // `d=4`, `%1E4` and `%5C%5Cn` for what is no line break leave 86 of 100 bytes.
    assert_eq!(forms(&[&"a".repeat(86), "\\n"]), [100]);
    assert_eq!(forms(&[&"a".repeat(87), "\\n"]), [90, 10]);
}

/// Lengths of the forms in which a client posts these texts to a server that takes 100 bytes.
fn forms(texts: &[&str]) -> Vec<usize> {
    let format = Format::new(Revision::V4).with_jsonp(1);
    let mut session = client::Session::new(Default::default(), format, 0);
    assert_eq!(client_lines(&mut session), ["get 0"]);
    let handshake = HANDSHAKE.replace('"', "\\\"");
    let script = format!("___eio[1](\"{handshake}\");");
    assert!(respond(&mut session, 0, 0, &script).is_empty());
    for text in texts {
        session.send(Prepared::text(text));
    }
    let mut lens = Vec::new();
    while let Some(output) = session.poll_output() {
        if let client::Output::Post { request, body, .. } = output {
            lens.push(body.len());
            respond(&mut session, 0, request.0, "ok");
        }
    }
    lens
}

#[test]
fn message_larger_than_the_limit_is_posted_alone() {
    let mut session = client();
    session.send(Prepared::text("a"));
    session.send(Prepared::text(&"b".repeat(200)));
    session.send(Prepared::text("c"));
    let large = format!("4{}", "b".repeat(200));
    assert_eq!(bodies(&mut session), ["4a", &large, "4c"]);
}

#[test]
fn attachments_are_posted_in_order_and_apart_if_need_be() {
    let mut session = client();
    let attachments = vec![Bytes::from_static(&[1; 60]), Bytes::from_static(&[2; 60])];
    session.send(Prepared::from_parts(b"head".to_vec(), 0, attachments));
    session.send(Prepared::text("after"));
    let bodies = bodies(&mut session);
    let heads: Vec<_> = bodies.iter().map(|body| &body[..5]).collect();
    assert_eq!(heads, ["4head", "bAgIC"]);
    assert!(
        bodies[0].contains("␞bAQEB") && bodies[1].ends_with("␞4after"),
        "{bodies:?}"
    );
}

#[test]
fn close_packet_respects_the_limit() {
    for (len, expected) in [(97, 1), (98, 2)] {
        let mut session = client();
        session.send(Prepared::text(&"a".repeat(len)));
        session.close(1);
        let bodies = bodies(&mut session);
        assert_eq!(bodies.len(), expected, "{len}");
        assert!(bodies[expected - 1].ends_with('1') && session.is_closed());
    }
}
