//! Requests and their answers: which stream carries them, redirects, cookies, and what may be
//! asked again.

use std::io;

use engineio_proto::client::{LinkEnd, LinkId};
use engineio_proto::{Tick, Transport};
use http::header::{HeaderName, LOCATION, SET_COOKIE};
use url::Url;

use super::super::ErrorKind;
use super::address;
use super::attempt::is_version_error;
use super::input::Input;
use super::request::{Kind, Request};
use super::response::{Reader, Response};
use super::stream::{Exchange, Outgoing, Purpose, Stream, Usage};
use super::websocket::{self, Websocket};
use super::{Core, Output, Phase, StreamId, millis};

/// How long a stream may have been idle and still carry a request, in milliseconds: servers close
/// theirs after five seconds, and a POST that meets its end cannot be repeated.
const IDLE: Tick = 4_000;
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

impl Core {
    /// Sends a request that the session wants.
    pub(super) fn request(&mut self, purpose: Purpose, kind: Kind) {
        let transport = match purpose {
            Purpose::Link(_) => Transport::Websocket,
            Purpose::Get(_) | Purpose::Post(_) => Transport::Polling,
        };
        let stamps = self.config.timestamp_requests && transport == Transport::Polling;
        let timestamp = stamps.then(|| format!("{:08x}", (self.random)()));
        let query = self.session.query(transport);
        let url = self.address.request(&query, timestamp.as_deref());
        self.launch(purpose, Request { url, kind }, 0, true);
    }

    /// Sends a request on a stream that is idle, if it may, or on a new one.
    fn launch(&mut self, purpose: Purpose, request: Request, redirects: u8, may_reuse: bool) {
        let target = address::target(&request.url);
        let is_post = matches!(request.kind, Kind::Post(..));
        let head = request.head(&self.config, &self.address, &self.memory.lock().cookies);
        let mut out = Outgoing::default();
        out.request(head, request.body());
        let now = self.now;
        let idle = self.streams.iter().position(|it| {
            may_reuse
                && it.target == target
                && matches!(it.usage, Usage::Idle { until } if until > now)
        });
        let patience = millis(self.config.request_timeout);
        let usage = Usage::Exchange(Box::new(Exchange {
            purpose,
            request,
            response: Reader::new(self.config.max_payload),
            redirects,
            reuses: idle.is_some(),
            was_written: false,
            deadline: is_post.then(|| now.saturating_add(patience)),
        }));
        if let Some(at) = idle {
            self.streams[at].out = out;
            self.streams[at].usage = usage;
            return;
        }
        let id = StreamId(self.next_stream);
        self.next_stream = self.next_stream.wrapping_add(1);
        self.outputs.push_back(Output::Dial {
            stream: id,
            target: target.clone(),
        });
        self.streams.push(Stream {
            id,
            target,
            is_open: false,
            out,
            usage,
        });
    }

    /// Bytes of an answer arrived.
    pub(super) fn read_exchange(&mut self, at: usize, input: &mut Input) {
        let patience = millis(self.config.request_timeout);
        let Usage::Exchange(exchange) = &mut self.streams[at].usage else {
            return;
        };
        if let Some(deadline) = &mut exchange.deadline {
            *deadline = self.now.saturating_add(patience);
        }
        let mut rest = &*input.rest().0;
        let read = exchange.response.read(&mut rest);
        let left = rest.len();
        input.keep(left);
        match read {
            Ok(None) => {}
            Ok(Some(response)) => self.handle_response(at, response, left),
            Err(kind) => {
                let purpose = exchange.purpose;
                self.hang_up(at);
                self.fail(purpose, kind);
            }
        }
    }

    /// An answer is complete, and `left` bytes follow it in the input.
    fn handle_response(&mut self, at: usize, response: Response, left: usize) {
        let unused = Usage::Idle {
            until: self.now.saturating_add(idle_time(&response)),
        };
        let stream = &mut self.streams[at];
        let was_heard = stream.out.is_empty();
        let Usage::Exchange(exchange) = std::mem::replace(&mut stream.usage, unused) else {
            return;
        };
        self.keep_cookies(&exchange.request.url, &response);
        if let (101, Purpose::Link(link), Kind::Websocket(key)) =
            (response.status, exchange.purpose, &exchange.request.kind)
        {
            return self.open_websocket(at, link, key, &response);
        }
        // Bytes that nobody asked for, or an answer to half a request: nothing sane follows.
        if !response.keeps_alive || left > 0 || !was_heard {
            self.hang_up(at);
        }
        self.conclude(*exchange, response);
    }

