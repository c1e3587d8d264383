//! The application: what a client hears when it has said something. Under `/engine.io` that is the
//! same again; under `/socket.io` every namespace is open, every event comes back, and
//! acknowledgements bring back the arguments. No I/O here either.

use engineio_proto::server::Session;
use engineio_proto::{Message, Prepared, Sid, Tick};
use socketio_proto::server::{Config, Connection, Event};
use socketio_proto::{ProtocolError, Revision};

/// Of one session.
pub(crate) struct Application {
    sid: Sid,
    /// What Socket.IO keeps, if that is spoken.
    connection: Option<Connection<()>>,
}

impl Application {
    pub(crate) fn new(speaks_socketio: bool, sid: Sid, session: &Session, now: Tick) -> Self {
        let revision = Revision::over(session.revision().as_str());
        let mut config = Config::default();
        config.headroom = Prepared::HEADROOM;
        let connection = speaks_socketio.then(|| Connection::new(revision, &config, now));
        Self { sid, connection }
    }

    /// What the client hears before it has said anything.
    pub(crate) fn welcome(&mut self) -> Option<Prepared> {
        let event = self.connection.as_mut()?.poll_event()?;
        self.handle(event)
    }

    /// What it hears then. An error is the client's, whose session should not go on.
    pub(crate) fn answer(
        &mut self,
        now: Tick,
        message: &Message<'_>,
    ) -> Result<Option<Prepared>, ProtocolError> {
        let event = match (&mut self.connection, message) {
            (None, message) => return Ok(Some(echo(message))),
            (Some(connection), Message::Text(text)) => connection.handle_text(now, text)?,
            (Some(connection), Message::Binary(data)) => connection.handle_binary(now, data)?,
        };
        Ok(event.and_then(|event| self.handle(event)))
    }

    fn handle(&mut self, event: Event<'_, ()>) -> Option<Prepared> {
        let connection = self.connection.as_mut()?;
        let encoder = connection.encoder();
        let encoded = match event {
            Event::Connect { nsp, .. } => {
                let prescribed = connection.socket_id(nsp, self.sid.as_str());
                let id = prescribed.unwrap_or_else(|| random_sid().as_str().to_owned());
                connection.accept(nsp, &id, None)
            }
            Event::Event {
                nsp,
                id: None,
                name,
                args,
            } => encoder
                .event_raw(connection.namespace(nsp)?, None, &name, &args)
                .ok(),
            Event::Event {
                nsp,
                id: Some(id),
                args,
                ..
            } => encoder.ack_raw(connection.namespace(nsp)?, id, &args).ok(),
            // The client has left a namespace: there is nothing to tidy up.
            _ => None,
        }?;
        let attachments = encoded.attachments;
        Some(Prepared::from_parts(
            encoded.buffer,
            encoded.start,
            attachments,
        ))
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub(crate) fn poll_timeout(&self) -> Option<Tick> {
        self.connection.as_ref()?.poll_timeout()
    }

    /// An error is the client's, who has taken too long to join a namespace.
    pub(crate) fn handle_timeout(&mut self, now: Tick) -> Result<(), ProtocolError> {
        match &mut self.connection {
            Some(connection) => connection.handle_timeout(now),
            None => Ok(()),
        }
    }
}

fn echo(message: &Message<'_>) -> Prepared {
    match message {
        Message::Text(text) => Prepared::text(text),
        Message::Binary(data) => Prepared::binary(data.to_vec().into()),
    }
}

/// Names a session, or a socket: nobody can guess it.
pub(crate) fn random_sid() -> Sid {
    let mut bytes = [0; 15];
    // Invariant: a system without randomness cannot run a server that hands out secrets.
    getrandom::fill(&mut bytes).expect("the system provides randomness");
    Sid::from_random(bytes)
}
