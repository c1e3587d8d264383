//! From messages to packets: one text message, then the attachments it announces, or one message of
//! any other form. Arguments are not read here; see `args`.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;

use crate::{
    Args, Body, DecodeError, Limits, Packet, Parser, Revision,
    head::{Head, Kind},
    json, parser,
};

/// Turns the messages of one link into packets.
///
/// Between packets it owns no heap memory; the parts of an incomplete packet are kept in one box.
///
/// ```
/// # use socketio_proto::{Body, Decoder, Limits, Revision};
/// let mut decoder = Decoder::new(Revision::V5, Limits::default());
/// let packet = decoder.decode_text(r#"2/chat,7["say","hello"]"#)?.ok_or("attachments missing")?;
/// assert_eq!((packet.nsp.as_ref(), packet.id), ("/chat", Some(7)));
/// assert!(matches!(packet.body, Body::Event { name, .. } if name == "say"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    revision: Revision,
    limits: Limits,
    parser: Option<Arc<dyn Parser>>,
    pending: Option<Box<Pending>>,
}

/// A packet some of whose attachments are missing.
#[derive(Debug)]
struct Pending {
    nsp: Cow<'static, str>,
    id: Option<u64>,
    /// `None` in an ACK.
    event: Option<String>,
    args: Args<'static>,
    attachments: Vec<Bytes>,
    announced: usize,
    /// Bytes of all attachments so far.
    bytes: usize,
}

impl Decoder {
    /// A decoder of the text form, between packets.
    pub fn new(revision: Revision, limits: Limits) -> Self {
        Self {
            revision,
            limits,
            parser: None,
            pending: None,
        }
    }

    /// With another form than text, if there is a parser.
    #[must_use]
    pub fn with_parser(mut self, parser: Option<Arc<dyn Parser>>) -> Self {
        self.parser = parser;
        self
    }

    /// Decodes a text message. `None` means that the packet's attachments have to follow.
    ///
    /// A packet with attachments is checked in full here, so that nothing is kept for a malformed
    /// one. Of other events and acknowledgements only the head and the event's name are; see
    /// [`Args`].
    ///
    /// # Errors
    /// If the message is no packet or an attachment was due. An incomplete packet is forgotten
    /// then.
    pub fn decode_text<'a>(&mut self, text: &'a str) -> Result<Option<Packet<'a>>, DecodeError> {
        if let Some(parser) = &self.parser {
            let packet = parser.decode_text(text, &self.limits)?;
            return self.checked(packet);
        }
        if self.pending.take().is_some() {
            return Err(DecodeError::UnexpectedText);
        }
        let head = Head::parse(text, self.revision.rules(), &self.limits)?;
        let body = self.body(&head)?;
        match body {
            Body::Event { name, args } if head.attachments > 0 => {
                self.keep(&head, Some(name.into_owned()), args)?
            }
            Body::Ack(args) if head.attachments > 0 => self.keep(&head, None, args)?,
            body => {
                return Ok(Some(Packet {
                    nsp: Cow::Borrowed(head.nsp),
                    id: head.id,
                    body,
                }));
            }
        }
        Ok(None)
    }

    /// Decodes a binary message, which has to be an attachment unless a parser knows more of them.
    /// `None` means that further attachments have to follow.
    ///
    /// # Errors
    /// If no attachment was due or it is too large, or the message is no packet. An incomplete
    /// packet is forgotten then.
    pub fn decode_binary<'a>(&mut self, data: &'a [u8]) -> Result<Option<Packet<'a>>, DecodeError> {
        if let Some(parser) = &self.parser {
            let packet = parser.decode_binary(data, &self.limits)?;
            return self.checked(packet);
        }
        let mut pending = self.pending.take().ok_or(DecodeError::UnexpectedBinary)?;
        pending.bytes += data.len();
        if pending.bytes > self.limits.max_attachment_bytes {
            let (bytes, limit) = (pending.bytes, self.limits.max_attachment_bytes);
            return Err(DecodeError::AttachmentsTooLarge { bytes, limit });
        }
        pending.attachments.push(Bytes::copy_from_slice(data));
        if pending.attachments.len() < pending.announced {
            self.pending = Some(pending);
            return Ok(None);
        }
        let Pending {
            nsp,
            id,
            event,
            args,
            attachments,
            ..
        } = *pending;
        let args = args.with_attachments(attachments);
        let body = match event {
            Some(name) => Body::Event {
                name: name.into(),
                args,
            },
            None => Body::Ack(args),
        };
        Ok(Some(Packet { nsp, id, body }))
    }

    /// The namespace of the packet whose attachments are outstanding, if there is one.
    pub fn pending_namespace(&self) -> Option<&str> {
        self.pending.as_ref().map(|pending| pending.nsp.as_ref())
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Forgets an incomplete packet.
    pub(crate) fn reset(&mut self) {
        self.pending = None;
    }

    fn checked<'a>(&self, packet: Packet<'a>) -> Result<Option<Packet<'a>>, DecodeError> {
        parser::check(&packet, self.revision.rules(), &self.limits)?;
        Ok(Some(packet))
    }

    fn body<'a>(&self, head: &Head<'a>) -> Result<Body<'a>, DecodeError> {
        let rules = self.revision.rules();
        let payload = head.payload;
        match head.kind {
            Kind::Connect if (rules.connect_fits)(payload) => {
                Ok(Body::Connect(payload.map(Cow::from)))
            }
            Kind::Disconnect if payload.is_none() => Ok(Body::Disconnect),
            Kind::ConnectError if (rules.refusal_fits)(payload) => {
                Ok(Body::ConnectError(payload.unwrap_or("null").into()))
            }
            Kind::Event => {
                let array = payload.and_then(array).ok_or(DecodeError::Payload)?;
                let (name, start) = json::event_name(array).ok_or(DecodeError::Payload)?;
                if rules.reserved_events.contains(&name.as_ref()) {
                    return Err(DecodeError::ReservedEvent);
                }
                Ok(Body::Event {
                    name,
                    args: Args::received(array, start),
                })
            }
            Kind::Ack => {
                let array = array(payload.unwrap_or("[]")).ok_or(DecodeError::Payload)?;
                Ok(Body::Ack(Args::received(array, 1)))
            }
            Kind::Connect | Kind::Disconnect | Kind::ConnectError => Err(DecodeError::Payload),
        }
    }

    fn keep(
        &mut self,
        head: &Head<'_>,
        event: Option<String>,
        args: Args<'_>,
    ) -> Result<(), DecodeError> {
        json::check(args.text(), head.attachments)?;
        self.pending = Some(Box::new(Pending {
            nsp: owned_name(head.nsp),
            id: head.id,
            event,
            args: args.into_owned(),
            attachments: Vec::new(),
            announced: head.attachments,
            bytes: 0,
        }));
        Ok(())
    }
}

/// A namespace's name to keep; the default one costs nothing.
pub(crate) fn owned_name(name: &str) -> Cow<'static, str> {
    if name == "/" {
        Cow::Borrowed("/")
    } else {
        Cow::Owned(name.to_owned())
    }
}

/// What looks like an array from outside, without the whitespace behind it.
fn array(payload: &str) -> Option<&str> {
    let array = payload.trim_end_matches(json::WHITESPACE);
    (array.starts_with('[') && array.ends_with(']')).then_some(array)
}
