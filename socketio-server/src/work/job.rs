//! An event on its way to its handler.

use std::borrow::Cow;
use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::Step;
use super::running::Bond;
use crate::error::{DisconnectReason, HandlerErrorKind, Rejection};
use crate::extract::{After, EventContext};
use crate::handler::{BoxFuture, DISCONNECT, Failure, Handled, Manner, Route, Stopwatch, UPGRADE};
use crate::observed::Observed;
use crate::proto::{Args, ArgsError};
use crate::reply::ReplyTo;
use crate::routes::Routes;
use crate::socket::Socket;

/// The arguments of an event are no JSON: the client has broken the protocol.
#[derive(Debug)]
pub(crate) struct Malformed;

/// An event on its way to its handler, borrowed from whoever has it.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) socket: &'a Socket,
    pub(crate) routes: &'a Arc<Routes>,
    pub(crate) what: &'a What<'a>,
}

pub(crate) enum What<'a> {
    Event {
        name: Cow<'a, str>,
        id: Option<u64>,
        args: Args<'a>,
    },
    Upgrade,
    Disconnect(DisconnectReason),
}

/// An event that waits, detached from the message it came in.
pub(crate) struct Kept {
    pub(crate) socket: Socket,
    pub(crate) routes: Arc<Routes>,
    pub(crate) what: What<'static>,
}

impl What<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Event { name, .. } => name,
            Self::Upgrade => UPGRADE,
            Self::Disconnect(_) => DISCONNECT,
        }
    }

    /// Whether its name is known for a handler of its own, and none that a client has made up.
    fn is_named(&self, routes: &Routes) -> bool {
        match self {
            Self::Event { name, .. } => routes.has(name),
            Self::Upgrade | Self::Disconnect(_) => true,
        }
    }

    fn args(&self) -> Option<&Args<'_>> {
        match self {
            Self::Event { args, .. } => Some(args),
            Self::Upgrade | Self::Disconnect(_) => None,
        }
    }

    /// Bytes it keeps while it waits.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Event { name, args, .. } => {
                let attachments = args.attachments().iter().map(bytes::Bytes::len);
                name.len() + args.raw().len() + attachments.sum::<usize>()
            }
            Self::Upgrade | Self::Disconnect(_) => 0,
        }
    }

    pub(super) fn to_owned(&self) -> What<'static> {
        match self {
            Self::Event { name, id, args } => What::Event {
                name: name.clone().into_owned().into(),
                id: *id,
                args: args.clone().into_owned(),
            },
            Self::Upgrade => What::Upgrade,
            Self::Disconnect(reason) => What::Disconnect(*reason),
        }
    }
}

impl Kept {
    pub(crate) fn job(&self) -> Job<'_> {
        Job {
            socket: &self.socket,
            routes: &self.routes,
            what: &self.what,
        }
    }
}

/// A handler that has its parameters.
pub(crate) struct Begun<'a> {
    pub(crate) future: BoxFuture<Handled>,
    pub(crate) manner: Manner,
    route: Cow<'a, Arc<Route<Handled>>>,
    stopwatch: Stopwatch,
    observed: Observed,
}

