//! How sockets are asked for, granted, refused and left over one link.

use serde_json::json;

use super::world::World;
use crate::{engine::CloseReason, proto::Revision};

#[test]
fn namespaces_are_asked_for_in_the_order_in_which_they_became_wanted() {
    let mut world = World::new();
    let (b, a) = (world.manager.socket("b"), world.manager.socket("/a"));
    assert_eq!(
        world.manager.socket("/b"),
        b,
        "a missing slash is put in front"
    );
    assert_eq!(world.manager.namespace(b), Some("/b"));
    world.again(a);
    world.again(b);
    world.again(a);
    world.link();
    assert_eq!(world.outputs(), ["open", "0/a,", "0/b,"]);
    let late = world.connect("/late");
    world.again(late);
    assert_eq!(world.outputs(), ["0/late,"]);
    world.say(r#"0/b,{"sid":"B"}"#);
    world.say(r#"0/a,{"sid":"A"}"#);
    assert_eq!(world.told(), ["* open", "/b connected", "/a connected"]);
    assert_eq!(world.manager.sid(a), Some("A"));
    world.cut(CloseReason::TransportClose);
    assert_eq!(
        world.told()[..3],
        [
            "/a lost: transport close, again",
            "/b lost: transport close, again",
            "/late error: transport close, again"
        ]
    );
}

#[test]
fn credentials_are_asked_for_at_every_attempt_and_late_answers_are_ignored() {
    let mut world = World::new();
    world.holds_auth = true;
    let socket = world.connect("/");
    world.outputs();
    world.link();
    let (_, first) = world.questions.pop_front().expect("a question");
    world.cut(CloseReason::TransportError);
    world.answer_as(socket, first, Ok(Some(json!({"n": 0}))));
    world.pass(1_000);
    world.link();
    world.answer_as(socket, first, Ok(Some(json!({"n": 1}))));
    assert_eq!(
        world.outputs(),
        ["open"],
        "nothing is sent without an answer"
    );
    world.answer(Ok(Some(json!({"n": 2}))));
    world.answer_as(socket, first + 1, Ok(Some(json!({"n": 3}))));
    assert_eq!(world.outputs(), [r#"0{"n":2}"#]);

    // Left and wanted again, it is asked for again.
    world.say(r#"0{"sid":"a"}"#);
    let other = world.connect("/other");
    let (_, stale) = world.questions.pop_front().expect("a question");
    world.disconnect(other);
    world.again(other);
    world.answer_as(other, stale, Err("stale"));
    world.answer(Ok(None));
    assert_eq!(
        world.outputs(),
        ["0/other,"],
        "no credentials are no payload"
    );
}

#[test]
fn who_cannot_say_who_it_is_is_asked_again_and_the_others_do_not_mind() {
    let mut world = World::with(|config| config.reconnection.attempts = Some(2));
    world.connect("/");
    world.link();
    world.say(r#"0{"sid":"a"}"#);
    world.holds_auth = true;
    let socket = world.connect("/chat");
    world.told();
    world.answer(Err("no token"));
    assert_eq!(
        world.told(),
        ["/chat error: no credentials: no token, again"]
    );
    world.pass(999);
    assert!(world.questions.is_empty());
    world.pass(1);
    world.answer(Err("no token"));
    world.pass(1_999);
    assert!(world.questions.is_empty());
    // Nobody needs to wait for it.
    world.again(socket);
    assert_eq!(world.questions.len(), 1);
    world.told();
    world.answer(Err("no token"));
    assert_eq!(world.told(), ["/chat error: no credentials: no token"]);
    assert!(!world.manager.is_active(socket));
    world.again(socket);
    world.answer(Ok(Some(json!({"token": 1}))));
    assert_eq!(world.outputs(), ["open", "0", r#"0/chat,{"token":1}"#]);
    world.pass(60_000);
    assert!(world.questions.is_empty());

    let mut world = World::with(|config| config.reconnection.enabled = false);
    world.holds_auth = true;
    world.connect("/");
    world.link();
    world.answer(Err("no token"));
    assert_eq!(
        world.told()[1..],
        [
            "/ error: no credentials: no token",
            "* closed: forced close"
        ]
    );
}

#[test]
fn a_connection_makes_up_for_failures_to_say_who_it_is() {
    let (mut world, _) = World::connected(|_| ());
    world.holds_auth = true;
    world.connect("/chat");
    world.answer(Err("no token"));
    world.pass(1_000);
    world.answer(Err("no token"));
    world.pass(2_000);
    world.answer(Ok(None));
    world.say(r#"0/chat,{"sid":"c"}"#);
    world.cut(CloseReason::TransportClose);
    world.pass(1_000);
    world.link();
    world.answer(Ok(None));
    world.answer(Err("no token"));
    world.pass(999);
    assert!(world.questions.is_empty());
    world.pass(1);
    assert_eq!(world.questions.len(), 1);
}

#[test]
fn what_is_granted_once_more_has_new_ids_and_is_no_news() {
    let (mut world, socket) = World::connected(|_| ());
    world.ask(socket, "a", None);
    world.say(r#"0{"sid":"b"}"#);
    world.say("30[]");
    assert_eq!(world.told(), ["/ ack a[]"]);
    assert_eq!(world.manager.sid(socket), Some("b"));
}

#[test]
fn what_has_not_been_told_yet_is_told_before_what_comes_in() {
    let (mut world, socket) = World::connected(|_| ());
    let chat = world.connect("/chat");
    world.told();
    // By another thread, and the driver has not looked yet.
    world.manager.disconnect(world.now, chat);
    world.say(r#"2["news",1]"#);
    world.ask(socket, "a", None);
    world.outputs();
    assert_eq!(
        world.told(),
        ["/chat error: io client disconnect", "/ news[1]"]
    );
    world.manager.connect(world.now, chat);
    world.manager.disconnect(world.now, chat);
    world.say("30[2]");
    assert_eq!(
        world.told(),
        ["/chat error: io client disconnect", "/ ack a[2]"]
    );
}

#[test]
fn a_refusal_is_final_and_the_last_one_closes_the_link() {
    let mut world = World::new();
    let a = world.connect("/a");
    let b = world.connect("/b");
    world.link();
    world.outputs();
    world.told();
    world.say(r#"4/a,{"message":"not you","data":{"code":7}}"#);
    assert_eq!(world.told(), ["/a error: not you"]);
    assert!(!world.manager.is_active(a));
    assert!(world.outputs().is_empty());
    world.say(r#"4/b,{"message":"nor you"}"#);
    assert_eq!(
        world.told(),
        ["/b error: nor you", "* closed: forced close"]
    );
    assert_eq!(world.outputs(), ["close"]);
    // The application may ask again.
    world.again(b);
    assert_eq!(world.outputs(), ["open"]);
    world.link();
    assert_eq!(world.outputs(), ["0/b,"]);
}

#[test]
fn a_namespace_that_cannot_be_asked_for_is_refused_here() {
    let mut world = World::new();
    world.connect("/");
    world.connect("/a,b");
    world.link();
    world.told();
    assert_eq!(world.outputs(), ["open", "0"]);
    let mut world = World::new();
    world.connect("/a?b=c");
    world.link_speaking(Revision::V4);
    assert_eq!(
        world.told()[1..],
        ["/a?b=c error: invalid namespace", "* closed: forced close"]
    );
}

#[test]
fn a_socket_that_the_server_disconnects_does_not_come_back_and_the_last_closes_the_link() {
    let (mut world, root) = World::connected(|_| ());
    let chat = world.connect("/chat");
    world.say(r#"0/chat,{"sid":"c"}"#);
    world.outputs();
    world.told();
    world.say("1");
    assert_eq!(world.told(), ["/ lost: io server disconnect"]);
    assert!(!world.manager.is_active(root));
    assert_eq!(world.manager.sid(root), None);
    assert!(world.outputs().is_empty());
    world.say("1/chat,");
    assert_eq!(
        world.told(),
        ["/chat lost: io server disconnect", "* closed: forced close"]
    );
    assert_eq!(world.outputs(), ["close"]);
    assert!(!world.manager.is_active(chat));
    assert_eq!(world.manager.poll_timeout(), None);
}

#[test]
fn a_socket_that_leaves_says_so_and_ignores_what_was_under_way() {
    let (mut world, root) = World::connected(|_| ());
    world.connect("/chat");
    world.say(r#"0/chat,{"sid":"c"}"#);
    world.outputs();
    world.told();
    world.disconnect(root);
    assert_eq!(world.told(), ["/ lost: io client disconnect"]);
    assert_eq!(world.outputs(), ["1"]);
    world.say(r#"2["late"]"#);
    world.say("1");
    world.say(r#"2/unknown,["never asked for"]"#);
    assert!(world.told().is_empty());
    world.again(root);
    assert_eq!(world.outputs(), ["0"]);
}

#[test]
fn a_socket_that_changes_its_mind_asks_once_per_answer() {
    for (answer, left) in [
        (r#"0{"sid":"first"}"#, &["1"][..]),
        (r#"4{"message":"no"}"#, &[]),
    ] {
        let mut world = World::new();
        world.connect("/other");
        let socket = world.connect("/");
        world.link();
        world.disconnect(socket);
        world.again(socket);
        assert_eq!(world.outputs(), ["open", "0/other,", "0"]);
        world.told();
        world.say(answer);
        let mut expected = left.to_vec();
        expected.push("0");
        assert_eq!(world.outputs(), expected);
        assert!(world.told().is_empty());
        world.say(r#"0{"sid":"second"}"#);
        assert_eq!(world.told(), ["/ connected"]);
        assert_eq!(world.manager.sid(socket), Some("second"));
    }
}

#[test]
fn an_answer_goes_only_to_the_membership_that_was_asked() {
    let (mut world, socket) = World::connected(|_| ());
    world.say(r#"27["question"]"#);
    let (_, to) = world.replies.pop().expect("a question");
    let encoder = crate::Config::new("").encoder();
    let answer = || encoder.ack("/", to.id, &42).expect("a number");
    assert!(world.manager.reply(socket, to, answer()));
    assert_eq!(world.outputs(), ["37[42]"]);
    world.cut(CloseReason::TransportClose);
    assert!(!world.manager.reply(socket, to, answer()));
    world.pass(1_000);
    world.link();
    world.say(r#"0{"sid":"b"}"#);
    world.outputs();
    assert!(!world.manager.reply(socket, to, answer()));
    assert!(world.outputs().is_empty(), "servers end a link for less");
}

#[test]
fn servers_of_revision_4_open_the_default_namespace_unasked() {
    let mut world = World::new();
    let root = world.connect("/");
    let chat = world.connect("/chat");
    world.link_speaking(Revision::V4);
    assert_eq!(world.outputs(), ["open", "0/chat,"]);
    world.say("0");
    world.say("0/chat,");
    assert_eq!(world.told(), ["* open", "/ connected", "/chat connected"]);
    assert_eq!(world.manager.sid(root), Some("link"));
    assert_eq!(world.manager.sid(chat), Some("/chat#link"));

    // Nobody has asked yet when it comes.
    let mut world = World::new();
    world.connect("/chat");
    world.link_speaking(Revision::V4);
    world.say("0");
    world.told();
    world.connect("/");
    assert_eq!(world.told(), ["/ connected"]);

    // Its refusal leaves nobody hoping.
    let mut world = World::new();
    world.connect("/");
    world.connect("/chat");
    world.link_speaking(Revision::V4);
    world.told();
    world.say(r#"4"no""#);
    assert_eq!(
        world.told(),
        ["/ error: no", "/chat error: no", "* closed: forced close"]
    );
}

#[test]
fn events_right_behind_a_namespace_that_was_opened_unasked_are_told() {
    let mut world = World::new();
    world.holds_auth = true;
    world.connect("/");
    world.outputs();
    world.link_speaking(Revision::V4);
    // No credentials reach the server, so nobody is asked for any, however long that would take.
    assert!(world.questions.is_empty());
    world.say("0");
    world.say(r#"2["hello"]"#);
    assert_eq!(world.told(), ["* open", "/ connected", "/ hello[]"]);
}

#[test]
fn what_is_removed_is_gone_with_all_that_waited() {
    let (mut world, root) = World::connected(|config| config.retries = 1);
    world.connect("/chat");
    let socket = world.connect("/gone");
    world.ask(socket, "first", None);
    world.ask(socket, "second", None);
    world.ask(root, "other", None);
    world.outputs();
    world.told();
    world.manager.remove(world.now, socket);
    assert_eq!(
        world.told(),
        [
            "? error: io client disconnect",
            "? ack first: Disconnected",
            "? ack second: Disconnected"
        ]
    );
    assert_eq!(world.manager.namespace(socket), None);
    world.again(socket);
    world.disconnect(socket);
    world.manager.remove(world.now, socket);
    assert!(world.told().is_empty());
    assert_ne!(world.manager.socket("/gone"), socket, "never used again");
}
