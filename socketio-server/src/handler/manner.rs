//! How handlers are run: in the client's task beside each other, unless something else is said.

use std::sync::Arc;

use super::Handler;

/// How handlers are run: what was said by [`Handler::ordered`] and its like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    /// The socket's next event waits for the end of this handler.
    pub(crate) ordered: bool,
    /// Where it runs; in the client's task if nothing is said.
    pub(crate) place: Option<Place>,
    /// It does not outlive its socket.
    pub(crate) cancelled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A task of its own.
    Task,
    /// A thread of the pool.
    Pool,
}

impl Manner {
    pub(crate) const fn ordered() -> Self {
        Self {
            ordered: true,
            place: None,
            cancelled: false,
        }
    }

    pub(crate) const fn at(place: Place) -> Self {
        Self {
            ordered: false,
            place: Some(place),
            cancelled: false,
        }
    }

    pub(crate) const fn cancelled() -> Self {
        Self {
            ordered: false,
            place: None,
            cancelled: true,
        }
    }

    /// Whether the handler means something to its socket.
    pub(crate) const fn is_tied(self) -> bool {
        self.ordered || self.cancelled
    }

    /// Both together; where they disagree, this one counts.
    pub(crate) fn or(self, default: Self) -> Self {
        Self {
            ordered: self.ordered || default.ordered,
            place: self.place.or(default.place),
            cancelled: self.cancelled || default.cancelled,
        }
    }
}

/// A handler of which was said how it is run.
#[derive(Debug)]
pub struct WithManner<H> {
    handler: Arc<H>,
    manner: Manner,
}

impl<H> WithManner<H> {
    pub(super) fn new(handler: H, manner: Manner) -> Self {
        Self {
            handler: Arc::new(handler),
            manner,
        }
    }
}

impl<M, H: Handler<M>> Handler<M> for WithManner<H> {
    type Params = H::Params;
    type Output = H::Output;
    type Future = H::Future;

    fn call(self: &Arc<Self>, params: H::Params) -> H::Future {
        self.handler.call(params)
    }

    fn manner(&self) -> Manner {
        self.manner.or(self.handler.manner())
    }

    fn name(&self) -> &'static str {
        self.handler.name()
    }
}