impl<'a> Job<'a> {
    /// Takes the parameters and makes the handler's future; `None` if there is nothing to run.
    pub(super) fn start(self) -> Result<Option<Begun<'a>>, Malformed> {
        let (id, args, reason, route) = match self.what {
            What::Event { name, id, args } => {
                let route = self.routes.event(self.socket, name);
                (*id, Some(args), None, route)
            }
            What::Upgrade => {
                let route = self.routes.upgrade().map(Cow::Borrowed);
                (None, None, None, route)
            }
            What::Disconnect(reason) => {
                self.socket.personal().forget_handlers();
                let route = self.routes.disconnect().map(Cow::Borrowed);
                (None, None, Some(*reason), route)
            }
        };
        let Some(route) = route else {
            check_unread(args)?;
            return Ok(None);
        };
        let manner = route.manner.or(self.routes.manner());
        let manner = manner.or(self.socket.io().manner());
        if manner.cancelled && reason.is_none() && !self.socket.is_connected() {
            check_unread(args)?;
            return Ok(None);
        }
        let stopwatch = Stopwatch::start();
        let observed = Observed::new(self.socket, self.what.name(), || {
            self.what.is_named(self.routes)
        });
        let mut event = EventContext {
            socket: self.socket,
            name: self.what.name(),
            args,
            reason,
            reply: ReplyTo::new(self.socket, id),
            read: Cell::new(false),
            after: After::default(),
        };
        // Observers and middlewares are for what clients send.
        let started = observed.within(|| match args {
            Some(_) => self.routes.start(&route, &mut event),
            None => route.start(&mut event),
        });
        if !event.read.get() {
            check_unread(args)?;
        }
        match started {
            Ok(future) => Ok(Some(Begun {
                future,
                manner,
                route,
                stopwatch,
                observed,
            })),
            Err(HandlerErrorKind::Rejected(Rejection::Args(ArgsError::Malformed))) => {
                Err(Malformed)
            }
            Err(kind) => {
                // Whoever had taken the right to answer has not come to use it.
                let reply = ReplyTo::new(self.socket, id);
                self.report(Err(Failure { kind, reply }));
                Ok(None)
            }
        }
    }

    /// Runs a handler up to its first wait.
    pub(super) fn poll(self, begun: &mut Begun<'_>, cx: &mut Context<'_>) -> Poll<()> {
        let observed = &begun.observed;
        let polled = observed.within(|| begun.future.as_mut().poll(cx));
        if polled.is_ready() {
            observed.end(self.socket, self.what.name());
        }
        let nsp = self.socket.namespace().name();
        let watch = &begun.route.watch;
        watch.stop(&begun.stopwatch, nsp, self.what.name());
        polled.map(|handled| self.report(handled))
    }

    fn report(self, handled: Handled) {
        if let Err(failure) = handled {
            failure.report(self.socket, self.what.name(), self.what.args());
        }
    }

    /// A handler with what its end is reported with. Those that never wait do without.
    pub(super) fn waiting(self, begun: Begun<'_>, bond: Option<Bond>) -> Waiting {
        let reads_args = self.routes.error_hook(self.what.name()).is_some()
            || self.socket.io().error_hook().reads_args;
        let args = self.what.args().filter(|_| reads_args);
        Waiting {
            future: begun.future,
            socket: self.socket.clone(),
            name: self.what.name().into(),
            args: args.map(|args| args.clone().into_owned()),
            shares_thread: begun
                .manner
                .place
                .is_none()
                .then(|| begun.route.into_owned()),
            observed: begun.observed,
            bond,
        }
    }
}

/// A handler that is not done the first time it is looked at, detached from its event.
pub(crate) struct Waiting {
    future: BoxFuture<Handled>,
    pub(super) socket: Socket,
    pub(super) name: Box<str>,
    args: Option<Args<'static>>,
    /// Itself, if others wait while it holds its thread.
    shares_thread: Option<Arc<Route<Handled>>>,
    observed: Observed,
    bond: Option<Bond>,
}

impl Waiting {
    /// What it is known by where it is not itself.
    pub(super) fn labels(&self) -> (Option<Bond>, Socket, Box<str>) {
        (self.bond, self.socket.clone(), self.name.clone())
    }
}

impl Future for Waiting {
    type Output = Step;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step> {
        let this = &mut *self;
        let polled = match &this.shares_thread {
            Some(route) => {
                let stopwatch = Stopwatch::start();
                let polled = this.observed.within(|| this.future.as_mut().poll(cx));
                let nsp = this.socket.namespace().name();
                route.watch.stop(&stopwatch, nsp, &this.name);
                polled
            }
            None => this.observed.within(|| this.future.as_mut().poll(cx)),
        };
        polled.map(|handled| {
            this.observed.end(&this.socket, &this.name);
            if let Err(failure) = handled {
                failure.report(&this.socket, &this.name, this.args.as_ref());
            }
            Step::Done(this.bond)
        })
    }
}

/// Arguments that nobody reads must be JSON all the same.
fn check_unread(args: Option<&Args<'_>>) -> Result<(), Malformed> {
    args.map_or(Ok(()), Args::check).map_err(|_| Malformed)
}
