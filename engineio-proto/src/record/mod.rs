//! The flight recorder: what went into a session and came out of it, as lines of JSON that can be
//! run through the core again.
//!
//! [`Recorded`] is a session that writes a line for each thing it is told and for each output that is
//! taken, if it has a [`Tape`] to write them to; a driver that needs more control asks a [`Recorder`] for
//! each line. [`replay`] does the same to a new session and says where that one behaves otherwise: a
//! report from the field becomes a test.
//!
//! ```
//! use std::sync::Arc;
//!
//! use engineio_proto::record::{Input, Opening, Recorder, replay};
//! use engineio_proto::server::{Config, LinkId, Session};
//! use engineio_proto::{Format, Prepared, Revision, Sid};
//!
//! let (config, format, link) = (Config::default(), Format::new(Revision::V4), LinkId(0));
//! let recorder = Recorder::new("session 1", format);
//! let mut lines = vec![recorder.server(0, &config, Opening::Link(link))];
//! let sid = Sid::from_random([7; 15]);
//! let mut session = Session::open_link(Arc::new(config), format, &sid, link, 0);
//!
//! let secret = Prepared::text("a secret");
//! lines.push(recorder.input(5, &Input::Send { message: &secret }));
//! session.send(secret);
//! while let Some(output) = session.poll_output() {
//!     lines.push(recorder.server_output(Some(&output)));
//! }
//! lines.push(recorder.server_output(None));
//!
//! assert_eq!(lines[1], r#"{"at":5,"in":"send","of":"session 1","packets":["4:8"]}"#);
//! assert_eq!(lines[3], r#"{"link":0,"of":"session 1","out":"send","packets":["4:8"]}"#);
//! assert_eq!(replay(lines.iter().map(String::as_str)), Ok(3));
//! ```
//!
//! # What the lines say
//!
//! `of` is the session's name, so that lines of several may share a file, also with machines of other
//! layers; lines of anybody else are notes and skipped. `at` is the time that was told to the session.
//! The first line of a session has the version of the format (`record`), the `layer`, which is
//! `engineio`, its role and its configuration; an `in` line has one input, and the `out` lines behind it
//! what the driver took next: `null` says that there was nothing (more) to take.
//!
//! Packets are kept as far as behaviour depends on them: `4:12` is a text message of twelve bytes
//! (`4:12/8` one of as many, but eight UTF-16 units, which revision 3 counts), `b:3` three bytes,
//! `2probe` itself and `?:5` something that is no packet. A replay fills in other
//! data of the same length. Ids of sessions are replaced, too. Only [`Recorder::with_payloads`] makes
//! it `4=hello` and `b=AQID`, which is other people's data.
//!
//! What lengths do not tell is lost: which characters JSONP escapes. Its clients may split their
//! POSTs elsewhere in a replay.

mod packets;
mod recorded;
mod replay;

use bytes::Bytes;
use serde_json::{Value, json};

pub use self::recorded::{Recorded, Tape};
pub use self::replay::{Divergence, replay};

use crate::error::CloseReason;
use crate::format::{Content, Format};
use crate::packet::{Message, Tick};
use crate::prepared::Prepared;
use crate::server::{LinkEnd, LinkId, RequestId, Response};
use crate::{client, server};

use self::packets::Packets;

/// The version of the format.
pub const VERSION: u32 = 1;

/// This layer's name in records.
pub const LAYER: &str = "engineio";

/// How a session of a server begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "complete by the protocol")]
pub enum Opening {
    /// With a GET.
    Polling(RequestId),
    /// With a websocket, or any other link.
    Link(LinkId),
}

