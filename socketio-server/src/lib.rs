//! A Socket.IO server: namespaces, handlers, rooms, acknowledgements.
//!
//! ```text
//!   browser, phone, script                            your program
//!  ┌──────────────────────┐    ┌───────────────────────────────────────────────────┐
//!  │ official client,     │    │ Io ── of("/chat") ──► Namespace                   │
//!  │ JavaScript, Python,  │    │                         on("message", handler)    │
//!  │ Java, Swift, …       │    │                         to("room").emit(…)        │
//!  └──────────┬───────────┘    │                              │ rooms, slots         │
//!             │ polling,       │  Socket ◄────────────────────┘                    │
//!             │ websocket      │    emit, call, join, disconnect                   │
//!             └───────────────►│  one task per client: its link, its handlers      │
//!                              └───────────────────────────────────────────────────┘
//! ```
//!
//! It serves the clients people have: the official ones of Socket.IO 1 to 4, all on one port, and
//! those in other languages.
//!
//! ```no_run
//! use socketio_server::{Data, EncodeError, Io, Socket};
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let io = Io::builder().build();
//!     io.on("message", message);
//!     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//!     let stop = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
//!     let _ = io.serve(listener, stop, std::time::Duration::from_secs(10)).await;
//!     Ok(())
//! }
//!
//! async fn message(
//!     socket: Socket,
//!     Data((room, text)): Data<(String, String)>,
//! ) -> Result<&'static str, EncodeError> {
//!     socket.join(room.as_str());
//!     socket.to(room).emit("message", &text)?;
//!     Ok("delivered") // the acknowledgement
//! }
//! ```
//!
//! Inside a framework, [`Io::layer`] is a tower layer: `Router::new().layer(io.layer())` in axum.
//!
//! # Words
//!
//! These mean the same on every page:
//!
//! | word | meaning |
//! |---|---|
//! | client | the program at the other end: a page, an app, a script |
//! | link | the one connection of a client, an Engine.IO session over long-polling or websocket. Its id, the [`Sid`], is a secret |
//! | socket | a client in one namespace: a [`Socket`]. One link carries a socket for each namespace the client has joined |
//! | room | a named group of sockets of a namespace. Every socket is also alone in a private room that has its id as its name |
//! | session | data that belongs to a socket ([`Session`]) or to a browser's login ([`HttpSession`]) |
//! | acknowledgement | the answer to an event, in either direction |
//!
//! # Testing
//!
//! With the feature `test`, the module `test` has the server in memory, clients that speak the real
//! protocol, and time that passes when the test says so. The server above keeps its promises:
//!
//! ```
//! # #[cfg(feature = "test")]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! # use socketio_server::{Data, EncodeError, Io, Socket};
//! # let io = Io::builder().build();
//! # io.on("message", message);
//! # async fn message(
//! #     socket: Socket,
//! #     Data((room, text)): Data<(String, String)>,
//! # ) -> Result<&'static str, EncodeError> {
//! #     socket.join(room.as_str());
//! #     socket.to(room).emit("message", &text)?;
//! #     Ok("delivered")
//! # }
//! let server = socketio_server::test::Server::new(&io);
//! let mut alice = server.connect().await.unwrap();
//! let bob = server.connect().await.unwrap();
//! for client in [&alice, &bob] {
//!     let answer: String = client.call("message", &("tea", "hello")).await.unwrap();
//!     assert_eq!(answer, "delivered");
//! }
//! assert_eq!(alice.expect::<String>("message").await, "hello");
//! # }
//! # #[cfg(not(feature = "test"))]
//! # fn main() {}
//! ```
//!
//! # Handlers
//!
//! A [`Handler`] is a function, async or plain, whose parameters are taken from the event: [`Data`] for
//! its arguments, [`Auth`] for the client's credentials, [`State`] and [`Local`] for what the
//! application and the socket keep, [`Session`] and [`HttpSession`] for data that handlers change,
//! [`Handshake`], [`PeerAddr`] and [`Extension`] for the request that opened the client's link,
//! [`Socket`], [`Io`], [`EventName`], [`AckSender`], [`DisconnectReason`], or any type of yours that
//! implements [`FromEvent`], which may also guard the handler. What it returns is the acknowledgement,
//! if the client asked for one; see [`Reply`]. Failures go to an error hook, that of the
//! [namespace](Namespace::on_error) or of the [server](Builder::on_error), which may answer in the
//! handler's place.
//!
//! Handlers of one socket start in the order in which its events arrived, and each runs up to its
//! first real wait before the next one starts. So those that never wait answer in order, and those
//! that do answer as they finish. They run inside the client's task: one that computes for a long time
//! holds up its own client, and others with it, and is named in the log if that takes 100 ms. It can
//! be run differently, as can all handlers of a namespace or of the server:
//!
//! | method | how the handler runs |
//! |---|---|
//! | [`ordered`](Handler::ordered) | its socket's next event waits until it has finished |
//! | [`spawned`](Handler::spawned) | in a task of its own |
//! | [`blocking`](Handler::blocking) | on a thread of a bounded pool, where it may block |
//! | [`cancel_on_disconnect`](Handler::cancel_on_disconnect) | only for as long as its socket is connected |
//!
//! A handler may wait for its own client, with [`Socket::call`]: acknowledgements, heartbeats and
//! disconnects are always read. When a client leaves, its handlers are not cancelled; they run to
//! the end, with a socket that reaches nobody.
//!
//! Handlers that belong together can be the methods of a type, a [class](NamespaceClass), and an event
//! that is sent or handled in several places can be a type of its own, an [`Event`].
//!
//! # Namespaces, and who handles what
//!
//! Clients can join the namespaces made with [`Io::of`], and create those that a
//! [pattern](Io::dynamic) or a [predicate](Io::dynamic_if) describes. [Middlewares](Namespace::before_connect)
//! and the [connect handler](Namespace::on_connect) decide who is let in.
//!
//! An event goes to the first of these that exists. Handlers can be registered at any time, and
//! finding one costs a single lookup:
//!
//! 1. the socket's own, [`Socket::on`];
//! 2. the namespace's, by name ([`on`](Namespace::on), [`once`](Namespace::once)), else its
//!    [fallback](Namespace::on_fallback); for a dynamic namespace those of its pattern, likewise;
//! 3. those of [all namespaces](Io::any_namespace), by name, else their fallback;
//! 4. the [class](NamespaceClass) of the namespace, else the class of all namespaces.
//!
//! [Event middlewares](Namespace::wrap) are wrapped around whichever it is;
//! [observers](Namespace::on_any) see what comes in, and [what goes out](Namespace::on_any_outgoing).
//! Either can also belong to [one socket](Socket::wrap). Others watch
//! [rooms](Namespace::on_room_event) change. [`Handlers`] can be described before there is a server.
//!
//! # Beside the clients
//!
//! [`Io::spawn`] runs tasks that belong to the server: [`Io::sleep`] tells them when it ends, and
//! [`Io::shutdown`] waits for them, for clients and for handlers, and [reports](Shutdown) what did not
//! finish. Emitting is not `async`: any thread may do it, and one outside a runtime waits for answers
//! with [`Socket::call_blocking`]. A program without `async main` calls [`Io::run`]:
//!
//! ```no_run
//! use socketio_server::{Data, Io};
//!
//! fn main() -> std::io::Result<()> {
//!     let io = Io::builder().build();
//!     io.on("add", |Data((a, b)): Data<(i64, i64)>| a + b);
//!     println!("{}", io.run("127.0.0.1:3000")?);
//!     Ok(())
//! }
//! ```
//!
//! # Logs and metrics
//!
//! Everything is logged through `tracing`, with targets `socketio` and `engineio`; nothing is printed
//! unless the program has a subscriber, or uses `Builder::logger` (feature `logger`). `WARN` and `ERROR`
//! want attention: handlers that fail or hold up their thread, tasks that panic, requests that are
//! refused ([`Builder::on_connection_error`]), each kind once a minute. `DEBUG` follows each client, in
//! a span `session` for its link and a span `handler` for each run of a handler; `TRACE` has the
//! messages word for word. Ids of links and credentials are never logged. With the feature `metrics`,
//! figures go to the crate of that name: see [`metrics`].
//!
//! # Features
//!
//! None of them changes what the others do.
//!
//! | feature | what it adds |
//! |---|---|
//! | `macros` (default) | attributes for classes, functions that know their event, and typed events |
//! | `http-compression` | polls answered with gzip or deflate |
//! | `logger` | `Builder::logger` and `Builder::engineio_logger`, which print to stderr |
//! | `metrics` | [figures](metrics) for recorders of the crate `metrics` |
//! | `test` | the module `test`: server, clients and time in memory |
//! | `tower-sessions` | HTTP sessions that handlers and routes share |
//!
//! # What is guaranteed
//!
//! [`guarantees`] has all of it, with the tests that show it and what it costs in memory; for those
//! who come from Python or JavaScript, [`parity`] says where everything is. In short:
//!
//! * Events that one task emits to a socket arrive in the order in which `emit` returned, also
//!   across the upgrade from polling to websocket, or not at all if the client is lost.
//! * What was emitted before a [`Socket::disconnect`] arrives before it.
//! * A socket that is in a target room all the time gets a broadcast exactly once; after
//!   [`Socket::leave`] has returned, nothing more.
//! * Events that a client sends along with its CONNECT, or right after the answer, find the
//!   handlers in place.
//! * A client that stops reading costs bounded memory ([`OutboxLimits`] also says what happens to
//!   it), and so does one whose events arrive faster than they are handled ([`HandlerLimits`]).
//! * Nothing a client sends makes the server panic; a panic of a handler reaches
//!   [`Builder::on_error`] and nobody else.
//!
//! There is no order between events of concurrent emitters, and no promise that a client which has
//! lost its link has got what was sent last: that is what acknowledgements are for, and
//! [recovery](Builder::connection_state_recovery).

