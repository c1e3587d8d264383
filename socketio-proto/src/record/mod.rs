//! The flight recorder: what went into a connection and came out of it, as lines of JSON that can be
//! run through the core again.
//!
//! [`Recorded`] is a connection that writes a line for each call and one for its result, if it has a
//! [`Tape`] to write them to. [`replay`] does the same to a new connection and says where that one
//! behaves otherwise: a report from the field becomes a test.
//!
//! ```
//! use std::sync::mpsc;
//!
//! use socketio_proto::record::{Recorded, Tape, replay};
//! use socketio_proto::{Revision, server};
//!
//! let (lines, written) = mpsc::channel();
//! let tape = Tape::new("socket", move |line| lines.send(line).unwrap_or_default());
//! let config = server::Config::default();
//! let mut connection = Recorded::server(Revision::V5, &config, 0, Some(tape));
//!
//! let event = connection.handle_text(5, r#"0/chat,{"token":"a secret"}"#)?;
//! let Some(server::Event::Connect { nsp, .. }) = event else { panic!("{event:?}") };
//! let _answer = connection.accept(nsp, "oSO0OpakMV_3jnilAAAA", None);
//! let _event = connection.handle_text(9, r#"2/chat,["say","hello",42]"#)?;
//! # let _: &server::Connection<()> = &connection;
//! drop(connection);
//!
//! let lines: Vec<String> = written.iter().collect();
//! assert_eq!(lines[5], r#"{"at":9,"in":"text","of":"socket","packet":"2/chat,[\"say\",\"xxxxx\",11]"}"#);
//! assert_eq!(replay(lines.iter().map(String::as_str)), Ok(3));
//! # Ok::<(), socketio_proto::ProtocolError>(())
//! ```
//!
//! # What the lines say
//!
//! The first line of a connection has the version of the format (`record`), the `layer`, which is
//! `socketio`, its role, revision, limits and parser. An `in` line is one call, named like its method,
//! and the `out` line behind it the result. `of` is the connection's name, so that lines of several
//! may share a file, also with machines of other layers; all other lines are somebody's notes and
//! skipped. `at` is the time, where the call was told one, and `nsp` the id of a membership: its index
//! and which CONNECT it was.
//!
//! Packets keep their shape: type, namespace, ids and the event's name; texts and numbers behind them
//! become others of the same length. Ids of sockets, secrets and credentials are replaced too. What is
//! left is enough for a connection to do the same again. Only [`Tape::with_payloads`] keeps everything,
//! which is other people's data. Events and acknowledgements that are sent do not pass through a
//! connection and have no lines.
//!
//! With a [`Parser`](crate::Parser), packets are written as the text form would have them, and a replay
//! needs none. What the parser itself did wrong is therefore not to be seen.

mod lines;
mod replay;
mod shape;

use std::{fmt, ops::Deref, vec};

use serde_json::{Map, Value};

pub use self::replay::{Divergence, replay};

use self::lines::Lines;
use crate::{
    Encoded, Limits, NamespaceId, ProtocolError, Revision, Tick,
    client::{self, JoinError},
    server,
};

/// The version of the format.
pub const VERSION: u32 = 1;

/// This layer's name in records.
pub const LAYER: &str = "socketio";

/// Where the lines of one connection go.
pub struct Tape {
    name: String,
    payloads: bool,
    write: Box<dyn FnMut(String) + Send>,
}

impl Tape {
    /// Hands each line to `write`, without a line break. `name` tells this connection's lines from
    /// others in the same place.
    pub fn new(name: impl Into<String>, write: impl FnMut(String) + Send + 'static) -> Self {
        Self {
            name: name.into(),
            payloads: false,
            write: Box::new(write),
        }
    }

    /// Keeps payloads: everything that is said, credentials and ids of sockets included.
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

/// A connection that writes down what happens to it, if it has a tape. Without one it costs a
/// pointer and one comparison per call.
///
/// It has the methods of the connection, and reads as one.
#[derive(Debug)]
pub struct Recorded<C> {
    connection: C,
    recorder: Option<Box<Recorder>>,
}

impl<C> Deref for Recorded<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.connection
    }
}

struct Recorder {
    lines: Lines,
    write: Box<dyn FnMut(String) + Send>,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.fmt(f)
    }
}

