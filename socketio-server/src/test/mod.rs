//! A server and its clients in memory, on a clock of the test's own: how an application tests what
//! it does. Feature `test`.
//!
//! ```text
//!              your test                                     your application
//!  ┌──────────────────────────────────┐   ┌───────────────────────────────────────────────┐
//!  │ Server ── connect() ──► Client   │   │  tower layers ─► Io ─► Namespace ─► handlers   │
//!  │   request(…)              emit   │   │                                               │
//!  │   advance(…)              expect │   │  all of it as in production                   │
//!  └────────────────────────────┬─────┘   └──▲────────────────────────────────────────────┘
//!                               │ HTTP, websocket
//!                               └────────────┘ over memory: no socket, no port
//! ```
//!
//! ```toml
//! [dev-dependencies]
//! socketio-server = { …, features = ["test"] }
//! tokio = { version = "1", features = ["macros", "test-util"] }
//! ```
//!
//! ```
//! use serde_json::json;
//! use socketio_server::test::Server;
//! use socketio_server::{Auth, ConnectError, Data, Io, Socket};
//! # use std::time::Duration;
//!
//! /// The application: who has a token may talk in the room of its choice.
//! fn application() -> Io {
//!     let io = Io::builder().build();
//!     let chat = io.of("/chat");
//!     chat.on_connect(async |auth: Auth<serde_json::Value>| match auth["token"].as_str() {
//!         Some("a" | "b") => Ok(()),
//!         _ => Err(ConnectError::new("no token").with_data(json!({ "try": "a" }))),
//!     });
//!     chat.on("join", async |socket: Socket, room: Data<String>| {
//!         socket.join(room.as_str());
//!         "joined"
//!     });
//!     chat.on("say", async |socket: Socket, Data((room, text)): Data<(String, String)>| {
//!         socket.to(room).emit("message", &text).map(drop)
//!     });
//!     io
//! }
//!
//! # const TEST: &str = r#"
//! #[tokio::test(start_paused = true)]
//! async fn a_room_hears_what_is_said_in_it() {
//! # "#;
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//!     let server = Server::new(&application());
//!     let connect = || server.connect().namespace("/chat");
//!     let refusal = connect().await.unwrap_err();
//!     assert_eq!(refusal.message(), "no token");
//!     assert_eq!(refusal.data(), Some(&json!({ "try": "a" })));
//!
//!     let mut alice = connect().auth(json!({ "token": "a" })).await.unwrap();
//!     let bob = connect().auth(json!({ "token": "b" })).polling().await.unwrap();
//!     let answer: String = alice.call("join", "tea").await.unwrap();
//!     assert_eq!(answer, "joined");
//!     bob.emit("say", &("tea", "hello"));
//!     assert_eq!(alice.expect::<String>("message").await, "hello");
//!     bob.emit("say", &("coffee", "hello?"));
//!     alice.expect_nothing().await;
//!
//!     // A phone without network: nobody says goodbye, and the heartbeat has to notice.
//!     alice.vanish();
//!     server.advance(Duration::from_secs(60)).await;
//!     assert_eq!(server.io().of("/chat").len(), 1);
//! }
//! ```
//!
//! # Time
//!
//! Everything here and in the server goes by the runtime's clock, and
//! `#[tokio::test(start_paused = true)]` stops that clock: it moves only while nothing else can
//! run, and then to the next thing that is due. So
//!
//! - a day of heartbeats takes no time ([`Server::advance`]), and neither does an expectation that
//!   is not met: it fails after 120 s of that clock;
//! - "nothing arrives" is a fact and not a guess ([`Server::settle`], [`Client::expect_nothing`]);
//! - what runs when does not depend on how busy the machine is.
//!
//! Only a runtime of one thread, the default of `#[tokio::test]`, can pause its clock.
//!
//! While a `spawn_blocking` is under way the clock stands still. What waits for something outside
//! of the process, such as a database, looks like idleness to the runtime, and time runs away
//! meanwhile: such a test needs a clock that is not paused. The kit works there too, but then
//! [`Server::advance`] waits in earnest, and "nothing arrives" means within a millisecond.
//!
//! # Which clients
//!
//! A [`Client`] keeps the protocol's rules, whichever transport and revision it was
//! [told](Connect) to use, and uses the server's [parser](crate::Builder::parser). Like a client
//! in earnest it has one link, which several namespaces [may share](Client::join). It never
//! reconnects; connect another one instead.
//!
//! # Coming from Flask-SocketIO
//!
//! | there | here |
//! |---|---|
//! | `socketio.test_client(app, …)` | [`Server::new`], [`Server::connect`] |
//! | `namespace`, `query_string`, `headers`, `auth` | the methods of [`Connect`] |
//! | `flask_test_client` | [`Server::with_service`], [`Server::request`], [`Connect::cookies`] |
//! | `client.connect(namespace)` | [`Client::join`] |
//! | `client.emit(…)`, with `callback=True` | [`Client::emit`], [`Client::call`] |
//! | `client.get_received()` | [`Client::received`], or event by event [`Client::expect`] |
//! | `client.is_connected()`, `client.disconnect()` | [`Client::is_connected`], [`Client::disconnect`] |
//! | nothing | acks of clients ([`Event::ack`]), time, half-open links, slow readers, transports |

mod client;
mod connect;
mod driver;
mod event;
mod http;
mod server;
mod sockets;
mod websocket;

pub use client::Client;
pub use connect::{Connect, Join, Refusal};
pub use event::Event;
pub use server::Server;

pub use crate::proto::client::JoinError;
