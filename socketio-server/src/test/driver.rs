//! The task behind a client's link: moves what the client's machines want moved, and answers pings
//! while the test looks elsewhere.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engineio_proto::client::{LinkEnd, LinkId, Output, RequestId, Session};
use engineio_proto::ws::Frame;
use engineio_proto::{CloseReason, Content, Tick, Transport};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::connect::{Dialer, Refusal};
use super::http::Exchange;
use super::sockets::{Join, Sockets, Ticket};
use super::websocket::{Turn, Websocket};
use crate::proto::{Encoded, NamespaceId, ProtocolError};
use crate::socket::prepare;

/// What a test does to a link.
pub(super) enum Command {
    Join(Join),
    Leave(NamespaceId),
    Send(Encoded),
    /// Sends a call of this id.
    Call(NamespaceId, u64, Ticket, Encoded),
    /// Reads what the server sends, or stops to.
    SetReading(bool),
    /// Closes the link in good order.
    Close,
    /// Cuts the link.
    Cut,
    /// Never touches the link again.
    Vanish,
}

/// The transport a link lives on now.
pub(super) type CurrentTransport = Arc<Mutex<Transport>>;

pub(super) struct Driver {
    dialer: Dialer,
    machine: Session,
    sockets: Sockets,
    commands: mpsc::UnboundedReceiver<Command>,
    transport: CurrentTransport,
    exchanges: JoinSet<Answered>,
    websocket: Option<Websocket>,
    /// The websocket's name, from when it is asked for until it is no longer wanted.
    link: Option<LinkId>,
    reading: bool,
    epoch: Instant,
    /// What the server answered instead of opening a session.
    refused: Option<Refusal>,
}

/// What was asked for, and what came of it.
type Answered = (Asked, hyper::Result<Exchange>);

enum Asked {
    Request(RequestId),
    Websocket(LinkId),
}

impl Driver {
    pub(super) fn new(
        dialer: Dialer,
        sockets: Sockets,
        commands: mpsc::UnboundedReceiver<Command>,
    ) -> Self {
        let machine = Session::new(dialer.config.clone(), dialer.revision, 0);
        Self {
            transport: Arc::new(Mutex::new(machine.transport())),
            dialer,
            machine,
            sockets,
            commands,
            exchanges: JoinSet::new(),
            websocket: None,
            link: None,
            reading: true,
            epoch: Instant::now(),
            refused: None,
        }
    }

    pub(super) fn transport(&self) -> CurrentTransport {
        self.transport.clone()
    }

