//! When the link is opened, closed, and opened again.

use std::time::Duration;

use super::world::{World, opened};
use crate::{Status, engine::CloseReason, proto::Revision};

#[test]
fn every_end_of_the_link_has_its_reason_and_most_are_followed_by_another_link() {
    for (reason, words) in [
        (CloseReason::PingTimeout, "ping timeout"),
        (CloseReason::TransportClose, "transport close"),
        (CloseReason::TransportError, "transport error"),
        (CloseReason::ParseError, "parse error"),
    ] {
        let (mut world, socket) = World::connected(|_| ());
        world.cut(reason);
        assert_eq!(
            world.told(),
            [
                format!("/ lost: {words}, again"),
                format!("* closed: {words}"),
                "* attempt 1 in 1s".to_owned()
            ]
        );
        assert!(world.manager.is_active(socket), "{words}");
        assert!(world.outputs().is_empty(), "the link is gone already");
        world.pass(999);
        assert!(world.outputs().is_empty());
        world.pass(1);
        assert_eq!(world.outputs(), ["open"]);
        world.link();
        world.say(r#"0{"sid":"b"}"#);
        assert_eq!(
            world.told(),
            [
                "* attempt 1",
                "* open",
                "* open again after 1",
                "/ connected"
            ]
        );
        assert_eq!(world.manager.sid(socket), Some("b"));
    }
}

#[test]
fn what_this_side_ends_stays_so() {
    let (mut world, socket) = World::connected(|_| ());
    world.disconnect(socket);
    assert_eq!(world.outputs(), ["1", "close"]);
    assert_eq!(
        world.told(),
        ["/ lost: io client disconnect", "* closed: forced close"]
    );
    assert!(!world.manager.is_active(socket));

    let (mut world, socket) = World::connected(|_| ());
    world.close();
    assert_eq!(world.outputs(), ["close"]);
    assert_eq!(
        world.told(),
        ["/ lost: forced close", "* closed: forced close"]
    );
    assert!(
        world.manager.is_active(socket),
        "as in the reference: it is wanted at the next open"
    );
    assert_eq!(world.manager.poll_timeout(), None);
    world.manager.open(world.now);
    assert_eq!(world.outputs(), ["open"]);
    world.link();
    assert_eq!(world.outputs(), ["0"]);
}

#[test]
fn a_server_that_makes_no_sense_loses_the_link_and_gets_another() {
    for nonsense in ["2[", "9", "51-[\"e\"]", r#"2["connect"]"#] {
        let (mut world, _) = World::connected(|_| ());
        world.say(nonsense);
        if world.outputs() != ["close"] {
            // Attachments are outstanding.
            world.say(nonsense);
        }
        let told = world.told();
        assert_eq!(
            told,
            [
                "/ lost: parse error, again",
                "* closed: parse error",
                "* attempt 1 in 1s"
            ],
            "{nonsense}"
        );
    }
    let (mut world, _) = World::connected(|_| ());
    world.say(r#"2["e",nonsense]"#);
    assert_eq!(world.told(), ["/ e[nonsense]"], "read by its handler alone");
    world.manager.handle_malformed(world.now);
    assert_eq!(world.outputs(), ["close"]);
    assert_eq!(world.told()[0], "/ lost: parse error, again");
}

#[test]
fn attempts_are_told_stage_by_stage_until_they_are_exhausted() {
    let mut world = World::with(|config| config.reconnection.attempts = Some(2));
    let socket = world.connect("/");
    assert_eq!(world.outputs(), ["open"]);
    assert_eq!(world.manager.status(), Status::Opening);
    world.no_link();
    assert_eq!(world.manager.status(), Status::Waiting);
    assert_eq!(
        world.told(),
        [
            "* not open: timeout",
            "/ error: timeout, again",
            "* attempt 1 in 1s"
        ]
    );
    world.pass(1_000);
    world.no_link();
    assert_eq!(
        world.told(),
        [
            "* attempt 1",
            "* not open: timeout",
            "/ error: timeout, again",
            "* attempt 1 failed: timeout",
            "* attempt 2 in 2s"
        ]
    );
    world.pass(2_000);
    world.no_link();
    assert_eq!(
        world.told(),
        [
            "* attempt 2",
            "* not open: timeout",
            "/ error: timeout",
            "* attempt 2 failed: timeout",
            "* given up"
        ]
    );
    assert_eq!(world.manager.status(), Status::Closed);
    assert_eq!(world.manager.poll_timeout(), None);
    assert!(world.manager.is_active(socket));
    world.outputs();

    // Asked for again, all starts anew.
    world.again(socket);
    assert_eq!(world.outputs(), ["open"]);
    world.no_link();
    assert_eq!(world.told().last().unwrap(), "* attempt 1 in 1s");
}

#[test]
fn delays_grow_until_a_link_is_open() {
    let mut world = World::new();
    world.connect("/");
    world.no_link();
    world.outputs();
    for delay in [1, 2, 4, 5, 5] {
        world.pass(delay * 1_000 - 1);
        assert!(world.outputs().is_empty());
        world.pass(1);
        assert_eq!(world.outputs(), ["open"]);
        world.no_link();
    }
    world.pass(5_000);
    world.link();
    world.cut(CloseReason::TransportClose);
    assert_eq!(world.told().last().unwrap(), "* attempt 1 in 1s");
}

#[test]
fn without_reconnection_every_end_is_one() {
    let mut world = World::with(|config| config.reconnection.enabled = false);
    let socket = world.connect("/");
    world.no_link();
    assert_eq!(world.told(), ["* not open: timeout", "/ error: timeout"]);
    world.again(socket);
    world.link();
    world.say(r#"0{"sid":"a"}"#);
    world.told();
    world.cut(CloseReason::PingTimeout);
    assert_eq!(
        world.told(),
        ["/ lost: ping timeout", "* closed: ping timeout"]
    );
    assert_eq!(world.manager.poll_timeout(), None);
}

#[test]
fn without_attempts_the_first_end_is_the_last() {
    let mut world = World::with(|config| config.reconnection.attempts = Some(0));
    let socket = world.connect("/");
    world.no_link();
    assert_eq!(
        world.told(),
        ["* not open: timeout", "/ error: timeout", "* given up"]
    );
    world.again(socket);
    world.link();
    world.cut(CloseReason::TransportError);
    assert_eq!(
        world.told()[1..],
        [
            "/ error: transport error",
            "* closed: transport error",
            "* given up"
        ]
    );
}

#[test]
fn to_connect_during_a_wait_is_to_wait_and_to_open_is_not() {
    let mut world = World::new();
    world.connect("/");
    world.no_link();
    world.outputs();
    world.connect("/chat");
    assert!(world.outputs().is_empty(), "as in the reference");
    world.manager.open(world.now);
    assert_eq!(world.outputs(), ["open"]);
    assert_eq!(world.told().last().unwrap(), "* attempt 1");
    world.manager.open(world.now);
    assert!(world.outputs().is_empty(), "one at a time");
    world.pass(60_000);
    assert!(world.outputs().is_empty(), "the wait is over");
    world.link();
    assert_eq!(world.outputs(), ["0", "0/chat,"]);
    assert_eq!(world.told(), ["* open", "* open again after 1"]);
}

#[test]
fn nobody_waits_for_what_was_closed_meanwhile() {
    // While the link is being opened.
    let mut world = World::new();
    let socket = world.connect("/");
    world.outputs();
    world.close();
    assert_eq!(world.outputs(), ["close"]);
    assert_eq!(
        world.told(),
        ["/ error: forced close", "* closed: forced close"]
    );
    // In the wait for the next attempt.
    world.again(socket);
    world.no_link();
    world.told();
    world.disconnect(socket);
    assert_eq!(
        world.told(),
        ["/ error: io client disconnect", "* closed: forced close"]
    );
    assert_eq!(world.manager.poll_timeout(), None);
    // Nothing is closed twice.
    world.close();
    world.disconnect(socket);
    assert!(world.told().is_empty());
}

#[test]
fn a_driver_that_has_not_looked_yet_reports_about_a_link_of_no_interest() {
    let (mut world, socket) = World::connected(|_| ());
    world.manager.close(world.now);
    world.manager.open(world.now);
    // Both outputs are still to be taken.
    world.told();
    assert!(world.manager.handle_text(0, r#"2["late"]"#).is_none());
    world
        .manager
        .handle_closed(world.now, CloseReason::TransportError, None);
    assert_eq!(world.manager.status(), Status::Opening);
    assert_eq!(world.outputs(), ["open"], "there is nothing left to close");
    world.link();
    assert_eq!(world.outputs(), ["0"]);

    // Opened and closed before the driver looks: it has nothing to do.
    world.disconnect(socket);
    world.outputs();
    world.manager.connect(world.now, socket);
    world.manager.disconnect(world.now, socket);
    assert!(world.outputs().is_empty());

    // Opened by the driver, which does not know yet that it is to be closed.
    world.manager.connect(world.now, socket);
    assert!(matches!(
        world.manager.poll_output(),
        Some(crate::manager::Output::Open)
    ));
    world.manager.disconnect(world.now, socket);
    world.told();
    world.link();
    assert!(world.told().is_empty());
    assert_eq!(world.outputs(), ["close"]);

    // The same, but wanted again.
    world.manager.connect(world.now, socket);
    let _ = world.manager.poll_output();
    world.manager.disconnect(world.now, socket);
    world.manager.connect(world.now, socket);
    world
        .manager
        .handle_opened(world.now, opened(Revision::V5, "the first"));
    assert_eq!(world.manager.status(), Status::Opening);
    assert_eq!(world.outputs(), ["close", "open"]);

    // Questions that have not been asked are not asked any more.
    world.holds_auth = true;
    world
        .manager
        .handle_opened(world.now, opened(Revision::V5, "link"));
    world.cut(CloseReason::TransportClose);
    assert!(world.outputs().is_empty() && world.questions.is_empty());
    assert_eq!(world.manager.status(), Status::Waiting);
}

#[test]
fn delays_differ_from_client_to_client() {
    let delay = |seed| {
        let config = crate::Config::new("http://virtual");
        let mut manager = crate::manager::Manager::<()>::new(&config, seed);
        let socket = manager.socket("/");
        manager.connect(0, socket);
        manager.handle_open_failed(0, crate::engine::ErrorKind::Timeout.into());
        let due = manager.poll_timeout().expect("another attempt");
        assert!((551..=1499).contains(&due), "{due}");
        Duration::from_millis(due)
    };
    let delays: std::collections::BTreeSet<_> = (0..50).map(delay).collect();
    assert!(delays.len() > 40, "{delays:?}");
}
