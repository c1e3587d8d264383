//! What a request is to its session: the one place where HTTP becomes calls.

use std::rc::Rc;

use engineio_proto::server::{LinkId, RequestId, Response, Session};
use engineio_proto::{Action, Format, Request, RequestError, Transport};
use smol::channel::Receiver;

use crate::session::{Shared, now};
use crate::websocket::Outgoing;
use crate::{Connection, http};

/// How a connection goes on behind a request.
pub(crate) enum Next {
    /// The session answers.
    Answer(RequestId, Receiver<Response>),
    /// It is a websocket from here on.
    Frames(LinkId, Format, Receiver<Outgoing>),
}

impl Connection {
    /// Makes a call of a request. Without a body, it broke off in the middle of it.
    pub(crate) fn handle(
        &self,
        request: &http::Request,
        body: Option<Vec<u8>>,
    ) -> Result<(Rc<Shared>, Next), RequestError> {
        let (answer, link) = (
            RequestId(self.sessions.next_id()),
            LinkId(self.sessions.next_id()),
        );
        match Request::read(&request.head(), &self.config)? {
            Request::Open { transport, format } => {
                let config = self.config.clone();
                let format = format.ok_or(RequestError::UnsupportedVersion)?;
                let shared = self
                    .sessions
                    .begin(request.speaks_socketio, |sid| match transport {
                        Transport::Polling => {
                            Session::open_polling(config, format, sid, answer, now())
                        }
                        _ => Session::open_link(config, format, sid, link, now()),
                    });
                let next = shared.tell(|state| match transport {
                    Transport::Polling => Next::Answer(answer, state.await_answer(answer)),
                    _ => Next::Frames(link, format, state.add_link(link)),
                });
                Ok((shared, next))
            }
            Request::Session(wanted) => {
                let shared = wanted.sid.and_then(|sid| self.sessions.find(&sid));
                let shared = shared.ok_or(RequestError::UnknownSid)?;
                let next = shared.tell(|state| {
                    let facts = (state.session.revision(), state.session.transport());
                    match wanted.admit(Some(facts))? {
                        Action::Get => {
                            state.session.handle_get(now(), answer);
                            Ok(Next::Answer(answer, state.await_answer(answer)))
                        }
                        Action::Post => {
                            match body {
                                Some(body) => state.handle_post(answer, request.content, body),
                                None => state.session.handle_post_broken(now()),
                            }
                            Ok(Next::Answer(answer, state.await_answer(answer)))
                        }
                        Action::Websocket => {
                            state.session.handle_link(now(), link);
                            Ok(Next::Frames(link, wanted.format, state.add_link(link)))
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