    fn keep_cookies(&self, url: &Url, response: &Response) {
        let cookies = response.headers.get_all(SET_COOKIE).iter();
        for cookie in cookies.filter_map(|it| it.to_str().ok()) {
            if self.config.cookies {
                // A cookie that is refused is none.
                let _ = self.memory.lock().cookies.parse(cookie, url);
            }
        }
    }

    fn conclude(&mut self, exchange: Exchange, response: Response) {
        match response.status {
            301..=303 | 307 | 308 => self.redirect(exchange, &response),
            _ => self.deliver(exchange.purpose, response),
        }
    }

    /// Follows a redirect as the reference does: the request stays what it is, but for a 303, on
    /// which a POST becomes a GET.
    fn redirect(&mut self, mut exchange: Exchange, response: &Response) {
        if exchange.redirects >= self.config.max_redirects {
            let kind = match self.config.max_redirects {
                0 => ErrorKind::Redirect("none is allowed"),
                _ => ErrorKind::Redirect("too many"),
            };
            return self.fail(exchange.purpose, kind);
        }
        let location = response.headers.get(LOCATION);
        match address::redirect(&exchange.request.url, location) {
            Ok(url) => exchange.request.url = url,
            Err(kind) => return self.fail(exchange.purpose, kind),
        }
        if response.status == 303 && matches!(exchange.request.kind, Kind::Post(..)) {
            exchange.request.kind = Kind::Get;
        }
        let redirects = exchange.redirects + 1;
        self.launch(exchange.purpose, exchange.request, redirects, true);
    }

    /// Hands an answer to the session.
    fn deliver(&mut self, purpose: Purpose, response: Response) {
        let (status, content) = (response.status, response.content());
        if let Purpose::Link(link) = purpose {
            let body = response.explanation();
            self.other_revision |= body.as_ref().is_some_and(is_version_error);
            return self.fail_link(link, ErrorKind::Status { status, body });
        }
        let opens = self.phase == Phase::Opening && self.session.handshake().is_none();
        if opens
            && self
                .attempt
                .is_other_revision(status, content, &response.body)
        {
            self.other_revision = true;
        }
        if status != 200 {
            let body = response.explanation();
            self.note(ErrorKind::Status { status, body });
        }
        let (Purpose::Get(request) | Purpose::Post(request)) = purpose else {
            return;
        };
        self.session
            .handle_response(self.now, request, status, content, response.body);
    }

    fn open_websocket(&mut self, at: usize, link: LinkId, key: &str, response: &Response) {
        if let Err(kind) = websocket::verify(response, key, &self.config.protocols) {
            self.hang_up(at);
            return self.fail_link(link, kind);
        }
        let websocket = Websocket::new(self.config.max_payload);
        self.streams[at].usage = Usage::Websocket(link, Box::new(websocket));
        self.session.handle_link(self.now, link);
    }

    /// The stream of a request is at its end, or never came to be.
    pub(super) fn end_exchange(&mut self, mut exchange: Exchange, error: Option<io::Error>) {
        if error.is_none()
            && let Some(response) = exchange.response.handle_end()
        {
            self.keep_cookies(&exchange.request.url, &response);
            return self.conclude(exchange, response);
        }
        if exchange.may_repeat() {
            return self.launch(
                exchange.purpose,
                exchange.request,
                exchange.redirects,
                false,
            );
        }
        let kind = error.map_or(ErrorKind::Ended, ErrorKind::Io);
        self.fail(exchange.purpose, kind);
    }

    /// A request gets no answer.
    pub(super) fn fail(&mut self, purpose: Purpose, kind: ErrorKind) {
        match purpose {
            Purpose::Link(link) => self.fail_link(link, kind),
            Purpose::Get(request) | Purpose::Post(request) => {
                self.note(kind);
                self.session.handle_request_failed(self.now, request);
            }
        }
    }

    /// A websocket fails, or could not be opened. Of one that the session was only about to move to
    /// nothing is told: the session goes on as it is.
    pub(super) fn fail_link(&mut self, link: LinkId, kind: ErrorKind) {
        if self.session.transport() == Transport::Websocket {
            self.note(kind);
        }
        let end = LinkEnd::Failed("websocket failed");
        self.session.handle_link_end(self.now, link, end);
    }
}

/// How long the server lets a stream be idle, as far as it says so, less some time on the way.
fn idle_time(response: &Response) -> Tick {
    let value = response.headers.get(KEEP_ALIVE);
    let parameters = value.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let seconds = parameters
        .split(',')
        .filter_map(|it| it.trim().strip_prefix("timeout="))
        .find_map(|it| it.parse::<Tick>().ok());
    seconds.map_or(IDLE, |it| {
        (it.saturating_mul(1_000)).saturating_sub(1_000).min(IDLE)
    })
}
