//! The Engine.IO client, usable alone.

mod proxy;
mod target;
mod tunnel;

pub use self::proxy::{Proxy, ProxyParseError};
pub use self::target::Target;
pub use self::tunnel::ProxyError;
