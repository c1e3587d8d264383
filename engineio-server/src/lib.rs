//! An Engine.IO server on tokio and hyper: long-polling, websocket and the upgrade between them.
//!
//! ```text
//!    HTTP requests, from serve(), tower or handle()
//!            │
//!      ┌─────▼──────┐  open  ┌────────────────────────────────────────────────┐
//!      │   Server   ├───────►│ the task of a session                          │
//!      │ sid ─► ... ├───────►│   websocket ◄──► protocol ◄──► Application     │
//!      └────────────┘ request│                                      ▲         │
//!                            └──────────────────────────────────────┼─────────┘
//!      any thread: Session::push(entry) ─────► queue ───────────────┘
//! ```
//!
//! A session is one task, from its handshake through the upgrade to its end. The task owns the
//! websocket, the protocol's state machine and your [`Application`], whose methods it calls one at
//! a time; so an application needs no locks. Everybody else holds a [`Session`], a handle to the
//! queue in front of the task.
//!
//! ```no_run
//! use engineio_server::{
//!     Acceptor, Application, CloseReason, Config, Message, Prepared, Refusal, Server, Session,
//!     SessionContext, serve,
//! };
//!
//! struct Echo;
//!
//! impl Acceptor for Echo {
//!     type Application = Self;
//!
//!     fn open(&self, _: Session<()>, _: &http::request::Parts) -> Result<Self, Refusal> {
//!         Ok(Self)
//!     }
//! }
//!
//! impl Application for Echo {
//!     type Entry = ();
//!
//!     fn handle_message(&mut self, cx: &mut SessionContext<'_, '_>, message: Message<'_>) {
//!         cx.send(match message {
//!             Message::Text(text) => Prepared::text(text),
//!             Message::Binary(data) => Prepared::binary(data.into_owned().into()),
//!         });
//!     }
//!
//!     fn handle_entry(&mut self, _: &mut SessionContext<'_, '_>, (): ()) {}
//!
//!     fn handle_close(&mut self, _: CloseReason, _: Option<&'static str>) {}
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let server = Server::new(Config::default(), Echo);
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     let respond = move |request| {
//!         let server = server.clone();
//!         async move { server.handle(request).await }
//!     };
//!     serve(listener, respond, std::future::pending()).await;
//!     Ok(())
//! }
//! ```
//!
//! A [`Mount`] makes a tower layer of the server, for programs that have a framework.
//!
//! # What it does not do
//!
//! It knows nothing of Socket.IO: no namespaces, events or acknowledgements, no rooms. It ends
//! no TLS: a proxy does, or the [`Listener`]. It decides nothing about the protocol either; that is
//! `engineio-proto`.
//!
//! # What is guaranteed
//!
//! **Order.** Messages of a client reach the application in the order in which they were sent, and
//! entries in the order in which they were pushed, whichever threads did; both also across the
//! upgrade. What the application [sends](SessionContext::send) leaves in that order. Between a
//! message sent directly and an entry still in the queue there is none.
//!
//! **Loss.** An entry that was pushed arrives, or the session ends and says why. What was pushed
//! before a close is delivered before it. Once the kernel or an HTTP response has taken a message it
//! counts as delivered: Engine.IO has no receipts, and a connection may still break behind it.
//! [`Session::push_volatile`] takes an entry only if it can leave at once, and an [`OverflowPolicy`]
//! may drop entries of a client that takes too little instead of ending its session.
//! [`Session::ready`] waits for room, so that a producer loses nothing.
//!
//! **The end.** [`Application::handle_close`] is called exactly once per session, with the
//! reference's reason, unless the application panics, which ends its own session and no other, or
//! the runtime is shut down. When the last session has ended, [`Server::idle`] is ready.
//!
//! **Bounds.** Nothing that a client does costs unbounded memory:
//!
//! | what | bound |
//! |---|---|
//! | a message or a POST body | [`max_payload`](ProtocolConfig::max_payload), 1 MB |
//! | messages on their way to a client | [`OutboxLimits`]: 32 MiB, or 2 MiB if it takes nothing for 10 s |
//! | requests of a session | one GET and one POST; a second one ends the session |
//! | a POST body on its way | heartbeat interval and timeout, 45 s |
//! | a websocket that is to take over | [`upgrade_timeout`](ProtocolConfig::upgrade_timeout), 10 s |
//! | a websocket that is being closed | 30 s for what it has not read |
//! | a request's head, with [`serve`] | 16 KiB and 10 s |
//! | an answer of which its client takes nothing, with [`serve`] | 30 s |
//!
//! What waits for all clients together is bounded by [`ServerLimits`], if they are set.
//!
//! An idle session owns no read or write buffer. There is no bound on the number of sessions:
//! [`Acceptor::open`] can refuse them, and [`Server::stats`] counts them.
//!
//! **Time.** All of it is the runtime's clock, so that a test with paused time drives everything.
//!
//! # Behind another server
//!
//! Where hyper, or a framework on top of it, accepts the connections rather than [`serve`], two of the
//! bounds above are that program's to set:
//!
//! - for request heads: `http1::Builder::header_read_timeout`, which needs a `timer`;
//! - for answers that are not read. hyper waits for ever, and an answer that it has taken no longer
//!   counts as waiting here, though a client may have a megabyte or more of it in each connection. A
//!   proxy in front bounds that (`send_timeout` of nginx), and so does the option `TCP_USER_TIMEOUT` of
//!   the sockets. A stream that fails when a write waits for too long does as well, but must not once
//!   the connection is a websocket, which may lag within its [`OutboxLimits`].

// The layer below is `proto` in every file here, so that each line shows its layer.
extern crate engineio_proto as proto;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

mod application;
mod capacity;
mod clock;
mod config;
mod impatient;
mod limits;
mod link;
mod load;
mod mailbox;
pub mod metrics;
mod outbox;
mod overflow;
mod peer;
mod refused;
mod registry;
mod scratch;
mod serve;
mod server;
mod service;
mod session;
mod stream;
mod tape;
mod task;
mod trace;
mod waiters;
mod websocket;

pub use application::{Acceptor, Application, Refusal, SessionContext};
pub use config::Config;
pub use limits::{OutboxLimits, OverflowPolicy, ServerLimits};
pub use load::Stats;
pub use outbox::PushError;
pub use overflow::Weight;
pub use peer::Peer;
pub use proto::server::Config as ProtocolConfig;
pub use proto::{CloseReason, Message, Prepared, Revision, Sid, Tick, Transport};
pub use refused::{RefusalReason, RefusedRequest};
pub use serve::{Listener, serve};
#[cfg(feature = "http-compression")]
pub use server::Compression;
pub use server::{Cors, SameSite, Server, SessionCookie, Shutdown};
pub use service::{Endpoint, Mount, Mounted, NotFound};
pub use session::{Ready, Session};
pub use tape::Tape;
