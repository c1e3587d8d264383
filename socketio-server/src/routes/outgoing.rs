//! Those who look at what is sent.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

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
pub(crate) struct Show<'a> {
    outgoing: Outgoing<'a>,
    observers: Vec<Arc<OutgoingObserver>>,
}

impl<'a> Show<'a> {
    /// What is about to be sent in a namespace, if anybody looks on.
    ///
    /// # Errors
    /// If it cannot be encoded.
    #[inline]
    pub(crate) fn of(
        namespace: &Namespace,
        name: &'a str,
        args: &(impl Payload + ?Sized),
    ) -> Result<Option<Self>, EncodeError> {
        match namespace.io().revision().observes_outgoing() {
            true => Self::now(namespace, name, args),
            false => Ok(None),
        }
    }

    fn now(
        namespace: &Namespace,
        name: &'a str,
        args: &(impl Payload + ?Sized),
    ) -> Result<Option<Self>, EncodeError> {
        let observers = namespace.routes().outgoing_observers().to_vec();
        if observers.is_empty() {
            return Ok(None);
        }
        let args = raw(args)?;
        let outgoing = Outgoing { name, args };
        Ok(Some(Self {
            outgoing,
            observers,
        }))
    }

    /// Shows that it goes to this socket.
    pub(crate) fn to(&self, socket: &Socket) {
        for observer in &self.observers {
            let look = AssertUnwindSafe(|| observer(socket, &self.outgoing));
            if catch_unwind(look).is_err() {
                let event = self.outgoing.name;
                tracing::error!(target: "socketio", event, "an observer panicked");
            }
        }
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
