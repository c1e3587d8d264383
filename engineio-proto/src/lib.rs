//! Engine.IO without I/O: packets, WebSocket frames and both ends of a session.
//!
//! ```text
//!     application        Prepared ▼         ▲ Message, lent
//!  ┌──────────────────────────────────────────────────────┐
//!  │     server::Session       │      client::Session     │  heartbeat, upgrade, close:
//!  │                           │                          │  what may happen when
//!  ├───────────────────────────┴──────────────────────────┤
//!  │     Revision ─► Packet, Payload, Prepared            │  how it is spelled
//!  ├───────────────────────────┬──────────────────────────┤
//!  │     Request: who may in   │      ws: frames, masks   │  what carries it
//!  └──────────────────────────────────────────────────────┘
//!     driver             handle_* ▲         ▼ Output       sockets, clock, randomness
//! ```
//!
//! # What it does not do
//!
//! It opens no socket, reads no clock, draws no random number, starts no thread and takes no lock.
//! Its sessions speak no HTTP: requests and responses are named by numbers, and the driver has them.
//! It knows neither Socket.IO nor how many sessions there are, and it does not bound its queues: that
//! is up to whoever sends, with [`queued_bytes`](server::Session::queued_bytes) at hand.
//!
//! # The loop
//!
//! Both sessions are driven alike, one input after the other:
//!
//! 1. **Hand in** what happened: a `handle_*` method, or a command such as `send` and `close`.
//!    Messages of the peer are lent by that call, or by `next_message` for as long as it has any.
//! 2. **Act** on every [`server::Output`] or [`client::Output`] until `poll_output` returns
//!    `None`. A driver whose connection takes no more may stop earlier; messages wait inside.
//! 3. **Wait** for the next input, or for the time that `poll_timeout` names, and then call
//!    `handle_timeout`. Ask again after each input.
//!
//! Time is a number, a [`Tick`]: milliseconds since an epoch of the driver's choice. Nothing
//! panics and nothing fails on what a peer sends; a session that ends says so with an output.
//!
//! Here is the whole of it, with a server and a client back to back:
//!
//! ```
//! use std::sync::Arc;
//!
//! use engineio_proto::server::LinkId;
//! use engineio_proto::{Format, Message, Prepared, Revision, Sid, Tick, Transport, client, server};
//!
//! const FORMAT: Format = Format::new(Revision::V4);
//! const LINK: LinkId = LinkId(0);
//!
//! /// Steps 1 and 2, until both sessions are at rest. The server echoes.
//! fn act(server: &mut server::Session, client: &mut client::Session, now: Tick) {
//!     loop {
//!         if let Some(output) = client.poll_output() {
//!             match output {
//!                 client::Output::OpenLink { link } => client.handle_link(now, link),
//!                 client::Output::Send { link, item } => {
//!                     // This network carries packets as they are, and only text.
//!                     for packet in item.packets(FORMAT) {
//!                         let Message::Text(text) = packet else { continue };
//!                         let message = server.handle_text(now, link, text);
//!                         if let Some(Message::Text(text)) = message {
//!                             server.send(Prepared::text(text));
//!                         }
//!                     }
//!                 }
//!                 client::Output::CloseLink { link } => {
//!                     server.handle_link_end(now, link, server::LinkEnd::Closed);
//!                 }
//!                 other => println!("client: {other:?}"),
//!             }
//!         } else if let Some(output) = server.poll_output() {
//!             match output {
//!                 server::Output::Send { link, item } => {
//!                     for packet in item.packets(FORMAT) {
//!                         let Message::Text(text) = packet else { continue };
//!                         if let Some(message) = client.handle_text(now, link, text) {
//!                             assert_eq!(message, Message::Text("hello"));
//!                         }
//!                     }
//!                 }
//!                 other => println!("server: {other:?}"),
//!             }
//!         } else {
//!             break;
//!         }
//!     }
//! }
//!
//! let mut now = 0;
//! // In earnest, an id is 15 bytes of a cryptographically secure generator.
//! let sid = Sid::from_random([7; 15]);
//! let mut server = server::Session::open_link(Arc::default(), FORMAT, &sid, LINK, now);
//! let config = client::Config { transport: Transport::Websocket, ..Default::default() };
//! let mut client = client::Session::new(Arc::new(config), FORMAT, now);
//! client.send(Prepared::text("hello"));
//! act(&mut server, &mut client, now);
//!
//! // Step 3: nothing arrives by itself, so time passes. Twice the server pings.
//! while now < 60_000 {
//!     let timeouts = [server.poll_timeout(), client.poll_timeout()];
//!     now = timeouts.into_iter().flatten().min().expect("both sessions are open");
//!     server.handle_timeout(now);
//!     client.handle_timeout(now);
//!     act(&mut server, &mut client, now);
//! }
//!
//! client.close(now);
//! act(&mut server, &mut client, now);
//! assert!(server.is_closed() && client.is_closed());
//! ```
//!
//! # From HTTP to calls
//!
//! Who is served, and which call a request becomes, is read off its head; the rest is told as it
//! happens:
//!
//! ```text
//!  a request's head
//!     │ Request::read
//!     ├─ Err ──────────────────────► refuse
//!     ├─ Open, with a new Sid ─────► open_polling, or the 101 and open_link
//!     └─ Session, found by its sid
//!           │ SessionRequest::admit
//!           ├─ Err ────────────────► refuse
//!           ├─ Get ────────────────► handle_get
//!           ├─ Post, body and all ─► handle_post, then next_message until None
//!           ├─ Websocket ──────────► the 101 and handle_link
//!           └─ Nothing ────────────► 500
//!
//!  the client gave a request up ───► handle_abandoned
//!  the body of a POST broke off ───► handle_post_broken
//!  a message on a websocket ───────► handle_text, handle_binary
//!  a websocket is at its end ──────► handle_link_end
//! ```
//!
//! - **Refuse** with [`RequestError::response`], or where a websocket was asked for with
//!   [`RequestError::upgrade_response`]. An `Open` without a format is refused too.
//! - **Answer** every other request when [`Output::Reply`](server::Output::Reply) names it, and not
//!   before: a session replies to each request that was handed in exactly once, at once or much
//!   later, and in the order in which the replies have to leave. If its client goes first, call
//!   [`handle_abandoned`](server::Session::handle_abandoned), and nothing is owed any more.
//! - **Bodies** come whole. One of more than [`max_payload`](server::Config::max_payload) bytes is
//!   not read but answered with 413, and the session lives on; one that breaks off is
//!   [`handle_post_broken`](server::Session::handle_post_broken).
//! - **Websockets** begin with the driver's 101. A link has the format that its own request asked
//!   for, and what is sent on it leaves as its [`frames`](server::Item::frames). Pings, pongs and
//!   closes of WebSocket itself are the driver's; text and binary go to `handle_text` and
//!   `handle_binary`; the end, by whatever cause, is
//!   [`handle_link_end`](server::Session::handle_link_end).
//! - **Sessions** are found by their [`Sid`] until [`is_closed`](server::Session::is_closed) says
//!   otherwise. Act on their last outputs first.
//!
//! As code, for a driver that numbers requests and links alike, which needs little more besides its
//! I/O:
//!
//! ```
//! use std::collections::HashMap;
//! use std::sync::Arc;
//!
//! use engineio_proto::server::{Config, Output, Session};
//! use engineio_proto::{Content, Head, Prepared, Request, RequestError, Sid, Tick};
//!
//! struct Server {
//!     config: Arc<Config>,
//!     sessions: HashMap<Sid, Session>,
//!     /// Names for requests and links; the driver knows which connection has which.
//!     next_id: u32,
//! }
//!
//! impl Server {
//!     /// A request arrived, its body complete. Tells whose outputs are to be acted on now.
//!     fn handle(
//!         &mut self,
//!         now: Tick,
//!         head: &Head<'_>,
//!         content: Content,
//!         body: Vec<u8>,
//!     ) -> Result<Sid, RequestError> {
//!         let id = self.next_id;
//!         self.next_id += 1;
//!         let wanted = Request::read(head, &self.config)?;
//!         // What a link opened by this request speaks.
//!         let format = wanted.format()?;
//!         if let Request::Open { transport, .. } = wanted {
//!             let sid = Sid::from_random([7; 15]); // in earnest: random
//!             let config = self.config.clone();
//!             let session = Session::open(config, transport, format, &sid, id, now);
//!             self.sessions.insert(sid, session);
//!             return Ok(sid);
//!         }
//!         let sid = wanted.sid().ok_or(RequestError::UnknownSid)?;
//!         let session = self.sessions.get_mut(&sid).ok_or(RequestError::UnknownSid)?;
//!         session.handle_request(now, &wanted, id, content, body.into())?;
//!         while let Some(message) = session.next_message(now) {
//!             let echo = Prepared::from(message);
//!             session.send(echo);
//!         }
//!         Ok(sid)
//!     }
//! }
//! #
//! # let mut server = Server { config: Arc::default(), sessions: HashMap::new(), next_id: 0 };
//! # let mut request = |method, query: &str, body: &str| {
//! #     let head = Head { method, subpath: "", query, origin: None, upgrade: false };
//! #     let sid = server.handle(0, &head, Content::Text, body.into()).unwrap();
//! #     let mut replies = Vec::new();
//! #     while let Some(output) = server.sessions.get_mut(&sid).unwrap().poll_output() {
//! #         if let Output::Reply { response, .. } = output {
//! #             replies.push(String::from_utf8(response.body).unwrap());
//! #         }
//! #     }
//! #     (sid, replies)
//! # };
//! # let (sid, replies) = request("GET", "EIO=4&transport=polling", "");
//! # assert!(replies[0].starts_with("0{"));
//! # let query = format!("EIO=4&transport=polling&sid={}", sid.as_str());
//! # assert!(request("GET", &query, "").1.is_empty());
//! # assert_eq!(request("POST", &query, "4hello").1, ["ok", "4hello"]);
//! ```
//!
//! # Drivers to copy
//!
//! | transport | example |
//! |---|---|
//! | HTTP and websocket on threads and `std::net` | [`std-net`] |
//! | the same on another runtime than tokio | [`smol`] |
//! | a Unix socket with a framing of its own, both ends | [`unix_socket`] |
//! | none: both ends on a clock that is a number, for tests | [`in_memory`] |
//!
//! [`std-net`]: https://github.com/socketio-rs/socketio/tree/main/engineio-proto/examples/std-net
//! [`smol`]: https://github.com/socketio-rs/socketio/tree/main/engineio-proto/examples/smol
//! [`unix_socket`]: https://github.com/socketio-rs/socketio/tree/main/engineio-proto/examples/unix_socket
//! [`in_memory`]: https://github.com/socketio-rs/socketio/tree/main/engineio-proto/examples/in_memory
//!
//! The one in earnest, for tokio and hyper, is the crate `engineio-server`.
//!
//! # Where things are
//!
//! | to | see |
//! |---|---|
//! | serve | [`server::Session`], and [`Request`] for what arrives before there is one |
//! | connect | [`client::Session`] |
//! | speak to clients of every age | [`Format`]: the [`Revision`], `b64`, JSONP |
//! | send one message to many | [`Prepared`] |
//! | read and write WebSocket frames | [`ws`] |
//! | read and write HTTP without a library for it | `http1`, a feature |
//! | put packets on a WebTransport stream | [`webtransport`] |
//! | encode and decode packets alone | [`Revision`] and [`Payload`] |
//! | record what happened, and run it again | [`record`] |

pub mod client;
#[cfg(feature = "http1")]
pub mod http1;
pub mod record;
pub mod server;
#[cfg(feature = "proptest")]
pub mod strategies;
pub mod webtransport;
pub mod ws;

mod base64;
mod error;
mod format;
mod jsonp;
mod packet;
mod payload;
mod prepared;
mod request;
mod revision;
mod v3;
mod v4;

pub use error::{CloseReason, DecodeError};
pub use format::{Content, Format};
pub use packet::{Message, Packet, PacketType, Sid, Tick, Transport};
pub use payload::Payload;
pub use prepared::Prepared;
pub use request::{Action, Head, Request, RequestError, SessionRequest};
pub use revision::Revision;
