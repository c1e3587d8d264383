//! The move from polling to websocket (protocol.md §5): by the letter for each side alone, and
//! under many schedules for both together.

use bytes::Bytes;
use engineio_proto::server::{self, LinkEnd, LinkId, RequestId};
use engineio_proto::{Content, Prepared, Tick, Transport, client};

use crate::pair::{FORMATS, Pair, Rng};
use crate::trace::*;

const SECOND: LinkId = LinkId(1);

fn server() -> server::Session {
    server_on_polling(server::Config::default())
}

/// A server's session to which a link was offered at 0 ms.
fn server_with_link() -> server::Session {
    let mut session = server();
    session.handle_link(0, LINK);
    session
}

// ---- The server alone ---------------------------------------------------------------------

#[test]
fn probe_is_answered_and_the_waiting_poll_released() {
    let mut session = server();
    session.handle_get(1, RequestId(1));
    session.handle_link(2, LINK);
    assert!(server_lines(&mut session).is_empty());
    session.handle_text(3, LINK, "2probe");
    assert_eq!(
        server_lines(&mut session),
        ["send 0: 3probe", "reply 1: 200 6"]
    );
    assert_eq!(session.transport(), Transport::Polling);

    session.handle_text(4, LINK, "5");
    assert_eq!(server_lines(&mut session), ["upgraded to websocket"]);
    assert_eq!(session.transport(), Transport::Websocket);
}

#[test]
fn polls_are_released_every_100_ms_while_the_client_prepares_to_move() {
    let mut session = server_with_link();
    session.handle_get(1, RequestId(1));
    session.handle_text(50, LINK, "2probe");
    assert_eq!(
        server_lines(&mut session),
        ["send 0: 3probe", "reply 1: 200 6"]
    );
    let without_poll = session.poll_timeout();
    session.handle_get(60, RequestId(2));
    assert!(server_lines(&mut session).is_empty());
    assert_ne!(session.poll_timeout(), without_poll);
    assert_eq!(session.poll_timeout(), Some(150));
    session.handle_timeout(150);
    assert_eq!(server_lines(&mut session), ["reply 2: 200 6"]);
    session.handle_get(160, RequestId(3));
    assert_eq!(session.poll_timeout(), Some(250));
}

#[test]
fn messages_go_out_with_polls_until_the_switch_and_over_the_link_after_it() {
    let mut session = server_with_link();
    session.handle_text(1, LINK, "2probe");
    session.send(Prepared::text("x"));
    assert_eq!(server_lines(&mut session), ["send 0: 3probe"]);
    session.handle_get(2, RequestId(1));
    assert_eq!(server_lines(&mut session), ["reply 1: 200 4x"]);
    session.send(Prepared::text("y"));
    session.handle_text(3, LINK, "5");
    assert_eq!(
        server_lines(&mut session),
        ["upgraded to websocket", "send 0: 4y"]
    );
}

#[test]
fn switch_without_a_probe_is_enough() {
    let mut session = server_with_link();
    session.handle_get(1, RequestId(1));
    session.handle_text(2, LINK, "5");
    assert_eq!(
        server_lines(&mut session),
        ["reply 1: 200 6", "upgraded to websocket"]
    );
}

#[test]
fn probe_and_switch_back_to_back_without_a_poll_are_enough() {
    let mut session = server_with_link();
    session.handle_text(1, LINK, "2probe");
    session.handle_text(1, LINK, "5");
    assert_eq!(
        session.handle_text(1, LINK, "4a").map(show).as_deref(),
        Some("a")
    );
    assert_eq!(
        server_lines(&mut session),
        ["send 0: 3probe", "upgraded to websocket"]
    );
}

#[test]
fn first_packet_other_than_a_probe_closes_the_new_link_only() {
    for packet in [
        "4hello", "2", "2prob", "3", "3probe", "0", "1", "6", "abc", "",
    ] {
        let mut session = server_with_link();
        assert_eq!(session.handle_text(1, LINK, packet), None, "{packet}");
        assert_eq!(server_lines(&mut session), ["close link 0"], "{packet}");
        // What follows on it is nobody's business.
        assert_eq!(session.handle_text(1, LINK, "5"), None);
        session.handle_link_end(2, LINK, LinkEnd::Closed);
        assert_eq!(post(&mut session, 3, 1, "4a"), ["a"], "{packet}");
        assert_eq!(server_lines(&mut session), ["reply 1: 200 ok"], "{packet}");
    }
    let mut session = server_with_link();
    assert_eq!(session.handle_binary(1, LINK, b"2probe"), None);
    assert_eq!(server_lines(&mut session), ["close link 0"]);
}

