//! HTTP/1.1 for drivers without a library for it, request by request and answer by answer.

use engineio_proto::http1::{Call, Decoder, encode};
use engineio_proto::server::{Config, Response};
use engineio_proto::{Content, Request, RequestError, Transport};

use crate::trace::sid;

const OPEN: &str = "GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\n";

fn decode(bytes: &[u8]) -> Result<Option<Call>, Response> {
    Decoder::default().decode(bytes, "/engine.io/", &Config::default())
}

fn request(line: &str, headers: &[&str], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().map(|it| format!("{it}\r\n")).collect();
    format!("{line}{headers}\r\n{body}").into()
}

fn post() -> String {
    let sid = sid();
    let sid = sid.as_str();
    format!("POST /engine.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\n")
}

#[test]
fn a_request_arrives_in_whatever_pieces() {
    let headers = [
        "Content-Length: 7",
        "content-type: text/plain;charset=UTF-8",
    ];
    let bytes = request(&post(), &headers, "4h\u{20ac}lo");
    for at in 1..bytes.len() {
        let mut decoder = Decoder::default();
        let mut decode = |input| decoder.decode(input, "/engine.io/", &Config::default());
        assert!(decode(&bytes[..at]).unwrap().is_none(), "{at}");
        let call = decode(&bytes[at..]).unwrap().unwrap();
        assert_eq!(call.wanted.sid(), Some(sid()));
        assert_eq!(call.content, Content::Text);
        assert_eq!(call.body, "4h\u{20ac}lo");
        assert!(call.switch.is_empty());
    }
}

#[test]
fn a_head_becomes_what_it_asks_for() {
    let call = decode(&request(OPEN, &["host: x"], "what comes behind")).unwrap();
    let call = call.unwrap();
    let Request::Open { transport, .. } = call.wanted else {
        panic!("{call:?}");
    };
    assert_eq!(transport, Transport::Polling);
    assert!(call.body.is_empty());
    let binary = [
        "content-type: application/octet-stream",
        "content-length: 0",
    ];
    let call = decode(&request(&post(), &binary, "")).unwrap().unwrap();
    assert_eq!(call.content, Content::Binary);
}

#[test]
fn a_request_for_a_websocket_brings_its_101() {
    // The key and the answer of RFC 6455 §1.3.
    let line = OPEN.replace("polling", "websocket");
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let call = decode(&request(&line, &["upgrade: WebSocket", key], "")).unwrap();
    let switch = String::from_utf8(call.unwrap().switch).unwrap();
    assert!(switch.starts_with("HTTP/1.1 101 \r\n"), "{switch}");
    assert!(switch.contains("\r\nconnection: upgrade\r\nupgrade: websocket\r\n"));
    assert!(switch.ends_with("\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));

    // Without a key it is a plain request, which cannot ask for a websocket.
    let refused = decode(&request(&line, &["upgrade: websocket"], ""));
    assert_eq!(refused.unwrap_err(), RequestError::BadRequest.response());
}

#[test]
fn what_is_not_served_is_refused_by_status() {
    let long = format!("x: {}", "x".repeat(8 * 1024));
    let many = ["x: y"; 65];
    let config = Config::default().max_payload;
    let (allowed, over) = (
        format!("content-length: {config}"),
        format!("content-length: {}", config + 1),
    );
    let other = OPEN.replace("/engine.io/", "/");
    let table: [(&str, &[&str], u16); 12] = [
        ("\x00\x01\x02\r\n", &[], 400),
        (OPEN, &["content-length: +1"], 400),
        (OPEN, &["content-length: "], 400),
        (OPEN, &["content-length: 99999999999999999999"], 400),
        (OPEN, &["origin: a\x01b"], 400),
        (&OPEN.replace("polling", "?"), &[], 400),
        (&OPEN.replace("GET", "PUT"), &[], 400),
        (&other, &[], 404),
        (&post(), &["transfer-encoding: chunked"], 411),
        (&post(), &[&over], 413),
        (OPEN, &[&long], 431),
        (OPEN, &many, 431),
    ];
    for (line, headers, status) in table {
        let refusal = decode(&request(line, headers, "")).unwrap_err();
        assert_eq!(refusal.status, status, "{line}{headers:?}");
    }
    assert!(
        decode(&request(&post(), &[&allowed], "4"))
            .unwrap()
            .is_none()
    );
    // Also before its end: it may never come.
    assert_eq!(decode(&[b'x'; 8 * 1024]).unwrap_err().status, 431);
    assert!(decode(&[b'x'; 8 * 1024 - 1]).unwrap().is_none());
}

#[test]
fn a_connection_that_ends_too_early_made_no_request() {
    let mut decoder = Decoder::default();
    let mut decode = |input| decoder.decode(input, "/engine.io/", &Config::default());
    assert!(decode(OPEN.as_bytes()).unwrap().is_none());
    assert_eq!(decode(b"").unwrap_err().status, 400);
}

#[test]
fn a_response_says_that_its_connection_ends() {
    let refusal = Response::from(RequestError::UnknownSid);
    let expected = "HTTP/1.1 400 \r\nconnection: close\r\ncontent-length: 41\r\n\
                    content-type: application/json\r\n\r\n\
                    {\"code\":1,\"message\":\"Session ID unknown\"}";
    assert_eq!(String::from_utf8(encode(refusal)).unwrap(), expected);
    let bare = encode(Response::bare(413));
    assert_eq!(
        bare,
        b"HTTP/1.1 413 \r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
}
