//! The client without an asynchronous runtime: the same names, and calls that wait.
//!
//! ```text
//!   your threads: emit, call, connect, …           ┌──────────────────────┐
//!         │                                        │ thread of handlers:  │──► your functions
//!         ▼                                        │ one after the other  │
//!   ┌───────────┐     ┌──────────────────────┐     └──────────▲───────────┘
//!   │  manager  │◄───►│ thread of the link:  │────events──────┘
//!   └───────────┘     │ socket, TLS, time    │◄──► server
//!                     └──────────────────────┘
//! ```
//!
//! ```no_run
//! use std::time::Duration;
//! use socketio_client::Data;
//! use socketio_client::blocking::{Client, Socket};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let client = Client::new("http://localhost:3000");
//!     client.on("news", |socket: Socket, Data(text): Data<String>| {
//!         println!("{text}");
//!         let _ = socket.emit("read", &text);
//!     });
//!     client.connect()?;
//!     let sum: i32 = client.call("add", &(19, 23)).timeout(Duration::from_secs(5)).wait()?;
//!     println!("{sum}");
//!     client.close();
//!     Ok(())
//! }
//! ```
//!
//! Handlers run one after the other, in the order in which their events arrived, over all
//! namespaces. One that waits holds up those behind it, but neither heartbeat nor acknowledgements:
//! a handler may wait for a [`call`](Socket::call) of its own. Up to 256 events, or 1 MiB of them,
//! wait for their handlers; after that the server is not read until there is room.

mod ack;
mod asking;
mod client;
mod driver;
mod handler;
mod listener;
mod park;
mod provider;
mod simple;
mod socket;
mod worker;

pub use self::ack::PendingAck;
pub use self::client::{AnyNamespace, Client};
pub use self::handler::Handler;
pub use self::listener::Listener;
pub use self::simple::SimpleClient;
pub use self::socket::{Events, Socket};
pub use crate::engine::blocking::{Connect, Socket as Stream};

use self::handler::Route;
use self::provider::Provider;
use crate::shared::{self, Kind};

/// The blocking client.
pub(crate) struct Blocking;

impl Kind for Blocking {
    type Instant = std::time::Instant;
    type Connect = dyn Connect;
    type Route = Route;
    type Provider<T: Clone + Send + Sync + 'static> = Provider<T>;
}

type Handle = shared::Handle<Blocking>;
type Namespace = shared::Namespace<Blocking>;
type Shared = shared::Shared<Blocking>;