#[test]
fn upgrade_that_takes_too_long_closes_the_new_link_only() {
    for probe in [false, true] {
        let mut session = server_with_link();
        if probe {
            session.handle_text(5000, LINK, "2probe");
            assert_eq!(server_lines(&mut session), ["send 0: 3probe"]);
        }
        assert_eq!(session.poll_timeout(), Some(10_000));
        session.handle_timeout(9_999);
        assert!(server_lines(&mut session).is_empty());
        session.handle_timeout(10_000);
        assert_eq!(server_lines(&mut session), ["close link 0"]);
        session.handle_text(10_001, LINK, "5");
        assert_eq!(session.transport(), Transport::Polling);
        // Another attempt is welcome.
        session.handle_link(10_002, SECOND);
        session.handle_text(10_003, SECOND, "5");
        assert_eq!(server_lines(&mut session), ["upgraded to websocket"]);
    }
}

#[test]
fn link_that_ends_during_the_upgrade_leaves_polling_alone() {
    let mut session = server_with_link();
    session.handle_text(1, LINK, "2probe");
    session.handle_link_end(2, LINK, LinkEnd::Failed("reset"));
    assert_eq!(server_lines(&mut session), ["send 0: 3probe"]);
    session.handle_get(3, RequestId(1));
    session.send(Prepared::text("a"));
    assert_eq!(server_lines(&mut session), ["reply 1: 200 4a"]);
}

#[test]
fn second_websocket_is_closed_at_once() {
    let mut upgrading = server_with_link();
    let mut upgraded = server_with_link();
    upgraded.handle_text(1, LINK, "5");
    assert_eq!(server_lines(&mut upgraded), ["upgraded to websocket"]);
    // The reference takes this one for an upgrade (protocol.md §1.6).
    let opened_there = server_on_link(server::Config::default());

    for mut session in [upgraded, opened_there] {
        session.handle_link(5, SECOND);
        session.handle_text(6, SECOND, "2probe");
        session.handle_text(6, SECOND, "5");
        session.send(Prepared::text("a"));
        assert_eq!(server_lines(&mut session), ["close link 1", "send 0: 4a"]);
    }
    upgrading.handle_link(5, SECOND);
    upgrading.handle_text(6, SECOND, "5");
    upgrading.handle_text(6, LINK, "2probe");
    assert_eq!(
        server_lines(&mut upgrading),
        ["close link 1", "send 0: 3probe"]
    );
}

#[test]
fn polling_requests_after_the_switch_are_refused() {
    let mut session = server_with_link();
    session.handle_text(1, LINK, "5");
    session.handle_get(2, RequestId(1));
    session.handle_post(2, RequestId(2), Content::Text, Bytes::from_static(b"4lost"));
    assert_eq!(session.next_message(2), None);
    let refused = r#"400 {"code":3,"message":"Bad request"}"#;
    let lines = [
        "upgraded to websocket".to_owned(),
        format!("reply 1: {refused}"),
        format!("reply 2: {refused}"),
    ];
    assert_eq!(server_lines(&mut session), lines);
}

#[test]
fn closing_server_closes_the_probing_link() {
    let mut session = server_with_link();
    session.close(1);
    assert!(server_lines(&mut session).is_empty());
    session.handle_get(3, RequestId(1));
    assert_eq!(
        server_lines(&mut session),
        ["reply 1: 200 1", "close link 0", "closed: forced close"]
    );
}

#[test]
fn a_deadline_that_was_acted_on_has_passed_though_no_output_was_taken() {
    for closes in [false, true] {
        let mut session = server_with_link();
        session.handle_get(1, RequestId(1));
        session.handle_text(2, LINK, "2probe");
        if closes {
            session.close(3);
        }
        for now in [3, 103, 203] {
            session.handle_timeout(now);
            let next = session.poll_timeout();
            assert!(next.is_none_or(|at| at > now), "{next:?} at {now}");
        }
    }
}

#[test]
fn closing_server_sends_what_is_left_to_a_client_that_has_moved() {
    let mut session = server_with_link();
    session.send(Prepared::text("a"));
    session.close(1);
    assert!(server_lines(&mut session).is_empty());
    session.handle_text(2, LINK, "5");
    let lines = [
        "upgraded to websocket",
        "send 0: 4a",
        "close link 0",
        "closed: forced close",
    ];
    assert_eq!(server_lines(&mut session), lines);
}

