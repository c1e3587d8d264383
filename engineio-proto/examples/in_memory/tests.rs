//! What an application would want to know of its sessions.

use engineio_proto::{CloseReason, Prepared, Transport, client, server};

use crate::{HOUR, Pair};

/// Every way a client may come.
fn configs() -> [client::Config; 3] {
    let default = client::Config::default();
    let polling = client::Config {
        upgrade: false,
        ..default.clone()
    };
    let websocket = client::Config {
        transport: Transport::Websocket,
        ..default.clone()
    };
    [default, polling, websocket]
}

fn server(pair: &mut Pair) -> &mut server::Session {
    pair.server.as_mut().unwrap()
}

#[test]
fn what_either_end_says_the_other_hears_in_order() {
    for config in configs() {
        let mut pair = Pair::new(config.clone());
        for i in 0..3 {
            pair.client.send(Prepared::text(&format!("question {i}")));
            server(&mut pair).send(Prepared::text(&format!("answer {i}")));
        }
        server(&mut pair).send(Prepared::binary(vec![0; 10].into()));
        pair.run_until(1_000);
        let heard = ["question 0", "question 1", "question 2"];
        assert_eq!(pair.server_heard, heard, "{config:?}");
        let heard = ["answer 0", "answer 1", "answer 2", "10 bytes"];
        assert_eq!(pair.client_heard, heard, "{config:?}");
    }
}

#[test]
fn a_session_moves_to_the_link_unless_told_otherwise() {
    let moved = configs().map(|config| {
        let mut pair = Pair::new(config);
        pair.run_until(1_000);
        assert_eq!(pair.client.transport(), server(&mut pair).transport());
        pair.client.transport()
    });
    let (polling, websocket) = (Transport::Polling, Transport::Websocket);
    assert_eq!(moved, [websocket, polling, websocket]);
}

#[test]
fn an_idle_hour_is_survived_by_a_ping_every_25_seconds() {
    let mut pair = Pair::new(client::Config::default());
    pair.run_until(HOUR);
    assert_eq!(pair.pings, 144);
    assert_eq!((pair.client_closed, pair.server_closed), (None, None));
}

#[test]
fn both_ends_notice_a_dead_network_by_their_own_clock() {
    for config in configs() {
        let mut pair = Pair::new(config.clone());
        pair.run_until(1_000);
        pair.cut = true;
        pair.run_until(HOUR);
        // An interval of 25 s, then 20 s for the ping or its answer.
        let closed = Some((45_000, CloseReason::PingTimeout));
        assert_eq!(pair.server_closed, closed, "{config:?}");
        assert_eq!(pair.client_closed, closed, "{config:?}");
    }
}

#[test]
fn a_client_that_leaves_has_said_everything() {
    for config in configs() {
        let mut pair = Pair::new(config.clone());
        pair.run_until(1_000);
        pair.client.send(Prepared::text("goodbye"));
        pair.client.close(pair.now);
        pair.run_until(2_000);
        assert_eq!(pair.server_heard, ["goodbye"], "{config:?}");
        let reasons = [pair.client_closed, pair.server_closed].map(|it| it.unwrap().1);
        let expected = [CloseReason::ForcedClose, CloseReason::TransportClose];
        assert_eq!(reasons, expected, "{config:?}");
    }
}
