//! What one session leaves to the next of the same client.

use cookie_store::CookieStore;
use engineio_proto::Revision;

/// Cookies, and what worked. A fresh one knows nothing.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(super) cookies: CookieStore,
    /// The revision the server turned out to speak.
    pub(super) revision: Option<Revision>,
    /// Whether the last session got to a websocket.
    pub(super) websocket: bool,
}
