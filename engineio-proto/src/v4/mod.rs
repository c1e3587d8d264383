//! Engine.IO revision 4: separator-joined payloads, raw binary frames, the server pings.

mod packet;
mod payload;

use crate::revision::{BinaryForm, Pinger, Rules};

pub(crate) static RULES: Rules = Rules {
    query: "4",
    is_legacy: false,
    pinger: Pinger::Server,
    binary_form: BinaryForm::Raw,
    decode_text: packet::decode_text,
    decode_binary: packet::decode_binary,
    decode_payload: payload::decode,
    append_packet: payload::append,
    empty_payload: "",
    binary_payload: None,
};