    /// Runs until the link is at its end. It is cut when nobody holds a client of it any more.
    pub(super) async fn run(mut self) {
        loop {
            self.act();
            let is_writing = self.websocket.as_ref().is_some_and(Websocket::is_writing);
            if self.machine.is_closed() && !is_writing {
                return;
            }
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(Command::Vanish) => std::future::pending().await,
                    Some(command) => self.handle_command(command),
                    None => return,
                },
                Some(Ok((asked, answer))) = self.exchanges.join_next() => {
                    self.handle_answer(asked, answer);
                }
                turn = turn(&mut self.websocket, self.reading) => match turn {
                    Turn::Read => self.handle_input(),
                    Turn::Written => {}
                    Turn::End => self.handle_end(LinkEnd::Closed),
                },
                () = until(self.epoch, self.machine.poll_timeout()) => {
                    self.machine.handle_timeout(now(self.epoch));
                }
            }
        }
    }

    fn handle_command(&mut self, command: Command) {
        let now = now(self.epoch);
        match command {
            Command::Join(join) => {
                let request = self.sockets.join(join);
                self.send(request);
            }
            Command::Leave(nsp) => {
                let leave = self.sockets.leave(nsp);
                self.send(leave);
            }
            Command::Send(message) => self.send([message]),
            Command::Call(nsp, id, ticket, message) => {
                self.sockets.await_answer(nsp, id, ticket);
                self.send([message]);
            }
            Command::SetReading(reading) => {
                self.reading = reading;
                self.machine.set_reading(now, reading);
                self.take_messages();
            }
            Command::Close => self.machine.close(now),
            Command::Cut => {
                let reason = match self.machine.transport() {
                    Transport::Polling => CloseReason::TransportError,
                    _ => CloseReason::TransportClose,
                };
                self.websocket = None;
                self.exchanges.abort_all();
                self.machine.abort(now, reason, "link was cut");
            }
            Command::Vanish => {}
        }
    }

    fn send(&mut self, messages: impl IntoIterator<Item = Encoded>) {
        for message in messages {
            self.machine.send(prepare(message));
        }
    }

    // ---- What the machine wants ------------------------------------------------------------

    fn act(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Get { request } => self.ask(request, http::Method::GET, None, Vec::new()),
                Output::Post {
                    request,
                    content,
                    body,
                } => self.ask(request, http::Method::POST, Some(content), body),
                Output::OpenLink { link } => {
                    self.link = Some(link);
                    let query = self.machine.query(Transport::Websocket);
                    let answer = self.dialer.upgrade(&query);
                    self.exchanges
                        .spawn(async move { (Asked::Websocket(link), answer.await) });
                }
                Output::Send { item, .. } => {
                    let format = self.machine.format();
                    for packet in item.packets(format) {
                        if let Some(websocket) = &mut self.websocket {
                            websocket.send(&packet);
                        }
                    }
                }
                Output::CloseLink { .. } => {
                    self.link = None;
                    if let Some(websocket) = &mut self.websocket {
                        websocket.send_close();
                    }
                }
                Output::Opened { handshake } => {
                    let requests = self.sockets.open(&handshake.sid);
                    self.send(requests);
                }
                Output::Upgraded { to } => *self.transport.lock() = to,
                Output::Closed { reason, .. } => {
                    let reason = match reason {
                        CloseReason::ForcedClose => "io client disconnect",
                        reason => reason.as_str(),
                    };
                    let why = self.refused.take().unwrap_or(Refusal::Link(reason));
                    self.sockets.end_all(&why, reason);
                }
                _ => {}
            }
        }
    }

    fn ask(
        &mut self,
        request: RequestId,
        method: http::Method,
        content: Option<Content>,
        body: Vec<u8>,
    ) {
        let query = self.machine.query(Transport::Polling);
        let answer = self.dialer.request(method, &query, content, body);
        self.exchanges
            .spawn(async move { (Asked::Request(request), answer.await) });
    }

    // ---- What the server says --------------------------------------------------------------

    fn handle_answer(&mut self, asked: Asked, answer: hyper::Result<Exchange>) {
        let now = now(self.epoch);
        if let Ok((response, _)) = &answer {
            self.note_refusal(response);
        }
        match (asked, answer) {
            (Asked::Request(request), Ok((response, _))) => {
                let content = response.headers().get(CONTENT_TYPE);
                let content = Content::from_header(content.map(|it| it.as_bytes()));
                let (status, body) = (response.status().as_u16(), response.into_body());
                self.machine
                    .handle_response(now, request, status, content, body);
                self.take_messages();
            }
            (Asked::Request(request), Err(_)) => self.machine.handle_request_failed(now, request),
            (Asked::Websocket(link), Ok((_, Some(upgraded)))) => {
                if self.link == Some(link) {
                    self.websocket = Some(Websocket::new(upgraded));
                    self.machine.handle_link(now, link);
                }
            }
            (Asked::Websocket(link), _) => {
                let end = LinkEnd::Failed("websocket was refused");
                self.machine.handle_link_end(now, link, end);
            }
        }
    }

    /// A client that is not let in wants to know what it was told.
    fn note_refusal(&mut self, response: &http::Response<Bytes>) {
        let accepted = [StatusCode::OK, StatusCode::SWITCHING_PROTOCOLS];
        if !accepted.contains(&response.status()) && self.machine.handshake().is_none() {
            self.refused = Some(Refusal::Http {
                status: response.status(),
                body: String::from_utf8_lossy(response.body()).into_owned(),
            });
        }
    }

    /// Messages of a polling response.
    fn take_messages(&mut self) {
        while self.reading
            && let Some(message) = self.machine.next_message(now(self.epoch))
        {
            let handled = self.sockets.handle_message(&message);
            finish(&mut self.machine, now(self.epoch), handled);
        }
    }

    /// What has been read from the websocket.
    fn handle_input(&mut self) {
        let (Some(link), Some(websocket)) = (self.link, &mut self.websocket) else {
            return;
        };
        let now = now(self.epoch);
        let mut bytes = std::mem::take(&mut websocket.input);
        let mut input = &mut bytes[..];
        // The decoder keeps what is unfinished.
        while let Some(frame) = websocket.decoder.decode(&mut input).transpose() {
            let message = match &frame {
                Ok(Frame::Text(text)) => self.machine.handle_text(now, link, text),
                Ok(Frame::Binary(data)) => self.machine.handle_binary(now, link, data),
                // The server pings by packets of Engine.IO.
                Ok(Frame::Ping(_) | Frame::Pong(_)) => None,
                Ok(Frame::Close { .. }) => {
                    self.machine.handle_link_end(now, link, LinkEnd::Closed);
                    return;
                }
                Err(_) => return self.handle_end(LinkEnd::Failed("no websocket frame")),
            };
            if let Some(message) = message {
                let handled = self.sockets.handle_message(&message);
                finish(&mut self.machine, now, handled);
            }
        }
    }

    /// The websocket is of no use any more.
    fn handle_end(&mut self, end: LinkEnd) {
        self.websocket = None;
        if let Some(link) = self.link.take() {
            self.machine.handle_link_end(now(self.epoch), link, end);
        }
    }
}

/// Sends what a message has led to. One that breaks the protocol ends the link.
fn finish(machine: &mut Session, now: Tick, handled: Result<Vec<Encoded>, ProtocolError>) {
    match handled {
        Ok(sent) => sent.into_iter().for_each(|it| machine.send(prepare(it))),
        Err(_) => machine.abort(now, CloseReason::ParseError, "server broke the protocol"),
    }
}

/// What the websocket brings, if there is one.
async fn turn(websocket: &mut Option<Websocket>, reading: bool) -> Turn {
    match websocket {
        Some(websocket) => websocket.turn(reading).await,
        None => std::future::pending().await,
    }
}

/// Rounded down, as the machine expects.
fn now(epoch: Instant) -> Tick {
    epoch.elapsed().as_millis() as Tick
}

async fn until(epoch: Instant, deadline: Option<Tick>) {
    match deadline {
        Some(tick) => sleep_until(epoch + Duration::from_millis(tick)).await,
        None => std::future::pending().await,
    }
}
