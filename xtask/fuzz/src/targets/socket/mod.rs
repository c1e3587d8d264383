//! Targets of `socketio-proto`.

mod args;
mod client;
mod decoder;
mod pair;
mod server;

pub(super) use args::args;
pub(super) use client::client;
pub(super) use decoder::decoder;
pub(super) use pair::pair;
pub(super) use server::server;

use socketio_proto::Revision;

/// Every revision there is.
const REVISIONS: [Revision; 2] = [Revision::V5, Revision::V4];

pub(super) const TOKENS: &[&[u8]] = &[
    b"0/chat,{\"token\":\"x\"}",
    b"0{\"sid\":\"abc\"}",
    b"1/chat,",
    b"2[\"hello\",1]",
    b"2/chat,12[\"say\",{\"a\":[null,true]}]",
    b"3/chat,12[]",
    b"4{\"message\":\"no\"}",
    b"51-[\"b\",{\"_placeholder\":true,\"num\":0}]",
    b"61-/chat,3[{\"_placeholder\":true,\"num\":0}]",
    b"{\"_placeholder\":true,\"num\":0}",
    b"\"_placeholder\"",
    b"\"num\":",
    b"9007199254740991",
    b"\\u005f",
    b"\\ud800",
    b"1e400",
    b"/chat,",
    b"0/chat?token=a%20b,",
    b"[[[[[[[[",
    b"]]]]]]]]",
];

/// Event names and the like, unescaped and escaped.
const NAMES: &[&str] = &["say", "", "a b", "\"\\\n", "é", "7", "\u{2028}"];
