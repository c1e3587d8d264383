//! Targets of `engineio-proto`.

mod body;
mod client;
mod frames;
mod handshake;
mod http1;
mod jsonp;
mod outgoing;
mod packet;
mod pair;
mod payload;
mod request;
mod server;
mod tungstenite;
mod webtransport;

pub(super) use client::client;
pub(super) use frames::frames;
pub(super) use handshake::handshake;
pub(super) use http1::http1;
pub(super) use jsonp::jsonp;
pub(super) use packet::packet;
pub(super) use pair::pair;
pub(super) use payload::payload;
pub(super) use request::request;
pub(super) use server::server;
pub(super) use tungstenite::tungstenite;
pub(super) use webtransport::webtransport;

pub(super) const TOKENS: &[&[u8]] = &[
    b"2probe",
    b"3probe",
    b"4hello",
    b"\xe2\x80\xa8",
    b"bAQIDBA==",
    b"b4AQIDBA==",
    b"\x1e",
    b"6:4hello",
    b"2:4\xc3\xa9",
    b"3:4\xf0\x9f\x98\x80",
    b"10:b4AQIDBA==",
    b"\x00\x06\xff4hello",
    b"\x01\x05\xff\x04\x01\x02\x03\x04",
    b"0{\"sid\":\"abc\",\"upgrades\":[\"websocket\"],\"pingInterval\":1000,\"pingTimeout\":500,\"maxPayload\":100}",
];

pub(super) const JSONP_TOKENS: &[&[u8]] = &[
    b"d=",
    b"&d=4",
    b"%5Cn",
    b"%5C%5Cn",
    b"%0A",
    b"%1E",
    b"6%3A4hello",
    b"bAQIDBA%3D%3D",
    b"%C3%A9",
    b"+",
];

pub(super) const QUERY_TOKENS: &[&[u8]] = &[
    b"EIO=4",
    b"EIO=3",
    b"&transport=polling",
    b"&transport=websocket",
    b"&sid=AAAAAAAAAAAAAAAAAAAA",
    b"&b64=1",
    b"&j=0",
    b"&j=4294967296",
    b"%",
    b"%41",
    b"&",
];

pub(super) const HTTP_TOKENS: &[&[u8]] = &[
    b"GET /engine.io/?",
    b"POST /engine.io/?",
    b" HTTP/1.1\r\n",
    b"\r\n\r\n",
    b"EIO=4&transport=polling",
    b"EIO=4&transport=websocket",
    b"content-length: 3\r\n",
    b"content-length: 65\r\n",
    b"transfer-encoding: chunked\r\n",
    b"upgrade: websocket\r\n",
    b"sec-websocket-key: a\r\n",
];

pub(super) const HANDSHAKE_TOKENS: &[&[u8]] = &[
    b"\"sid\":\"a\"",
    b"\"sid\":\"\"",
    b"\"upgrades\":[\"websocket\"]",
    b"\"pingInterval\":",
    b"\"pingTimeout\":",
    b"\"maxPayload\":",
    b"18446744073709551615",
    b"\\u0000",
    b"{",
    b"}",
    b",",
];

pub(super) const FRAME_TOKENS: &[&[u8]] = &[
    b"\x81\x81\0\0\0\0a",
    b"\x01\x81\0\0\0\0a",
    b"\x80\x81\0\0\0\0a",
    b"\x82\xfe\0\x7e",
    b"\x82\xff\0\0\0\0\0\x01\0\0",
    b"\x88\x82\0\0\0\0\x03\xe8",
    b"\x89\x80\0\0\0\0",
    b"\x81\x01a",
    b"\x01\x01a",
    b"\x80\x01a",
    b"\x88\x02\x03\xe8",
    b"\xe2\x82\xac",
];
