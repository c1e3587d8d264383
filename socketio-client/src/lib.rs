//! A Socket.IO client: namespaces over one link, handlers, acknowledgements both ways, reconnection.
//!
//! ```text
//!                    your program                                          a server
//!  ┌──────────────────────────────────────────────────────┐         ┌──────────────────────┐
//!  │ Client ── of("/chat") ──► Socket                     │         │ socketio-server,     │
//!  │   connect, close            emit, call, events       │         │ npm socket.io,       │
//!  │   auth_with, url_with       on("message", handler)   │         │ python-socketio, …   │
//!  │                                  │                   │         └──────────▲───────────┘
//!  │  one task per client: the link, running handlers,    │  polling,          │
//!  │  credentials, reconnection                           ├────────────────────┘
//!  └──────────────────────────────────────────────────────┘  websocket
//! ```
//!
//! It speaks to servers of Socket.IO 3 and 4, and to those of 1 and 2, which it recognises.
//!
//! ```no_run
//! use socketio_client::{Client, Data, DisconnectReason, Socket};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let client = Client::new("http://localhost:3000");
//!     // What a handler returns is the acknowledgement.
//!     client.on("add", |Data((a, b)): Data<(i64, i64)>| a + b);
//!     client.on("message", async |socket: Socket, Data(text): Data<String>| {
//!         socket.emit("seen", &text)
//!     });
//!     client.on_disconnect(async |reason: DisconnectReason| println!("{reason}"));
//!     client.connect().await?;
//!
//!     client.emit("hello", &("world", 1))?;
//!     let answer: String = client.call("how are you?", &()).await?;
//!     println!("{answer}");
//!
//!     // Until the server sends the client away, or reconnection has failed for good.
//!     client.wait().await;
//!     Ok(())
//! }
//! ```
//!
//! All of this is for tokio; [`blocking`] has the same names for plain threads. Those who dislike
//! callbacks take [events as a stream](Socket::events), and scripts the [`SimpleClient`]. Handlers
//! with state are a type that is a [`Listener`]. The engine below is usable alone: [`engine`].
//!
//! # Handlers
//!
//! A handler is a function, async or plain, whose parameters are taken from the event: [`Data`] for its
//! arguments, [`RawArgs`], [`Event`], [`EventName`], [`AckSender`], [`Socket`], [`Client`], in
//! handlers of connections [`ConnectError`] and [`DisconnectReason`], or any type of yours that
//! implements [`FromEvent`]. What it returns is the acknowledgement, if the server asked for one;
//! see [`Reply`]. An event that nobody handles is not acknowledged, as in JavaScript; in Python it
//! would be.
//!
//! Handlers start in the order in which the events arrived, and each runs up to its first real wait
//! before the next one starts. They run inside the client's task: one that computes for long holds
//! up its own client, and should move the work to `tokio::task::spawn_blocking`. Up to 64 may wait
//! for something at once; then events wait, up to 256 or 1 MiB of them, while acknowledgements are
//! still read; then the link is not read ([`HandlerLimits`] has other numbers). A handler that fails, panics or is given arguments that
//! do not fit reaches [`Client::on_error`] and nobody else.
//!
//! # Connections
//!
//! [`Client::connect`] returns when the server has let the client into every namespace that was
//! spoken of, or tells why not, after one attempt. Once connected, a client whose link is lost
//! connects again by itself, with delays that [`Reconnection`] describes; a namespace that the
//! server has refused or ended is not asked for again until the application says so. Each time
//! URL, headers and credentials are asked for anew, if they are functions.
//! [`Client::on_stage`] and [`Client::status`] tell how it goes.
//!
//! # What is guaranteed
//!
//! * Events that one task emits to a socket arrive in the order in which `emit` returned, also
//!   across the upgrade from polling to websocket, and across reconnections, or not at all. What was
//!   emitted while the client was not connected arrives first. What had been given to a link that
//!   was lost may be lost with it: that is what acknowledgements are for, and
//!   [`retries`](Config::retries). There is no order between what was emitted before the program
//!   itself [disconnected](Client::disconnect) and what it emits on the next link: neither waits
//!   for the other.
//! * An event and its bytes are never torn apart, nor mixed with others.
//! * Whoever waits for an acknowledgement gets it, or an error: after 60 s, unless told otherwise,
//!   or when the link is lost. Dropped, it is forgotten. An acknowledgement never reaches another
//!   connection than the one that asked.
//! * Every future of this crate can be dropped at any time; what that does is said at each.
//! * Nothing runs while there is nothing to do, and a client that is closed has no task. When the
//!   last handle is dropped, the server is told, and the task ends.
//! * Nothing a server sends makes the client panic.
//!
//! Signals, Ctrl-C for one, are the application's.

#![cfg_attr(
    not(any(feature = "async", feature = "blocking")),
    allow(
        dead_code,
        unused_imports,
        unused_macros,
        reason = "what both clients share"
    )
)]

#[cfg(all(doctest, feature = "async"))]
#[doc = include_str!("../README.md")]
mod readme {}

// The layer below carries a short name in every file here, so that each line shows its layer.
use socketio_proto as proto;

#[cfg(feature = "async")]
mod ack;
mod attempt;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "async")]
mod client;
mod config;
mod error;
mod events;
mod extract;
mod failure;
#[cfg(feature = "async")]
mod handler;
mod hub;
mod link;
#[cfg(feature = "async")]
mod listener;
mod manager;
mod member;
mod methods;
mod provide;
mod routes;
mod shared;
#[cfg(feature = "async")]
mod simple;
mod slot;
#[cfg(feature = "async")]
mod socket;
mod stage;
#[cfg(feature = "async")]
mod task;

pub mod engine;
pub mod parser;

#[cfg(feature = "async")]
pub use ack::PendingAck;
#[cfg(feature = "async")]
pub use client::{AnyNamespace, Client, StatusWatch};
pub use config::{Buffer, Config, HandlerLimits, Reconnection, WhenFull};
pub use engine::{Tape, Transport};
pub use error::{AckError, ConnectError, DisconnectReason, EmitError, ReceiveError, SendError};
pub use events::{AckSender, Event};
pub use extract::{EventContext, FromEvent};
pub use failure::{HandlerError, HandlerErrorKind, Rejection};
#[cfg(feature = "async")]
pub use handler::Handler;
#[cfg(feature = "async")]
pub use listener::Listener;
pub use proto::{
    Ack, Args, ArgsError, Binary, BoxError, Data, EncodeError, Encoded, Encoder, EventName,
    FromArgs, Payload, RawArgs, Reply, Value,
};
pub use provide::{Credentials, Provide};
#[cfg(feature = "async")]
pub use simple::SimpleClient;
#[cfg(feature = "async")]
pub use socket::{Events, Socket};
pub use stage::{Stage, Status};
