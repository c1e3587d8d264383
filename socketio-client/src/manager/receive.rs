//! What the server says.

use super::{
    Event, Link, Manager, SocketKey,
    outbox::Content,
    socket::{Awaited, Held, Phase, reply_to},
};
use crate::{
    ConnectError,
    proto::{NamespaceId, ProtocolError, Tick, client, recovery::Bookmark},
};

/// What the connection below makes of a message.
type Received<'a, A> = Result<Option<client::Event<'a, Awaited<A>>>, ProtocolError>;

impl<A> Manager<A> {
    /// Takes a text message of the link. Further events come from [`poll_event`](Self::poll_event),
    /// also if this one is `None`.
    pub(crate) fn handle_text<'a>(&mut self, now: Tick, text: &'a str) -> Option<Event<'a, A>> {
        let received = match &mut self.link {
            Link::Open(connection) => connection.handle_text(text),
            _ => return None,
        };
        self.receive(now, received)
    }

    /// Takes a binary message of the link, as [`handle_text`](Self::handle_text) does.
    pub(crate) fn handle_binary<'a>(&mut self, now: Tick, data: &'a [u8]) -> Option<Event<'a, A>> {
        let received = match &mut self.link {
            Link::Open(connection) => connection.handle_binary(data),
            _ => return None,
        };
        self.receive(now, received)
    }

    /// The arguments of an event or an answer turned out to be no JSON: the link is closed with
    /// [`DisconnectReason::ParseError`](crate::DisconnectReason::ParseError), and opened again.
    pub(crate) fn handle_malformed(&mut self, now: Tick) {
        self.violated(now);
    }

    /// Takes what the connection has to say beside the answers to messages.
    pub(super) fn drain_connection(&mut self, now: Tick) {
        while let Link::Open(connection) = &mut self.link
            && let Some(event) = connection.poll_event()
        {
            if let Some(event) = self.translate(now, event) {
                self.events.push_back(event);
            }
        }
    }

    fn receive<'a>(&mut self, now: Tick, received: Received<'a, A>) -> Option<Event<'a, A>> {
        // What is already there has happened before.
        let first = self.events.is_empty();
        let lent = match received {
            Ok(Some(event)) => self.translate(now, event),
            Ok(None) => None,
            Err(error) => {
                tracing::debug!(target: "socketio", %error, "the server broke the protocol");
                self.violated(now);
                None
            }
        };
        let lent = match lent {
            Some(event) if !first => {
                self.events.push_back(event.into_owned());
                None
            }
            lent => lent,
        };
        self.drain_connection(now);
        lent.or_else(|| self.poll_event())
    }

    fn translate<'a>(
        &mut self,
        now: Tick,
        event: client::Event<'a, Awaited<A>>,
    ) -> Option<Event<'a, A>> {
        match event {
            client::Event::Connected { nsp, sid, pid } => {
                let key = self.member(nsp)?;
                self.granted(now, key, nsp, &sid, pid.as_deref());
                None
            }
            client::Event::ConnectError { nsp, message, data } => {
                let key = self.member(nsp)?;
                self.refused(now, key, ConnectError::Refused { message, data });
                None
            }
            client::Event::Event {
                nsp,
                id,
                name,
                args,
            } => {
                let socket = self.member(nsp)?;
                let entry = self.sockets.get_mut(&socket)?;
                let Phase::Connected { membership, .. } = entry.phase else {
                    entry.received.push(Held {
                        id,
                        name: name.into_owned().into(),
                        args: args.into_owned(),
                    });
                    self.check_received(now, socket);
                    return None;
                };
                entry.bookmark.handle_event(id, &args);
                Some(Event::Event {
                    socket,
                    reply: reply_to(id, membership),
                    name,
                    args,
                })
            }
            client::Event::Ack { ack, args, .. } => {
                let Awaited {
                    socket,
                    id,
                    ack,
                    deadline,
                } = ack;
                self.deadlines.remove(deadline, socket, id);
                let ack = ack.or_else(|| self.acknowledged(now, socket, id))?;
                Some(Event::Ack {
                    socket,
                    ack,
                    result: Ok(args),
                })
            }
            client::Event::Disconnected { nsp, acks } => {
                if let Some(key) = self.member(nsp) {
                    self.expelled(now, key, acks);
                }
                None
            }
            client::Event::Unwanted { leave } => {
                self.outbox.push(None, leave, Content::Control);
                None
            }
            client::Event::Postponed { nsp, request } => {
                let key = self.member(nsp);
                self.outbox.push(key, request, Content::Control);
                None
            }
            _ => None,
        }
    }

    /// Which socket has this membership on the present link.
    fn member(&self, nsp: NamespaceId) -> Option<SocketKey> {
        let mut active = self.active.iter();
        let is_it =
            |key: &&SocketKey| self.sockets.get(key).and_then(|it| it.phase.nsp()) == Some(nsp);
        active.find(is_it).copied()
    }

    /// A server that sends too much ahead of its answer would do so again: the next link starts
    /// without a claim to what was missed.
    fn check_received(&mut self, now: Tick, key: SocketKey) {
        if let Some(socket) = self.sockets.get_mut(&key)
            && socket.received.bytes > self.buffer.max_bytes
        {
            socket.bookmark = Bookmark::default();
            self.violated(now);
        }
    }
}

impl<A> Event<'_, A> {
    /// The same, detached from the message it came in.
    fn into_owned(self) -> Event<'static, A> {
        match self {
            Self::Event {
                socket,
                reply,
                name,
                args,
            } => Event::Event {
                socket,
                reply,
                name: name.into_owned().into(),
                args: args.into_owned(),
            },
            Self::Ack {
                socket,
                ack,
                result,
            } => Event::Ack {
                socket,
                ack,
                result: result.map(|args| args.into_owned()),
            },
            Self::Connected { socket, recovered } => Event::Connected { socket, recovered },
            Self::ConnectError {
                socket,
                error,
                will_retry,
            } => Event::ConnectError {
                socket,
                error,
                will_retry,
            },
            Self::Disconnected {
                socket,
                reason,
                will_reconnect,
            } => Event::Disconnected {
                socket,
                reason,
                will_reconnect,
            },
            Self::Stage(stage) => Event::Stage(stage),
        }
    }
}
