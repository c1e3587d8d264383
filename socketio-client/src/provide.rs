//! What an application is asked for at every attempt: credentials, URL, headers.

use std::any::Any;
use std::fmt;
use std::future::{Future, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt;
use http::HeaderMap;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::failure::panicked;
use crate::handler::BoxFuture;
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

/// Asks the application for a `T`, in the async client.
pub(crate) struct Provider<T>(Arc<Ask<T>>);

type Ask<T> = dyn Fn() -> BoxFuture<Result<T, BoxError>> + Send + Sync;

impl<T: Send + 'static> Provider<T> {
    /// Always the same: it, or why there is none.
    pub(crate) fn fixed(value: Result<T, BoxError>) -> Self
    where
        T: Clone + Sync,
    {
        let value = value.map_err(|error| error.to_string());
        Self(Arc::new(move || {
            Box::pin(ready(value.clone().map_err(BoxError::from)))
        }))
    }

    /// What a function says each time.
    pub(crate) fn asked<F, R>(ask: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output: Provide<T>> + Send + 'static,
    {
        Self(Arc::new(move || Box::pin(ask().map(Provide::provide))))
    }

    /// Asks. It runs in the client's task, which must go on whatever happens in there.
    pub(crate) fn ask(&self) -> BoxFuture<Result<T, BoxError>> {
        match catch_unwind(AssertUnwindSafe(|| (self.0)())) {
            Ok(asked) => Box::pin(
                AssertUnwindSafe(asked)
                    .catch_unwind()
                    .map(|caught| caught.unwrap_or_else(|payload| Err(panic_error(payload)))),
            ),
            Err(payload) => Box::pin(ready(Err(panic_error(payload)))),
        }
    }
}

fn panic_error(payload: Box<dyn Any + Send>) -> BoxError {
    panicked(payload).into()
}

impl<T> Clone for Provider<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Provider<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider(..)")
    }
}
