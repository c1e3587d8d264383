//! Engine.IO revision 3: length-prefixed payloads, typed binary frames, the client pings.

mod binary;
mod packet;
mod payload;

use crate::revision::{BinaryForm, BinaryPayload, Pinger, Rules};

pub(crate) static RULES: Rules = Rules {
    query: "3",
    is_legacy: true,
    pinger: Pinger::Client,
    binary_form: BinaryForm::Typed,
    decode_text: packet::decode_text,
    decode_binary: packet::decode_binary,
    decode_payload: payload::decode,
    append_packet: payload::append,
    empty_payload: "0:",
    binary_payload: Some(&BinaryPayload {
        decode: binary::decode,
        append_text: binary::append_text,
        append_binary: binary::append_binary,
    }),
};
