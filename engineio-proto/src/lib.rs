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
//! It speaks no HTTP: requests and responses are named by numbers, and the driver has them. It
//! knows neither Socket.IO nor how many sessions there are, and it does not bound its queues: that
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
//!                     for text in texts_of_client(&item) {
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
//!                     for text in texts_of_server(&item) {
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
//! // A driver writes frames here; this network carries the text of the packets as it is.
//! fn texts_of_client(item: &client::Item) -> Vec<&str> {
//!     match item {
//!         client::Item::Control(control) => vec![control.packet()],
//!         client::Item::Message(message) => texts(message),
//!     }
//! }
//! # fn texts_of_server(item: &server::Item) -> Vec<&str> {
//! #     match item {
//! #         server::Item::Control(control) => vec![control.packet()],
//! #         server::Item::Message(message) => texts(message),
//! #     }
//! # }
//! # fn texts(message: &Prepared) -> Vec<&str> {
//! #     let text = |packet| match packet {
//! #         Message::Text(text) => Some(text),
//! #         Message::Binary(_) => None,
//! #     };
//! #     message.packets(FORMAT).filter_map(text).collect()
//! # }
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
//! # Where things are
//!
//! | to | see |
//! |---|---|
//! | serve | [`server::Session`], and [`Request`] for what arrives before there is one |
//! | connect | [`client::Session`] |
//! | speak to clients of every age | [`Format`]: the [`Revision`], `b64`, JSONP |
//! | send one message to many | [`Prepared`] |
//! | read and write WebSocket frames | [`ws`] |
//! | put packets on a WebTransport stream | [`webtransport`] |
//! | encode and decode packets alone | [`Revision`] and [`Payload`] |
//! | record what happened, and run it again | [`record`] |

pub mod client;
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