/// One call of a method of a session, named like it.
#[derive(Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the methods and their arguments have docs")]
pub enum Input<'a> {
    // Of both sides.
    Abort {
        reason: CloseReason,
        detail: &'static str,
    },
    Binary {
        link: LinkId,
        data: &'a [u8],
    },
    Close,
    Link {
        link: LinkId,
    },
    LinkEnd {
        link: LinkId,
        end: LinkEnd,
    },
    NextMessage,
    Send {
        message: &'a Prepared,
    },
    SetReading {
        reading: bool,
    },
    Text {
        link: LinkId,
        text: &'a str,
    },
    Timeout,
    // Of a server.
    Abandoned {
        request: RequestId,
    },
    Get {
        request: RequestId,
    },
    Post {
        request: RequestId,
        content: Content,
        body: &'a Bytes,
    },
    PostBroken,
    PostInvalid {
        request: RequestId,
    },
    PostOverlap {
        request: RequestId,
    },
    ReleasePoll,
    SetCongested {
        congested: bool,
    },
    // Of a client.
    RequestFailed {
        request: RequestId,
    },
    Response {
        request: RequestId,
        status: u16,
        content: Content,
        body: &'a Bytes,
    },
}

/// Writes the lines of one session. It keeps nothing of what it has written.
#[derive(Debug, Clone)]
pub struct Recorder {
    name: String,
    packets: Packets,
}

impl Recorder {
    /// A recorder for the session of this name, which leaves out payloads.
    #[must_use]
    pub fn new(name: impl Into<String>, format: Format) -> Self {
        Self {
            name: name.into(),
            packets: Packets {
                format,
                payloads: false,
            },
        }
    }

    /// The same, with payloads.
    #[must_use]
    pub fn with_payloads(mut self) -> Self {
        self.packets.payloads = true;
        self
    }

    /// The first line of a server's session.
    #[must_use]
    pub fn server(&self, at: Tick, config: &server::Config, opening: Opening) -> String {
        let (polling, link) = match opening {
            Opening::Polling(request) => (Some(request.0), None),
            Opening::Link(link) => (None, Some(link.0)),
        };
        let session = json!({
            "polling": polling,
            "link": link,
            "ping_interval": config.ping_interval,
            "ping_timeout": config.ping_timeout,
            "upgrade_timeout": config.upgrade_timeout,
            "close_timeout": config.close_timeout,
            "max_payload": config.max_payload,
            "websocket": config.websocket,
            "allow_upgrades": config.allow_upgrades,
            "webtransport": config.webtransport,
        });
        self.first("server", at, session)
    }

    /// The first line of a client's session.
    #[must_use]
    pub fn client(&self, at: Tick, config: &client::Config) -> String {
        let session = json!({
            "transport": config.transport.as_str(),
            "upgrade": config.upgrade,
            "open_timeout": config.open_timeout,
            "upgrade_timeout": config.upgrade_timeout,
            "close_timeout": config.close_timeout,
        });
        self.first("client", at, session)
    }

    fn first(&self, role: &str, at: Tick, config: Value) -> String {
        let format = self.packets.format;
        self.line(json!({
            "at": at,
            "record": VERSION,
            "layer": LAYER,
            "role": role,
            "config": config,
            "payloads": self.packets.payloads,
            "format": {
                "revision": format.revision.as_str(),
                "base64": format.base64,
                "jsonp": format.jsonp,
            },
        }))
    }

    /// The line of an input, to be written before the session gets it.
    #[must_use]
    pub fn input(&self, at: Tick, input: &Input<'_>) -> String {
        let packets = &self.packets;
        let mut line = match input {
            Input::Abandoned { request } => json!({ "in": "abandoned", "request": request.0 }),
            Input::Abort { reason, detail } => {
                json!({ "in": "abort", "reason": reason.as_str(), "detail": detail })
            }
            Input::Binary { link, data } => {
                json!({ "in": "binary", "link": link.0, "packet": packets.of_binary(data) })
            }
            Input::Close => json!({ "in": "close" }),
            Input::Get { request } => json!({ "in": "get", "request": request.0 }),
            Input::Link { link } => json!({ "in": "link", "link": link.0 }),
            Input::LinkEnd { link, end } => {
                let failed = match end {
                    LinkEnd::Closed => None,
                    LinkEnd::Failed(detail) => Some(detail),
                };
                json!({ "in": "link_end", "link": link.0, "failed": failed })
            }
            Input::NextMessage => json!({ "in": "next_message" }),
            Input::Post {
                request,
                content,
                body,
            } => json!({
                "in": "post",
                "request": request.0,
                "content": content.as_str(),
                "body": packets.of_post(*content, body),
            }),
            Input::PostBroken => json!({ "in": "post_broken" }),
            Input::PostInvalid { request } => json!({ "in": "post_invalid", "request": request.0 }),
            Input::PostOverlap { request } => json!({ "in": "post_overlap", "request": request.0 }),
            Input::ReleasePoll => json!({ "in": "release_poll" }),
            Input::RequestFailed { request } => {
                json!({ "in": "request_failed", "request": request.0 })
            }
            Input::Response {
                request,
                status,
                content,
                body,
            } => json!({
                "in": "response",
                "request": request.0,
                "status": status,
                "content": content.as_str(),
                "body": packets.of_response(*content, body),
            }),
            Input::Send { message } => {
                json!({ "in": "send", "packets": packets.of_message(message) })
            }
            Input::SetCongested { congested } => {
                json!({ "in": "set_congested", "congested": congested })
            }
            Input::SetReading { reading } => json!({ "in": "set_reading", "reading": reading }),
            Input::Text { link, text } => {
                json!({ "in": "text", "link": link.0, "packet": packets.of_text(text) })
            }
            Input::Timeout => json!({ "in": "timeout" }),
        };
        line["at"] = at.into();
        self.line(line)
    }

