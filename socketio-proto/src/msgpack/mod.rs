//! Packets in MessagePack, in the form of the JavaScript package socket.io-msgpack-parser 3.x
//! (protocol section 15): a map with `type`, `data`, `id` and `nsp`, bytes inline.

mod date;
mod from_json;
mod read;
mod to_json;

use std::borrow::Cow;

use crate::{
    Args, Body, DecodeError, EncodeError, Encoded, Limits, Packet, Parser,
    json::{self, Flaw},
};

use from_json::Writer;
use read::{Item, Reader};
use to_json::Transcoder;

/// Packets in MessagePack, as JavaScript's `socket.io-msgpack-parser` 3.x spells them: each is one
/// binary message, with the bytes in its data inline. Its versions for Socket.IO 2.x mixed this
/// with JSON text, and are not spoken.
///
/// Handlers and types do not notice: arguments are JSON and attachments as ever. What MessagePack
/// has beyond that is read as JavaScript would write it in JSON: a `Date` as its ISO 8601 text, NaN
/// and infinities as null, `undefined` as null or, in a map, not at all. An `ArrayBuffer` is bytes.
/// Keys that are numbers, booleans or null become text. Extension types are read as a pair of their
/// number and their bytes, standard timestamps included.
///
/// Integers of 64 bits are exact in both directions. A float without a fraction is written as an
/// integer up to 2^53, as JavaScript does, and read as one.
///
/// Stricter than the reference:
///
/// * what goes for every [`Parser`]: names of namespaces and events, ids, and [`Limits`], of which
///   JavaScript has no [`max_attachments`](Limits::max_attachments) here;
/// * nesting is limited to 127 levels, as everywhere;
/// * text has to be UTF-8, and containers cannot be keys;
/// * data that looks like a placeholder, in a packet with bytes, is refused with
///   [`DecodeError::Placeholder`] in place of being confused with them, and so is a CONNECT with
///   bytes, whose payload is JSON alone.
///
/// ```
/// # use std::sync::Arc;
/// use socketio_proto::{Binary, Body, Decoder, Encoder, Limits, MsgPack, Revision};
///
/// let encoder = Encoder::new(Revision::V5, 0).with_parser(Some(Arc::new(MsgPack)));
/// let sent = encoder.event("/", None, "upload", &("cat.png", Binary::from(vec![1, 2, 3])))?;
/// assert!(!sent.has_text());
///
/// let limits = Limits::default();
/// let mut decoder = Decoder::new(Revision::V5, limits).with_parser(Some(Arc::new(MsgPack)));
/// let packet = decoder.decode_binary(&sent.attachments[0])?.ok_or("incomplete")?;
/// let Body::Event { name, args } = packet.body else { panic!() };
/// let (file, bytes): (String, Binary) = args.parse()?;
/// assert_eq!((&*name, &*file, &bytes[..]), ("upload", "cat.png", &[1, 2, 3][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MsgPack;

impl Parser for MsgPack {
    fn encode(&self, packet: &Packet<'_>) -> Result<Encoded, EncodeError> {
        let (kind, has_data) = match &packet.body {
            Body::Connect(auth) => (CONNECT, auth.is_some()),
            Body::Disconnect => (DISCONNECT, false),
            Body::Event { .. } => (EVENT, true),
            Body::Ack(_) => (ACK, true),
            Body::ConnectError(_) => (CONNECT_ERROR, true),
        };
        let mut writer = Writer::new();
        writer.map(2 + usize::from(has_data) + usize::from(packet.id.is_some()));
        // The order of the JavaScript server.
        writer.text("type")?;
        writer.unsigned(kind);
        if has_data {
            writer.text("data")?;
            write_data(&mut writer, &packet.body)?;
        }
        if let Some(id) = packet.id {
            writer.text("id")?;
            writer.unsigned(id);
        }
        writer.text("nsp")?;
        writer.text(&packet.nsp)?;
        Ok(writer.finish().into())
    }

    fn decode_binary<'a>(
        &self,
        data: &'a [u8],
        limits: &Limits,
    ) -> Result<Packet<'a>, DecodeError> {
        let fields = Fields::read(data)?;
        let Some(Ok(kind)) = fields.kind.and_then(Item::integer) else {
            return Err(DecodeError::UnknownType);
        };
        let id = match fields.id {
            None => None,
            // Negative, too large, or no integer.
            Some(id) => Some(id.integer().and_then(Result::ok).ok_or(DecodeError::Id)?),
        };
        let Some(Item::Text(nsp)) = fields.nsp else {
            return Err(DecodeError::Namespace);
        };
        let body = read_body(kind, fields.data, limits)?;
        Ok(Packet::new(read::utf8(nsp)?, id, body))
    }
}

