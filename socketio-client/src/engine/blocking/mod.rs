//! The client without an asynchronous runtime: non-blocking streams that a thread polls by mio.

mod dial;
mod stream;

pub use self::dial::Connect;
pub(crate) use self::dial::Dialer;
pub use self::stream::Socket;
pub(crate) use self::stream::Stream;