    /// The line of a message that an input has lent, or of there being none.
    #[must_use]
    pub fn message(&self, message: Option<&Message<'_>>) -> String {
        let message = message.map(|message| self.packets.of_lent(message));
        self.line(json!({ "out": "message", "packet": message }))
    }

    /// The line of what a server's session wanted when it was asked.
    #[must_use]
    pub fn server_output(&self, output: Option<&server::Output>) -> String {
        use server::{Item, Output};

        let packets = &self.packets;
        self.line(match output {
            None => json!({ "out": null }),
            Some(Output::Reply { request, response }) => json!({
                "out": "reply",
                "request": request.0,
                "status": response.status,
                "body": packets.of_response(content_of(response), &response.body.clone().into()),
            }),
            Some(Output::Send { link, item }) => {
                let packets = match item {
                    Item::Message(message) => packets.of_message(message),
                    Item::Control(control) => vec![packets.of_text(control.packet())],
                };
                json!({ "out": "send", "link": link.0, "packets": packets })
            }
            Some(Output::CloseLink { link }) => json!({ "out": "close_link", "link": link.0 }),
            Some(Output::Upgraded { to }) => json!({ "out": "upgraded", "to": to.as_str() }),
            Some(Output::Closed { reason, detail }) => closed(*reason, *detail),
        })
    }

    /// The line of what a client's session wanted when it was asked.
    #[must_use]
    pub fn client_output(&self, output: Option<&client::Output>) -> String {
        use client::{Item, Output};

        let packets = &self.packets;
        self.line(match output {
            None => json!({ "out": null }),
            Some(Output::Get { request }) => json!({ "out": "get", "request": request.0 }),
            Some(Output::Post {
                request,
                content,
                body,
            }) => json!({
                "out": "post",
                "request": request.0,
                "content": content.as_str(),
                "body": packets.of_post(*content, &body.clone().into()),
            }),
            Some(Output::OpenLink { link }) => json!({ "out": "open_link", "link": link.0 }),
            Some(Output::Send { link, item }) => {
                let packets = match item {
                    Item::Message(message) => packets.of_message(message),
                    Item::Control(control) => vec![packets.of_text(control.packet())],
                };
                json!({ "out": "send", "link": link.0, "packets": packets })
            }
            Some(Output::CloseLink { link }) => json!({ "out": "close_link", "link": link.0 }),
            Some(Output::Opened { .. }) => json!({ "out": "opened" }),
            Some(Output::Upgraded { to }) => json!({ "out": "upgraded", "to": to.as_str() }),
            Some(Output::Closed { reason, detail }) => closed(*reason, *detail),
        })
    }

    fn line(&self, mut line: Value) -> String {
        line["of"] = self.name.as_str().into();
        line.to_string()
    }
}

fn closed(reason: CloseReason, detail: Option<&str>) -> Value {
    json!({ "out": "closed", "reason": reason.as_str(), "detail": detail })
}

fn content_of(response: &Response) -> Content {
    let header = response
        .headers
        .iter()
        .find(|(name, _)| *name == "content-type");
    Content::from_header(header.map(|(_, value)| value.as_bytes()))
}
