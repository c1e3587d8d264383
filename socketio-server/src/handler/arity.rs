//! Functions of none to eight parameters, async and plain, are handlers.

use std::future::Future;
use std::sync::Arc;

use super::{Handler, Plain};
use crate::error::Rejection;
use crate::extract::{EventContext, FromEvent};
use crate::proto::Reply;

macro_rules! impl_handler {
    ($($param:ident),*) => {
        impl<F, R, $($param),*> Handler<($($param,)*)> for F
        where
            F: Fn($($param),*) -> R + Send + Sync + 'static,
            R: Future + Send + 'static,
            $($param: FromEvent),*
        {
            type Output = R::Output;
            type Future = R;

            fn call(self: &Arc<Self>, event: &mut EventContext<'_>) -> Result<R, Rejection> {
                let _ = &event;
                Ok(self($($param::from_event(event)?),*))
            }
        }

        impl<F, R, $($param),*> Handler<fn($($param),*)> for F
        where
            F: Fn($($param),*) -> R + Send + Sync + 'static,
            // No future does, which keeps the two kinds apart.
            R: Reply + 'static,
            $($param: FromEvent + Send + 'static),*
        {
            type Output = R;
            type Future = Plain<F, ($($param,)*), R>;

            #[allow(non_snake_case, reason = "parameters are named like their types")]
            fn call(
                self: &Arc<Self>,
                event: &mut EventContext<'_>,
            ) -> Result<Self::Future, Rejection> {
                let _ = &event;
                Ok(Plain {
                    params: Some(($($param::from_event(event)?,)*)),
                    function: Arc::clone(self),
                    run: |function, ($($param,)*)| function($($param),*),
                })
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
