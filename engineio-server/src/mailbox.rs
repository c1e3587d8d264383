//! How HTTP requests reach a session's task, and what becomes of one that its client gives up.

use bytes::Bytes;
use proto::Content;
use proto::server::{RequestId, Response};
use tokio::sync::oneshot;

use crate::link::Handshake;
use crate::session::Session;

/// One input for the session's task.
pub(crate) struct Delivery {
    pub(crate) request: RequestId,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Get(Reply),
    Post(Reply, Content, Bytes),
    /// A POST while another one was under way.
    PostOverlap(Reply),
    /// A POST whose content type the protocol does not know.
    PostInvalid(Reply),
    /// The client broke off a POST before all of its body had arrived.
    PostBroken,
    /// A POST has come to its end, answered or not.
    PostDone,
    /// The client gave up a request delivered before.
    Abandoned,
    /// A websocket, about to open.
    Websocket(Handshake),
}

/// Where the answer goes. Dropped without one, the request finds its session gone.
pub(crate) type Reply = oneshot::Sender<Response>;

/// A request that waits for its answer; tells the task when it is dropped before.
pub(crate) struct Waiting<E> {
    session: Session<E>,
    request: RequestId,
    reply: oneshot::Receiver<Response>,
    answered: bool,
}

impl<E> Waiting<E> {
    /// Delivers a request to the session's task.
    pub(crate) fn deliver(session: Session<E>, kind: impl FnOnce(Reply) -> Kind) -> Self {
        let request = session.next_request();
        let (sender, reply) = oneshot::channel();
        session.outbox().deliver(Delivery {
            request,
            kind: kind(sender),
        });
        Self::new(session, request, reply)
    }

    /// Waits for the answer to a request that the task has been born with.
    pub(crate) const fn new(
        session: Session<E>,
        request: RequestId,
        reply: oneshot::Receiver<Response>,
    ) -> Self {
        Self {
            session,
            request,
            reply,
            answered: false,
        }
    }

    /// The answer; `None` if the session ended without giving one.
    pub(crate) async fn answer(mut self) -> Option<Response> {
        let response = (&mut self.reply).await.ok();
        self.answered = true;
        response
    }
}

impl<E> Drop for Waiting<E> {
    fn drop(&mut self) {
        if !self.answered {
            self.session.outbox().deliver(Delivery {
                request: self.request,
                kind: Kind::Abandoned,
            });
        }
    }
}
