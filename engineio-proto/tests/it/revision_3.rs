//! In revision 3 the client pings (protocol.md §4).

use engineio_proto::server::{Config, RequestId};
use engineio_proto::{Format, Prepared, Revision, client, server};

use crate::trace::*;

const V3: Format = Format::new(Revision::V3);

/// Pings after 1000 ms, answered within 500.
fn config() -> Config {
    Config {
        ping_interval: 1000,
        ping_timeout: 500,
        ..Config::default()
    }
}

fn on_link() -> server::Session {
    let mut session = server::Session::open_link(config().into(), V3, &sid(), LINK, 0);
    assert_eq!(server_lines(&mut session), ["send 0: 0{…}"]);
    session
}

fn client_on_link() -> client::Session {
    let config = client::Config {
        transport: engineio_proto::Transport::Websocket,
        ..Default::default()
    };
    let mut session = client::Session::new(config.into(), V3, 0);
    assert_eq!(client_lines(&mut session), ["open link 0"]);
    session.handle_link(0, LINK);
    assert_eq!(session.handle_text(0, LINK, HANDSHAKE), None);
    assert_eq!(client_lines(&mut session), ["opened"]);
    session
}

#[test]
fn pong_comes_behind_the_messages_it_shares_a_response_with() {
    let mut session = server_speaking(V3, config());
    session.send(Prepared::text("a"));
    post(&mut session, 1, 1, "1:2");
    assert_eq!(server_lines(&mut session), ["reply 1: 200 ok"]);
    session.handle_get(1, RequestId(2));
    assert_eq!(server_lines(&mut session), ["reply 2: 200 2:4a1:3"]);
}

#[test]
fn server_answers_pings_and_ends_the_session_without_them() {
    let mut session = on_link();
    assert_eq!(session.poll_timeout(), Some(1500));
    assert_eq!(session.handle_text(1000, LINK, "2"), None);
    assert_eq!(server_lines(&mut session), ["send 0: 3"]);
    assert_eq!(session.poll_timeout(), Some(2500));
    assert!(session.handle_text(2400, LINK, "4a").is_some());
    assert_eq!(session.poll_timeout(), Some(2500), "only pings count");
    session.handle_timeout(2499);
    assert!(!session.is_closed());
    session.handle_timeout(2500);
    assert_eq!(
        server_lines(&mut session),
        ["close link 0", "closed: ping timeout"]
    );
}

#[test]
fn pong_has_no_data_whatever_the_ping_had() {
    let mut session = on_link();
    session.handle_text(5, LINK, "2probe");
    assert_eq!(server_lines(&mut session), ["send 0: 3"]);
    session.handle_binary(6, LINK, &[2, 9, 9]);
    assert_eq!(server_lines(&mut session), ["send 0: 3"]);
}

#[test]
fn pong_from_a_client_ends_the_session() {
    let mut session = on_link();
    session.handle_text(5, LINK, "3");
    let end = "closed: transport error, invalid heartbeat direction";
    assert_eq!(server_lines(&mut session), ["close link 0", end]);
}

#[test]
fn missing_ping_is_nobodys_fault_while_the_server_does_not_read() {
    let mut session = on_link();
    session.set_reading(1400, false);
    assert_eq!(session.poll_timeout(), None);
    session.set_reading(9000, true);
    assert_eq!(session.poll_timeout(), Some(10_500));
}

#[test]
fn client_pings_after_the_interval_and_gives_up_after_the_timeout() {
    let mut session = client_on_link();
    assert_eq!(session.poll_timeout(), Some(1000));
    session.handle_timeout(1000);
    session.send(Prepared::text("a"));
    assert_eq!(client_lines(&mut session), ["send 0: 2", "send 0: 4a"]);
    assert_eq!(session.poll_timeout(), Some(1500));
    assert_eq!(session.handle_text(1200, LINK, "3"), None);
    assert_eq!(session.poll_timeout(), Some(2200));
    session.handle_timeout(2200);
    assert_eq!(client_lines(&mut session), ["send 0: 2"]);
    session.handle_timeout(2700);
    assert_eq!(
        client_lines(&mut session),
        ["close link 0", "closed: ping timeout"]
    );
}

#[test]
fn every_packet_is_a_sign_of_life_to_the_client() {
    let mut session = client_on_link();
    session.handle_timeout(1000);
    assert_eq!(client_lines(&mut session), ["send 0: 2"]);
    assert!(session.handle_text(1499, LINK, "4a").is_some());
    assert_eq!(session.poll_timeout(), Some(1499 + 1500));
}

#[test]
fn ping_from_a_server_is_a_sign_of_life_and_not_answered() {
    let mut session = client_on_link();
    session.handle_timeout(1000);
    assert_eq!(client_lines(&mut session), ["send 0: 2"]);
    session.handle_text(1400, LINK, "2");
    assert!(client_lines(&mut session).is_empty());
    assert_eq!(session.poll_timeout(), Some(1400 + 1500));
}

#[test]
fn missing_pong_is_nobodys_fault_while_the_client_does_not_read() {
    let mut session = client_on_link();
    session.set_reading(100, false);
    session.handle_timeout(1000);
    assert_eq!(client_lines(&mut session), ["send 0: 2"]);
    assert_eq!(session.poll_timeout(), None);
    session.handle_timeout(9000);
    assert!(client_lines(&mut session).is_empty());
    session.set_reading(9000, true);
    assert_eq!(session.poll_timeout(), Some(10_500));
}

#[test]
fn client_that_was_asleep_asks_before_it_gives_up() {
    let mut session = client_on_link();
    session.handle_timeout(90_000);
    assert_eq!(client_lines(&mut session), ["send 0: 2"]);
    assert_eq!(session.poll_timeout(), Some(90_500));
    session.handle_timeout(90_500);
    assert!(session.is_closed());
}

#[test]
fn pong_that_waits_while_the_session_moves_is_sent_behind_the_switch() {
    let mut session = server_speaking(V3, config());
    assert!(post(&mut session, 1, 1, "1:2").is_empty());
    assert_eq!(server_lines(&mut session), ["reply 1: 200 ok"]);
    session.handle_link(2, LINK);
    session.handle_text(3, LINK, "5");
    assert_eq!(
        server_lines(&mut session),
        ["upgraded to websocket", "send 0: 3"]
    );
}

#[test]
fn pong_is_not_sent_along_with_the_close_packet() {
    let mut session = server_speaking(V3, config());
    assert!(post(&mut session, 1, 1, "1:2").is_empty());
    session.close(1);
    session.handle_get(2, RequestId(2));
    let lines = [
        "reply 1: 200 ok",
        "reply 2: 200 1:1",
        "closed: forced close",
    ];
    assert_eq!(server_lines(&mut session), lines);
}
