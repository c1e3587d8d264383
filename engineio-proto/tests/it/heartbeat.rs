//! Heartbeat (protocol.md §4): who pings when, what counts as an answer, who gives up when.

use engineio_proto::server::{self, LinkEnd, RequestId};
use engineio_proto::{Prepared, Tick, client};

use crate::pair::{FORMATS, Pair};
use crate::trace::*;

/// Pings every 1000 ms, waits 500 ms for the pong.
fn config() -> server::Config {
    server::Config {
        ping_interval: 1000,
        ping_timeout: 500,
        ..Default::default()
    }
}

/// Lets the time of a server's session pass; its timeouts are met exactly.
fn pass(session: &mut server::Session, until: Tick) -> Vec<String> {
    let mut lines = server_lines(session);
    while let Some(at) = session.poll_timeout().filter(|&at| at <= until) {
        session.handle_timeout(at);
        lines.extend(
            server_lines(session)
                .iter()
                .map(|line| format!("{at}: {line}")),
        );
    }
    lines
}

#[test]
fn server_pings_an_interval_after_the_handshake_and_after_each_pong() {
    let mut session = server_on_link(config());
    assert_eq!(pass(&mut session, 1000), ["1000: send 0: 2"]);
    session.handle_text(1200, LINK, "3");
    assert_eq!(pass(&mut session, 2199), Vec::<String>::new());
    assert_eq!(pass(&mut session, 2200), ["2200: send 0: 2"]);
}

#[test]
fn server_gives_up_when_the_pong_is_missing() {
    let gone = [
        "1000: send 0: 2",
        "1500: close link 0",
        "1500: closed: ping timeout",
    ];
    assert_eq!(pass(&mut server_on_link(config()), 9999), gone);

    let mut session = server_on_polling(config());
    session.handle_get(1, RequestId(1));
    assert_eq!(pass(&mut session, 1499), ["1000: reply 1: 200 2"]);
    session.handle_get(1499, RequestId(2));
    let gone = ["1500: reply 2: 200 1", "1500: closed: ping timeout"];
    assert_eq!(pass(&mut session, 9999), gone);
    assert_eq!(session.poll_timeout(), None);
}

#[test]
fn ping_without_a_waiting_poll_leaves_with_the_next_one_behind_messages() {
    let mut session = server_on_polling(config());
    session.send(Prepared::text("a"));
    assert!(pass(&mut session, 1100).is_empty());
    session.handle_get(1100, RequestId(1));
    assert_eq!(server_lines(&mut session), ["reply 1: 200 4a␞2"]);
    assert_eq!(pass(&mut session, 9999), ["1500: closed: ping timeout"]);
}

#[test]
fn ping_overtakes_messages_on_a_link() {
    let mut session = server_on_link(config());
    session.send(Prepared::text("a"));
    session.handle_timeout(1000);
    assert_eq!(server_lines(&mut session), ["send 0: 2", "send 0: 4a"]);
}

#[test]
fn another_packet_extends_the_wait_for_the_pong_once_per_ping() {
    let mut session = server_on_link(config());
    assert_eq!(pass(&mut session, 1400), ["1000: send 0: 2"]);
    assert!(session.handle_text(1400, LINK, "4busy").is_some());
    assert_eq!(session.poll_timeout(), Some(1900));
    assert!(session.handle_text(1800, LINK, "4still busy").is_some());
    assert_eq!(session.poll_timeout(), Some(1900));

    session.handle_text(1899, LINK, "3");
    assert_eq!(pass(&mut session, 2899), ["2899: send 0: 2"]);
    assert!(session.handle_binary(3000, LINK, b"busy again").is_some());
    assert_eq!(session.poll_timeout(), Some(3500));
}

#[test]
fn posted_packets_extend_the_wait_for_the_pong_as_well() {
    let mut session = server_on_polling(config());
    session.handle_get(1, RequestId(1));
    assert_eq!(pass(&mut session, 1000), ["1000: reply 1: 200 2"]);
    assert_eq!(post(&mut session, 1400, 2, "4a"), ["a"]);
    assert_eq!(session.poll_timeout(), Some(1900));
}

