//! The HTTP session of a client's browser, as its handlers see it.

use std::any::type_name;
use std::ops::Deref;
use std::sync::Arc;

use crate::error::Rejection;
use crate::extract::{EventContext, FromEvent};
use crate::session::{Session, SessionCell};
use crate::socket::Socket;

/// The HTTP session as it was when the client's link was opened: a copy, made by
/// [`Builder::http_session`](crate::Builder::http_session).
///
/// All sockets of the link share the copy. What handlers change in it stays on their side and ends
/// with the link; what HTTP routes change later is not seen. So Flask-SocketIO treats the session
/// (`manage_session=True`), since the answer to a websocket cannot set cookies.
///
/// ```
/// use http::request::Parts;
/// use socketio_server::{HttpSession, Io};
///
/// #[derive(Clone, Default)]
/// struct Visit {
///     user: Option<String>,
///     pages: u32,
/// }
///
/// let io = Io::builder()
///     .http_session(async |request: Parts| {
///         // Put there by the layer that reads the application's session cookie.
///         request.extensions.get::<Visit>().cloned().unwrap_or_default()
///     })
///     .build();
/// io.on("turn page", async |HttpSession(visit): HttpSession<Visit>| {
///     visit.edit(|visit| visit.pages += 1);
///     visit.get().user.clone()
/// });
/// ```
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "a pattern in parameters")]
pub struct HttpSession<T>(pub Session<T>);

/// A link's copy, in the extensions of its handshake.
pub(crate) struct HttpCell<T>(Arc<SessionCell<T>>);

impl<T> HttpCell<T> {
    pub(crate) fn new(data: T) -> Self {
        Self(Arc::new(SessionCell::new(data)))
    }
}

impl<T> Clone for HttpCell<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Socket {
    /// The copy of the HTTP session of this type, if [one is made](crate::Builder::http_session).
    #[must_use]
    pub fn http_session<T: Send + Sync + 'static>(&self) -> Option<HttpSession<T>> {
        let cell = self.handshake().extension::<HttpCell<T>>()?;
        Some(HttpSession(Session::new(Arc::clone(&cell.0))))
    }
}

impl<T: Send + Sync + 'static> FromEvent for HttpSession<T> {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        let session = event.socket.http_session();
        session.ok_or(Rejection::Missing(type_name::<T>()))
    }
}

impl<T> Deref for HttpSession<T> {
    type Target = Session<T>;

    fn deref(&self) -> &Session<T> {
        &self.0
    }
}

impl<T> Clone for HttpSession<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}
