//! What stands around the handlers of events: middlewares, and those who look on.
//!
//! ```text
//!  event ──► observers ──► middleware ──► middleware ──► handler
//!                              ▲              ▲             │ arguments of its answer, or an error
//!  acknowledgement ◄───────────┴──────────────┴─────────────┘
//! ```

use std::cell::Cell;
use std::fmt;
use std::future::ready;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;

use super::Routes;
use super::outgoing::OutgoingObserver;
use crate::error::{HandlerErrorKind, Rejection};
use crate::extract::EventContext;
use crate::handler::{BoxFuture, Failure, Handled, Route, finish, panicked};
use crate::proto::RawArgs;
use crate::reply::{Capture, ReplyTo};

/// How an event ended, as a [middleware](crate::Namespace::wrap) sees it: with the arguments of the
/// acknowledgement that a handler returned, whether or not the client asked for one; with none, if
/// nobody has handled the event or the handler answers [by hand](crate::AckSender); or with the
/// failure of its handler.
pub type Outcome = Result<Option<RawArgs>, HandlerErrorKind>;

/// An event on its way through middlewares, and in the end its [`Outcome`].
///
/// Nothing of the handler has run before it is polled, and nothing runs if it is dropped.
#[must_use = "no handler runs unless this is awaited"]
pub struct HandlerFuture(BoxFuture<Outcome>);

impl HandlerFuture {
    /// What a middleware does, for those that return now one thing and now another.
    pub fn new(future: impl Future<Output = Outcome> + Send + 'static) -> Self {
        Self(Box::pin(future))
    }

    /// An event that ends here: without handler and answer with `Ok(None)`, which drops it.
    pub fn ready(outcome: Outcome) -> Self {
        Self::new(ready(outcome))
    }
}

impl Future for HandlerFuture {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for HandlerFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandlerFuture(..)")
    }
}

/// A middleware without its types.
pub(crate) type Middleware = dyn Fn(&mut EventContext<'_>, Next<'_>) -> HandlerFuture + Send + Sync;

/// Somebody who looks on.
pub(crate) type Observer = dyn Fn(&EventContext<'_>) + Send + Sync;

/// Those who stand around handlers, in the order in which they were registered.
#[derive(Default, Clone)]
pub(crate) struct Around {
    pub(crate) observers: Vec<Arc<Observer>>,
    pub(crate) outgoing_observers: Vec<Arc<OutgoingObserver>>,
    pub(crate) middlewares: Vec<Arc<Middleware>>,
}

impl Around {
    /// Whether nobody has to do with what comes in.
    pub(super) fn lets_in_unseen(&self) -> bool {
        self.observers.is_empty() && self.middlewares.is_empty()
    }

    /// Adds others, further in.
    pub(super) fn append(&mut self, others: Self) {
        self.observers.extend(others.observers);
        self.outgoing_observers.extend(others.outgoing_observers);
        self.middlewares.extend(others.middlewares);
    }

    /// Adds others, further out.
    pub(super) fn prepend(&mut self, others: &Self) {
        let inner = mem::replace(self, others.clone());
        self.append(inner);
    }
}

/// A middleware without its types.
pub(crate) fn middleware<F>(
    middleware: impl Fn(&mut EventContext<'_>, Next<'_>) -> F + Send + Sync + 'static,
) -> Arc<Middleware>
where
    F: Future<Output = Outcome> + Send + 'static,
{
    Arc::new(move |event, next| HandlerFuture::new(middleware(event, next)))
}

/// The way that is left to an event: middlewares further in, and its handler.
pub struct Next<'a> {
    middlewares: &'a [Arc<Middleware>],
    /// Those of the socket alone, which come after the others.
    own: &'a [Arc<Middleware>],
    routes: &'a Routes,
    route: &'a Route<Handled>,
}

