//! Where a request comes from, as far as whoever accepted its connection knows.

use std::net::SocketAddr;

/// The other end of a request's connection, as an extension of the request.
/// [`serve`](crate::serve) puts it in; behind another server, or a proxy, somebody else may.
///
/// ```
/// use engineio_server::Peer;
///
/// let mut request = http::Request::new(());
/// let peer = Peer::at(([192, 0, 2, 1], 50_000).into()).secure();
/// request.extensions_mut().insert(peer);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Its address; `None` if that is unknown, or there is none, as with Unix sockets.
    pub address: Option<SocketAddr>,
    /// Whether the connection is encrypted, all the way as far as is known.
    pub secure: bool,
}

impl Peer {
    /// A peer at this address, without encryption.
    #[must_use]
    pub const fn at(address: SocketAddr) -> Self {
        Self {
            address: Some(address),
            secure: false,
        }
    }

    /// The same peer behind encryption.
    #[must_use]
    pub const fn secure(mut self) -> Self {
        self.secure = true;
        self
    }
}
