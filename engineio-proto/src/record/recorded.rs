//! A session and its recorder in one.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

use super::{Input, Opening, Recorder};
use crate::error::CloseReason;
use crate::format::{Content, Format};
use crate::packet::{Message, Sid, Tick};
use crate::prepared::Prepared;
use crate::server::{LinkEnd, LinkId, RequestId};
use crate::{client, server};

/// Where the lines of one session go.
pub struct Tape {
    name: String,
    payloads: bool,
    write: Box<dyn FnMut(String) + Send>,
}

impl Tape {
    /// Hands each line to `write`, without a line break. `name` tells this session's lines from others
    /// in the same place.
    pub fn new(name: impl Into<String>, write: impl FnMut(String) + Send + 'static) -> Self {
        Self {
            name: name.into(),
            payloads: false,
            write: Box::new(write),
        }
    }

    /// Keeps payloads: everything that is said.
    #[must_use]
    pub fn with_payloads(mut self) -> Self {
        self.payloads = true;
        self
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape")
            .field("name", &self.name)
            .field("payloads", &self.payloads)
            .finish_non_exhaustive()
    }
}

/// A session that writes down what happens to it, if it has a tape. Without one it costs a pointer and
/// one comparison per call.
///
/// It has the methods of the session, and reads as one.
#[derive(Debug)]
pub struct Recorded<S> {
    session: S,
    writer: Option<Box<Writer>>,
}

impl<S> Deref for Recorded<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.session
    }
}

struct Writer {
    recorder: Recorder,
    write: Box<dyn FnMut(String) + Send>,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.recorder.fmt(f)
    }
}

impl Writer {
    fn start(tape: Tape, format: Format, first: impl FnOnce(&Recorder) -> String) -> Box<Self> {
        let recorder = Recorder::new(tape.name, format);
        let mut writer = Self {
            recorder: match tape.payloads {
                true => recorder.with_payloads(),
                false => recorder,
            },
            write: tape.write,
        };
        writer.line(first);
        Box::new(writer)
    }

    /// Out of the way of those who are not recorded.
    #[cold]
    fn line(&mut self, line: impl FnOnce(&Recorder) -> String) {
        (self.write)(line(&self.recorder));
    }
}

impl<S> Recorded<S> {
    /// Ahead of the call, so that it is there if the call panics.
    fn told(&mut self, now: Tick, input: &Input<'_>) {
        if let Some(writer) = &mut self.writer {
            writer.line(|recorder| recorder.input(now, input));
        }
    }

    /// Tells the session something for which it may lend a message.
    fn lend<'s, 'm>(
        &'s mut self,
        now: Tick,
        input: &Input<'_>,
        call: impl FnOnce(&'s mut S) -> Option<Message<'m>>,
    ) -> Option<Message<'m>> {
        self.told(now, input);
        let message = call(&mut self.session);
        if let Some(writer) = &mut self.writer {
            writer.line(|recorder| recorder.message(message.as_ref()));
        }
        message
    }
}

impl Recorded<server::Session> {
    /// [`open_polling`](server::Session::open_polling) or [`open_link`](server::Session::open_link),
    /// with the first line.
    #[must_use]
    pub fn server(
        config: Arc<server::Config>,
        format: Format,
        sid: &Sid,
        opening: Opening,
        now: Tick,
        tape: Option<Tape>,
    ) -> Self {
        let first = |recorder: &Recorder| recorder.server(now, &config, opening);
        let writer = tape.map(|tape| Writer::start(tape, format, first));
        let session = match opening {
            Opening::Polling(request) => {
                server::Session::open_polling(config, format, sid, request, now)
            }
            Opening::Link(link) => server::Session::open_link(config, format, sid, link, now),
        };
        Self { session, writer }
    }
}

impl Recorded<client::Session> {
    /// [`new`](client::Session::new), with the first line.
    #[must_use]
    pub fn client(
        config: Arc<client::Config>,
        format: Format,
        now: Tick,
        tape: Option<Tape>,
    ) -> Self {
        let first = |recorder: &Recorder| recorder.client(now, &config);
        let writer = tape.map(|tape| Writer::start(tape, format, first));
        Self {
            session: client::Session::new(config, format, now),
            writer,
        }
    }
}

#[expect(missing_docs, reason = "the session's methods have docs")]
impl Recorded<server::Session> {
    pub fn handle_abandoned(&mut self, now: Tick, request: RequestId) {
        self.told(now, &Input::Abandoned { request });
        self.session.handle_abandoned(now, request);
    }

