//! What waits to be sent, in which order, how much of it, and what does not wait.

use super::world::World;
use crate::{WhenFull, engine::CloseReason, manager::Flow};

#[test]
fn what_is_emitted_without_a_connection_is_sent_at_the_next_in_order() {
    let mut world = World::new();
    let socket = world.manager.socket("/");
    assert_eq!(world.emit(socket, "never connected"), "buffered");
    world.again(socket);
    assert_eq!(world.emit(socket, "opening"), "buffered");
    world.link();
    assert_eq!(world.emit(socket, "joining"), "buffered");
    assert_eq!(world.outputs(), ["open", "0"]);
    world.say(r#"0{"sid":"a"}"#);
    assert_eq!(world.emit(socket, "connected"), "queued");
    assert_eq!(
        world.outputs(),
        [
            r#"2["never connected"]"#,
            r#"2["opening"]"#,
            r#"2["joining"]"#,
            r#"2["connected"]"#
        ]
    );
    world.disconnect(socket);
    assert_eq!(world.emit(socket, "not wanted"), "buffered");
    world.again(socket);
    world.link();
    world.say(r#"4{"message":"no"}"#);
    assert_eq!(world.emit(socket, "refused"), "buffered");
    world.again(socket);
    world.link();
    world.outputs();
    world.say(r#"0{"sid":"b"}"#);
    assert_eq!(world.outputs(), [r#"2["not wanted"]"#, r#"2["refused"]"#]);
}

#[test]
fn at_a_connect_come_what_was_received_what_was_buffered_and_then_the_news() {
    let mut world = World::with(|config| config.retries = 1);
    let socket = world.manager.socket("/");
    world.emit(socket, "retried");
    world.again(socket);
    world.link();
    world.say(r#"2["early",1]"#);
    world.say(r#"27["question"]"#);
    assert_eq!(world.told(), ["* open"]);
    world.outputs();
    world.say(r#"0{"sid":"a"}"#);
    assert_eq!(world.told(), ["/ early[1]", "/ question[]", "/ connected"]);
    // Answers and events of handlers come behind.
    let (_, to) = world.replies.pop().expect("a question");
    let answer = crate::Config::new("").encoder().ack("/", to.id, &());
    assert!(world.manager.reply(socket, to, answer.expect("nothing")));
    assert_eq!(world.outputs(), [r#"20["retried"]"#, "37[]"]);
}

#[test]
fn what_came_ahead_of_an_answer_that_never_comes_is_not_told() {
    let mut world = World::new();
    let socket = world.connect("/");
    world.link();
    world.say(r#"2["early"]"#);
    world.cut(CloseReason::TransportClose);
    world.pass(1_000);
    world.link();
    world.say(r#"2["again"]"#);
    world.say(r#"0{"sid":"a"}"#);
    assert_eq!(
        world.told()[5..],
        ["* open", "* open again after 1", "/ again[]", "/ connected"]
    );
    world.disconnect(socket);
}

#[test]
fn what_is_volatile_is_sent_now_or_never() {
    let mut world = World::new();
    let socket = world.connect("/");
    assert_eq!(world.emit_volatile(socket, "v"), "dropped");
    world.link();
    assert_eq!(world.emit_volatile(socket, "v"), "dropped");
    world.say(r#"0{"sid":"a"}"#);
    world.outputs();
    assert_eq!(world.emit_volatile(socket, "v1"), "queued");
    assert_eq!(
        world.emit_volatile(socket, "v2"),
        "dropped",
        "one at a time"
    );
    assert_eq!(world.outputs(), [r#"2["v1"]"#]);
    for flow in [Flow::Busy, Flow::Full] {
        world.manager.set_flow(flow);
        assert_eq!(world.emit_volatile(socket, "v3"), "dropped");
    }
    world.manager.set_flow(Flow::Ready);
    // Taken back from a link that turns out to be gone, it does not wait for the next.
    let mut event = world.outgoing(socket, "v4", Some("v4"));
    event.volatile = true;
    assert_eq!(world.send(socket, event), "queued");
    world.told();
    world.cut(CloseReason::PingTimeout);
    assert!(world.told().contains(&"/ ack v4: Disconnected".to_owned()));
    assert_eq!(world.manager.buffered_bytes(), 0);
}

#[test]
fn a_link_that_has_enough_is_given_nothing_more_until_it_closes() {
    let (mut world, socket) = World::connected(|_| ());
    world.manager.set_flow(Flow::Full);
    world.emit(socket, "a");
    world.emit(socket, "b");
    assert!(world.outputs().is_empty());
    world.manager.set_flow(Flow::Busy);
    assert_eq!(world.outputs(), [r#"2["a"]"#, r#"2["b"]"#]);
    world.manager.set_flow(Flow::Full);
    world.emit(socket, "c");
    // Other things do not wait behind it.
    world.holds_auth = true;
    world.connect("/chat");
    assert_eq!(world.questions.len(), 1);
    world.close();
    assert_eq!(world.outputs(), [r#"2["c"]"#, "close"]);
    // The next one has room.
    world.emit(socket, "d");
    world.holds_auth = false;
    world.again(socket);
    world.link();
    world.say(r#"0{"sid":"b"}"#);
    assert_eq!(world.outputs(), ["open", "0", "0/chat,", r#"2["d"]"#]);
}

#[test]
fn what_a_dead_link_has_not_taken_goes_to_the_next_in_order() {
    let (mut world, socket) = World::connected(|_| ());
    world.emit(socket, "taken");
    assert_eq!(world.outputs(), [r#"2["taken"]"#]);
    world.say(r#"21["question"]"#);
    let (_, to) = world.replies.pop().expect("a question");
    // The heartbeat's deadline has passed, and the driver has not looked yet.
    world.emit(socket, "first");
    let answer = crate::Config::new("").encoder().ack("/", to.id, &());
    assert!(world.manager.reply(socket, to, answer.expect("nothing")));
    world.emit(socket, "second");
    world
        .manager
        .handle_closed(world.now, CloseReason::PingTimeout, None);
    world.emit(socket, "third");
    world.pass(1_000);
    world.link();
    world.say(r#"0{"sid":"b"}"#);
    assert_eq!(
        world.outputs(),
        [
            "open",
            "0",
            r#"2["first"]"#,
            r#"2["second"]"#,
            r#"2["third"]"#
        ]
    );
}

#[test]
fn the_buffer_is_bounded_and_refuses_what_is_new() {
    let mut world = World::with(|config| config.buffer.max_bytes = 500);
    let (a, b) = (world.manager.socket("/a"), world.manager.socket("/b"));
    assert_eq!(world.emit(a, "1"), "buffered");
    assert_eq!(world.emit(b, "2"), "buffered");
    assert_eq!(world.emit(b, "3"), "buffered");
    assert!(world.manager.buffered_bytes() <= 500);
    assert_eq!(world.emit(a, "4"), "refused");
    assert_eq!(world.emit(b, "4"), "refused");
    world.again(a);
    world.link();
    world.say(r#"0/a,{"sid":"a"}"#);
    world.outputs();
    assert_eq!(world.emit(a, "5"), "queued", "one has gone");
    assert_eq!(world.emit(a, "6"), "refused", "and one has come");
    world.outputs();
    world.disconnect(a);
    world.manager.remove(world.now, b);
    assert_eq!(world.manager.buffered_bytes(), 0);
    let long = "x".repeat(1_000);
    assert_eq!(world.emit(a, &long), "buffered", "one always may");
    assert_eq!(world.emit(a, "7"), "refused");
}

#[test]
fn what_is_old_makes_room_if_it_is_told_to() {
    let mut world = World::with(|config| {
        config.buffer.max_bytes = 500;
        config.buffer.when_full = WhenFull::DropOldest;
    });
    let (a, b) = (world.manager.socket("/a"), world.manager.socket("/b"));
    world.emit(b, "other");
    world.ask(a, "1", Some(1_000));
    world.ask(a, "2", None);
    assert_eq!(world.emit(a, "3"), "buffered");
    assert_eq!(world.emit(a, "4"), "buffered");
    assert_eq!(world.told(), ["/a ack 1: Dropped", "/a ack 2: Dropped"]);
    assert_eq!(world.manager.poll_timeout(), None);
    let long = "x".repeat(400);
    assert_eq!(
        world.emit(a, &long),
        "refused",
        "in vain, so nothing is dropped"
    );
    world.again(a);
    world.link();
    world.say(r#"0/a,{"sid":"a"}"#);
    assert_eq!(
        world.outputs(),
        ["open", "0/a,", r#"2/a,["3"]"#, r#"2/a,["4"]"#]
    );
    // What is on its way is not dropped.
    world.manager.set_flow(Flow::Full);
    assert_eq!(world.emit(a, "5"), "queued");
    assert_eq!(world.emit(a, "6"), "queued");
    assert_eq!(world.emit(a, "7"), "refused");
}
