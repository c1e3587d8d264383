//! How messages are put: lengths, bytes, base64, scripts and forms; and how they move from polling
//! to a websocket.

use super::{MIXED, MIXED_TEXT, binary, in_each_form, post_bytes, start, upgrade};
use crate::puppet::{Event, Reaction, order, send};
use crate::wire::Received;

#[tokio::test(start_paused = true)]
async fn polling_carries_messages_both_ways() {
    let (host, _events) = start(Reaction::Echo);
    let client = host.open_with("EIO=3").await;
    for payload in ["6:4hello", "1:4", "3:4😀", "2:4€3:4ab", "3:4a\u{1e}"] {
        client.say(payload).await;
        let response = client.get().await;
        response.assert(200, payload);
        let content = response.header("content-type");
        assert_eq!(content, Some("text/plain; charset=UTF-8"));
    }
}

#[tokio::test(start_paused = true)]
async fn polling_carries_text_and_bytes_in_one_payload_both_ways() {
    let (host, mut events) = start(Reaction::Echo);
    let client = host.open_with("EIO=3").await;
    post_bytes(&host, &client, MIXED).await.assert(200, "ok");
    assert_eq!(events.text().await, "€");
    assert!(matches!(events.next().await, Event::Binary(data) if data == [1, 2, 3, 4]));
    let response = client.get().await;
    assert_eq!((response.status, &response.body[..]), (200, MIXED));
    let content = response.header("content-type");
    assert_eq!(content, Some("application/octet-stream"));

    // Bytes may come as base64 too; they go as what they are.
    client.say(MIXED_TEXT).await;
    assert_eq!(client.get().await.body, MIXED);
    // Nothing is no packet.
    post_bytes(&host, &client, b"").await.assert(200, "ok");
    client.say("0:").await;
    client.say("2:4a").await;
    client.expect("2:4a").await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_no_bytes_polls_base64() {
    let (host, _events) = start(Reaction::Echo);
    let client = host.open_with("EIO=3&b64=1").await;
    client.say(MIXED_TEXT).await;
    let response = client.get().await;
    response.assert(200, MIXED_TEXT);
    let content = response.header("content-type");
    assert_eq!(content, Some("text/plain; charset=UTF-8"));
    // It may send what it cannot take.
    post_bytes(&host, &client, MIXED).await.assert(200, "ok");
    client.expect(MIXED_TEXT).await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_loads_scripts_posts_forms() {
    let (host, mut events) = start(Reaction::Echo);
    let client = host.open_with("EIO=3&j=7").await;
    client.say("d=2%3A4%E2%82%AC10:b4AQIDBA%3D%3D").await;
    assert_eq!(events.text().await, "€");
    assert!(matches!(events.next().await, Event::Binary(data) if data == [1, 2, 3, 4]));
    let response = client.get().await;
    response.assert(200, &format!("___eio[7](\"{MIXED_TEXT}\");"));
    let content = response.header("content-type");
    assert_eq!(content, Some("text/plain; charset=UTF-8"));

    client.say(r"d=6:4a\n\\n%22").await;
    assert_eq!(events.text().await, "a\n\\n\"");
    client.expect(r#"___eio[7]("6:4a\n\\n\"");"#).await;
    client.say("x=6:4hello").await;
    // Its index is that of the first request.
    let target = client.target().replace("j=7", "j=8");
    client.say("d=2:4a").await;
    let response = host.ask("GET", &target, "").await;
    response.assert(200, "___eio[7](\"2:4a\");");
}

#[tokio::test(start_paused = true)]
async fn a_websocket_carries_bytes_behind_their_type() {
    let (host, _events) = start(Reaction::Echo);
    let mut websocket = host.websocket_with("EIO=3", "").await;
    assert!(websocket.text().await.starts_with("0{"));
    websocket.say("4€").await;
    websocket.expect("4€").await;
    for packet in [&[4, 1, 2, 3][..], &[4]] {
        websocket.say_binary(packet).await;
        let received = websocket.receive().await;
        assert_eq!(received, Received::Binary(packet.to_vec()));
    }
    websocket.say("b4AQID").await;
    let received = websocket.receive().await;
    assert_eq!(received, Received::Binary(vec![4, 1, 2, 3]));
}

#[tokio::test(start_paused = true)]
async fn a_websocket_that_takes_no_bytes_gets_base64() {
    let (host, _events) = start(Reaction::Echo);
    let mut websocket = host.websocket_with("EIO=3&b64=1", "").await;
    assert!(websocket.text().await.starts_with("0{"));
    for data in ["b4AQID", "b4", "4a"] {
        websocket.say(data).await;
        websocket.expect(data).await;
    }
    websocket.say_binary(&[4, 1, 2]).await;
    websocket.expect("b4AQI=").await;
}

#[tokio::test(start_paused = true)]
async fn undecodable_payloads_are_received_up_to_the_fault_and_end_the_session() {
    for (parameters, is_bytes, body) in [
        ("EIO=3", false, &b"2:4ax"[..]),
        ("EIO=3", false, b"2:4a9:4b"),
        ("EIO=3", false, b"2:4a2:4\xf0\x9f\x98\x80"),
        ("EIO=3", true, b"\0\x02\xff4a\0\x09\xff4b"),
        ("EIO=3", true, b"\0\x02\xff4a\0\x02\xff4\xff"),
        ("EIO=3&j=7", false, b"d=2:4a2:"),
    ] {
        let (host, mut events) = start(Reaction::Nothing);
        let client = host.open_with(parameters).await;
        let response = match is_bytes {
            true => post_bytes(&host, &client, body).await,
            false => client.post(body).await,
        };
        response.assert(200, "ok");
        assert_eq!(events.text().await, "a");
        assert_eq!(events.closed().await.0, "parse error");
        client.assert_unknown().await;
    }
}

// ---- Upgrade -------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_websocket_takes_bytes_or_not_whatever_the_polling_before_it_took() {
    for (polling, websocket, takes_bytes) in [
        ("EIO=3", "EIO=3", true),
        ("EIO=3&b64=1", "EIO=3", true),
        ("EIO=3&b64=1&j=7", "EIO=3", true),
        ("EIO=3", "EIO=3&b64=1", false),
        ("EIO=4&b64=1", "EIO=4", true),
    ] {
        let (host, mut events) = start(Reaction::Nothing);
        let client = host.open_with(polling).await;
        let session = events.opened().await;
        let mut websocket = upgrade(&host, websocket, &client.sid).await;
        order(&session, binary(&[1, 2, 3]));
        let mut expected = match takes_bytes {
            true => Received::Binary(vec![4, 1, 2, 3]),
            false => Received::Text("b4AQID".to_owned()),
        };
        if polling.starts_with("EIO=4") {
            expected = Received::Binary(vec![1, 2, 3]);
        }
        assert_eq!(websocket.receive().await, expected, "{polling}");
    }
}

#[tokio::test(start_paused = true)]
async fn polls_are_released_for_the_upgrade_and_what_waits_moves_along() {
    for (parameters, noop) in in_each_form("1:6") {
        let (host, mut events) = start(Reaction::Nothing);
        let client = host.open_with(parameters).await;
        let session = events.opened().await;
        let mut websocket = host.websocket_with("EIO=3", &client.sid).await;
        websocket.say("2probe").await;
        websocket.expect("3probe").await;
        client.expect(&noop).await;
        send(&session, "waits");
        websocket.say("5").await;
        websocket.expect("4waits").await;
        // The heartbeat goes on there.
        websocket.say("2").await;
        websocket.expect("3").await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_in_bytes_is_none_for_its_probe_but_for_its_switch() {
    let (host, _events) = start(Reaction::Echo);
    let client = host.open_with("EIO=3").await;
    let mut websocket = host.websocket_with("EIO=3", &client.sid).await;
    websocket.say_binary(b"\x02probe").await;
    websocket.expect_close(None).await;
    let mut websocket = host.websocket_with("EIO=3", &client.sid).await;
    websocket.say_binary(&[5]).await;
    websocket.say("4hello").await;
    websocket.expect("4hello").await;
}
