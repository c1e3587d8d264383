//! HTTP sessions that live on the server: read before and saved after the handlers that use them.
//! Feature `tower-sessions`.

use std::any::type_name;
use std::ops::Deref;
use std::sync::Arc;

use engine::Refusal;
use http::Extensions;
use http::request::Parts;
use parking_lot::Mutex;
use tower_sessions_core::session::{Expiry, Id};
use tower_sessions_core::{Session, SessionStore};

use crate::builder::Builder;
use crate::error::Rejection;
use crate::extract::{EventContext, FromEvent};
use crate::proto::BoxError;

/// The session of the client's browser as it is in the application's store now, as a parameter of
/// handlers; for servers with [`Builder::session_store`].
///
/// As a request of HTTP would, each handler reads the session when it first asks for something in it,
/// and if it has changed anything, the session is saved when the handler has ended, before its
/// acknowledgement leaves. So HTTP routes see what handlers have changed and the other way round.
/// Who saves last wins, as between two requests. A handler that panics saves nothing; one that
/// must know that the session is saved calls [`save`](Session::save) itself.
///
/// A websocket cannot set cookies: a browser that has no session when it connects shares with HTTP
/// none that is made later, and the link keeps it for itself. For the same reason handlers must not
/// change the session's id (`cycle_id`), nor can they log a browser in as safely as a route can.
///
/// ```
/// use socketio_server::{BoxError, Data, Io, StoredSession};
/// use tower_sessions::{MemoryStore, SessionManagerLayer};
///
/// let store = MemoryStore::default();
/// let io = Io::builder().session_store(store.clone()).build();
/// io.on("add to basket", async |session: StoredSession, Data(item): Data<String>| {
///     let mut basket: Vec<String> = session.get("basket").await?.unwrap_or_default();
///     basket.push(item);
///     session.insert("basket", &basket).await?;
///     Ok::<_, BoxError>(basket.len())
/// });
/// // In axum: Router::new().route(…).layer(io.layer()).layer(sessions)
/// let sessions = SessionManagerLayer::new(store);
/// ```
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "a pattern in parameters")]
pub struct StoredSession(pub Session);

/// How a link reaches its browser's session.
#[derive(Clone)]
struct Access(Arc<Shared>);

struct Shared {
    /// `None` until there is one.
    id: Mutex<Option<Id>>,
    expiry: Option<Expiry>,
    open: Arc<Open>,
}

/// Opens a session of the store.
type Open = dyn Fn(Option<Id>, Option<Expiry>) -> Session + Send + Sync;

impl Builder {
    /// Lets handlers use the sessions that tower-sessions keeps in this store, by
    /// [`StoredSession`]. Its layer has to be in front of [`Io::layer`](crate::Io::layer), so that it
    /// knows the session of the request that opens a link.
    pub fn session_store(mut self, store: impl SessionStore) -> Self {
        let store = Arc::new(store);
        let open: Arc<Open> = Arc::new(move |id, expiry| Session::new(id, store.clone(), expiry));
        self.http_hooks().find(move |request: &Parts| {
            let mut found = Extensions::new();
            if let Some(session) = request.extensions.get::<Session>() {
                found.insert(Access(Arc::new(Shared {
                    id: Mutex::new(session.id()),
                    expiry: session.expiry(),
                    open: Arc::clone(&open),
                })));
            }
            Ok::<_, Refusal>(found)
        });
        self
    }
}

impl FromEvent for StoredSession {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        let access = event.socket().handshake().extension::<Access>();
        let missing = || Rejection::Missing(type_name::<Session>());
        let shared = Arc::clone(&access.ok_or_else(missing)?.0);
        let session = (shared.open)(*shared.id.lock(), shared.expiry);
        let used = session.clone();
        event.after_handler(async move { shared.save(&used).await });
        Ok(Self(session))
    }
}

impl Shared {
    /// As the layer does behind a request.
    async fn save(&self, session: &Session) -> Result<(), BoxError> {
        if !session.is_modified() {
            return Ok(());
        }
        match session.is_empty().await {
            true => session.flush().await?,
            false => session.save().await?,
        }
        *self.id.lock() = session.id();
        Ok(())
    }
}

impl Deref for StoredSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}
