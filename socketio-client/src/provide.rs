//! What an application is asked for at every attempt: credentials, URL, headers.

use std::fmt;

use http::HeaderMap;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::proto::BoxError;

/// What a server is shown when a namespace is asked for: a JSON object, or nothing.
#[derive(Clone, Default)]
pub struct Credentials(Option<Map<String, Value>>);

impl Credentials {
    pub(crate) fn new(value: impl Serialize) -> Result<Self, BoxError> {
        match serde_json::to_value(value)? {
            Value::Null => Ok(Self(None)),
            Value::Object(object) => Ok(Self(Some(object))),
            _ => Err("credentials are no JSON object".into()),
        }
    }

    pub(crate) fn into_object(self) -> Option<Map<String, Value>> {
        self.0
    }
}

/// Shows nothing: they are secrets.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// What a function that is asked for a `T` can return: it, or a `Result`. An error fails the
/// attempt.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not provide `{T}`",
    note = "return a `String` as URL, a `HeaderMap` as headers, a `serde_json::Value` as credentials, or a `Result`"
)]
pub trait Provide<T> {
    /// It.
    ///
    /// # Errors
    /// The attempt fails, with this for its error.
    fn provide(self) -> Result<T, BoxError>;
}

impl Provide<Credentials> for Value {
    fn provide(self) -> Result<Credentials, BoxError> {
        Credentials::new(self)
    }
}

impl<T: Serialize, E: Into<BoxError>> Provide<Credentials> for Result<T, E> {
    fn provide(self) -> Result<Credentials, BoxError> {
        Credentials::new(self.map_err(Into::into)?)
    }
}

macro_rules! provide_as_is {
    ($($type:ty),*) => {$(
        impl Provide<$type> for $type {
            fn provide(self) -> Result<$type, BoxError> {
                Ok(self)
            }
        }

        impl<E: Into<BoxError>> Provide<$type> for Result<$type, E> {
            fn provide(self) -> Result<$type, BoxError> {
                self.map_err(Into::into)
            }
        }
    )*};
}

provide_as_is!(String, HeaderMap);
