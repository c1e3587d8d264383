//! What becomes of a handler that failed: the hook is told, and the client may get an answer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{ConnectError, HandlerError, HandlerErrorKind, Rejection};
use crate::proto::{Args, RawArgs};
use crate::reply::{ErrorReply, ReplyTo};
use crate::socket::Socket;

/// A handler that failed, and the right to answer in its place.
pub(crate) struct Failure {
    pub(crate) kind: HandlerErrorKind,
    pub(crate) reply: ReplyTo,
}

impl Failure {
    /// Does what there is to do about it. `args` are the event's, if they are still there.
    pub(crate) fn report(self, socket: &Socket, event: &str, args: Option<&Args<'_>>) {
        if let HandlerErrorKind::Rejected(Rejection::Decided(verdict)) = &self.kind {
            return verdict.carry_out(socket, &self.reply);
        }
        socket.namespace().meters().failed();
        let error = describe(socket, event, args, self.kind);
        let answer = Answer::Event(&self.reply);
        ErrorHook::of(socket, event, |hook| hook.tell(&error, answer));
    }
}

/// What a client sees when one of its connect handlers could not run, or has panicked: its
/// credentials are its own business, everything else is ours, unless the hook says otherwise.
pub(crate) fn refuse(socket: &Socket, event: &str, kind: HandlerErrorKind) -> ConnectError {
    let mut refusal = match &kind {
        HandlerErrorKind::Rejected(Rejection::Decided(verdict)) => return verdict.refusal(),
        HandlerErrorKind::Rejected(Rejection::Auth(_)) => ConnectError::new("invalid credentials"),
        _ => ConnectError::internal(),
    };
    let error = describe(socket, event, None, kind);
    ErrorHook::of(socket, event, |hook| {
        hook.tell(&error, Answer::Connect(&mut refusal));
    });
    refusal
}

fn describe(
    socket: &Socket,
    event: &str,
    args: Option<&Args<'_>>,
    kind: HandlerErrorKind,
) -> HandlerError {
    HandlerError {
        nsp: socket.namespace().name().to_owned(),
        sid: socket.id(),
        socket: socket.clone(),
        event: event.to_owned(),
        args: args.map(|args| RawArgs(args.clone().into_owned())),
        kind,
    }
}

/// Where what a hook returns goes.
enum Answer<'a> {
    Event(&'a ReplyTo),
    Connect(&'a mut ConnectError),
}

/// Who is told of failures, and may answer in place of handlers.
pub(crate) struct ErrorHook {
    tell: Box<Tell>,
    /// Whether it makes a difference that the arguments are still there.
    pub(crate) reads_args: bool,
}

type Tell = dyn Fn(&HandlerError, Answer<'_>) + Send + Sync;

impl ErrorHook {
    pub(crate) fn new<R: ErrorReply>(
        hook: impl Fn(&HandlerError) -> R + Send + Sync + 'static,
    ) -> Self {
        let tell = move |error: &HandlerError, answer: Answer<'_>| {
            let reply = hook(error);
            match answer {
                Answer::Event(to) => {
                    if let Some(args) = reply.into_args() {
                        to.send_or_log(&args);
                    }
                }
                Answer::Connect(refusal) => {
                    if let Some(instead) = reply.into_refusal() {
                        *refusal = instead;
                    }
                }
            }
        };
        Self {
            tell: Box::new(tell),
            reads_args: true,
        }
    }

    /// Calls the hook that failures of this event's handler go to: its class's, or else its
    /// namespace's, or else the server's.
    fn of(socket: &Socket, event: &str, call: impl FnOnce(&Self)) {
        match socket.namespace().error_hook(event) {
            Some(hook) => call(&hook),
            None => call(socket.io().error_hook()),
        }
    }

    fn tell(&self, error: &HandlerError, answer: Answer<'_>) {
        let hook = AssertUnwindSafe(|| (self.tell)(error, answer));
        // It runs in the client's task, which must go on whatever happens here.
        if catch_unwind(hook).is_err() {
            tracing::error!(target: "socketio", %error, "the error hook panicked");
        }
    }
}

/// The hook of those who have none of their own.
impl Default for ErrorHook {
    fn default() -> Self {
        Self {
            reads_args: false,
            ..Self::new(|error| tracing::error!(target: "socketio", %error))
        }
    }
}
