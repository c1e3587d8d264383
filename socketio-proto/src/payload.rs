//! What handlers and emitters of both ends exchange with the connection: data of the application,
//! or arguments as they came.

use std::ops::{Deref, DerefMut};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Args, ArgsError, EncodeError, Encoded, Encoder};

/// The arguments of an event as the type `T`: a tuple takes several, any other type the first one.
/// Missing arguments read as null; surplus ones are ignored.
///
/// [`Binary`](crate::Binary) anywhere inside takes an attachment.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a pattern in parameters")]
pub struct Data<T>(pub T);

impl<T> Deref for Data<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Data<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// The arguments as they came: for handlers that look at them later, or pass them on unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a pattern in parameters")]
pub struct RawArgs(pub Args<'static>);

/// The name of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a pattern in parameters")]
pub struct EventName(pub String);

/// The arguments of an event or an acknowledgement.
///
/// Of serializable data `()` is no arguments, a tuple (or an array of fixed size) several, anything
/// else one; [`Binary`](crate::Binary) anywhere inside travels as bytes. [`RawArgs`] are passed on
/// unchanged.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be sent",
    note = "data of an event implements `serde::Serialize`"
)]
pub trait Payload {
    /// Encodes an event with these arguments.
    ///
    /// # Errors
    /// If they cannot be expressed, or the name is reserved.
    fn event(
        &self,
        encoder: &Encoder,
        nsp: &str,
        id: Option<u64>,
        name: &str,
    ) -> Result<Encoded, EncodeError>;

    /// Encodes an acknowledgement with these arguments.
    ///
    /// # Errors
    /// If they cannot be expressed.
    fn ack(&self, encoder: &Encoder, nsp: &str, id: u64) -> Result<Encoded, EncodeError>;
}

impl<T: Serialize + ?Sized> Payload for T {
    fn event(
        &self,
        encoder: &Encoder,
        nsp: &str,
        id: Option<u64>,
        name: &str,
    ) -> Result<Encoded, EncodeError> {
        encoder.event(nsp, id, name, self)
    }

    fn ack(&self, encoder: &Encoder, nsp: &str, id: u64) -> Result<Encoded, EncodeError> {
        encoder.ack(nsp, id, self)
    }
}

impl Payload for RawArgs {
    fn event(
        &self,
        encoder: &Encoder,
        nsp: &str,
        id: Option<u64>,
        name: &str,
    ) -> Result<Encoded, EncodeError> {
        encoder.event_raw(nsp, id, name, &self.0)
    }

    fn ack(&self, encoder: &Encoder, nsp: &str, id: u64) -> Result<Encoded, EncodeError> {
        encoder.ack_raw(nsp, id, &self.0)
    }
}

/// What the arguments of an acknowledgement are read as: any deserializable type, by the rules of
/// [`Data`], or [`RawArgs`].
#[diagnostic::on_unimplemented(
    message = "an answer cannot be read as `{Self}`",
    note = "an answer is read as a type that implements `serde::Deserialize`, or as `RawArgs`"
)]
pub trait FromArgs: Sized {
    /// Reads them.
    ///
    /// # Errors
    /// If they are of another shape.
    fn from_args(args: Args<'static>) -> Result<Self, ArgsError>;
}

impl<T: DeserializeOwned> FromArgs for T {
    fn from_args(args: Args<'static>) -> Result<Self, ArgsError> {
        args.parse()
    }
}

impl FromArgs for RawArgs {
    fn from_args(args: Args<'static>) -> Result<Self, ArgsError> {
        Ok(Self(args))
    }
}
