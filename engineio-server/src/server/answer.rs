//! How a request is answered. What it means is decided at once; then only its session's task, or
//! the rest of its body, is waited for. A poll may wait for long, so nothing of its head is kept.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN, RETRY_AFTER};
use http::request::Parts;
use http_body::Body;
use http_body_util::{Full, LengthLimitError};
use proto::record::Opening;
use proto::server::Response;
use proto::{Action, CloseReason, Content, Format, Head, Request, RequestError, Sid, Transport};
use tokio::sync::oneshot;

use super::extras::Extras;
use super::{Entry, Server, body};
use crate::application::{Acceptor, Application};
use crate::link::Handshake;
use crate::mailbox::{Delivery, Kind, Waiting};
use crate::refused::{RefusalReason, RefusedRequest};
use crate::session::Session;
use crate::tape::Tape;
use crate::task::{FIRST_LINK, Machine, Task};
use crate::websocket;

/// What is left to do for a request.
enum Next<E> {
    /// The application is asked for a session.
    Open(Transport, Option<Format>),
    /// Nothing but to send this. Rarer than what waits, and larger.
    Respond(Box<http::Response<Full<Bytes>>>),
    /// Its session's task answers; a POST keeps its place until then.
    Wait(Waiting<E>, Option<PostPlace<E>>),
    /// Its body is to be received.
    Receive(PostPlace<E>),
}

impl<E> Next<E> {
    fn respond(response: http::Response<Full<Bytes>>) -> Self {
        Self::Respond(Box::new(response))
    }
}

/// Why there is nothing to do.
enum Refused {
    Request(RequestError),
    /// A page of an origin that is not allowed.
    Origin,
    /// No session is opened any more.
    Closing,
    /// No session is opened for now: the client may come back after so long.
    Overloaded(Duration),
}

impl From<RequestError> for Refused {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl Refused {
    fn response(&self, upgrade: bool) -> http::Response<Full<Bytes>> {
        match self {
            Self::Request(error) => refuse(error, upgrade),
            Self::Origin => refuse(&foreign_origin(), upgrade),
            Self::Closing => bare(StatusCode::SERVICE_UNAVAILABLE),
            Self::Overloaded(retry_after) => {
                let mut response = bare(StatusCode::SERVICE_UNAVAILABLE);
                let seconds = HeaderValue::from(retry_after.as_secs());
                response.headers_mut().insert(RETRY_AFTER, seconds);
                response
            }
        }
    }
}

/// In the words of Python's servers, for the reference never refuses an origin.
fn foreign_origin() -> RequestError {
    RequestError::Forbidden("Not an accepted origin.".into())
}

impl<A: Acceptor> Server<A> {
    /// Answers one request, whatever its path.
    ///
    /// A GET that waits for messages takes as long as it takes. Dropping the future gives the
    /// request up, as if its client had gone.
    pub async fn handle<B>(&self, request: http::Request<B>) -> http::Response<Full<Bytes>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (mut parts, body) = request.into_parts();
        if let Some(preflight) = self.cors().and_then(|cors| cors.preflight(&parts)) {
            return preflight;
        }
        let mut extras = Extras::new(&self.0.config, &parts);
        let upgrade = websocket::wants_upgrade(&parts.headers);
        let next = match self.begin(&mut parts, upgrade, &mut extras) {
            Ok(Next::Open(transport, format)) => {
                // Boxed, for it holds the request's head while the application thinks.
                Box::pin(self.open(parts, transport, format, &mut extras)).await
            }
            begun => {
                self.tell(begun.as_ref().err(), &parts);
                drop(parts);
                begun
            }
        };
        let completed = extras.complete(match next {
            Ok(Next::Wait(waiting, _place)) => self.answered(waiting.answer().await, upgrade),
            Ok(Next::Receive(mut place)) => match self.receive(&mut place, body).await {
                Ok(body) => {
                    let (session, content) = (place.session.clone(), place.content);
                    let post = Waiting::deliver(session, |reply| Kind::Post(reply, content, body));
                    self.answered(post.answer().await, upgrade)
                }
                Err(status) => bare(status),
            },
            Ok(Next::Respond(response)) => *response,
            Ok(Next::Open(..)) => bare(StatusCode::INTERNAL_SERVER_ERROR),
            Err(refused) => refused.response(upgrade),
        });
        // In two steps, so that no response is stored across the wait.
        let compressing = match completed {
            Ok(response) => return response,
            Err(compressing) => compressing,
        };
        compressing.await
    }

    /// What the session's task answers; `None` if it has ended instead.
    fn answered(&self, answer: Option<Response>, upgrade: bool) -> http::Response<Full<Bytes>> {
        if let Some(response) = answer {
            return respond(response);
        }
        let (error, reason) = (RequestError::UnknownSid, RefusalReason::UnknownSession);
        self.log(reason, Some(error.code()), &reason.to_string());
        refuse(&error, upgrade)
    }