#[test]
fn closing_server_does_not_wait_longer_for_a_client_to_move() {
    let mut session = server_with_link();
    session.close(1);
    assert_eq!(session.poll_timeout(), Some(10_000));
    session.handle_timeout(10_000);
    assert_eq!(server_lines(&mut session), ["close link 0"]);
    assert_eq!(session.poll_timeout(), Some(30_001));
    session.handle_timeout(30_001);
    assert_eq!(server_lines(&mut session), ["closed: forced close"]);
}

#[test]
fn messages_sent_before_the_server_closes_arrive_at_any_moment_of_the_upgrade() {
    for (at, format) in (0..160).flat_map(|at| FORMATS.map(|format| (at, format))) {
        let mut pair = Pair::speaking(format, Default::default(), Default::default());
        pair.run_until(at.max(10));
        pair.server().session.send(Prepared::text("last"));
        let now = pair.now;
        pair.server().session.close(now);
        pair.run_for(1_000);
        assert_eq!(pair.client.received, ["last"], "at {at} ms, {format:?}");
        let closed = pair.client.closed.is_some() && pair.server().closed.is_some();
        assert!(closed, "at {at} ms, {format:?}");
    }
}

// ---- The client alone ---------------------------------------------------------------------

/// A client's session whose GET 1 waits and whose link was asked for at 0 ms.
fn client() -> client::Session {
    let mut session = client_on_polling(client::Config::default());
    assert_eq!(
        client_lines(&mut session),
        ["opened", "open link 0", "get 1"]
    );
    session
}

#[test]
fn client_probes_pauses_and_moves() {
    let mut session = client();
    session.handle_link(1, LINK);
    assert_eq!(client_lines(&mut session), ["send 0: 2probe"]);
    session.send(Prepared::text("a"));
    assert_eq!(client_lines(&mut session), ["post 2: 4a"]);

    assert_eq!(session.handle_text(2, LINK, "3probe"), None);
    session.send(Prepared::text("b"));
    assert!(!session.is_writable());
    assert!(
        client_lines(&mut session).is_empty(),
        "nothing new starts on polling"
    );
    assert!(respond(&mut session, 3, 2, "ok").is_empty());
    assert!(
        client_lines(&mut session).is_empty(),
        "the poll is still out"
    );
    session.handle_response(
        4,
        RequestId(1),
        200,
        Content::Text,
        Bytes::from_static(b"4x\x1e4y"),
    );
    assert_eq!(session.next_message(4).map(show).as_deref(), Some("x"));
    assert!(
        client_lines(&mut session).is_empty(),
        "y comes before what the link carries"
    );
    assert_eq!(session.next_message(5).map(show).as_deref(), Some("y"));
    assert_eq!(session.next_message(5), None);
    let lines = ["send 0: 5", "upgraded to websocket", "send 0: 4b"];
    assert_eq!(client_lines(&mut session), lines);
    assert_eq!(session.transport(), Transport::Websocket);
}

#[test]
fn ping_during_the_pause_is_answered_on_the_link() {
    let mut session = client();
    session.handle_link(1, LINK);
    session.handle_text(2, LINK, "3probe");
    session.send(Prepared::text("a"));
    session.handle_response(
        3,
        RequestId(1),
        200,
        Content::Text,
        Bytes::from_static(b"2\x1e4x"),
    );
    assert_eq!(session.next_message(3).map(show).as_deref(), Some("x"));
    assert_eq!(client_lines(&mut session), ["send 0: 2probe"]);
    assert_eq!(session.next_message(3), None);
    let lines = [
        "send 0: 5",
        "upgraded to websocket",
        "send 0: 3",
        "send 0: 4a",
    ];
    assert_eq!(client_lines(&mut session), lines);
}

