//! What a request is to its session: the one place where HTTP becomes calls.

use std::sync::Arc;

use engineio_proto::server::{LinkId, RequestId, Session};
use engineio_proto::{Action, Request, RequestError, Sid, Transport};

use crate::session::{Shared, State, next_id, now};
use crate::websocket::Link;
use crate::{Connection, http};

/// How a connection goes on behind a request.
pub(crate) enum Next {
    /// The session answers.
    Answer(RequestId),
    /// It is a websocket from here on.
    Frames(LinkId),
}

impl Connection {
    /// Makes a call of a request. Without a body, it broke off in the middle of it.
    pub(crate) fn handle(
        &self,
        request: &http::Request,
        body: Option<Vec<u8>>,
    ) -> Result<(Arc<Shared>, Next), RequestError> {
        let (answer, link) = (RequestId(next_id()), LinkId(next_id()));
        match Request::read(&request.head(), &self.config)? {
            Request::Open { transport, format } => {
                let config = self.config.clone();
                let format = format.ok_or(RequestError::UnsupportedVersion)?;
                let session = |sid: &Sid| match transport {
                    Transport::Polling => Session::open_polling(config, format, sid, answer, now()),
                    _ => Session::open_link(config, format, sid, link, now()),
                };
                let first = |state: &mut State| match transport {
                    Transport::Polling => {
                        state.await_answer(answer, &self.stream, request.keep_alive);
                        Next::Answer(answer)
                    }
                    _ => {
                        let open = Link::open(&self.stream, format, request.switch());
                        state.links.insert(link, open);
                        Next::Frames(link)
                    }
                };
                let speaks_socketio = request.speaks_socketio;
                Ok(self.sessions.begin(speaks_socketio, session, first))
            }
            Request::Session(wanted) => {
                let shared = wanted.sid.and_then(|sid| self.sessions.find(&sid));
                let shared = shared.ok_or(RequestError::UnknownSid)?;
                let next = shared.tell(|state| {
                    let facts = (state.session.revision(), state.session.transport());
                    let action = wanted.admit(Some(facts))?;
                    match action {
                        Action::Get => {
                            state.await_answer(answer, &self.stream, request.keep_alive);
                            state.session.handle_get(now(), answer);
                            Ok(Next::Answer(answer))
                        }
                        Action::Post => {
                            state.await_answer(answer, &self.stream, request.keep_alive);
                            match body {
                                Some(body) => state.handle_post(answer, request.content, body),
                                None => state.session.handle_post_broken(now()),
                            }
                            Ok(Next::Answer(answer))
                        }
                        Action::Websocket => {
                            let open = Link::open(&self.stream, wanted.format, request.switch());
                            state.links.insert(link, open);
                            state.session.handle_link(now(), link);
                            Ok(Next::Frames(link))
                        }
                        _ => Err(RequestError::BadRequest),
                    }
                })?;
                Ok((shared, next))
            }
            _ => Err(RequestError::BadRequest),
        }
    }
}