    /// Lets the application and the log know of a refusal.
    fn tell(&self, refused: Option<&Refused>, request: &Parts) {
        let refused = match refused {
            None => return,
            Some(Refused::Request(error)) => RefusedRequest::new(error, request),
            Some(Refused::Origin) => RefusedRequest::foreign(&foreign_origin(), request),
            Some(Refused::Closing) => {
                RefusedRequest::unavailable(RefusalReason::ShuttingDown, request)
            }
            Some(Refused::Overloaded(_)) => {
                RefusedRequest::unavailable(RefusalReason::Overloaded, request)
            }
        };
        self.log(refused.reason, refused.code, &refused.context);
        self.0.acceptor.refused(&refused);
    }

    fn log(&self, reason: RefusalReason, code: Option<u8>, context: &str) {
        let now = self.0.registry.now();
        self.0.refusals.write(reason, code, context, now);
    }

    fn begin(
        &self,
        parts: &mut Parts,
        upgrade: bool,
        extras: &mut Extras,
    ) -> Result<Next<Entry<A>>, Refused> {
        if self.cors().is_some_and(|cors| cors.refuses(parts)) {
            return Err(Refused::Origin);
        }
        let head = Head {
            method: parts.method.as_str(),
            subpath: self.subpath(parts.uri.path()),
            query: parts.uri.query().unwrap_or_default(),
            origin: parts.headers.get(ORIGIN).map(HeaderValue::as_bytes),
            upgrade,
        };
        match Request::read(&head, &self.0.protocol)? {
            Request::Open { transport, format } => Ok(Next::Open(transport, format)),
            Request::Session(wanted) => {
                let session = wanted.sid.and_then(|sid| self.0.registry.get(&sid));
                let facts = session.as_ref().map(|it| (it.revision(), it.transport()));
                let action = wanted.admit(facts)?;
                let session = session.ok_or(RequestError::UnknownSid)?;
                self.add_headers(parts, false, extras);
                self.go_on(session, action, wanted.format, parts)
            }
            _ => Err(RequestError::BadRequest.into()),
        }
    }

    /// What the application says besides, if the request succeeds.
    fn add_headers(&self, request: &Parts, opens: bool, extras: &mut Extras) {
        let mut headers = HeaderMap::new();
        self.0.acceptor.headers(request, opens, &mut headers);
        extras.add(headers);
    }

    async fn open(
        &self,
        mut parts: Parts,
        transport: Transport,
        format: Option<Format>,
        extras: &mut Extras,
    ) -> Result<Next<Entry<A>>, Refused> {
        let allowed = self.allow(&mut parts).await;
        let opened = allowed.and_then(|()| self.start(&mut parts, transport, format, extras));
        self.tell(opened.as_ref().err(), &parts);
        opened
    }

    async fn allow(&self, parts: &mut Parts) -> Result<(), Refused> {
        if self.0.registry.is_closing() {
            return Err(Refused::Closing);
        }
        let load = &self.0.rules.load;
        if load.refuses_newcomer() {
            return Err(Refused::Overloaded(load.limits().retry_after));
        }
        let allowed = self.0.acceptor.allow(parts).await;
        allowed.map_err(|refusal| RequestError::from(refusal).into())
    }

    /// Makes a session and its task.
    fn start(
        &self,
        parts: &mut Parts,
        transport: Transport,
        format: Option<Format>,
        extras: &mut Extras,
    ) -> Result<Next<Entry<A>>, Refused> {
        let (registry, acceptor) = (&self.0.registry, &self.0.acceptor);
        let running = registry.running();
        let format = format.ok_or(RequestError::UnsupportedVersion)?;
        let sid = acceptor.sid(parts).map_err(RequestError::from)?;
        let sid = sid.unwrap_or_else(|| Sid::from_random(random()));
        self.add_headers(parts, true, extras);
        let websocket = match transport {
            Transport::Polling => None,
            _ => Some(websocket::accept(parts).ok_or(RequestError::BadRequest)?),
        };
        let session = Session::new(sid, format.revision, transport, self.0.rules.clone());
        // Asked last: whoever is accepted here has a session, and will hear of its end.
        let mut application = acceptor
            .open(session.clone(), parts)
            .map_err(RequestError::from)?;
        if !registry.insert(session.clone()) {
            let (is_closing, reason) = (registry.is_closing(), CloseReason::ForcedClose);
            application.handle_close(reason, Some("session was not opened"));
            return Err(match is_closing {
                true => Refused::Closing,
                false => RequestError::BadRequest.into(),
            });
        }
        if let (Transport::Polling, Some(cookie)) = (transport, &self.0.config.cookie)
            && let Some(cookie) = cookie.header(&sid)
        {
            extras.set_cookie(cookie);
        }
        let tape = self.0.acceptor.record(parts);
        if let Some(tape) = &tape {
            application.record(tape);
        }
        let open = |opening| {
            let tape = tape.as_ref().map(Tape::of_session);
            let config = self.0.protocol.clone();
            Machine::server(config, format, &sid, opening, registry.now(), tape)
        };
        if let Some((response, upgrade)) = websocket {
            let machine = open(Opening::Link(FIRST_LINK));
            let task = Task::new(registry.clone(), session, machine, application, running)
                .with_link(self.handshake(upgrade, format));
            tokio::spawn(task);
            return Ok(Next::respond(response));
        }
        let (reply, answer) = oneshot::channel();
        let request = session.next_request();
        let machine = open(Opening::Polling(request));
        let handle = session.clone();
        let task = Task::new(registry.clone(), handle, machine, application, running)
            .with_reply(request, reply);
        tokio::spawn(task);
        Ok(Next::Wait(Waiting::new(session, request, answer), None))
    }

