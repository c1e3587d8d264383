//! Targets of `socketio-proto`.

mod args;
mod client;
mod decoder;
mod pair;
mod recovery;
mod server;

pub(super) use args::args;
pub(super) use client::client;
pub(super) use decoder::{decoder, msgpack};
pub(super) use pair::pair;
pub(super) use recovery::recovery;
pub(super) use server::server;

use socketio_proto::{Revision, Value};

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

pub(super) const MSGPACK_TOKENS: &[&[u8]] = &[
    b"\x83\xa4type\x02\xa4data\x92\xa3say\x01\xa3nsp\xa1/",
    b"\x84\xa4type\x03\xa4data\x91\xc4\x01a\xa2id\x07\xa3nsp\xa5/chat",
    b"\x82\xa4type\x01\xa3nsp\xa1/",
    b"\xa4type",
    b"\xa4data",
    b"\xa2id",
    b"\xa3nsp\xa1/",
    b"\xacplaceholder",
    b"\xad_placeholder\xc3\xa3num\x00",
    b"\xc4\x04abcd",
    b"\xc6\xff\xff\xff\xff",
    b"\xc7\x08\x00\0\0\x01\x98\x1b\x4d\x6b\x77",
    b"\xd6\xff\0\0\0\0",
    b"\xcb\x7f\xf8\0\0\0\0\0\0",
    b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\xd3\x80\0\0\0\0\0\0\0",
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\x91\x91\x91\x91\x91\x91\x91\x91",
];

pub(super) const RECOVERY_TOKENS: &[&[u8]] = &[b"o0.0", b"o0.1", b"o0.2", b"oQ7uSEwd.1f", b"."];

/// Event names and the like, unescaped and escaped.
const NAMES: &[&str] = &["say", "", "a b", "\"\\\n", "é", "7", "\u{2028}"];

/// serde_json reads fractions a digit less precisely than it writes them.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) if one != other => {
            let apart = |one: f64, other: f64| (one - other).abs() <= one.abs() * 1e-15;
            one.is_f64()
                && one
                    .as_f64()
                    .zip(other.as_f64())
                    .is_some_and(|(a, b)| apart(a, b))
        }
        (Value::Array(ones), Value::Array(others)) => {
            ones.len() == others.len() && ones.iter().zip(others).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(ones), Value::Object(others)) => {
            let same = |((key, a), (other, b)): ((&String, _), (&String, _))| {
                key == other && is_same(a, b)
            };
            ones.len() == others.len() && ones.iter().zip(others).all(same)
        }
        _ => one == other,
    }
}