#[test]
fn packet_before_the_ping_extends_nothing() {
    let mut session = server_on_link(config());
    assert!(session.handle_text(900, LINK, "4a").is_some());
    assert_eq!(session.poll_timeout(), Some(1000));
}

#[test]
fn unsolicited_pong_postpones_the_next_ping() {
    let mut session = server_on_link(config());
    session.handle_text(700, LINK, "3");
    assert_eq!(session.poll_timeout(), Some(1700));
}

#[test]
fn ping_from_a_client_ends_the_session() {
    let mut session = server_on_link(config());
    session.handle_text(5, LINK, "2");
    let closed = "closed: transport error, invalid heartbeat direction";
    assert_eq!(server_lines(&mut session), ["close link 0", closed]);

    // The POST that carried it was received all the same.
    let mut session = server_on_polling(config());
    session.handle_get(1, RequestId(1));
    assert_eq!(
        post(
            &mut session,
            5,
            2,
            "4a␞2␞4b".replace('␞', "\u{1e}").as_str()
        ),
        ["a"]
    );
    let lines = ["reply 2: 200 ok", "reply 1: 200 1", closed];
    assert_eq!(server_lines(&mut session), lines);
}

#[test]
fn pong_is_not_missing_while_nothing_is_read() {
    let mut session = server_on_link(config());
    assert_eq!(pass(&mut session, 1400), ["1000: send 0: 2"]);
    session.set_reading(1400, false);
    assert_eq!(session.poll_timeout(), None);
    session.set_reading(5000, true);
    assert_eq!(
        session.poll_timeout(),
        Some(5500),
        "time to read what came meanwhile"
    );
    session.set_reading(5400, true);
    assert_eq!(session.poll_timeout(), Some(5500), "which is granted once");

    // The ping falls due while reading is suspended.
    let mut session = server_on_link(config());
    session.set_reading(900, false);
    assert_eq!(pass(&mut session, 9000), ["1000: send 0: 2"]);
    session.set_reading(9000, true);
    assert_eq!(pass(&mut session, 9499), Vec::<String>::new());
    assert!(session.handle_text(9499, LINK, "3").is_none());
    assert_eq!(session.poll_timeout(), Some(10_499));
}

#[test]
fn unanswered_ping_is_repeated_on_the_new_transport() {
    let mut session = server_on_polling(config());
    session.handle_get(1, RequestId(1));
    assert_eq!(pass(&mut session, 1000), ["1000: reply 1: 200 2"]);
    session.handle_link(1100, LINK);
    session.handle_text(1100, LINK, "5");
    assert_eq!(
        pass(&mut session, 1100),
        ["upgraded to websocket", "1100: send 0: 2"]
    );
    assert_eq!(session.poll_timeout(), Some(1600));
}

#[test]
fn upgrade_leaves_the_next_ping_where_it_was() {
    let mut session = server_on_polling(config());
    session.handle_link(900, LINK);
    session.handle_text(900, LINK, "5");
    assert_eq!(
        session.poll_timeout(),
        Some(1000),
        "the client counts from the last ping"
    );
}

#[test]
fn late_upgrade_does_not_make_the_client_give_up() {
    let client = client::Config {
        upgrade_timeout: 2000,
        ..Default::default()
    };
    // The switch comes shortly before the first ping. Were that a whole interval later, the client
    // would not wait for it.
    let mut pair = Pair::new(config(), client);
    pair.hold_link();
    pair.run_until(900);
    pair.release_link();
    pair.run_until(20_000);
    assert!(pair.client.upgraded && pair.server().upgraded);
    assert_eq!(pair.client.closed, None);
}

#[test]
fn clock_that_steps_back_moves_no_deadline() {
    let mut session = server_on_link(config());
    session.handle_text(800, LINK, "3");
    session.handle_text(3, LINK, "3");
    assert_eq!(session.poll_timeout(), Some(1800));
}

