//! Asks the application, in the blocking client.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::failure::panicked;
use crate::proto::BoxError;
use crate::provide::Provide;

/// Knows a `T`, or whom to ask for it.
pub(crate) enum Provider<T> {
    Fixed(Result<T, Arc<str>>),
    Asked(Arc<Ask<T>>),
}

type Ask<T> = dyn Fn() -> Result<T, BoxError> + Send + Sync;

impl<T> Provider<T> {
    /// Always the same: it, or why there is none.
    pub(super) fn fixed(value: Result<T, BoxError>) -> Self {
        Self::Fixed(value.map_err(|error| error.to_string().into()))
    }

    /// What a function says each time.
    pub(super) fn asked<F, R>(ask: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Provide<T>,
    {
        Self::Asked(Arc::new(move || ask().provide()))
    }
}

impl<T: Clone> Provider<T> {
    /// Asks, which may take its time. A panic is an error.
    pub(super) fn ask(&self) -> Result<T, BoxError> {
        match self {
            Self::Fixed(value) => value.clone().map_err(|error| error.to_string().into()),
            Self::Asked(ask) => catch_unwind(AssertUnwindSafe(|| ask()))
                .unwrap_or_else(|payload| Err(panicked(payload).into())),
        }
    }
}

impl<T: Clone> Clone for Provider<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Fixed(value) => Self::Fixed(value.clone()),
            Self::Asked(ask) => Self::Asked(Arc::clone(ask)),
        }
    }
}
