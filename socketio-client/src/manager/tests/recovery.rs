//! Connection state recovery as a client sees it.

use serde_json::{Value, json};

use super::world::World;
use crate::{DisconnectReason, engine::CloseReason, proto::Revision};

/// The credentials in the CONNECT that was sent last.
fn claimed(world: &mut World) -> Value {
    let outputs = world.outputs();
    let connect = outputs.last().and_then(|text| text.strip_prefix('0'));
    serde_json::from_str(connect.expect("a CONNECT")).expect("credentials")
}

fn granted_with_pid() -> World {
    let mut world = World::new();
    world.connect("/");
    world.link();
    world.say(r#"0{"sid":"a","pid":"p"}"#);
    world.say(r#"2["news",1,"offset-1"]"#);
    world.told();
    world.outputs();
    world
}

#[test]
fn a_claim_is_shown_and_what_was_missed_comes_before_the_news() {
    let mut world = granted_with_pid();
    let socket = world.manager.socket("/");
    assert!(!world.manager.is_recovered(socket));
    world.cut(CloseReason::TransportClose);
    world.pass(1_000);
    world.link();
    assert_eq!(claimed(&mut world), json!({"pid":"p","offset":"offset-1"}));
    world.told();
    world.say(r#"2["missed",2,"offset-2"]"#);
    world.say(r#"0{"sid":"a","pid":"p"}"#);
    assert_eq!(
        world.told(),
        [r#"/ missed[2,"offset-2"]"#, "/ connected recovered"]
    );
    assert!(world.manager.is_recovered(socket));
    world.cut(CloseReason::TransportClose);
    world.pass(1_000);
    world.link();
    assert_eq!(claimed(&mut world), json!({"pid":"p","offset":"offset-2"}));
}

#[test]
fn what_is_given_up_before_the_answer_is_asked_for_again() {
    let mut world = granted_with_pid();
    world.cut(CloseReason::TransportClose);
    world.pass(1_000);
    world.link();
    world.say(r#"2["missed",2,"offset-2"]"#);
    world.cut(CloseReason::TransportClose);
    world.pass(1_000);
    world.outputs();
    world.link();
    assert_eq!(claimed(&mut world), json!({"pid":"p","offset":"offset-1"}));
}

#[test]
fn a_server_that_has_forgotten_the_socket_gives_a_new_one() {
    for (answer, next) in [(r#"0{"sid":"b","pid":"q"}"#, "0"), (r#"0{"sid":"b"}"#, "0")] {
        let mut world = granted_with_pid();
        world.cut(CloseReason::TransportClose);
        world.pass(1_000);
        world.link();
        world.told();
        world.say(answer);
        assert_eq!(world.told(), ["/ connected"]);
        world.cut(CloseReason::TransportClose);
        world.pass(1_000);
        world.outputs();
        world.link();
        assert_eq!(world.outputs(), [next], "nothing to be recovered yet");
    }
}

#[test]
fn the_application_s_own_credentials_go_with_the_claim() {
    let mut world = granted_with_pid();
    world.holds_auth = true;
    world.cut(CloseReason::TransportClose);
    world.pass(1_000);
    world.link();
    world.outputs();
    world.answer(Ok(Some(json!({"token": "t", "offset": "mine"}))));
    assert_eq!(
        claimed(&mut world),
        json!({"token":"t","offset":"mine","pid":"p"})
    );
}

#[test]
fn in_revision_4_there_is_nothing_to_claim() {
    let mut world = World::new();
    let socket = world.connect("/chat");
    for _ in 0..2 {
        world.link_speaking(Revision::V4);
        world.say("0/chat,");
        world.say(r#"2/chat,["news","offset-1"]"#);
        assert_eq!(world.outputs(), ["open", "0/chat,"]);
        assert!(!world.manager.is_recovered(socket));
        world.cut(CloseReason::TransportClose);
        world.pass(1_000);
    }
}

#[test]
fn a_server_that_replays_without_end_is_left_and_not_asked_to_do_so_again() {
    let mut world = World::with(|config| config.buffer.max_bytes = 10_000);
    world.connect("/");
    world.link();
    world.say(r#"0{"sid":"a","pid":"p"}"#);
    world.say(r#"2["news",1,"offset-1"]"#);
    world.cut(CloseReason::TransportClose);
    world.pass(1_000);
    world.link();
    world.told();
    world.outputs();
    let mut count = 0;
    while world.outputs() != ["close"] {
        world.say(&format!(r#"2["replayed","{}"]"#, "x".repeat(1_000)));
        count += 1;
        assert!(count < 20, "bounded");
    }
    let told = world.told();
    assert_eq!(
        told[0],
        format!("/ error: {}, again", DisconnectReason::ParseError)
    );
    world.pass(1_000);
    world.link();
    assert_eq!(world.outputs(), ["open", "0"]);
}