#[test]
fn failing_probe_leaves_polling_untouched() {
    type Fail = fn(&mut client::Session);
    let failures: [(&str, Fail); 6] = [
        ("no link", |it| {
            it.handle_link_end(1, LINK, LinkEnd::Failed("refused"))
        }),
        ("link lost", |it| {
            it.handle_link(1, LINK);
            it.handle_link_end(2, LINK, LinkEnd::Closed);
        }),
        ("another packet", |it| {
            it.handle_link(1, LINK);
            assert_eq!(it.handle_text(2, LINK, "4early"), None);
        }),
        ("not a packet", |it| {
            it.handle_link(1, LINK);
            assert_eq!(it.handle_text(2, LINK, "x"), None);
        }),
        ("deadline", |it| {
            it.handle_link(1, LINK);
            it.handle_timeout(1200);
        }),
        ("lost while pausing", |it| {
            it.handle_link(1, LINK);
            it.handle_text(2, LINK, "3probe");
            it.handle_link_end(3, LINK, LinkEnd::Closed);
        }),
    ];
    for (name, fail) in failures {
        let config = client::Config {
            upgrade_timeout: 1200,
            ..Default::default()
        };
        let mut session = client_on_polling(config);
        assert_eq!(
            client_lines(&mut session),
            ["opened", "open link 0", "get 1"]
        );
        fail(&mut session);
        let lines = client_lines(&mut session);
        assert!(
            lines
                .iter()
                .all(|it| it == "send 0: 2probe" || it == "close link 0"),
            "{name}: {lines:?}"
        );
        session.handle_text(1200, LINK, "3probe");
        session.send(Prepared::text("a"));
        assert_eq!(respond(&mut session, 1201, 1, "4b"), ["b"], "{name}");
        assert_eq!(
            client_lines(&mut session),
            ["get 2", "post 3: 4a"],
            "{name}"
        );
    }
}

#[test]
fn polling_goes_on_when_the_pause_takes_too_long() {
    let config = client::Config {
        upgrade_timeout: 1200,
        ..Default::default()
    };
    let mut session = client_on_polling(config);
    session.handle_link(1, LINK);
    let lines = ["opened", "open link 0", "send 0: 2probe", "get 1"];
    assert_eq!(client_lines(&mut session), lines);
    session.send(Prepared::text("a"));
    assert_eq!(client_lines(&mut session), ["post 2: 4a"]);
    session.handle_text(2, LINK, "3probe");
    session.send(Prepared::text("b"));
    assert_eq!(respond(&mut session, 3, 1, "4x"), ["x"]);
    assert!(client_lines(&mut session).is_empty());
    assert_eq!(session.poll_timeout(), Some(1200));
    session.handle_timeout(1200);
    assert_eq!(client_lines(&mut session), ["close link 0", "get 3"]);
    respond(&mut session, 1201, 2, "ok");
    assert_eq!(client_lines(&mut session), ["post 4: 4b"]);
}

#[test]
fn message_that_has_begun_to_leave_in_posts_is_finished_there() {
    let mut session = client();
    session.handle_link(1, LINK);
    // The server takes 100 bytes: the text fits into one POST, the attachment needs the next.
    let attachment = Bytes::from(vec![0xab; 60]);
    session.send(Prepared::from_parts(
        vec![b'x'; 50],
        0,
        vec![attachment.clone()],
    ));
    session.send(Prepared::text("after"));
    let text = format!("post 2: 4{}", "x".repeat(50));
    assert_eq!(client_lines(&mut session), ["send 0: 2probe", &text]);

    session.handle_text(2, LINK, "3probe");
    respond(&mut session, 3, 1, "6");
    respond(&mut session, 3, 2, "ok");
    let lines = client_lines(&mut session);
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].starts_with("post 3: b") && lines[0].len() > 80,
        "{lines:?}"
    );
    respond(&mut session, 4, 3, "ok");
    let lines = ["send 0: 5", "upgraded to websocket", "send 0: 4after"];
    assert_eq!(client_lines(&mut session), lines);
}

#[test]
fn client_moves_only_if_both_sides_want_it() {
    let config = client::Config {
        upgrade: false,
        ..Default::default()
    };
    assert_eq!(
        client_lines(&mut client_on_polling(config)),
        ["opened", "get 1"]
    );

    let mut session = client::Session::new(Default::default(), engineio_proto::Revision::V4, 0);
    assert_eq!(client_lines(&mut session), ["get 0"]);
    respond(
        &mut session,
        1,
        0,
        &HANDSHAKE.replace("websocket", "webtransport"),
    );
    assert_eq!(client_lines(&mut session), ["opened", "get 1"]);

    assert!(client_lines(&mut client_on_link(client::Config::default())).is_empty());
}

// ---- Both together ------------------------------------------------------------------------

