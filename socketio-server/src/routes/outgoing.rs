//! Those who look at what is sent.

use std::cell::OnceCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{Personal, Routes};
use crate::namespace::Namespace;
use crate::proto::{EncodeError, Encoder, Payload, RawArgs, Revision};
use crate::socket::Socket;

/// An event on its way to a client, as those see it who
/// [look on](crate::Namespace::on_any_outgoing).
#[derive(Debug)]
#[non_exhaustive]
pub struct Outgoing<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its arguments.
    pub args: RawArgs,
}

/// Somebody who looks on.
pub(crate) type OutgoingObserver = dyn Fn(&Socket, &Outgoing<'_>) + Send + Sync;

/// An event, and who is to see it.
pub(crate) struct Show<'a, T: ?Sized> {
    name: &'a str,
    args: &'a T,
    routes: Arc<Routes>,
    /// Made when the first one is to see it; `None` if it cannot be shown.
    outgoing: OnceCell<Option<Outgoing<'a>>>,
}

impl<'a, T: Payload + ?Sized> Show<'a, T> {
    /// What is about to be sent in a namespace, if anybody on the server looks on.
    #[inline]
    pub(crate) fn of(namespace: &Namespace, name: &'a str, args: &'a T) -> Option<Self> {
        let is_seen = namespace.io().revision().observes_outgoing();
        is_seen.then(|| Self {
            name,
            args,
            routes: namespace.routes(),
            outgoing: OnceCell::new(),
        })
    }

    /// Shows that it goes to this socket.
    pub(crate) fn to(&self, socket: &Socket) {
        let all = &self.routes.around.outgoing_observers;
        let own = socket.personal_if_any().and_then(Personal::around);
        let own = own.iter().flat_map(|own| &own.outgoing_observers);
        for observer in all.iter().chain(own) {
            let Some(outgoing) = self.outgoing.get_or_init(|| self.make()) else {
                return;
            };
            let look = AssertUnwindSafe(|| observer(socket, outgoing));
            if catch_unwind(look).is_err() {
                let event = self.name;
                tracing::error!(target: "socketio", event, "an observer panicked");
            }
        }
    }

    fn make(&self) -> Option<Outgoing<'a>> {
        let (event, args) = (self.name, raw(self.args));
        let args = args.inspect_err(|error| {
            tracing::error!(target: "socketio", event, %error, "an event cannot be shown");
        });
        Some(Outgoing {
            name: event,
            args: args.ok()?,
        })
    }
}

/// What somebody sends, as a peer would get it.
///
/// # Errors
/// If it cannot be encoded.
pub(crate) fn raw(args: &(impl Payload + ?Sized)) -> Result<RawArgs, EncodeError> {
    let encoded = args.ack(&Encoder::new(Revision::V5, 0), "/", 0)?;
    let text = encoded.text();
    // In front of it there is the head of the packet, which has no brackets.
    let array = text.find('[').map_or("[]", |start| &text[start..]);
    let args = crate::proto::Args::new(array.to_owned(), encoded.attachments.clone());
    // Invariant: it has been encoded just now.
    Ok(RawArgs(args.expect("a JSON array")))
}