// The layers below carry short names in every file here, so that each line shows its layer.
extern crate engineio_server as engine;
use socketio_proto as proto;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
#[doc = include_str!("../../README.md")]
mod readme {}

mod ack;
mod any_namespace;
mod background;
mod broadcast;
mod builder;
mod bulk;
mod class;
mod credentials;
mod directory;
mod dynamic;
mod entry;
mod error;
mod everyone;
mod extract;
mod files;
mod gate;
mod handler;
mod handshake;
mod http_hooks;
mod http_session;
mod io;
mod link;
#[cfg(feature = "logger")]
mod logging;
pub mod metrics;
mod namespace;
mod observed;
mod pressure;
mod record;
mod recovery;
mod reply;
mod room_events;
mod rooms;
mod routes;
mod run;
mod session;
#[cfg(feature = "tower-sessions")]
mod session_store;
mod shutdown;
mod slab;
mod socket;
mod typed;
mod unicast;
mod verdict;
mod wait_blocking;
mod work;

#[doc = include_str!("docs/guarantees.md")]
pub mod guarantees {}
#[doc = include_str!("docs/parity.md")]
pub mod parity {}
pub mod parser;
#[cfg(feature = "test")]
pub mod test;

pub use ack::{Acks, PendingAck};
pub use any_namespace::AnyNamespace;
pub use background::BackgroundTask;
pub use broadcast::{Broadcast, Report};
pub use builder::{Builder, HandlerLimits};
pub use class::{NamespaceClass, Place, Register, check};
#[cfg(feature = "macros")]
pub use class::{event, namespace};
pub use dynamic::{
    DynamicNamespace, NamespacePredicate, NamespaceRequest, Param, Params, ParamsError,
};
#[cfg(feature = "http-compression")]
pub use engine::Compression;
pub use engine::{
    Cors, Listener, Mount, Mounted, OutboxLimits, OverflowPolicy, Peer, ProtocolConfig, Refusal,
    RefusalReason, RefusedRequest, SameSite, ServerLimits, SessionCookie, Sid, Stats, Tape,
    Transport,
};
pub use error::{
    AckError, ConnectError, DisconnectReason, HandlerError, HandlerErrorKind, Rejection,
    ReservedName,
};
pub use extract::{Auth, EventContext, FromEvent, Local, State};
pub use files::{ClientBundle, FilesError, StaticFiles};
pub use handler::{ConnectHandler, EventHandler, Handler, Manner, WithManner};
pub use handshake::{Extension, Handshake, PeerAddr};
pub use http_hooks::AllowReply;
pub use http_session::HttpSession;
pub use io::Io;
pub use namespace::Namespace;
pub use proto::{
    Ack, Args, ArgsError, Binary, BoxError, Data, EncodeError, Encoded, Encoder, EventName,
    FromArgs, Payload, RawArgs, Reply, Value,
};
pub use recovery::RecoveryConfig;
pub use reply::{AckSender, ConnectReply, ErrorReply};
pub use room_events::RoomEvent;
pub use rooms::Rooms;
pub use routes::{HandlerFuture, Handlers, Next, Outcome, Outgoing};
pub use session::Session;
#[cfg(feature = "tower-sessions")]
pub use session_store::StoredSession;
pub use shutdown::{Shutdown, Tally};
pub use socket::{Socket, SocketId};
pub use socketio_adapter::{Adapter, Room};
pub use typed::{Event, HandlesEvent, Typed};
pub use unicast::Unicast;
pub use verdict::Verdict;
