//! Other spellings of packets than the revision's text form: the trait they implement, and what
//! they cannot be trusted with.

use std::fmt;

use crate::{
    Args, Body, DecodeError, EncodeError, Encoded, Limits, Packet, encode, head::MAX_ID,
    revision::Rules,
};

/// A way to spell packets, each as one message, in place of the text form; what the JavaScript
/// implementation calls a parser. Both ends have to use the same.
///
/// [`MsgPack`](crate::MsgPack) is one, and yours can be another: it has no privileges. Give it to
/// the connections in their `Config`, or to an [`Encoder`](crate::Encoder) and a
/// [`Decoder`](crate::Decoder).
///
/// A parser sees arguments as [`Args`]: JSON and attachments, for which objects like
/// `{"_placeholder":true,"num":0}` stand in the JSON. It has no state; one value serves all
/// connections of a server. What it returns from decoding is checked as far as the connection
/// depends on it: namespace, id, payloads, reserved names, [`Limits`]. So a message that makes no
/// sense may be turned into a packet that makes none.
///
/// A packet as a JSON array, for data without bytes:
///
/// ```
/// # use std::sync::Arc;
/// use serde_json::{Value, from_str, from_value, json};
/// use socketio_proto::{Args, Body, DecodeError, EncodeError, Encoded, Limits, Packet, Parser};
///
/// #[derive(Debug)]
/// struct JsonArray;
///
/// impl Parser for JsonArray {
///     fn encode(&self, packet: &Packet<'_>) -> Result<Encoded, EncodeError> {
///         let (kind, data) = match &packet.body {
///             Body::Connect(auth) => (0, auth.as_deref().unwrap_or("null").to_owned()),
///             Body::Disconnect => (1, "null".to_owned()),
///             Body::Event { args, .. } | Body::Ack(args) if !args.attachments().is_empty() => {
///                 return Err(EncodeError::Parser("bytes have no form in JSON".into()));
///             }
///             Body::Event { name, args } => (2, format!("[{},[{}]]", json!(name), args.raw())),
///             Body::Ack(args) => (3, format!("[{}]", args.raw())),
///             Body::ConnectError(error) => (4, error.to_string()),
///             _ => return Err(EncodeError::Parser("unknown packet type".into())),
///         };
///         let (nsp, id) = (json!(packet.nsp), json!(packet.id));
///         Ok(format!("[{kind},{nsp},{id},{data}]").into())
///     }
///
///     fn decode_text<'a>(&self, text: &'a str, _: &Limits) -> Result<Packet<'a>, DecodeError> {
///         let (kind, nsp, id, data): (u8, String, Option<u64>, Value) =
///             from_str(text).map_err(|_| DecodeError::Syntax)?;
///         let body = match kind {
///             0 if data.is_null() => Body::Connect(None),
///             0 => Body::Connect(Some(data.to_string().into())),
///             1 => Body::Disconnect,
///             2 => {
///                 let (name, args): (String, Value) =
///                     from_value(data).map_err(|_| DecodeError::Payload)?;
///                 let args = Args::new(args.to_string(), Vec::new())?;
///                 Body::Event { name: name.into(), args }
///             }
///             3 => Body::Ack(Args::new(data.to_string(), Vec::new())?),
///             4 => Body::ConnectError(data.to_string().into()),
///             _ => return Err(DecodeError::UnknownType),
///         };
///         Ok(Packet::new(nsp, id, body))
///     }
/// }
///
/// # use socketio_proto::{Decoder, Encoder, Revision};
/// let encoder = Encoder::new(Revision::V5, 0).with_parser(Some(Arc::new(JsonArray)));
/// let sent = encoder.event("/chat", Some(7), "say", &("hello", 1))?;
/// assert_eq!(sent.text(), r#"[2,"/chat",7,["say",["hello",1]]]"#);
/// # let mut decoder =
/// #     Decoder::new(Revision::V5, Limits::default()).with_parser(Some(Arc::new(JsonArray)));
/// # let packet = decoder.decode_text(sent.text())?.ok_or("incomplete")?;
/// # assert_eq!((packet.nsp.as_ref(), packet.id), ("/chat", Some(7)));
/// # let Body::Event { name, args } = packet.body else { panic!() };
/// # assert_eq!((name.as_ref(), args.parse::<(String, u8)>()?), ("say", ("hello".to_owned(), 1)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Parser: fmt::Debug + Send + Sync {
    /// Spells a packet as one message: a `String` or bytes, turned `into` [`Encoded`].
    ///
    /// Its JSON is valid, its placeholders point at attachments, and what may be sent at all has
    /// been checked.
    ///
    /// # Errors
    /// If it has no form for the data of an event or acknowledgement, [`EncodeError::Parser`] for
    /// instance, which goes to whoever sends it. Packets of other types hold JSON alone, and cannot
    /// be done without: if there is none for one of those, it is sent in the text form, which ends
    /// the connection at the other side.
    fn encode(&self, packet: &Packet<'_>) -> Result<Encoded, EncodeError>;

    /// Reads a text message. Refuses it unless implemented.
    ///
    /// # Errors
    /// If the message is no packet. The connection is closed then.
    fn decode_text<'a>(&self, text: &'a str, limits: &Limits) -> Result<Packet<'a>, DecodeError> {
        let _ = (text, limits);
        Err(DecodeError::UnexpectedText)
    }

    /// Reads a binary message. Refuses it unless implemented.
    ///
    /// # Errors
    /// If the message is no packet. The connection is closed then.
    fn decode_binary<'a>(
        &self,
        data: &'a [u8],
        limits: &Limits,
    ) -> Result<Packet<'a>, DecodeError> {
        let _ = (data, limits);
        Err(DecodeError::UnexpectedBinary)
    }
}

/// Checks what the text form could not have spelled.
pub(crate) fn check(
    packet: &Packet<'_>,
    rules: &Rules,
    limits: &Limits,
) -> Result<(), DecodeError> {
    encode::check_namespace(&packet.nsp).map_err(|_| DecodeError::Namespace)?;
    let (name, query) = (rules.split_query)(&packet.nsp);
    limits.check_namespace(name, query)?;
    if packet.id.is_some_and(|id| id > MAX_ID) {
        return Err(DecodeError::Id);
    }
    match &packet.body {
        Body::Connect(auth) if (rules.connect_fits)(auth.as_deref()) => Ok(()),
        Body::Disconnect => Ok(()),
        Body::Event { name, .. } if rules.reserved_events.contains(&name.as_ref()) => {
            Err(DecodeError::ReservedEvent)
        }
        Body::Event { args, .. } | Body::Ack(args) => check_attachments(args, limits),
        Body::ConnectError(error) if (rules.refusal_fits)(Some(error)) => Ok(()),
        Body::Connect(_) | Body::ConnectError(_) => Err(DecodeError::Payload),
    }
}

fn check_attachments(args: &Args<'_>, limits: &Limits) -> Result<(), DecodeError> {
    let limit = limits.max_attachments;
    if args.attachments().len() > limit {
        return Err(DecodeError::TooManyAttachments { limit });
    }
    let bytes = args.attachments().iter().map(|data| data.len()).sum();
    let limit = limits.max_attachment_bytes;
    if bytes > limit {
        return Err(DecodeError::AttachmentsTooLarge { bytes, limit });
    }
    Ok(())
}
