//! Joining and leaving: what the server decides, what a client may do when, and the connect
//! timeout.

use serde_json::json;
use socketio_proto::{
    Encoded, NamespaceId, ProtocolError, Revision,
    client::{self, JoinError},
    server,
};

type Server = server::Connection<&'static str>;
type Client = client::Connection<&'static str>;

fn server() -> Server {
    Server::new(Revision::V5, &server::Config::default(), 0)
}

/// A server whose client is in the default namespace.
fn rooted(revision: Revision) -> Server {
    let mut server = Server::new(revision, &server::Config::default(), 0);
    let nsp = match server.poll_event() {
        Some(server::Event::Connect { nsp, .. }) => nsp,
        _ => ask(&mut server, "0"),
    };
    server.accept(nsp, "sid", None).map(drop).expect("joining");
    server
}

fn client() -> Client {
    Client::new(Revision::V5, &client::Config::default(), "link")
}

fn text(sent: Option<Encoded>) -> String {
    sent.expect("something to send").text().to_owned()
}

fn ask(server: &mut Server, message: &str) -> NamespaceId {
    match server.handle_text(0, message) {
        Ok(Some(server::Event::Connect { nsp, .. })) => nsp,
        other => panic!("no CONNECT: {other:?}"),
    }
}

fn join(server: &mut Server, message: &str) -> NamespaceId {
    let nsp = ask(server, message);
    server.accept(nsp, "sid", None).map(drop).expect("joining");
    nsp
}