    pub fn handle_get(&mut self, now: Tick, request: RequestId) {
        self.told(now, &Input::Get { request });
        self.session.handle_get(now, request);
    }

    pub fn handle_post(&mut self, now: Tick, request: RequestId, content: Content, body: Bytes) {
        let input = Input::Post {
            request,
            content,
            body: &body,
        };
        self.told(now, &input);
        self.session.handle_post(now, request, content, body);
    }

    pub fn handle_post_broken(&mut self, now: Tick) {
        self.told(now, &Input::PostBroken);
        self.session.handle_post_broken(now);
    }

    pub fn handle_post_invalid(&mut self, now: Tick, request: RequestId) {
        self.told(now, &Input::PostInvalid { request });
        self.session.handle_post_invalid(now, request);
    }

    pub fn handle_post_overlap(&mut self, now: Tick, request: RequestId) {
        self.told(now, &Input::PostOverlap { request });
        self.session.handle_post_overlap(now, request);
    }

    pub fn release_poll(&mut self, now: Tick) {
        self.told(now, &Input::ReleasePoll);
        self.session.release_poll();
    }

    pub fn set_congested(&mut self, now: Tick, congested: bool) {
        // Drivers say so after each write, and it mostly is no news.
        if congested != self.session.is_congested() {
            self.told(now, &Input::SetCongested { congested });
            self.session.set_congested(congested);
        }
    }
}

#[expect(missing_docs, reason = "the session's methods have docs")]
impl Recorded<client::Session> {
    pub fn handle_request_failed(&mut self, now: Tick, request: RequestId) {
        self.told(now, &Input::RequestFailed { request });
        self.session.handle_request_failed(now, request);
    }

    pub fn handle_response(
        &mut self,
        now: Tick,
        request: RequestId,
        status: u16,
        content: Content,
        body: Bytes,
    ) {
        let input = Input::Response {
            request,
            status,
            content,
            body: &body,
        };
        self.told(now, &input);
        self.session
            .handle_response(now, request, status, content, body);
    }
}

/// What both sides have; the two sessions share the methods, not a trait.
macro_rules! common {
    ($side:ident, $output:ident) => {
        #[expect(missing_docs, reason = "the session's methods have docs")]
        impl Recorded<$side::Session> {
            pub fn abort(&mut self, now: Tick, reason: CloseReason, detail: &'static str) {
                self.told(now, &Input::Abort { reason, detail });
                self.session.abort(now, reason, detail);
            }

            pub fn close(&mut self, now: Tick) {
                self.told(now, &Input::Close);
                self.session.close(now);
            }

            pub fn handle_binary<'a>(
                &mut self,
                now: Tick,
                link: LinkId,
                data: &'a [u8],
            ) -> Option<Message<'a>> {
                self.lend(now, &Input::Binary { link, data }, |session| {
                    session.handle_binary(now, link, data)
                })
            }

            pub fn handle_link(&mut self, now: Tick, link: LinkId) {
                self.told(now, &Input::Link { link });
                self.session.handle_link(now, link);
            }

            pub fn handle_link_end(&mut self, now: Tick, link: LinkId, end: LinkEnd) {
                self.told(now, &Input::LinkEnd { link, end });
                self.session.handle_link_end(now, link, end);
            }

            pub fn handle_text<'a>(
                &mut self,
                now: Tick,
                link: LinkId,
                text: &'a str,
            ) -> Option<Message<'a>> {
                self.lend(now, &Input::Text { link, text }, |session| {
                    session.handle_text(now, link, text)
                })
            }

            pub fn handle_timeout(&mut self, now: Tick) {
                self.told(now, &Input::Timeout);
                self.session.handle_timeout(now);
            }

            pub fn next_message(&mut self, now: Tick) -> Option<Message<'_>> {
                self.lend(now, &Input::NextMessage, |session| {
                    session.next_message(now)
                })
            }

            pub fn poll_output(&mut self) -> Option<$side::Output> {
                let output = self.session.poll_output();
                if let Some(writer) = &mut self.writer {
                    writer.line(|recorder| recorder.$output(output.as_ref()));
                }
                output
            }

            pub fn send(&mut self, now: Tick, message: Prepared) {
                self.told(now, &Input::Send { message: &message });
                self.session.send(message);
            }

            pub fn set_reading(&mut self, now: Tick, reading: bool) {
                self.told(now, &Input::SetReading { reading });
                self.session.set_reading(now, reading);
            }
        }
    };
}

common!(client, client_output);
common!(server, server_output);
