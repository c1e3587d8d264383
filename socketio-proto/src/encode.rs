//! From packets to messages: which packets there are and which of them may be sent. How a message
//! is put together is left to `draft`, or to a parser.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    Args, EncodeError, Parser, Revision,
    draft::Draft,
    head::{Kind, MAX_ID},
    json,
};

/// Turns packets into messages.
///
/// The data of events and acknowledgements is any serialisable value. `()` is no argument, a tuple
/// is an argument per element, anything else is one argument. serde does not tell fixed-size arrays
/// from tuples, nor `serde_json::Value::Null` from `()`; wrap them as `(value,)` to send one
/// argument. A [`Value`](crate::Value) needs no wrapping. NaN and infinities become null, as in
/// JavaScript.
///
/// ```
/// # use socketio_proto::{EncodeError, Encoder, Revision};
/// let encoder = Encoder::new(Revision::V5, 1);
/// let mut event = encoder.event("/chat", Some(7), "say", &("hello", 1))?;
/// assert_eq!(event.text(), r#"2/chat,7["say","hello",1]"#);
///
/// // The layer below puts its own type in front, in place.
/// event.start -= 1;
/// event.buffer[event.start] = b'4';
/// assert_eq!(event.text(), r#"42/chat,7["say","hello",1]"#);
/// # Ok::<(), EncodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Encoder {
    revision: Revision,
    headroom: usize,
    parser: Option<Arc<dyn Parser>>,
}

/// An encoded packet: a text message and the binary messages that have to follow it with nothing in
/// between. From a [`Parser`] it is one message, which may be binary: then there is no text.
#[derive(Clone, PartialEq, Eq)]
#[must_use = "an encoded packet has to be sent"]
#[non_exhaustive]
pub struct Encoded {
    /// Holds the text message, from `start` to the end.
    pub buffer: Vec<u8>,
    /// Where the text starts, at the end if there is none. At least the encoder's headroom, so that the layer below can put its
    /// head in front.
    pub start: usize,
    /// The binary messages, in order.
    pub attachments: Vec<Bytes>,
}

impl Encoded {
    /// Whether there is a text message.
    pub fn has_text(&self) -> bool {
        self.start < self.buffer.len()
    }

    /// The text message, empty if there is none.
    pub fn text(&self) -> &str {
        // Invariant: `start` is where this crate, or the caller, began to write text.
        str::from_utf8(&self.buffer[self.start..]).expect("the message is text")
    }
}

/// A text message.
impl From<String> for Encoded {
    fn from(text: String) -> Self {
        Self {
            buffer: text.into_bytes(),
            start: 0,
            attachments: Vec::new(),
        }
    }
}

/// A binary message.
impl From<Bytes> for Encoded {
    fn from(data: Bytes) -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            attachments: vec![data],
        }
    }
}

/// A binary message.
impl From<Vec<u8>> for Encoded {
    fn from(data: Vec<u8>) -> Self {
        Bytes::from(data).into()
    }
}

/// Shows how much there is, not what.
impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoded")
            .field("text_bytes", &(self.buffer.len() - self.start))
            .field("attachments", &self.attachments.len())
            .finish_non_exhaustive()
    }
}

impl Encoder {
    /// An encoder of the text form that leaves at least `headroom` bytes free in front of each text message.
    pub const fn new(revision: Revision, headroom: usize) -> Self {
        Self {
            revision,
            headroom,
            parser: None,
        }
    }

    /// With another form than text, if there is a parser.
    #[must_use]
    pub fn with_parser(mut self, parser: Option<Arc<dyn Parser>>) -> Self {
        self.parser = parser;
        self
    }

    /// An EVENT; with an id it asks for an acknowledgement.
    ///
    /// # Errors
    /// If the name is reserved, the namespace or id cannot be sent, or the data cannot be
    /// represented.
    pub fn event<T>(
        &self,
        nsp: &str,
        id: Option<u64>,
        name: &str,
        args: &T,
    ) -> Result<Encoded, EncodeError>
    where
        T: Serialize + ?Sized,
    {
        self.check_event(nsp, id, name)?;
        let mut draft = self.draft(Kind::Event, nsp, id, Some(name));
        draft.list(args)?;
        self.spell(&mut draft)
    }

    /// An EVENT with the arguments of another packet, unchanged.
    ///
    /// # Errors
    /// As [`event`](Self::event), and if the arguments turn out to be malformed.
    pub fn event_raw(
        &self,
        nsp: &str,
        id: Option<u64>,
        name: &str,
        args: &Args<'_>,
    ) -> Result<Encoded, EncodeError> {
        self.check_event(nsp, id, name)?;
        let mut draft = self.draft(Kind::Event, nsp, id, Some(name));
        draft.raw_list(args)?;
        self.spell(&mut draft)
    }

    /// The ACK that answers the event with this id.
    ///
    /// # Errors
    /// If the namespace or id cannot be sent, or the data cannot be represented.
    pub fn ack<T>(&self, nsp: &str, id: u64, args: &T) -> Result<Encoded, EncodeError>
    where
        T: Serialize + ?Sized,
    {
        check_address(nsp, Some(id))?;
        let mut draft = self.draft(Kind::Ack, nsp, Some(id), None);
        draft.list(args)?;
        self.spell(&mut draft)
    }