impl Recorder {
    fn start(
        tape: Tape,
        (revision, limits, parser): (Revision, Limits, Option<&lines::SharedParser>),
        first: impl FnOnce(&Lines) -> String,
    ) -> Box<Self> {
        let lines = Lines {
            name: tape.name,
            revision,
            limits,
            parser: parser.cloned(),
            parsed: parser.is_some(),
            payloads: tape.payloads,
        };
        let mut recorder = Self {
            lines,
            write: tape.write,
        };
        recorder.line(first);
        Box::new(recorder)
    }

    /// Out of the way of those who are not recorded.
    #[cold]
    fn line(&mut self, line: impl FnOnce(&Lines) -> String) {
        (self.write)(line(&self.lines));
    }
}

impl<C> Recorded<C> {
    /// Makes a call between its two lines.
    fn call<T>(
        &mut self,
        input: impl FnOnce(&Lines) -> String,
        call: impl FnOnce(&mut C) -> T,
        output: impl FnOnce(&Lines, &T) -> String,
    ) -> T {
        self.call_seen(input, call, |lines, _, result| output(lines, result))
    }

    /// The same where the result alone does not tell what has become of the connection.
    #[inline]
    fn call_seen<T>(
        &mut self,
        input: impl FnOnce(&Lines) -> String,
        call: impl FnOnce(&mut C) -> T,
        output: impl FnOnce(&Lines, &C, &T) -> String,
    ) -> T {
        if let Some(recorder) = &mut self.recorder {
            recorder.line(input);
        }
        let result = call(&mut self.connection);
        if let Some(recorder) = &mut self.recorder {
            recorder.line(|lines| output(lines, &self.connection, &result));
        }
        result
    }
}

#[expect(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "the connection's methods have docs"
)]
impl<A> Recorded<server::Connection<A>> {
    /// [`server::Connection::new`], with its first line.
    pub fn server(
        revision: Revision,
        config: &server::Config,
        now: Tick,
        tape: Option<Tape>,
    ) -> Self {
        let parts = (revision, config.limits, config.parser.as_ref());
        let first = |lines: &Lines| lines.server(now, config.connect_timeout);
        Self {
            recorder: tape.map(|tape| Recorder::start(tape, parts, first)),
            connection: server::Connection::new(revision, config, now),
        }
    }

    pub fn poll_event(&mut self) -> Option<server::Event<'static, A>> {
        let event = self.call_seen(
            |lines| lines.call("poll_event"),
            |connection| Ok(connection.poll_event()),
            Lines::server_event,
        );
        event.unwrap_or_default()
    }

    pub fn handle_text<'a>(
        &mut self,
        now: Tick,
        text: &'a str,
    ) -> Result<Option<server::Event<'a, A>>, ProtocolError> {
        self.call_seen(
            |lines| lines.text(Some(now), text),
            |connection| connection.handle_text(now, text),
            Lines::server_event,
        )
    }

    pub fn handle_binary<'a>(
        &mut self,
        now: Tick,
        data: &'a [u8],
    ) -> Result<Option<server::Event<'a, A>>, ProtocolError> {
        self.call_seen(
            |lines| lines.binary(Some(now), data),
            |connection| connection.handle_binary(now, data),
            Lines::server_event,
        )
    }

    pub fn handle_timeout(&mut self, now: Tick) -> Result<(), ProtocolError> {
        let outcome = self.call_seen(
            |lines| lines.timeout(now),
            |connection| connection.handle_timeout(now).map(|()| None),
            Lines::server_event,
        );
        outcome.map(drop)
    }

    pub fn accept(&mut self, nsp: NamespaceId, sid: &str, pid: Option<&str>) -> Option<Encoded> {
        self.call(
            |lines| lines.accept(nsp, sid, pid),
            |connection| connection.accept(nsp, sid, pid),
            |lines, answer| lines.sent(answer.as_ref()),
        )
    }

    pub fn reject(
        &mut self,
        nsp: NamespaceId,
        message: &str,
        data: Option<&Value>,
    ) -> Option<Encoded> {
        self.call(
            |lines| lines.reject(nsp, message, data),
            |connection| connection.reject(nsp, message, data),
            |lines, answer| lines.sent(answer.as_ref()),
        )
    }

    pub fn reject_unknown(&mut self, nsp: NamespaceId) -> Option<Encoded> {
        self.call(
            |lines| lines.call_for("reject_unknown", nsp),
            |connection| connection.reject_unknown(nsp),
            |lines, answer| lines.sent(answer.as_ref()),
        )
    }

    pub fn disconnect(&mut self, nsp: NamespaceId) -> Option<(Encoded, Vec<A>)> {
        self.call(
            |lines| lines.call_for("disconnect", nsp),
            |connection| connection.disconnect(nsp),
            |lines, left| match left {
                Some((packet, acks)) => lines.left(Some(packet), acks.len()),
                None => lines.left(None, 0),
            },
        )
    }
}

