//! What a server does otherwise for a client of revision 4.

use serde_json::{Value, json};
use socketio_proto::{
    DecodeError, Encoded, NamespaceId, ProtocolError, Revision,
    server::{self, Event},
};

type Server = server::Connection<&'static str>;

fn server(revision: Revision) -> Server {
    Server::new(revision, &server::Config::default(), 0)
}

fn text(sent: Option<Encoded>) -> String {
    sent.expect("something to send").text().to_owned()
}

/// A server, and the membership its client has not had to ask for.
fn opening() -> (Server, NamespaceId) {
    let mut server = server(Revision::V4);
    match server.poll_event() {
        Some(Event::Connect { nsp, .. }) => (server, nsp),
        other => panic!("no CONNECT: {other:?}"),
    }
}

/// A server whose client is in the default namespace.
fn open() -> (Server, NamespaceId) {
    let (mut server, root) = opening();
    assert_eq!(text(server.accept(root, "link", Some("secret"))), "0");
    (server, root)
}

/// The membership, the name and the credentials of a CONNECT.
fn ask(server: &mut Server, message: &str) -> (NamespaceId, String, Option<Value>) {
    match server.handle_text(0, message) {
        Ok(Some(Event::Connect { nsp, name, auth })) => {
            let auth = auth.map(|json| serde_json::from_str(&json).expect("JSON"));
            (nsp, name.into_owned(), auth)
        }
        other => panic!("no CONNECT: {message}: {other:?}"),
    }
}

fn error(server: &mut Server, message: &str) -> ProtocolError {
    server.handle_text(0, message).map(drop).expect_err(message)
}

