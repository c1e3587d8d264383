//! The proxies' end of a tunnel. They connect to nothing: whoever has accepted one plays the server.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// What user and password have to be, where a proxy asks for them.
pub(in crate::engine) const USER: &[u8] = b"aladdin";
pub(in crate::engine) const PASSWORD: &[u8] = b"sesame";

/// Opens a tunnel; the authority the client wants to reach.
pub(in crate::engine) fn accept_http(stream: &mut (impl Read + Write), login: bool) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(read(stream, 1));
    }
    let head = String::from_utf8(head).unwrap();
    let pair = BASE64_STANDARD.encode([USER, b":", PASSWORD].concat());
    let credentials = format!("\r\nproxy-authorization: Basic {pair}\r\n");
    if login && !head.contains(&credentials) {
        let refusal = "HTTP/1.1 407 Who are you?\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(refusal.as_bytes()).unwrap();
    } else {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    }
    stream.flush().unwrap();
    let target = head.strip_prefix("CONNECT ").unwrap();
    target.split(' ').next().unwrap().to_owned()
}

/// Opens a tunnel to a name.
pub(in crate::engine) fn accept_socks4(stream: &mut (impl Read + Write)) -> String {
    let head = read(stream, 8);
    assert_eq!(head[..2], [4, 1]);
    assert_eq!(head[4..], [0, 0, 0, 1]);
    let port = u16::from_be_bytes([head[2], head[3]]);
    assert_eq!(read_to_zero(stream), USER);
    let name = String::from_utf8(read_to_zero(stream)).unwrap();
    stream.write_all(b"\0\x5a\0\0\0\0\0\0").unwrap();
    format!("{name}:{port}")
}

/// Opens a tunnel to a name.
pub(in crate::engine) fn accept_socks5(stream: &mut (impl Read + Write), login: bool) -> String {
    let hello = read(stream, 2);
    assert_eq!(hello[0], 5);
    let methods = read(stream, hello[1].into());
    let method = if login { 2 } else { 0 };
    assert!(methods.contains(&method));
    stream.write_all(&[5, method]).unwrap();
    if login {
        assert_eq!(read(stream, 1), [1]);
        let known = read_counted(stream) == USER && read_counted(stream) == PASSWORD;
        stream.write_all(&[1, u8::from(!known)]).unwrap();
    }
    assert_eq!(read(stream, 4), [5, 1, 0, 3]);
    let name = String::from_utf8(read_counted(stream)).unwrap();
    let port = read(stream, 2);
    let port = u16::from_be_bytes([port[0], port[1]]);
    stream.write_all(b"\x05\0\0\x01\0\0\0\0\0\0").unwrap();
    format!("{name}:{port}")
}

fn read(stream: &mut impl Read, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

fn read_counted(stream: &mut impl Read) -> Vec<u8> {
    let len = read(stream, 1)[0];
    read(stream, len.into())
}

fn read_to_zero(stream: &mut impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        match read(stream, 1)[0] {
            0 => return bytes,
            byte => bytes.push(byte),
        }
    }
}
