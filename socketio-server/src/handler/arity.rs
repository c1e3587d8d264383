//! Functions of none to eight parameters, async and plain, are handlers.

use std::future::Future;
use std::sync::Arc;

use super::{Handler, Plain};
use crate::error::Rejection;
use crate::extract::{EventContext, FromEvent};
use crate::proto::Reply;

// Whether parameters can be taken, and futures sent, is asked elsewhere: here it would only be said
// that a function is no handler, and not why.
macro_rules! impl_handler {
    ($($param:ident),*) => {
        #[allow(non_snake_case, reason = "parameters are named like their types")]
        impl<F, R, $($param),*> Handler<($($param,)*)> for F
        where
            F: Fn($($param),*) -> R + Send + Sync + 'static,
            R: Future,
        {
            type Params = ($($param,)*);
            type Output = R::Output;
            type Future = R;

            fn call(self: &Arc<Self>, ($($param,)*): Self::Params) -> R {
                self($($param),*)
            }
        }

        #[allow(non_snake_case, reason = "parameters are named like their types")]
        impl<F, R, $($param),*> Handler<fn($($param),*)> for F
        where
            F: Fn($($param),*) -> R + Send + Sync + 'static,
            // No future does, which keeps the two kinds apart.
            R: Reply,
        {
            type Params = ($($param,)*);
            type Output = R;
            type Future = Plain<F, Self::Params, R>;

            fn call(self: &Arc<Self>, params: Self::Params) -> Self::Future {
                Plain {
                    params: Some(params),
                    function: Arc::clone(self),
                    run: |function, ($($param,)*)| function($($param),*),
                }
            }
        }

        /// Takes them one after the other.
        impl<$($param: FromEvent),*> FromEvent for ($($param,)*) {
            fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
                let _ = &event;
                Ok(($($param::from_event(event)?,)*))
            }
        }
    };
}

impl_handler!();
impl_handler!(A);
impl_handler!(A, B);
impl_handler!(A, B, C);
impl_handler!(A, B, C, D);
impl_handler!(A, B, C, D, E);
impl_handler!(A, B, C, D, E, G);
impl_handler!(A, B, C, D, E, G, H);
impl_handler!(A, B, C, D, E, G, H, I);
