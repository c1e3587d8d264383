//! How what a handler returns becomes an acknowledgement, at either end.

use std::error::Error;

use serde::Serialize;

use crate::{Binary, Payload, RawArgs, Value};

/// Any error of a handler.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What an event handler can return. It answers the peer, if that asked for an acknowledgement.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by an event handler",
    note = "wrap a value of your own in `Ack(value)` or return `Result<T, E>`"
)]
pub trait Reply {
    /// What the peer is answered.
    type Args: Payload;

    /// The arguments of the acknowledgement.
    ///
    /// # Errors
    /// Goes to the error hook; the peer is not answered.
    fn into_args(self) -> Result<Self::Args, BoxError>;
}

/// Answers with a value of any type: a tuple becomes several arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper")]
pub struct Ack<T>(pub T);

impl<T: Payload> Reply for Ack<T> {
    type Args = T;

    fn into_args(self) -> Result<T, BoxError> {
        Ok(self.0)
    }
}

/// An error goes to the hook, and the peer is not answered.
impl<T: Payload, E: Into<BoxError>> Reply for Result<T, E> {
    type Args = T;

    fn into_args(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}

/// Types that answer with themselves.
macro_rules! reply_as_is {
    ($([$($generics:tt)*] $type:ty),* $(,)?) => {$(
        impl<$($generics)*> Reply for $type {
            type Args = Self;

            fn into_args(self) -> Result<Self, BoxError> {
                Ok(self)
            }
        }
    )*};
}

reply_as_is! {
    [] RawArgs, [] (), [] bool, [] char, [] String, [] &'static str, [] Value, [] serde_json::Value, [] Binary,
    [] i8, [] i16, [] i32, [] i64, [] isize, [] u8, [] u16, [] u32, [] u64, [] usize, [] f32, [] f64,
    [T: Serialize] Vec<T>, [T: Serialize] Option<T>,
    [A: Serialize] (A,), [A: Serialize, B: Serialize] (A, B),
    [A: Serialize, B: Serialize, C: Serialize] (A, B, C),
    [A: Serialize, B: Serialize, C: Serialize, D: Serialize] (A, B, C, D),
}
