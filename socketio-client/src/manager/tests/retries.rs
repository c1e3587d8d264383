//! Events that are sent until they are acknowledged.

use std::time::Duration;

use super::world::World;
use crate::{engine::CloseReason, manager::Flow};

#[test]
fn one_event_is_under_way_and_the_others_wait_for_its_acknowledgement() {
    let (mut world, socket) = World::connected(|config| config.retries = 3);
    assert_eq!(world.emit(socket, "a"), "queued");
    assert_eq!(world.ask(socket, "b", None), "buffered");
    assert_eq!(world.emit(socket, "c"), "buffered");
    assert_eq!(world.emit_volatile(socket, "v"), "dropped");
    assert_eq!(world.outputs(), [r#"20["a"]"#]);
    assert_eq!(
        world.emit_volatile(socket, "v"),
        "queued",
        "it does not wait"
    );
    world.outputs();
    world.say("30[]");
    assert_eq!(world.outputs(), [r#"21["b"]"#]);
    world.say("31[7]");
    assert_eq!(world.outputs(), [r#"22["c"]"#]);
    world.say("30[]");
    world.say("31[]");
    assert_eq!(world.told(), ["/ ack b[7]"]);
    world.say("32[]");
    assert!(world.outputs().is_empty());
    assert_eq!(world.manager.poll_timeout(), None);
    assert_eq!(world.manager.buffered_bytes(), 0);
}

#[test]
fn an_event_is_sent_again_after_each_timeout_and_then_given_up() {
    let (mut world, socket) = World::connected(|config| {
        config.retries = 2;
        config.ack_timeout = Some(Duration::from_secs(1));
    });
    world.ask(socket, "a", None);
    world.ask(socket, "b", Some(100));
    for _ in 0..3 {
        assert_eq!(world.outputs(), [r#"20["a"]"#]);
        assert!(world.told().is_empty());
        world.pass(1_000);
    }
    assert_eq!(world.told(), ["/ ack a: Timeout"]);
    assert_eq!(world.outputs(), [r#"21["b"]"#]);
    world.pass(100);
    assert_eq!(world.outputs(), [r#"21["b"]"#]);
    // To whichever try: the server has got it.
    world.say("30[]");
    world.say("31[]");
    assert_eq!(world.told(), ["/ ack b[]"]);
    world.pass(60_000);
    assert!(world.outputs().is_empty());
}

#[test]
fn without_a_timeout_there_is_one() {
    let (mut world, socket) = World::connected(|config| config.retries = 1);
    world.ask(socket, "a", None);
    world.outputs();
    world.pass(9_999);
    assert!(world.outputs().is_empty());
    world.pass(1);
    assert_eq!(world.outputs(), [r#"20["a"]"#]);
}

#[test]
fn a_lost_link_costs_a_try_and_the_wait_for_another_does_not() {
    let (mut world, socket) = World::connected(|config| config.retries = 1);
    world.ask(socket, "a", None);
    world.ask(socket, "b", None);
    world.outputs();
    world.cut(CloseReason::TransportClose);
    assert_eq!(
        world.told(),
        [
            "/ lost: transport close, again",
            "* closed: transport close",
            "* attempt 1 in 1s"
        ]
    );
    world.pass(1_000);
    world.no_link();
    world.pass(120_000);
    world.link();
    assert_eq!(world.outputs(), ["open", "open", "0"]);
    world.say(r#"0{"sid":"b"}"#);
    assert_eq!(world.outputs(), [r#"20["a"]"#]);
    world.told();
    world.cut(CloseReason::TransportClose);
    assert!(world.told().contains(&"/ ack a: Disconnected".to_owned()));
    world.pass(1_000);
    world.link();
    world.say(r#"0{"sid":"c"}"#);
    assert_eq!(world.outputs(), ["open", "0", r#"21["b"]"#]);
    world.say("31[]");
    assert_eq!(world.told().last().unwrap(), "/ ack b[]");
}

#[test]
fn a_try_that_the_link_has_not_taken_is_not_repeated_nor_counted() {
    let (mut world, socket) = World::connected(|config| config.retries = 1);
    world.manager.set_flow(Flow::Full);
    world.ask(socket, "a", Some(1_000));
    world.pass(10_000);
    assert!(world.told().is_empty());
    world.manager.set_flow(Flow::Ready);
    assert_eq!(world.outputs(), [r#"20["a"]"#]);
    // Answered while the second copy waits: that one is not sent.
    world.manager.set_flow(Flow::Full);
    world.pass(1_500);
    world.say("30[]");
    world.manager.set_flow(Flow::Ready);
    assert!(world.outputs().is_empty());
    assert_eq!(world.told(), ["/ ack a[]"]);
    assert_eq!(world.manager.buffered_bytes(), 0);
}

#[test]
fn a_try_that_a_dead_link_has_not_taken_costs_nothing() {
    let (mut world, socket) = World::connected(|config| config.retries = 1);
    world.ask(socket, "a", None);
    for sid in ["b", "c", "d", "e"] {
        // Before the driver looks.
        world
            .manager
            .handle_closed(world.now, CloseReason::TransportClose, None);
        world.pass(1_000);
        world.link();
        assert_eq!(world.outputs(), ["open", "0"]);
        let granted = format!(r#"0{{"sid":"{sid}"}}"#);
        assert!(world.manager.handle_text(world.now, &granted).is_some());
    }
    assert_eq!(world.outputs(), [r#"20["a"]"#]);
    world.pass(10_000);
    assert_eq!(world.outputs(), [r#"20["a"]"#], "it was the first");
    world.pass(10_000);
    assert_eq!(world.told().last().unwrap(), "/ ack a: Timeout");
}

#[test]
fn who_no_longer_waits_changes_nothing_for_the_server() {
    let (mut world, socket) = World::connected(|config| config.retries = 1);
    world.ask(socket, "a", Some(1_000));
    world.ask(socket, "b", Some(1_000));
    world.outputs();
    assert_eq!(world.manager.forget_ack(socket, 0), Some("a"));
    assert_eq!(world.manager.forget_ack(socket, 1), Some("b"));
    assert_eq!(world.manager.forget_ack(socket, 0), None);
    world.say("30[]");
    assert_eq!(world.outputs(), [r#"21["b"]"#]);
    world.pass(1_000);
    assert_eq!(world.outputs(), [r#"21["b"]"#]);
    world.pass(1_000);
    world.pass(60_000);
    assert!(world.outputs().is_empty());
    assert!(world.told().is_empty());
}

#[test]
fn what_is_left_behind_by_a_disconnect_is_sent_at_the_next_connect() {
    for by_server in [false, true] {
        let (mut world, socket) = World::connected(|config| config.retries = 1);
        world.ask(socket, "a", None);
        world.ask(socket, "b", None);
        world.outputs();
        if by_server {
            world.say("1");
        } else {
            world.disconnect(socket);
        }
        world.pass(60_000);
        world.outputs();
        world.again(socket);
        world.link();
        world.say(r#"0{"sid":"b"}"#);
        assert_eq!(world.outputs(), ["open", "0", r#"20["a"]"#]);
        world.say("30[]");
        assert_eq!(world.told().last().unwrap(), "/ ack a[]");
    }
}
