//! An event as a client got it.

use std::fmt;

use tokio::sync::mpsc;

use super::driver::Command;
use crate::proto::{Args, Encoder, FromArgs, Payload};

/// An event of the server.
///
/// Prints as its name and JSON, and the size of what is not JSON: `message ["hello",1] + 7 bytes`.
pub struct Event {
    pub(super) name: String,
    pub(super) args: Args<'static>,
    pub(super) reply: Option<Reply>,
}

/// Where the answer goes.
pub(super) struct Reply {
    pub(super) id: u64,
    pub(super) namespace: String,
    pub(super) encoder: Encoder,
    /// An event that is looked at later does not keep its link open.
    pub(super) commands: mpsc::WeakUnboundedSender<Command>,
}

impl Event {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its arguments: a tuple takes several, any other type the first one, `()` none.
    ///
    /// # Panics
    /// If they do not fit.
    #[must_use]
    #[track_caller]
    pub fn data<T: FromArgs>(&self) -> T {
        match T::from_args(self.args.clone()) {
            Ok(data) => data,
            Err(error) => panic!(
                "`{self}` is no {}: {}",
                std::any::type_name::<T>(),
                Causes(&error)
            ),
        }
    }

    /// Whether the server waits for an answer: it was sent with a `call`.
    #[must_use]
    pub const fn is_call(&self) -> bool {
        self.reply.is_some()
    }

    /// Answers a call.
    ///
    /// # Panics
    /// If the server does not wait for an answer, or it cannot be encoded.
    #[track_caller]
    pub fn ack(self, answer: &(impl Payload + ?Sized)) {
        let Some(reply) = &self.reply else {
            panic!("`{self}` wants no answer");
        };
        match answer.ack(&reply.encoder, &reply.namespace, reply.id) {
            // A link that is gone has taken the call with it.
            Ok(answer) => drop(
                reply
                    .commands
                    .upgrade()
                    .map(|it| it.send(Command::Send(answer))),
            ),
            Err(error) => panic!("the answer to `{self}` cannot be sent: {error}"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.name, self.args.raw())?;
        for attachment in self.args.attachments() {
            write!(f, " + {} bytes", attachment.len())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}

/// An error and what led to it.
struct Causes<'a>(&'a dyn std::error::Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