#[expect(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "the connection's methods have docs"
)]
impl<A> Recorded<client::Connection<A>> {
    /// [`client::Connection::new`], with its first line.
    pub fn client(
        revision: Revision,
        config: &client::Config,
        link: &str,
        tape: Option<Tape>,
    ) -> Self {
        let parts = (revision, config.limits, config.parser.as_ref());
        let first = |lines: &Lines| lines.client(link);
        Self {
            recorder: tape.map(|tape| Recorder::start(tape, parts, first)),
            connection: client::Connection::new(revision, config, link),
        }
    }

    pub fn poll_event(&mut self) -> Option<client::Event<'static, A>> {
        let event = self.call_seen(
            |lines| lines.call("poll_event"),
            |connection| Ok(connection.poll_event()),
            Lines::client_event,
        );
        event.unwrap_or_default()
    }

    pub fn handle_text<'a>(
        &mut self,
        text: &'a str,
    ) -> Result<Option<client::Event<'a, A>>, ProtocolError> {
        self.call_seen(
            |lines| lines.text(None, text),
            |connection| connection.handle_text(text),
            Lines::client_event,
        )
    }

    pub fn handle_binary<'a>(
        &mut self,
        data: &'a [u8],
    ) -> Result<Option<client::Event<'a, A>>, ProtocolError> {
        self.call_seen(
            |lines| lines.binary(None, data),
            |connection| connection.handle_binary(data),
            Lines::client_event,
        )
    }

    pub fn connect(
        &mut self,
        name: &str,
        auth: Option<&Map<String, Value>>,
    ) -> Result<(NamespaceId, Option<Encoded>), JoinError> {
        self.call(
            |lines| lines.connect(name, auth),
            |connection| connection.connect(name, auth),
            Lines::asked,
        )
    }

    pub fn disconnect(&mut self, nsp: NamespaceId) -> Option<(Option<Encoded>, Vec<A>)> {
        self.call(
            |lines| lines.call_for("disconnect", nsp),
            |connection| connection.disconnect(nsp),
            |lines, left| match left {
                Some((packet, acks)) => lines.left(packet.as_ref(), acks.len()),
                None => lines.left(None, 0),
            },
        )
    }
}

/// Bookkeeping that both roles have; the two connections share the methods, not a trait.
macro_rules! acks {
    ($connection:ident) => {
        #[expect(
            missing_docs,
            clippy::missing_errors_doc,
            reason = "the connection's methods have docs"
        )]
        impl<A> Recorded<$connection::Connection<A>> {
            pub fn register_ack(&mut self, nsp: NamespaceId, id: u64, ack: A) -> Result<(), A> {
                self.call(
                    |lines| lines.call_about("register_ack", nsp, id),
                    |connection| connection.register_ack(nsp, id, ack),
                    |lines, result| lines.done(result.is_ok()),
                )
            }

            pub fn forget_ack(&mut self, nsp: NamespaceId, id: u64) -> Option<A> {
                self.call(
                    |lines| lines.call_about("forget_ack", nsp, id),
                    |connection| connection.forget_ack(nsp, id),
                    |lines, ack| lines.done(ack.is_some()),
                )
            }

            pub fn drain_acks(&mut self) -> vec::IntoIter<A> {
                let acks: Vec<A> = self.call(
                    |lines| lines.call("drain_acks"),
                    |connection| connection.drain_acks().collect(),
                    |lines, acks: &Vec<A>| lines.returned(acks.len()),
                );
                acks.into_iter()
            }
        }
    };
}

acks!(client);
acks!(server);