#[test]
fn fresh_pair_moves_to_websocket() {
    let mut pair = Pair::new(server::Config::default(), client::Config::default());
    pair.run_until(200);
    assert!(pair.client.upgraded && pair.server().upgraded);

    let server = server::Config {
        allow_upgrades: false,
        ..Default::default()
    };
    let mut pair = Pair::new(server, client::Config::default());
    pair.run_until(200);
    assert!(!pair.client.upgraded && !pair.server().upgraded);
}

/// Sends numbered messages from both ends at the given times and checks what arrives.
fn exchange(mut pair: Pair, times: &[(Tick, bool)], attach: &mut Rng, context: &str) -> Pair {
    let [mut to_client, mut to_server] = [Vec::new(), Vec::new()];
    for (number, &(at, from_server)) in times.iter().enumerate() {
        pair.run_until(at.max(pair.now));
        let text = format!("{number}");
        let attachments = match attach.within(0..=3) {
            0 => vec![
                Bytes::from(vec![number as u8; 40]),
                Bytes::from_static(b"end"),
            ],
            _ => Vec::new(),
        };
        let message = Prepared::from_parts(text.into_bytes(), 0, attachments);
        // The first packet is the text with its type.
        let shown = message
            .packets(engineio_proto::Revision::V4.into())
            .map(show)
            .enumerate();
        let shown = shown.map(|(i, it)| if i == 0 { it[1..].to_owned() } else { it });
        match (from_server, &mut pair.server) {
            (true, Some(server)) => {
                to_client.extend(shown);
                server.session.send(message);
            }
            _ => {
                to_server.extend(shown);
                pair.client.session.send(message);
            }
        }
    }
    pair.run_for(5_000);
    assert_eq!(pair.client.closed, None, "{context}");
    assert_eq!(pair.server().closed, None, "{context}");
    assert_eq!(pair.client.received, to_client, "{context}");
    assert_eq!(pair.server().received, to_server, "{context}");
    pair
}

#[test]
fn messages_sent_at_any_moment_of_the_upgrade_arrive_once_and_in_order() {
    // Both ends send two messages each, in every millisecond of the way to websocket.
    for (at, format) in (0..160).flat_map(|at| FORMATS.map(|format| (at, format))) {
        let mut pair = Pair::speaking(format, Default::default(), Default::default());
        let times = [(at, true), (at, false), (at + 1, true), (at + 1, false)];
        let context = format!("at {at} ms, {format:?}");
        pair = exchange(pair, &times, &mut Rng(at), &context);
        assert!(pair.client.upgraded && pair.server().upgraded, "{context}");
    }
}

#[test]
fn messages_arrive_once_and_in_order_under_any_schedule() {
    for seed in 0..1_000 {
        let mut rng = Rng(seed);
        let slowest = rng.within(1..=80);
        let server = server::Config {
            max_payload: rng.within(60..=400) as usize,
            ping_interval: rng.within(300..=3_000),
            ..Default::default()
        };
        let format = FORMATS[rng.within(0..=5) as usize];
        let pair = Pair::speaking(format, server, client::Config::default());
        let pair = pair.with_latency(0..=slowest, rng.next());
        let count = rng.within(1..=40);
        let mut times: Vec<_> = (0..count)
            .map(|_| (rng.within(0..=12 * slowest), rng.next().is_multiple_of(2)))
            .collect();
        times.sort_unstable();
        let pair = exchange(pair, &times, &mut rng, &format!("seed {seed}"));
        assert!(pair.client.upgraded, "seed {seed}");
    }
}

#[test]
fn messages_arrive_once_and_in_order_when_the_new_link_breaks_before_the_switch() {
    let mut survived = 0;
    for at in 0..160 {
        let format = FORMATS[at as usize % FORMATS.len()];
        let mut pair = Pair::speaking(format, Default::default(), Default::default());
        pair.run_until(at);
        if pair.client.upgraded {
            continue;
        }
        pair.cut_link(LINK);
        let times = [(at, true), (at, false), (at + 20, true), (at + 20, false)];
        exchange(pair, &times, &mut Rng(at), &format!("cut at {at} ms"));
        survived += 1;
    }
    assert!(survived > 50, "the upgrade takes longer than {survived} ms");
}

#[test]
fn stalled_link_is_given_up_and_polling_goes_on() {
    let mut pair = Pair::new(server::Config::default(), client::Config::default());
    pair.run_until(45);
    pair.hold_link();
    let times = [(50, true), (50, false), (11_000, true), (11_000, false)];
    let pair = exchange(pair, &times, &mut Rng(3), "stalled");
    assert!(!pair.client.upgraded);
}