const CONNECT: u64 = 0;
const DISCONNECT: u64 = 1;
const EVENT: u64 = 2;
const ACK: u64 = 3;
const CONNECT_ERROR: u64 = 4;

fn write_data(writer: &mut Writer, body: &Body<'_>) -> Result<(), EncodeError> {
    match body {
        Body::Event { name, args } => writer.list(Some(name), args),
        Body::Ack(args) => writer.list(None, args),
        Body::Connect(Some(json)) | Body::ConnectError(json) => writer.json(json, &[]).map(drop),
        Body::Connect(None) | Body::Disconnect => Ok(()),
    }
}

/// What a packet is made of; of keys that come twice, the last counts.
#[derive(Default)]
struct Fields<'a> {
    kind: Option<Item<'a>>,
    nsp: Option<Item<'a>>,
    id: Option<Item<'a>>,
    /// Where the value is.
    data: Option<Reader<'a>>,
}

impl<'a> Fields<'a> {
    fn read(data: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader(data);
        let Item::Map(len) = reader.item()? else {
            return Err(DecodeError::Syntax);
        };
        let mut fields = Self::default();
        for _ in 0..len {
            let key = reader.value()?.item()?;
            let value = reader.value()?;
            let item = Some(value.clone().item()?).filter(|item| !matches!(item, Item::Undefined));
            match key {
                Item::Text(b"type") => fields.kind = item,
                Item::Text(b"nsp") => fields.nsp = item,
                Item::Text(b"id") => fields.id = item,
                Item::Text(b"data") => fields.data = item.map(|_| value),
                _ => {}
            }
        }
        match reader.is_empty() {
            true => Ok(fields),
            false => Err(DecodeError::Syntax),
        }
    }
}

fn read_body<'a>(
    kind: u64,
    data: Option<Reader<'a>>,
    limits: &Limits,
) -> Result<Body<'a>, DecodeError> {
    match (kind, data) {
        (CONNECT, None) => Ok(Body::Connect(None)),
        (CONNECT, Some(data)) => Ok(Body::Connect(Some(payload(data, limits)?.into()))),
        (DISCONNECT, None) => Ok(Body::Disconnect),
        (EVENT, Some(mut data)) => {
            let len = array(&mut data)?.checked_sub(1);
            let len = len.ok_or(DecodeError::Payload)?;
            Ok(Body::Event {
                name: event_name(data.item()?)?,
                args: arguments(data, len, limits)?,
            })
        }
        (ACK, Some(mut data)) => {
            let len = array(&mut data)?;
            Ok(Body::Ack(arguments(data, len, limits)?))
        }
        (CONNECT_ERROR, Some(data)) => Ok(Body::ConnectError(payload(data, limits)?.into())),
        // Legal or not: that is up to the revision.
        (CONNECT_ERROR, None) => Ok(Body::ConnectError("null".into())),
        (CONNECT..=CONNECT_ERROR, _) => Err(DecodeError::Payload),
        _ => Err(DecodeError::UnknownType),
    }
}

fn array(data: &mut Reader<'_>) -> Result<usize, DecodeError> {
    match data.item()? {
        Item::Array(len) => Ok(len),
        _ => Err(DecodeError::Payload),
    }
}

/// A number is reported as JavaScript would spell it.
fn event_name(item: Item<'_>) -> Result<Cow<'_, str>, DecodeError> {
    match item {
        Item::Text(name) => Ok(read::utf8(name)?.into()),
        Item::Unsigned(_) | Item::Signed(_) => Ok(to_json::number(item).into()),
        Item::Float(number) if number.is_finite() => Ok(to_json::number(item).into()),
        _ => Err(DecodeError::Payload),
    }
}

/// The JSON of a CONNECT or CONNECT_ERROR.
fn payload(mut data: Reader<'_>, limits: &Limits) -> Result<String, DecodeError> {
    let mut transcoder = Transcoder::new(limits);
    transcoder.value(&mut data)?;
    match transcoder.finish() {
        (json, attachments) if attachments.is_empty() => Ok(json),
        _ => Err(DecodeError::Payload),
    }
}

/// The next `len` values.
fn arguments(
    mut data: Reader<'_>,
    len: usize,
    limits: &Limits,
) -> Result<Args<'static>, DecodeError> {
    let mut transcoder = Transcoder::new(limits);
    transcoder.array(&mut data, len)?;
    let (json, attachments) = transcoder.finish();
    // Bytes come with a placeholder each, so that one too many is data that only looks like one.
    if !attachments.is_empty() && json::placeholders(&json, attachments.len())? != attachments.len()
    {
        return Err(Flaw::Placeholder.into());
    }
    Ok(Args::received(json, 1).with_attachments(attachments))
}
