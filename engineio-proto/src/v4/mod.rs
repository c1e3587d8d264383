//! Engine.IO revision 4: separator-joined payloads, raw binary frames, the server pings.

mod packet;
mod payload;

use crate::revision::Rules;

pub(crate) static RULES: Rules = Rules {
    decode_text: packet::decode_text,
    decode_binary: packet::decode_binary,
    decode_payload: payload::decode,
    append_text: payload::append_text,
    append_base64: payload::append_base64,
};
