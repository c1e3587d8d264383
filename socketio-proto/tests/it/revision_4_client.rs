//! What a client does otherwise with a server of revision 4.

use serde_json::{Map, Value, json};
use socketio_proto::{
    Encoded, NamespaceId, ProtocolError, Revision,
    client::{self, Event, JoinError},
};

type Client = client::Connection<&'static str>;

fn client() -> Client {
    Client::new(Revision::V4, &client::Config::default(), "link")
}

/// Asks for a namespace, and says what was to be sent for it.
fn ask(client: &mut Client, name: &str) -> (NamespaceId, Option<String>) {
    let (nsp, sent) = client.connect(name, None).expect("a fine name");
    (nsp, sent.map(|sent| sent.text().to_owned()))
}

/// A client in the default namespace, for which it has asked.
fn joined() -> (Client, NamespaceId) {
    let mut client = client();
    let (root, _) = ask(&mut client, "/");
    assert_eq!(
        granted(client.handle_text("0").expect("legal")),
        (root, "link".to_owned())
    );
    (client, root)
}

fn granted(event: Option<Event<'_, &'static str>>) -> (NamespaceId, String) {
    match event {
        Some(Event::Connected { nsp, sid, pid }) => {
            assert_eq!(pid, None);
            (nsp, sid.into_owned())
        }
        other => panic!("not connected: {other:?}"),
    }
}

fn refused(event: Option<Event<'_, &'static str>>) -> (NamespaceId, String, Option<Value>) {
    match event {
        Some(Event::ConnectError { nsp, message, data }) => (nsp, message, data),
        other => panic!("not refused: {other:?}"),
    }
}

/// The client takes the message and has nothing to tell.
fn assert_ignored(client: &mut Client, message: &str) {
    let event = client.handle_text(message).expect("legal");
    assert!(event.is_none(), "{message}: {event:?}");
    assert!(client.poll_event().is_none(), "{message}");
}

#[test]
fn asking_for_the_default_namespace_sends_nothing() {
    let mut client = client();
    let (root, sent) = ask(&mut client, "/");
    assert_eq!(sent, None);
    assert!(client.poll_event().is_none(), "the server has not spoken");
    assert_eq!(client.register_ack(root, 0, "early"), Err("early"));
    let event = client.handle_text("0").expect("legal");
    assert_eq!(granted(event), (root, "link".to_owned()));
    client.register_ack(root, 0, "kept").expect("joined");
}

#[test]
fn a_default_namespace_that_is_open_already_is_granted_at_once() {
    let mut client = client();
    assert_ignored(&mut client, "0");
    let (root, sent) = ask(&mut client, "/");
    assert_eq!(sent, None);
    assert_eq!(granted(client.poll_event()), (root, "link".to_owned()));
    assert!(client.poll_event().is_none());
    client.register_ack(root, 0, "kept").expect("joined");
}

#[test]
fn who_never_asks_for_the_default_namespace_is_not_bothered() {
    let mut client = client();
    for message in [
        "0",
        r#"2["hello"]"#,
        "30[]",
        r#"4"oops""#,
        "0",
        r#"51-["e"]"#,
    ] {
        assert_ignored(&mut client, message);
    }
    assert!(matches!(client.handle_binary(b"x"), Ok(None)));
    assert_ignored(&mut client, "1");
}

#[test]
fn what_the_server_closed_again_has_to_be_asked_for() {
    let mut client = client();
    assert_ignored(&mut client, "0");
    assert_ignored(&mut client, "1");
    assert_eq!(ask(&mut client, "/").1.as_deref(), Some("0"));
}

