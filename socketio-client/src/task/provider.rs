//! Asking the application, which may take its time.

use std::any::Any;
use std::fmt;
use std::future::{Future, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures_util::FutureExt;

use crate::failure::panicked;
use crate::handler::BoxFuture;
use crate::proto::BoxError;
use crate::provide::Provide;

/// Asks the application for a `T`.
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