/// What the server makes of a message, in a word.
fn outcome(server: &mut Server, message: &str) -> String {
    match server.handle_text(0, message) {
        Ok(None) => "ignored".to_owned(),
        Ok(Some(server::Event::Event { name, .. })) => format!("event {name}"),
        Ok(Some(event)) => {
            let debug = format!("{event:?}");
            debug.split(' ').next().expect("a word").to_lowercase()
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_client_joins_with_credentials() {
    let mut server = server();
    match server.handle_text(0, r#"0/admin,{"token":"123"}"#) {
        Ok(Some(server::Event::Connect { nsp, name, auth })) => {
            assert_eq!(
                (name.as_ref(), auth.as_deref()),
                ("/admin", Some(r#"{"token":"123"}"#))
            );
            assert_eq!(server.namespace(nsp), Some("/admin"));
            assert_eq!(
                text(server.accept(nsp, "abc", Some("secret"))),
                r#"0/admin,{"sid":"abc","pid":"secret"}"#
            );
            assert_eq!(server.accept(nsp, "abc", None), None, "answered already");
            assert_eq!(server.reject(nsp, "no", None), None, "answered already");
        }
        other => panic!("{other:?}"),
    }
    let nsp = ask(&mut server, "0");
    assert_eq!(text(server.accept(nsp, "def", None)), r#"0{"sid":"def"}"#);
}

#[test]
fn a_refused_client_may_try_again() {
    let mut server = server();
    let nsp = ask(&mut server, "0/x,");
    assert_eq!(
        text(server.reject_unknown(nsp)),
        r#"4/x,{"message":"Invalid namespace"}"#
    );
    let nsp = ask(&mut server, "0/x,");
    let refusal = server.reject(nsp, "no", Some(&json!({"code": 1})));
    assert_eq!(text(refusal), r#"4/x,{"message":"no","data":{"code":1}}"#);
    join(&mut server, "0/x,");
}

#[test]
fn what_a_client_may_send_depends_on_its_membership() {
    let never = "packet for a namespace that is not joined";
    let table = [
        // (message, never asked for, joining, joined, left by the server, left by the client)
        (
            "0/a,",
            [
                "connect",
                "namespace joined twice",
                "namespace joined twice",
                "connect",
                "connect",
            ],
        ),
        (
            "1/a,",
            [never, "disconnect", "disconnect", "ignored", never],
        ),
        (
            r#"2/a,["e"]"#,
            [never, "event e", "event e", "ignored", never],
        ),
        (
            r#"2/a,5["e"]"#,
            [never, "event e", "event e", "ignored", never],
        ),
        ("3/a,5[]", [never, "ignored", "ignored", "ignored", never]),
        ("3/a,[]", [never, "ignored", "ignored", "ignored", never]),
        (r#"4/a,"no""#, ["unexpected CONNECT_ERROR"; 5]),
        (
            r#"51-/a,["e"]"#,
            [never, "ignored", "ignored", "ignored", never],
        ),
        ("7", ["unknown packet type"; 5]),
    ];
    for (message, expected) in table {
        let states = expected.into_iter().enumerate();
        let states = states.flat_map(|state| [Revision::V4, Revision::V5].map(|it| (it, state)));
        for (revision, (state, expected)) in states {
            let mut server = rooted(revision);
            if state > 0 {
                let nsp = ask(&mut server, "0/a,");
                if state > 1 {
                    server.accept(nsp, "sid", None).map(drop).expect("joining");
                }
                if state == 3 {
                    server.disconnect(nsp).map(drop).expect("joined");
                }
                if state == 4 {
                    assert_eq!(outcome(&mut server, "1/a,"), "disconnect");
                }
            }
            assert_eq!(
                outcome(&mut server, message),
                expected,
                "{message} in state {state}"
            );
            let dies = !["ignored", "connect", "disconnect", "event e"].contains(&expected);
            let after = outcome(
                &mut server,
                if message.starts_with('5') {
                    "1"
                } else {
                    r#"2["still"]"#
                },
            );
            match (dies, message.starts_with('5')) {
                (true, _) => assert_eq!(after, "connection is dead", "{message} in state {state}"),
                (false, true) => assert_eq!(
                    after, "text instead of an attachment",
                    "{message} in state {state}"
                ),
                (false, false) => assert_eq!(after, "event still", "{message} in state {state}"),
            }
        }
    }
}

#[test]
fn attachments_of_late_events_are_ignored_too() {
    let mut server = server();
    let nsp = join(&mut server, "0/a,");
    server.disconnect(nsp).map(drop).expect("joined");
    assert_eq!(
        outcome(&mut server, r#"51-/a,["e",{"_placeholder":true,"num":0}]"#),
        "ignored"
    );
    assert!(matches!(server.handle_binary(0, b"x"), Ok(None)));
    assert_eq!(outcome(&mut server, "0/a,"), "connect");
}

#[test]
fn a_namespace_that_is_left_between_event_and_attachment_gets_neither() {
    let mut server = server();
    let nsp = join(&mut server, "0/a,");
    assert_eq!(outcome(&mut server, r#"51-/a,["e"]"#), "ignored");
    server.disconnect(nsp).map(drop).expect("joined");
    assert!(matches!(server.handle_binary(0, b"x"), Ok(None)));
}

#[test]
fn events_sent_with_a_refused_connect_are_ignored() {
    let mut server = server();
    let nsp = ask(&mut server, "0/a,");
    server.reject(nsp, "no", None).map(drop).expect("joining");
    assert_eq!(outcome(&mut server, r#"2/a,["pipelined"]"#), "ignored");
}

#[test]
fn a_client_can_be_sent_out_of_all_its_namespaces_while_its_events_are_under_way() {
    let mut server = server();
    let joined = (0..64).map(|number| join(&mut server, &format!("0/{number},")));
    for nsp in Vec::from_iter(joined) {
        server.disconnect(nsp).map(drop).expect("joined");
    }
    for number in 0..64 {
        let late = format!(r#"2/{number},["late"]"#);
        assert_eq!(outcome(&mut server, &late), "ignored");
    }
}

#[test]
fn as_many_ends_are_remembered_as_namespaces_are_allowed() {
    for limit in [1, 3, 64] {
        let mut config = server::Config::default();
        config.limits.max_namespaces = limit;
        let mut server = Server::new(Revision::V5, &config, 0);
        for number in 0..=limit {
            let nsp = join(&mut server, &format!("0/{number},"));
            server.disconnect(nsp).map(drop).expect("joined");
        }
        assert_eq!(outcome(&mut server, "1/1,"), "ignored");
        assert_eq!(
            outcome(&mut server, "1/0,"),
            "packet for a namespace that is not joined"
        );
    }
}

#[test]
fn a_new_membership_ends_the_memory_of_the_old() {
    let mut server = server();
    let nsp = join(&mut server, "0/a,");
    server.disconnect(nsp).map(drop).expect("joined");
    join(&mut server, "0/a,");
    assert_eq!(outcome(&mut server, "1/a,"), "disconnect");
    assert_eq!(
        outcome(&mut server, r#"2/a,["e"]"#),
        "packet for a namespace that is not joined"
    );
}

#[test]
fn a_late_answer_does_not_reach_the_next_membership_in_its_place() {
    let mut server = server();
    let public = ask(&mut server, "0/public,");
    assert_eq!(outcome(&mut server, "1/public,"), "disconnect");
    let secret = ask(&mut server, "0/secret,");
    assert_eq!(public.index(), secret.index(), "places are used again");
    assert_eq!(server.accept(public, "sid", None), None);
    assert_eq!(server.reject(public, "no", None), None);
    assert_eq!(server.disconnect(public), None);
    assert_eq!(server.namespace(public), None);
    assert_eq!(server.register_ack(public, 0, "kept"), Err("kept"));
    server
        .accept(secret, "sid", None)
        .map(drop)
        .expect("still joining");
}

#[test]
fn ids_are_dense() {
    let mut server = server();
    let ids: Vec<_> = ["0/a,", "0/b,", "0/c,"]
        .map(|message| join(&mut server, message))
        .into();
    assert_eq!(
        ids.iter().map(|id| id.index()).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    server.disconnect(ids[1]).map(drop).expect("joined");
    assert_eq!(join(&mut server, "0/d,").index(), 1);
}

#[test]
fn the_first_join_ends_the_connect_timeout_for_good() {
    let mut server = server();
    assert_eq!(server.poll_timeout(), Some(45_000));
    let nsp = ask(&mut server, "0");
    assert_eq!(server.poll_timeout(), Some(45_000), "asking is not joining");
    server.reject(nsp, "no", None).map(drop).expect("joining");
    assert_eq!(server.poll_timeout(), Some(45_000), "nor is being refused");
    server.handle_timeout(44_999).expect("early");
    join(&mut server, "0");
    assert_eq!(server.poll_timeout(), None);
    assert_eq!(outcome(&mut server, "1"), "disconnect");
    assert_eq!(server.poll_timeout(), None);
    server.handle_timeout(1_000_000).expect("nothing is due");
}

#[test]
fn who_joins_nothing_in_time_is_cut() {
    let mut server = server();
    let nsp = ask(&mut server, "0");
    assert_eq!(
        server.handle_timeout(45_000),
        Err(ProtocolError::ConnectTimeout)
    );
    assert_eq!(server.poll_timeout(), None);
    assert_eq!(server.handle_timeout(45_000), Err(ProtocolError::Dead));
    assert_eq!(server.accept(nsp, "sid", None), None, "too late");
}

#[test]
fn a_message_behind_the_deadline_is_too_late_whatever_the_timer_does() {
    let mut server = server();
    assert!(matches!(
        server.handle_text(45_000, "0"),
        Err(ProtocolError::ConnectTimeout)
    ));
    let mut server = self::server();
    assert!(matches!(
        server.handle_binary(45_000, b"x"),
        Err(ProtocolError::ConnectTimeout)
    ));
}

#[test]
fn time_counts_from_the_creation() {
    let mut config = server::Config::default();
    config.connect_timeout = 10;
    let mut server = Server::new(Revision::V5, &config, 100);
    assert_eq!(server.poll_timeout(), Some(110));
    server.handle_timeout(50).expect("a smaller time is early");
    assert_eq!(
        server.handle_timeout(110),
        Err(ProtocolError::ConnectTimeout)
    );
}

#[test]
fn a_dead_connection_sends_nothing() {
    let mut server = server();
    let nsp = join(&mut server, "0");
    server.register_ack(nsp, 0, "kept").expect("joined");
    assert_eq!(outcome(&mut server, "9"), "unknown packet type");
    assert_eq!(server.disconnect(nsp), None);
    assert_eq!(server.register_ack(nsp, 1, "late"), Err("late"));
    assert!(matches!(
        server.handle_binary(0, b""),
        Err(ProtocolError::Dead)
    ));
    assert_eq!(server.drain_acks().collect::<Vec<_>>(), ["kept"]);
}

#[test]
fn the_client_asks_and_is_told() {
    let mut client = client();
    let auth = json!({"token": "123"});
    let (root, sent) = client.connect("/", auth.as_object()).expect("a fine name");
    assert_eq!(text(sent), r#"0{"token":"123"}"#);
    let (admin, sent) = client.connect("/admin", None).expect("a fine name");
    assert_eq!(text(sent), "0/admin,");
    match client.handle_text(r#"0{"sid":"abc","pid":"secret"}"#) {
        Ok(Some(client::Event::Connected { nsp, sid, pid })) => {
            assert_eq!(
                (nsp, sid.as_ref(), pid.as_deref()),
                (root, "abc", Some("secret"))
            );
        }
        other => panic!("{other:?}"),
    }
    match client.handle_text(r#"4/admin,{"message":"no","data":[1]}"#) {
        Ok(Some(client::Event::ConnectError { nsp, message, data })) => {
            assert_eq!(
                (nsp, message.as_str(), data),
                (admin, "no", Some(json!([1])))
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(client.namespace(admin), None);
    client
        .connect("/admin", None)
        .map(drop)
        .expect("may try again");
}

#[test]
fn the_client_asks_for_a_namespace_once() {
    let mut client = client();
    let (nsp, _) = client.connect("/", None).expect("a fine name");
    assert_eq!(client.connect("/", None), Err(JoinError::AlreadyJoined));
    assert_eq!(client.connect("admin", None), Err(JoinError::Namespace));
    assert_eq!(client.connect("/a,b", None), Err(JoinError::Namespace));
    assert!(client.handle_text("x").is_err());
    assert_eq!(client.connect("/b", None), Err(JoinError::Dead));
    assert_eq!(client.disconnect(nsp), None);
}

#[test]
fn refusals_of_any_form_are_understood() {
    for (payload, expected, data) in [
        (r#""oops""#, "oops", None),
        (r#"{"message":"oops"}"#, "oops", None),
        (r#"{"data":1}"#, "", Some(json!(1))),
        (r#"{"message":5,"data":null}"#, "", Some(json!(null))),
    ] {
        let mut client = client();
        client.connect("/", None).map(drop).expect("a fine name");
        match client.handle_text(&format!("4{payload}")) {
            Ok(Some(client::Event::ConnectError {
                message, data: got, ..
            })) => {
                assert_eq!((message.as_str(), got), (expected, data), "{payload}");
            }
            other => panic!("{payload}: {other:?}"),
        }
    }
}

#[test]
fn a_server_of_an_older_revision_is_recognised() {
    for answer in ["0", "0{}", r#"0{"sid":""}"#, r#"0{"sid":5}"#] {
        let mut client = client();
        let (nsp, _) = client.connect("/", None).expect("a fine name");
        match client.handle_text(answer) {
            Ok(Some(client::Event::ConnectError { message, .. })) => {
                assert!(message.contains("older revision"), "{message}")
            }
            other => panic!("{answer}: {other:?}"),
        }
        assert_eq!(client.namespace(nsp), None, "{answer}");
    }
}

#[test]
fn events_ahead_of_the_answer_reach_the_client() {
    let mut client = client();
    let (root, _) = client.connect("/", None).expect("a fine name");
    match client.handle_text(r#"2["replayed"]"#) {
        Ok(Some(client::Event::Event { nsp, name, .. })) => {
            assert_eq!((nsp, name.as_ref()), (root, "replayed"))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_newest_session_id_counts() {
    let mut client = client();
    client.connect("/", None).map(drop).expect("a fine name");
    for sid in ["first", "second"] {
        match client.handle_text(&format!(r#"0{{"sid":"{sid}"}}"#)) {
            Ok(Some(client::Event::Connected { sid: got, .. })) => assert_eq!(got, sid),
            other => panic!("{other:?}"),
        }
    }
    assert!(
        matches!(client.handle_text("0"), Ok(None)),
        "an answer without one changes nothing"
    );
}

#[test]
fn the_client_ignores_what_it_has_left() {
    let mut client = client();
    let (nsp, _) = client.connect("/a", None).expect("a fine name");
    assert!(matches!(
        client.handle_text(r#"0/a,{"sid":"x"}"#),
        Ok(Some(client::Event::Connected { .. }))
    ));
    let (leave, acks) = client.disconnect(nsp).expect("joined");
    assert_eq!((text(leave).as_str(), acks), ("1/a,", vec![]));
    for late in [
        r#"2/a,["e"]"#,
        "3/a,0[]",
        "1/a,",
        r#"4/a,"no""#,
        r#"51-/a,["e"]"#,
    ] {
        assert!(matches!(client.handle_text(late), Ok(None)), "{late}");
    }
    assert!(matches!(client.handle_binary(b"x"), Ok(None)));
}

#[test]
fn a_membership_that_was_given_up_is_returned_to_the_server() {
    let mut client = client();
    let (nsp, _) = client.connect("/a", None).expect("a fine name");
    assert_eq!(client.disconnect(nsp), Some((None, vec![])));
    match client.handle_text(r#"0/a,{"sid":"x"}"#) {
        Ok(Some(client::Event::Unwanted { leave })) => assert_eq!(leave.text(), "1/a,"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_namespace_is_not_asked_for_twice_before_the_first_answer() {
    for (answer, leave) in [
        (r#"0/a,{"sid":"x"}"#, Some("1/a,")),
        (r#"4/a,{"message":"no"}"#, None),
    ] {
        let mut client = client();
        let (first, _) = client.connect("/a", None).expect("a fine name");
        assert_eq!(client.disconnect(first), Some((None, vec![])));
        // Nor is it if that is given up, too.
        for _ in 0..2 {
            let (again, sent) = client.connect("/a", None).expect("left");
            assert_eq!(sent, None);
            assert_eq!(client.disconnect(again), Some((None, vec![])));
        }
        let auth = json!({"n": 2});
        let (second, sent) = client.connect("/a", auth.as_object()).expect("left");
        assert_eq!(sent, None);
        assert!(client.poll_event().is_none());
        for of_the_first in [r#"2/a,["e"]"#, "3/a,0[]", "1/a,"] {
            assert!(matches!(client.handle_text(of_the_first), Ok(None)));
        }

        let left = match client.handle_text(answer).expect("legal") {
            Some(client::Event::Unwanted { leave }) => Some(leave.text().to_owned()),
            None => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(left.as_deref(), leave);
        match client.poll_event() {
            Some(client::Event::Postponed { nsp, request }) => {
                assert_eq!((nsp, request.text()), (second, r#"0/a,{"n":2}"#));
            }
            other => panic!("{other:?}"),
        }
        match client.handle_text(r#"0/a,{"sid":"y"}"#).expect("legal") {
            Some(client::Event::Connected { nsp, sid, .. }) => {
                assert_eq!((nsp, sid.as_ref()), (second, "y"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_postponed_connect_that_nobody_took_was_never_sent() {
    let mut client = client();
    let (first, _) = client.connect("/a", None).expect("a fine name");
    client.disconnect(first).map(drop).expect("joining");
    let (second, _) = client.connect("/a", None).expect("left");
    let refusal = r#"4/a,{"message":"no"}"#;
    assert!(matches!(client.handle_text(refusal), Ok(None)));
    client.disconnect(second).map(drop).expect("joining");
    assert!(client.poll_event().is_none());
    let (_, sent) = client.connect("/a", None).expect("left");
    assert_eq!(text(sent), "0/a,");
}

#[test]
fn a_server_may_not_refuse_what_it_has_granted() {
    let mut client = client();
    client.connect("/", None).map(drop).expect("a fine name");
    assert!(matches!(client.handle_text(r#"0{"sid":"x"}"#), Ok(Some(_))));
    assert!(matches!(
        client.handle_text(r#"4"no""#),
        Err(ProtocolError::UnexpectedConnectError)
    ));
    assert!(matches!(client.handle_text("1"), Err(ProtocolError::Dead)));
    assert!(matches!(
        client.handle_binary(b""),
        Err(ProtocolError::Dead)
    ));
}
