//! What a session tells `tracing`, target `engineio`: a span around everything its task does, and its
//! messages word for word at the lowest level. Ids never: whoever has one can speak for the client.

use proto::{Format, Message, Prepared, Revision, Transport};
use tracing::{Level, Span, enabled, trace};

/// The span of one session: level `DEBUG`, name `session`, with a number in place of the id. Most
/// servers do not ask for it, so it takes a pointer until somebody does.
pub(crate) type SessionSpan = Option<Box<Span>>;

/// The span of a session that is being opened; `number` is asked only if somebody wants to see it.
pub(crate) fn session(
    number: impl FnOnce() -> u64,
    revision: Revision,
    transport: Transport,
) -> SessionSpan {
    let span = tracing::debug_span!(
        target: "engineio",
        "session",
        number = number(),
        eio = revision.as_str(),
        transport = transport.as_str(),
    );
    span.in_scope(|| tracing::debug!(target: "engineio", "session opened"));
    (!span.is_disabled()).then(|| Box::new(span))
}

/// A message has arrived.
#[inline]
pub(crate) fn received(message: &Message<'_>) {
    match message {
        Message::Text(text) => trace!(target: "engineio", text, "message received"),
        Message::Binary(data) => {
            trace!(target: "engineio", bytes = data.len(), "binary message received");
        }
    }
}

/// A message is on its way, with all that belongs to it.
#[inline]
pub(crate) fn sent(message: &Prepared) {
    if enabled!(target: "engineio", Level::TRACE) {
        write(message);
    }
}

#[cold]
fn write(message: &Prepared) {
    for packet in message.packets(Format::new(Revision::V4)) {
        match packet {
            // Behind the digit that says it is a message.
            Message::Text(text) => {
                let text = text.get(1..).unwrap_or_default();
                trace!(target: "engineio", text, "message sent");
            }
            Message::Binary(data) => {
                trace!(target: "engineio", bytes = data.len(), "binary message sent");
            }
        }
    }
}