#[test]
fn client_answers_a_ping_before_its_messages() {
    let mut session = client_on_link(client::Config::default());
    session.send(Prepared::text("a"));
    assert_eq!(session.handle_text(10, LINK, "2"), None);
    assert_eq!(client_lines(&mut session), ["send 0: 3", "send 0: 4a"]);

    let mut session = client_on_polling(client::Config {
        upgrade: false,
        ..Default::default()
    });
    assert_eq!(client_lines(&mut session), ["opened", "get 1"]);
    session.send(Prepared::text("a"));
    assert!(respond(&mut session, 10, 1, "2").is_empty());
    assert_eq!(client_lines(&mut session), ["get 2", "post 3: 3␞4a"]);
}

#[test]
fn client_gives_up_an_interval_and_a_timeout_after_the_last_ping() {
    let mut session = client_on_link(client::Config::default());
    assert_eq!(session.poll_timeout(), Some(1500));
    session.handle_text(1200, LINK, "2");
    assert_eq!(session.poll_timeout(), Some(2700));
    assert!(session.handle_text(2600, LINK, "4a").is_some());
    assert_eq!(session.poll_timeout(), Some(2700), "only pings count");
    assert_eq!(client_lines(&mut session), ["send 0: 3"]);
    session.handle_timeout(2699);
    assert!(!session.is_closed());
    session.handle_timeout(2700);
    assert_eq!(
        client_lines(&mut session),
        ["close link 0", "closed: ping timeout"]
    );
    assert_eq!(session.poll_timeout(), None);
}

#[test]
fn ping_is_not_missing_while_the_client_reads_nothing() {
    let mut session = client_on_link(client::Config::default());
    session.set_reading(1400, false);
    assert_eq!(session.poll_timeout(), None);
    session.set_reading(5000, true);
    assert_eq!(session.poll_timeout(), Some(6500));
}

#[test]
fn packets_without_a_meaning_are_ignored_by_the_client() {
    let mut session = client_on_link(client::Config::default());
    for packet in ["3", "6", "5", "0{}", "3probe"] {
        assert_eq!(session.handle_text(10, LINK, packet), None);
    }
    assert!(client_lines(&mut session).is_empty());
    assert_eq!(session.poll_timeout(), Some(1500));
}

#[test]
fn idle_pair_lives_on_every_transport() {
    for (transport, upgrade) in [("polling", false), ("polling", true), ("websocket", false)] {
        for format in FORMATS {
            let client = client::Config {
                transport: engineio_proto::Transport::from_name(transport).unwrap(),
                upgrade,
                ..Default::default()
            };
            let mut pair = Pair::speaking(format, config(), client).with_latency(0..=200, 7);
            pair.run_until(3_600_000);
            assert_eq!(pair.client.closed, None, "{transport}, {format:?}");
            assert_eq!(pair.server().closed, None, "{transport}, {format:?}");
        }
    }
}

#[test]
fn both_ends_of_a_stalled_link_give_up_by_themselves() {
    let client = client::Config {
        transport: engineio_proto::Transport::Websocket,
        ..Default::default()
    };
    let mut pair = Pair::new(config(), client);
    pair.run_until(100);
    pair.hold_link();
    // The handshake left at 10 ms and arrived at 20 ms.
    pair.run_until(1509);
    assert_eq!(pair.server().closed, None);
    pair.run_until(1510);
    assert_eq!(
        pair.server().closed.as_deref(),
        Some("closed: ping timeout")
    );
    pair.run_until(1530);
    assert_eq!(pair.client.closed.as_deref(), Some("closed: ping timeout"));
}

#[test]
fn broken_link_ends_both_sessions_at_once() {
    let client = client::Config {
        transport: engineio_proto::Transport::Websocket,
        ..Default::default()
    };
    let mut pair = Pair::new(config(), client);
    pair.run_until(100);
    pair.cut_link(LINK);
    let cut = Some("closed: transport error, cut");
    assert_eq!(pair.client.closed.as_deref(), cut);
    assert_eq!(pair.server().closed.as_deref(), cut);

    let mut session = server_on_link(config());
    session.handle_link_end(5, LINK, LinkEnd::Closed);
    assert_eq!(
        server_lines(&mut session),
        ["close link 0", "closed: transport close"]
    );
}