    fn go_on(
        &self,
        session: Session<Entry<A>>,
        action: Action,
        format: Format,
        parts: &mut Parts,
    ) -> Result<Next<Entry<A>>, Refused> {
        match action {
            Action::Get => Ok(Next::Wait(Waiting::deliver(session, Kind::Get), None)),
            Action::Post => Ok(begin_post(session, &parts.headers)),
            Action::Websocket => {
                let (response, upgrade) =
                    websocket::accept(parts).ok_or(RequestError::BadRequest)?;
                session.outbox().deliver(Delivery {
                    request: session.next_request(),
                    kind: Kind::Websocket(self.handshake(upgrade, format)),
                });
                Ok(Next::respond(response))
            }
            _ => Ok(Next::respond(bare(StatusCode::INTERNAL_SERVER_ERROR))),
        }
    }

    fn handshake(&self, upgrade: hyper::upgrade::OnUpgrade, format: Format) -> Handshake {
        Handshake {
            upgrade,
            format,
            max_message: self.0.protocol.max_payload,
        }
    }

    /// The whole body, or the status that says why there is none.
    async fn receive<B>(
        &self,
        place: &mut PostPlace<Entry<A>>,
        body: B,
    ) -> Result<Bytes, StatusCode>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let limits = &self.0.protocol;
        if body.size_hint().lower() > limits.max_payload as u64 {
            return Err(self.refuse_body(RefusalReason::TooLarge, StatusCode::PAYLOAD_TOO_LARGE));
        }
        place.arriving = true;
        let body = body::receive(body, limits.max_payload);
        // A session whose heartbeat would have failed meanwhile has no use for the body.
        let patience = limits.ping_interval.saturating_add(limits.ping_timeout);
        let result = match tokio::time::timeout(Duration::from_millis(patience), body).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                Err(self.refuse_body(RefusalReason::TooLarge, StatusCode::PAYLOAD_TOO_LARGE))
            }
            // A body that is too long or too slow is refused; one that breaks off ends the session.
            Ok(Err(_)) => return Err(StatusCode::BAD_REQUEST),
            Err(_) => Err(self.refuse_body(RefusalReason::TooSlow, StatusCode::REQUEST_TIMEOUT)),
        };
        place.arriving = false;
        result
    }

    fn refuse_body(&self, reason: RefusalReason, status: StatusCode) -> StatusCode {
        self.log(reason, None, &reason.to_string());
        status
    }
}

fn begin_post<E>(session: Session<E>, headers: &HeaderMap) -> Next<E> {
    let content = Content::from_header(headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes));
    let Some(place) = PostPlace::claim(&session, content) else {
        return Next::Wait(Waiting::deliver(session, Kind::PostOverlap), None);
    };
    if !session.revision().accepts(content) {
        return Next::Wait(Waiting::deliver(session, Kind::PostInvalid), Some(place));
    }
    Next::Receive(place)
}

/// The right to post to a session, given back when dropped. If the body is still arriving then,
/// the client has broken off. Else the answer is on its way, right ahead of everything the session's
/// task does from there.
struct PostPlace<E> {
    session: Session<E>,
    content: Content,
    arriving: bool,
}

impl<E> PostPlace<E> {
    fn claim(session: &Session<E>, content: Content) -> Option<Self> {
        session.begin_post().then(|| Self {
            session: session.clone(),
            content,
            arriving: false,
        })
    }
}

impl<E> Drop for PostPlace<E> {
    fn drop(&mut self) {
        self.session.end_post();
        self.session.outbox().deliver(Delivery {
            request: self.session.next_request(),
            kind: match self.arriving {
                true => Kind::PostBroken,
                false => Kind::PostDone,
            },
        });
    }
}

fn random() -> [u8; 15] {
    let mut bytes = [0; 15];
    // Invariant: a system without randomness cannot run a server that hands out secrets.
    getrandom::fill(&mut bytes).expect("the system provides randomness");
    bytes
}

fn respond(response: Response) -> http::Response<Full<Bytes>> {
    let mut answer = http::Response::new(Full::from(response.body));
    *answer.status_mut() =
        StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers: &mut HeaderMap = answer.headers_mut();
    for &(name, value) in response.headers {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    answer
}

fn refuse(error: &RequestError, upgrade: bool) -> http::Response<Full<Bytes>> {
    respond(if upgrade {
        error.upgrade_response()
    } else {
        error.response()
    })
}

fn bare(status: StatusCode) -> http::Response<Full<Bytes>> {
    let mut response = http::Response::new(Full::default());
    *response.status_mut() = status;
    response
}
