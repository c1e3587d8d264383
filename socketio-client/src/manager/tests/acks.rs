//! Acknowledgements: who answers, who does not, and when it is known.

use super::world::World;
use crate::engine::CloseReason;

#[test]
fn answers_find_who_waits_for_them_once() {
    let (mut world, root) = World::connected(|_| ());
    let chat = world.connect("/chat");
    world.say(r#"0/chat,{"sid":"c"}"#);
    world.told();
    world.outputs();
    world.ask(root, "a", None);
    world.ask(chat, "b", None);
    world.ask(root, "c", None);
    assert_eq!(
        world.outputs(),
        [r#"20["a"]"#, r#"2/chat,1["b"]"#, r#"22["c"]"#]
    );
    for answer in ["32[1]", "3/chat,1[2,3]", "31[4]", "30[]", "30[5]", "32[6]"] {
        world.say(answer);
    }
    assert_eq!(
        world.told(),
        ["/ ack c[1]", "/chat ack b[2,3]", "/ ack a[]"]
    );
}

#[test]
fn a_deadline_holds_from_the_call_on_and_late_answers_are_ignored() {
    let (mut world, socket) = World::connected(|config| {
        config.ack_timeout = Some(std::time::Duration::from_secs(3));
    });
    world.ask(socket, "a", Some(5_000));
    world.ask(socket, "b", None);
    world.ask(socket, "c", Some(1_000));
    world.pass(999);
    assert!(world.told().is_empty());
    world.pass(1);
    assert_eq!(world.told(), ["/ ack c: Timeout"]);
    world.pass(2_000);
    assert_eq!(world.told(), ["/ ack b: Timeout"]);
    world.say("30[]");
    world.say("31[]");
    world.say("32[]");
    assert_eq!(world.told(), ["/ ack a[]"]);
    assert_eq!(world.manager.poll_timeout(), None);
}

#[test]
fn what_the_link_took_fails_with_it_and_what_it_did_not_take_waits() {
    for end in ["cut", "leave", "expelled", "close"] {
        let (mut world, socket) = World::connected(|_| ());
        world.connect("/other");
        world.say(r#"0/other,{"sid":"o"}"#);
        world.ask(socket, "taken", None);
        world.outputs();
        world.told();
        world.ask(socket, "waiting", None);
        match end {
            "cut" => {
                world
                    .manager
                    .handle_closed(0, CloseReason::TransportClose, None);
            }
            "leave" => world.manager.disconnect(0, socket),
            "expelled" => world.say("1"),
            _ => world.manager.close(0),
        }
        let mut told = world.told();
        told.retain(|line| line.contains("ack") || line.starts_with("/ "));
        assert!(told[0].starts_with("/ lost"), "{end}: {told:?}");
        let sent = world.outputs();
        match end {
            // The server has not heard of it, so it is not too late.
            "cut" | "expelled" => {
                assert_eq!(told[1..], ["/ ack taken: Disconnected"], "{end}");
                assert!(!sent.contains(&r#"21["waiting"]"#.to_owned()));
                world.pass(1_000);
                world.link();
                world.again(socket);
                world.say(r#"0{"sid":"b"}"#);
                world.outputs().retain(|it| it.contains("waiting"));
                world.told();
                world.say("31[true]");
                assert_eq!(world.told(), ["/ ack waiting[true]"], "{end}");
            }
            // It was emitted before, and is sent before.
            _ => {
                told.sort();
                assert_eq!(
                    told[..2],
                    ["/ ack taken: Disconnected", "/ ack waiting: Disconnected"],
                    "{end}"
                );
                assert_eq!(sent[0], r#"21["waiting"]"#, "{end}");
            }
        }
    }
}

#[test]
fn an_event_that_waits_for_a_connection_is_withdrawn_with_its_acknowledgement() {
    let mut world = World::new();
    let socket = world.manager.socket("/");
    world.ask(socket, "late", Some(500));
    world.ask(socket, "kept", Some(5_000));
    world.ask(socket, "forgotten", Some(100));
    assert_eq!(world.manager.poll_timeout(), Some(100));
    assert_eq!(world.manager.forget_ack(socket, 2), Some("forgotten"));
    assert_eq!(world.manager.poll_timeout(), Some(500));
    assert_eq!(world.manager.forget_ack(socket, 2), None);
    world.pass(500);
    assert_eq!(world.told(), ["/ ack late: Timeout"]);
    world.again(socket);
    world.link();
    world.say(r#"0{"sid":"a"}"#);
    assert_eq!(world.outputs(), ["open", "0", r#"21["kept"]"#]);
    world.say("31[]");
    assert_eq!(world.told().last().unwrap(), "/ ack kept[]");
    assert_eq!(world.manager.buffered_bytes(), 0);
}

#[test]
fn an_event_that_is_on_its_way_is_sent_whoever_waits() {
    let (mut world, socket) = World::connected(|_| ());
    world.ask(socket, "out", Some(10));
    assert_eq!(world.manager.forget_ack(socket, 0), Some("out"));
    world.ask(socket, "late", Some(10));
    world.manager.handle_timeout(10);
    assert_eq!(world.told(), ["/ ack late: Timeout"]);
    assert_eq!(world.outputs(), [r#"20["out"]"#, r#"21["late"]"#]);
    world.ask(socket, "taken", Some(10));
    world.outputs();
    assert_eq!(world.manager.forget_ack(socket, 2), Some("taken"));
    world.say("30[]");
    world.say("31[]");
    world.say("32[]");
    world.pass(60_000);
    assert!(world.told().is_empty());
    assert_eq!(world.manager.poll_timeout(), None);
}
