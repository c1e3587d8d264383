//! The client without an asynchronous runtime: non-blocking streams that a thread polls by mio.

pub(crate) mod clock;
mod connection;
mod dial;
mod reactor;
mod stream;
mod streams;

pub use self::connection::{Connection, Sender};
pub(crate) use self::connection::{Session, Step};
pub use self::dial::Connect;
pub(crate) use self::dial::Dialer;
pub(crate) use self::reactor::Reactor;
pub use self::stream::Socket;
pub(crate) use self::stream::Stream;