#[test]
fn the_default_namespace_opens_itself_once() {
    let mut server = server(Revision::V4);
    match server.poll_event() {
        Some(Event::Connect { nsp, name, auth }) => {
            assert_eq!((name.as_ref(), auth), ("/", None));
            assert!(!server.is_joined(nsp), "the caller decides");
            assert!(server.poll_event().is_none(), "as long as it takes");
            assert_eq!(text(server.accept(nsp, "link", None)), "0");
        }
        other => panic!("{other:?}"),
    }
    assert!(server.poll_event().is_none());
    assert!(matches!(
        server.handle_text(0, r#"2["e"]"#),
        Ok(Some(Event::Event { .. }))
    ));
}

#[test]
fn nothing_opens_itself_in_revision_5() {
    assert!(server(Revision::V5).poll_event().is_none());
}

#[test]
fn nothing_opens_itself_once_the_connection_is_dead() {
    let mut server = server(Revision::V4);
    assert_eq!(error(&mut server, "x"), DecodeError::UnknownType.into());
    assert!(server.poll_event().is_none());
}

#[test]
fn a_client_may_leave_the_default_namespace_before_it_opens() {
    let (mut server, root) = opening();
    match server.handle_text(0, "1") {
        Ok(Some(Event::Disconnect { nsp, .. })) => assert_eq!(nsp, root),
        other => panic!("{other:?}"),
    }
    assert_eq!(server.accept(root, "link", None), None);
}

#[test]
fn a_connect_for_the_default_namespace_is_one_too_many() {
    for (mut server, _) in [opening(), open()] {
        assert_eq!(error(&mut server, "0"), ProtocolError::AlreadyJoined);
    }
    let (mut server, _) = open();
    assert_eq!(error(&mut server, "0/?a=b,"), ProtocolError::AlreadyJoined);
}

#[test]
fn once_left_or_refused_the_default_namespace_is_asked_for_like_any_other() {
    let (mut refused, root) = opening();
    let refusal = refused.reject(root, "nope", None);
    assert_eq!(text(refusal), r#"4"nope""#);
    let (mut left, _) = open();
    assert!(matches!(
        left.handle_text(0, "1"),
        Ok(Some(Event::Disconnect { .. }))
    ));
    let (mut ended, root) = open();
    ended.disconnect(root).map(drop).expect("joined");
    for mut server in [refused, left, ended] {
        let (root, name, _) = ask(&mut server, "0");
        assert_eq!(name, "/");
        assert_eq!(text(server.accept(root, "link", None)), "0");
    }
}

#[test]
fn other_namespaces_do_not_wait_for_the_default_one() {
    let (mut server, root) = opening();
    let (admin, ..) = ask(&mut server, "0/admin,");
    assert_eq!(text(server.accept(admin, "id", None)), "0/admin,");
    assert_eq!(text(server.accept(root, "id", None)), "0");
}

/// The objects are what a 4.8.4 server made of these queries.
#[test]
fn credentials_come_in_a_query() {
    for (message, expected) in [
        ("0/admin,", None),
        ("0/admin", None),
        (
            "0/admin?token=1&b=2,",
            Some(json!({"token": "1", "b": "2"})),
        ),
        ("0/admin?token=1", Some(json!({"token": "1"}))),
        (
            "0/admin?a=1&a=2&b=x+y%20z%zz&c&=d&&e=%ff,",
            Some(json!({"a": "2", "b": "x y z%zz", "c": "", "": "d", "e": "\u{fffd}"})),
        ),
        (
            "0/admin?%C3%A4=%f0%9F%98%80%2C%22&x=a=b?c,",
            Some(json!({"ä": "😀,\"", "x": "a=b?c"})),
        ),
        ("0/admin?%=%4&a=%4g,", Some(json!({"%": "%4", "a": "%4g"}))),
        ("0/admin?,", Some(json!({}))),
        (r#"0/admin,{"token":"no"}"#, None),
        (
            r#"0/admin?token=1,{"token":"no"}"#,
            Some(json!({"token": "1"})),
        ),
    ] {
        let (mut server, _) = open();
        let (nsp, name, auth) = ask(&mut server, message);
        assert_eq!((name.as_str(), auth), ("/admin", expected), "{message}");
        assert_eq!(server.namespace(nsp), Some("/admin"), "{message}");
        assert_eq!(text(server.accept(nsp, "id", None)), "0/admin,");
    }
}

#[test]
fn every_packet_is_stripped_of_a_query() {
    let (mut server, _) = open();
    let (nsp, ..) = ask(&mut server, "0/a?x=1,");
    server.accept(nsp, "id", None).map(drop).expect("joining");
    match server.handle_text(0, r#"2/a?y=2,["e"]"#) {
        Ok(Some(Event::Event { nsp: from, .. })) => assert_eq!(from, nsp),
        other => panic!("{other:?}"),
    }
    server.register_ack(nsp, 0, "kept").expect("joined");
    assert!(matches!(
        server.handle_text(0, "3/a?,0[]"),
        Ok(Some(Event::Ack { ack: "kept", .. }))
    ));
    assert!(matches!(
        server.handle_text(0, r#"51-/a?z,["e"]"#),
        Ok(None)
    ));
    match server.handle_binary(0, b"x") {
        Ok(Some(Event::Event { nsp: from, .. })) => assert_eq!(from, nsp),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        server.handle_text(0, "1/a?x=1"),
        Ok(Some(Event::Disconnect { .. }))
    ));
    assert_eq!(
        error(&mut server, r#"51-/a?x=1,["e"]"#),
        ProtocolError::NotJoined
    );
}

#[test]
fn in_revision_5_a_name_with_a_query_is_another_name() {
    let mut server = server(Revision::V5);
    let (nsp, name, auth) = ask(&mut server, r#"0/a?x=1,{"y":2}"#);
    assert_eq!((name.as_str(), auth), ("/a?x=1", Some(json!({"y": 2}))));
    assert_eq!(server.namespace(nsp), Some("/a?x=1"));
    assert_eq!(error(&mut server, "1/a,"), ProtocolError::NotJoined);
}

#[test]
fn name_and_query_are_limited_apart() {
    let long =
        |name: usize, query: usize| format!("0/{}?{},", "n".repeat(name - 1), "q".repeat(query));
    let (mut server, _) = open();
    let (_, name, _) = ask(&mut server, &long(256, 8192));
    assert_eq!(name.len(), 256);
    assert_eq!(
        error(&mut server, &long(257, 0)),
        DecodeError::NamespaceTooLong {
            len: 257,
            limit: 256
        }
        .into()
    );
    let (mut server, _) = open();
    assert_eq!(
        error(&mut server, &long(1, 8193)),
        DecodeError::QueryTooLong {
            len: 8193,
            limit: 8192
        }
        .into()
    );
}

#[test]
fn what_opens_itself_counts_towards_the_limit() {
    let mut config = server::Config::default();
    config.limits.max_namespaces = 2;
    let mut server = Server::new(Revision::V4, &config, 0);
    ask(&mut server, "0/a,");
    let limit = ProtocolError::TooManyNamespaces { limit: 2 };
    assert_eq!(error(&mut server, "0/b,"), limit);
}

#[test]
fn ids_of_sockets_follow_from_the_link() {
    let (mut server, root) = open();
    let (admin, ..) = ask(&mut server, "0/admin?a=b,");
    assert_eq!(server.socket_id(root, "abc").as_deref(), Some("abc"));
    let id = server.socket_id(admin, "abc");
    assert_eq!(id.as_deref(), Some("/admin#abc"));
    server.reject(admin, "no", None).map(drop).expect("joining");
    assert_eq!(server.socket_id(admin, "abc"), None, "it has ended");
    let mut server = self::server(Revision::V5);
    let (root, ..) = ask(&mut server, "0");
    assert_eq!(server.socket_id(root, "abc"), None, "the server picks one");
}

#[test]
fn a_refusal_is_the_data_or_else_the_message() {
    for (data, expected) in [
        (None, r#"4/a,"no \"way\"""#),
        (Some(json!({"code": 1})), r#"4/a,{"code":1}"#),
        (Some(json!(["a", 1])), r#"4/a,["a",1]"#),
        (Some(json!("data")), r#"4/a,"data""#),
        (Some(Value::Null), r#"4/a,"no \"way\"""#),
        (Some(json!(5)), r#"4/a,"no \"way\"""#),
        (Some(json!(true)), r#"4/a,"no \"way\"""#),
    ] {
        let (mut server, _) = open();
        let (nsp, ..) = ask(&mut server, "0/a?token=1,");
        let refusal = server.reject(nsp, r#"no "way""#, data.as_ref());
        assert_eq!(text(refusal), expected, "{data:?}");
    }
}

#[test]
fn no_event_name_is_reserved() {
    for name in ["connect", "disconnecting", "newListener", "error"] {
        let (mut server, _) = open();
        let sent = server.encoder().event("/", None, name, &());
        let sent = sent.expect("a fine name");
        match server.handle_text(0, sent.text()) {
            Ok(Some(Event::Event { name: got, .. })) => assert_eq!(got, name),
            other => panic!("{other:?}"),
        }
    }
}

/// Protocol section 14 has no such limit in 2.x; a 4.8.4 server cuts these clients off too.
#[test]
fn a_client_refused_at_the_default_namespace_is_cut_when_it_joins_no_other_in_time() {
    let (mut server, root) = opening();
    server.reject(root, "no", None).map(drop).expect("joining");
    assert_eq!(server.poll_timeout(), Some(45_000));
    let timeout = server.handle_timeout(45_000);
    assert_eq!(timeout, Err(ProtocolError::ConnectTimeout));
    let (server, _) = open();
    assert_eq!(server.poll_timeout(), None);
}