    /// An ACK with the arguments of another packet, unchanged.
    ///
    /// # Errors
    /// As [`ack`](Self::ack), and if the arguments turn out to be malformed.
    pub fn ack_raw(&self, nsp: &str, id: u64, args: &Args<'_>) -> Result<Encoded, EncodeError> {
        check_address(nsp, Some(id))?;
        let mut draft = self.draft(Kind::Ack, nsp, Some(id), None);
        draft.raw_list(args)?;
        self.spell(&mut draft)
    }

    /// The CONNECT of a client, with what it has to say for itself.
    ///
    /// # Errors
    /// If the namespace cannot be sent.
    pub fn connect(
        &self,
        nsp: &str,
        auth: Option<&Map<String, Value>>,
    ) -> Result<Encoded, EncodeError> {
        check_namespace(nsp)?;
        Ok(self.join(nsp, auth))
    }

    /// The CONNECT of a server: the client has joined, under this session id. The recovery id `pid`
    /// is a secret.
    ///
    /// # Errors
    /// If the namespace cannot be sent.
    pub fn connected(
        &self,
        nsp: &str,
        sid: &str,
        pid: Option<&str>,
    ) -> Result<Encoded, EncodeError> {
        check_namespace(nsp)?;
        Ok(self.grant(nsp, sid, pid))
    }

    /// The CONNECT_ERROR of a server: the client may not join.
    ///
    /// # Errors
    /// If the namespace cannot be sent.
    pub fn connect_error(
        &self,
        nsp: &str,
        message: &str,
        data: Option<&Value>,
    ) -> Result<Encoded, EncodeError> {
        check_namespace(nsp)?;
        Ok(self.refuse(nsp, message, data))
    }

    /// The DISCONNECT of either side.
    ///
    /// # Errors
    /// If the namespace cannot be sent.
    pub fn disconnect(&self, nsp: &str) -> Result<Encoded, EncodeError> {
        check_namespace(nsp)?;
        Ok(self.leave(nsp))
    }

    // The same for connections, whose namespaces are known to be fine.

    pub(crate) fn join(&self, nsp: &str, auth: Option<&Map<String, Value>>) -> Encoded {
        let request = (self.revision.rules().write_request)(nsp, auth);
        let mut draft = self.draft(Kind::Connect, &request.nsp, None, None);
        if let Some(payload) = request.payload {
            json::append(&mut draft.buffer, payload);
        }
        self.finish(&mut draft)
    }

    pub(crate) fn grant(&self, nsp: &str, sid: &str, pid: Option<&str>) -> Encoded {
        let mut draft = self.draft(Kind::Connect, nsp, None, None);
        (self.revision.rules().write_answer)(&mut draft.buffer, sid, pid);
        self.finish(&mut draft)
    }

    pub(crate) fn refuse(&self, nsp: &str, message: &str, data: Option<&Value>) -> Encoded {
        let mut draft = self.draft(Kind::ConnectError, nsp, None, None);
        (self.revision.rules().write_refusal)(&mut draft.buffer, message, data);
        self.finish(&mut draft)
    }

    pub(crate) fn unknown(&self, nsp: &str) -> Encoded {
        let mut draft = self.draft(Kind::ConnectError, nsp, None, None);
        let refusal = br#"{"message":"Invalid namespace"}"#;
        draft.buffer.extend_from_slice(refusal);
        self.finish(&mut draft)
    }

    pub(crate) fn leave(&self, nsp: &str) -> Encoded {
        self.finish(&mut self.draft(Kind::Disconnect, nsp, None, None))
    }

    /// Puts an event or acknowledgement into the form of this encoder.
    fn spell(&self, draft: &mut Draft<'_>) -> Result<Encoded, EncodeError> {
        match &self.parser {
            None => Ok(draft.seal()),
            Some(parser) => Ok(self.make_room(parser.encode(&draft.packet())?)),
        }
    }

    /// Puts a packet that cannot be done without into the form of this encoder, or else into text:
    /// the other side then sees that something is wrong.
    fn finish(&self, draft: &mut Draft<'_>) -> Encoded {
        let parser = self.parser.as_ref();
        match parser.map(|parser| parser.encode(&draft.packet())) {
            Some(Ok(encoded)) => self.make_room(encoded),
            None | Some(Err(_)) => draft.seal(),
        }
    }

    fn make_room(&self, mut encoded: Encoded) -> Encoded {
        if encoded.has_text() && encoded.start < self.headroom {
            let text = encoded.buffer.split_off(encoded.start);
            encoded.buffer = Vec::with_capacity(self.headroom + text.len());
            encoded.buffer.resize(self.headroom, 0);
            encoded.buffer.extend_from_slice(&text);
            encoded.start = self.headroom;
        }
        encoded
    }

    fn check_event(&self, nsp: &str, id: Option<u64>, name: &str) -> Result<(), EncodeError> {
        if self.revision.rules().reserved_events.contains(&name) {
            return Err(EncodeError::ReservedEvent);
        }
        check_address(nsp, id)
    }

    fn draft<'a>(
        &self,
        kind: Kind,
        nsp: &'a str,
        id: Option<u64>,
        event: Option<&'a str>,
    ) -> Draft<'a> {
        Draft::new(self.headroom, kind, nsp, id, event)
    }
}

pub(crate) fn check_namespace(nsp: &str) -> Result<(), EncodeError> {
    if nsp.starts_with('/') && !nsp.contains(',') {
        Ok(())
    } else {
        Err(EncodeError::Namespace)
    }
}

fn check_address(nsp: &str, id: Option<u64>) -> Result<(), EncodeError> {
    check_namespace(nsp)?;
    if id.is_some_and(|id| id > MAX_ID) {
        Err(EncodeError::Id)
    } else {
        Ok(())
    }
}