#[test]
fn once_left_refused_or_ended_the_default_namespace_is_asked_for_like_any_other() {
    let (mut left, root) = joined();
    let (leave, _) = left.disconnect(root).expect("joined");
    assert_eq!(leave.expect("joined").text(), "1");
    let (mut ended, _) = joined();
    assert!(matches!(
        ended.handle_text("1"),
        Ok(Some(Event::Disconnected { .. }))
    ));
    let mut refused = client();
    ask(&mut refused, "/");
    self::refused(refused.handle_text(r#"4"no""#).expect("legal"));
    let mut refused_unasked = client();
    assert_ignored(&mut refused_unasked, r#"4"no""#);
    for mut client in [left, ended, refused, refused_unasked] {
        let (root, sent) = ask(&mut client, "/");
        assert_eq!(sent.as_deref(), Some("0"));
        let event = client.handle_text("0").expect("legal");
        assert_eq!(granted(event), (root, "link".to_owned()));
    }
}

#[test]
fn interest_in_the_default_namespace_may_come_and_go_before_it_opens() {
    let mut client = client();
    for _ in 0..2 {
        let (root, sent) = ask(&mut client, "/");
        assert_eq!(sent, None, "a CONNECT would be one too many");
        assert_eq!(client.disconnect(root), Some((None, vec![])));
    }
    assert_ignored(&mut client, "0");
    assert_eq!(ask(&mut client, "/").1, None);
    granted(client.poll_event());
}

#[test]
fn who_leaves_before_the_answer_is_taken_gets_none() {
    let mut client = client();
    assert_ignored(&mut client, "0");
    let (root, _) = ask(&mut client, "/");
    let (leave, _) = client.disconnect(root).expect("joined");
    assert_eq!(leave.expect("joined").text(), "1");
    assert!(client.poll_event().is_none());
    assert_eq!(ask(&mut client, "/").1.as_deref(), Some("0"));
}

#[test]
fn a_join_that_was_asked_for_and_given_up_is_returned() {
    let (mut client, root) = joined();
    client.disconnect(root).map(drop).expect("joined");
    let (root, _) = ask(&mut client, "/");
    let (admin, _) = ask(&mut client, "/admin");
    for (nsp, answer, expected) in [(root, "0", "1"), (admin, "0/admin,", "1/admin,")] {
        assert_eq!(client.disconnect(nsp), Some((None, vec![])));
        match client.handle_text(answer) {
            Ok(Some(Event::Unwanted { leave })) => assert_eq!(leave.text(), expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_refusal_of_the_default_namespace_answers_what_was_given_up_too() {
    let mut client = client();
    let _ = ask(&mut client, "/");
    let (first, sent) = ask(&mut client, "/admin");
    assert_eq!(sent.as_deref(), Some("0/admin,"));
    assert_eq!(client.disconnect(first), Some((None, vec![])));
    assert_eq!(ask(&mut client, "/admin").1, None, "kept back");
    let refused = client.handle_text(r#"4"no""#).expect("legal");
    assert!(matches!(refused, Some(Event::ConnectError { .. })));
    assert!(matches!(
        client.poll_event(),
        Some(Event::ConnectError { .. })
    ));
    assert!(client.poll_event().is_none());
    assert_eq!(ask(&mut client, "/admin").1.as_deref(), Some("0/admin,"));
}

#[test]
fn ids_of_sockets_follow_from_the_link() {
    let (mut client, _) = joined();
    let (admin, sent) = ask(&mut client, "/admin");
    assert_eq!(sent.as_deref(), Some("0/admin,"));
    let event = client.handle_text(r#"0/admin,{"sid":"ignored"}"#);
    let expected = (admin, "/admin#link".to_owned());
    assert_eq!(granted(event.expect("legal")), expected);
    assert!(!format!("{client:?}").contains("\"link\""), "{client:?}");
}

#[test]
fn credentials_travel_in_a_query() {
    for (auth, expected) in [
        (json!({}), "0/admin,"),
        (
            json!({"token": "1234", "uid": "abcd"}),
            "0/admin?token=1234&uid=abcd,",
        ),
        (
            json!({"a b": "c&d=e,f?ä", "x": "\n"}),
            "0/admin?a%20b=c%26d%3De%2Cf%3F%C3%A4&x=%0A,",
        ),
        (
            json!({"plain": "Az09-_.!~*'()"}),
            "0/admin?plain=Az09-_.!~*'(),",
        ),
        (
            json!({"n": 1.5, "no": null, "o": {"k": [true]}}),
            "0/admin?n=1.5&no=null&o=%7B%22k%22%3A%5Btrue%5D%7D,",
        ),
    ] {
        let (_, sent) = client()
            .connect("/admin", auth.as_object())
            .expect("a fine name");
        assert_eq!(sent.expect("a CONNECT").text(), expected);
    }
}

#[test]
fn credentials_reach_the_default_namespace_only_when_it_is_asked_for() {
    let auth: Map<String, Value> = Map::from_iter([("token".to_owned(), json!("1"))]);
    let mut client = client();
    let (root, sent) = client.connect("/", Some(&auth)).expect("a fine name");
    assert_eq!(sent, None);
    granted(client.handle_text("0").expect("legal"));
    client.disconnect(root).map(drop).expect("joined");
    let (_, sent) = client.connect("/", Some(&auth)).expect("a fine name");
    assert_eq!(sent.as_ref().map(Encoded::text), Some("0/?token=1,"));
}

#[test]
fn a_name_is_asked_for_without_a_query() {
    let (mut client, _) = joined();
    assert_eq!(client.connect("/a?b=c", None), Err(JoinError::Namespace));
    assert_eq!(client.connect("/?", None), Err(JoinError::Namespace));
    let mut client = Client::new(Revision::V5, &client::Config::default(), "link");
    client
        .connect("/a?b=c", None)
        .map(drop)
        .expect("a fine name");
}

#[test]
fn refusals_of_any_form_are_understood() {
    for (payload, message, data) in [
        (r#""nope""#, "nope", None),
        (
            r#"{"message":"Invalid namespace"}"#,
            "Invalid namespace",
            Some(json!({"message": "Invalid namespace"})),
        ),
        (r#"{"message":5}"#, "", Some(json!({"message": 5}))),
        (r#"{"code":1}"#, "", Some(json!({"code": 1}))),
        ("[1]", "", Some(json!([1]))),
        ("null", "", None),
        ("", "", None),
    ] {
        let (mut client, _) = joined();
        let (nsp, _) = ask(&mut client, "/a");
        let refusal = format!("4/a,{payload}");
        let event = client.handle_text(&refusal).expect("legal");
        let expected = (nsp, message.to_owned(), data);
        assert_eq!(refused(event), expected, "{payload}");
        assert_eq!(client.namespace(nsp), None, "{payload}");
    }
}

#[test]
fn a_refused_default_namespace_takes_along_all_that_are_being_joined() {
    let mut client = client();
    let (a, _) = ask(&mut client, "/a");
    let (root, _) = ask(&mut client, "/");
    let (b, _) = ask(&mut client, "/b");
    granted(client.handle_text("0/a,").expect("legal"));
    let expected = |nsp| (nsp, "no".to_owned(), None);
    let event = client.handle_text(r#"4"no""#).expect("legal");
    assert_eq!(refused(event), expected(root));
    assert_eq!(refused(client.poll_event()), expected(b));
    assert!(client.poll_event().is_none());
    assert_eq!(client.namespace(a), Some("/a"), "it was joined");
}

#[test]
fn it_does_so_for_whoever_has_not_asked_for_it_as_well() {
    let mut client = client();
    let (a, _) = ask(&mut client, "/a");
    let event = client.handle_text(r#"4{"code":1}"#).expect("legal");
    let expected = (a, String::new(), Some(json!({"code": 1})));
    assert_eq!(refused(event), expected);
    assert!(client.poll_event().is_none());
    assert_ignored(&mut client, r#"4"late""#);
}

#[test]
fn other_refusals_are_for_their_namespace_alone() {
    let mut client = client();
    let (a, _) = ask(&mut client, "/a");
    let (b, _) = ask(&mut client, "/b");
    refused(client.handle_text(r#"4/a,"no""#).expect("legal"));
    assert!(client.poll_event().is_none());
    assert_eq!(
        (client.namespace(a), client.namespace(b)),
        (None, Some("/b"))
    );
}

#[test]
fn a_refusal_that_comes_too_late_refuses_nothing_else() {
    let (mut client, root) = joined();
    let (b, _) = ask(&mut client, "/b");
    assert_ignored(&mut client, r#"4/a,"no""#);
    client.disconnect(root).map(drop).expect("joined");
    assert_ignored(&mut client, r#"4"no""#);
    assert_eq!(client.namespace(b), Some("/b"));
}

#[test]
fn an_error_at_an_open_default_namespace_refuses_nothing() {
    let mut client = client();
    assert_ignored(&mut client, "0");
    let (a, _) = ask(&mut client, "/a");
    assert_ignored(&mut client, r#"4"oops""#);
    assert_eq!(client.namespace(a), Some("/a"));
}

#[test]
fn an_error_in_a_joined_namespace_is_an_event() {
    let (mut client, root) = joined();
    for (payload, expected) in [
        (r#""oops""#, json!("oops")),
        (r#"{"code":1}"#, json!({"code": 1})),
        ("", json!(null)),
    ] {
        match client.handle_text(&format!("4{payload}")) {
            Ok(Some(Event::Event {
                nsp,
                id,
                name,
                args,
            })) => {
                assert_eq!((nsp, id, name.as_ref()), (root, None, "error"));
                assert_eq!(args.all::<Vec<Value>>().expect("JSON"), [expected]);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_dead_connection_has_no_events() {
    let mut client = client();
    assert_ignored(&mut client, "0");
    ask(&mut client, "/");
    assert!(matches!(
        client.handle_text("x"),
        Err(ProtocolError::Decode(_))
    ));
    assert!(client.poll_event().is_none());
}