impl Next<'_> {
    /// Passes the event on. The parameters of its handler are taken now; the handler runs when what
    /// this returns is awaited.
    pub fn run(self, event: &mut EventContext<'_>) -> HandlerFuture {
        let (outer, inner) = match self.middlewares.is_empty() {
            false => (self.middlewares, self.own),
            true => (self.own, &[][..]),
        };
        match outer.split_first() {
            Some((middleware, middlewares)) => {
                let next = Self {
                    middlewares,
                    own: inner,
                    ..self
                };
                caught(|| middleware(event, next))
            }
            None => handle(self.route, event),
        }
    }

    /// Passes the event on under another name, which has another handler, and with other arguments.
    pub fn run_as(self, event: &mut EventContext<'_>, name: &str, args: &RawArgs) -> HandlerFuture {
        let other = (name != event.name)
            .then(|| self.routes.event(event.socket, name))
            .flatten();
        let next = match &other {
            Some(route) => Next { route, ..self },
            None => self,
        };
        next.run(&mut EventContext {
            socket: event.socket,
            name,
            args: Some(&args.0),
            reason: None,
            reply: event.reply.take(),
            read: Cell::new(true),
            after: mem::take(&mut event.after),
        })
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next")
            .field("middlewares", &(self.middlewares.len() + self.own.len()))
            .finish_non_exhaustive()
    }
}

/// Starts an event's handler with everything that stands around it, `own` for its socket alone.
pub(super) fn start(
    routes: &Routes,
    own: &Around,
    route: &Route<Handled>,
    event: &mut EventContext<'_>,
) -> Result<BoxFuture<Handled>, HandlerErrorKind> {
    // Whoever reads them out here need not notice what is wrong with them.
    let args = event.args()?;
    args.check().map_err(Rejection::Args)?;
    for observer in routes.around.observers.iter().chain(&own.observers) {
        let look = AssertUnwindSafe(|| observer(event));
        if catch_unwind(look).is_err() {
            tracing::error!(target: "socketio", event = event.name, "an observer panicked");
        }
    }
    if routes.around.middlewares.is_empty() && own.middlewares.is_empty() {
        return route.start(event);
    }
    let capture = Arc::new(Capture::new(event.reply.take()));
    event.reply = ReplyTo::captured(&capture);
    let next = Next {
        middlewares: &routes.around.middlewares,
        own: &own.middlewares,
        routes,
        route,
    };
    let outcome = next.run(event);
    event.reply = ReplyTo::default();
    // What is left if no handler has taken it.
    let after = event.after.take();
    Ok(Box::pin(async move {
        let mut outcome = outcome.await;
        if let Some(after) = after {
            let done = finish(after).await;
            outcome = outcome.and_then(|answer| done.map(|()| answer));
        }
        let reply = capture.client();
        let answered = match outcome {
            Ok(Some(args)) => {
                let sent = reply.send(&args);
                sent.map_err(|error| HandlerErrorKind::returned(error.into()))
            }
            Ok(None) => Ok(()),
            Err(kind) => Err(kind),
        };
        answered.map_err(|kind| Failure { kind, reply })
    }))
}

/// Runs the handler itself, and gives its answer to those around it.
fn handle(route: &Route<Handled>, event: &mut EventContext<'_>) -> HandlerFuture {
    let capture = event.reply.capture();
    match route.start(event) {
        Ok(future) => HandlerFuture::new(future.map(move |handled| match handled {
            Ok(()) => Ok(capture.and_then(|capture| capture.take_answer())),
            Err(failure) => Err(failure.kind),
        })),
        Err(kind) => HandlerFuture::ready(Err(kind)),
    }
}

/// What a middleware makes of an event, or that it has panicked.
fn caught(run: impl FnOnce() -> HandlerFuture) -> HandlerFuture {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(future) => {
            let caught = AssertUnwindSafe(future).catch_unwind();
            HandlerFuture::new(caught.map(|outcome| match outcome {
                Ok(outcome) => outcome,
                Err(payload) => Err(panicked(payload)),
            }))
        }
        Err(payload) => HandlerFuture::ready(Err(panicked(payload))),
    }
}
