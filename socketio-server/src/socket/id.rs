//! What a socket is called.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The public id of a socket: 20 URL-safe characters, random for each namespace a client joins.
/// It is no secret, and also the name of the socket's private room.
///
/// An id is never given out again. Once its socket is gone for good, its name is one like any other:
/// a client that learned it may be let into a room that is called so, and gets what is still sent to
/// it. So forget the ids of those who have left, or send by a handle, which reaches nobody else.
///
/// Clients of Socket.IO 1 and 2 compute the id themselves, and so it is what they expect: that of
/// their Engine.IO session in the default namespace, and `/admin#` and that in others. Whoever
/// learns it can speak for such a client, so think twice before showing it to others.
///
/// It is text to serde, so that it can be sent, kept and looked up again:
///
/// ```
/// use socketio_server::{Data, Io, Socket, SocketId};
///
/// let io = Io::builder().build();
/// io.on_connect(|socket: Socket| {
///     let _ = socket.broadcast().emit("joined", &socket.id());
/// });
/// io.on("poke", |io: Io, Data(whom): Data<SocketId>| match io.socket(whom) {
///     Some(other) => other.emit("poked", &()).is_ok(),
///     None => false,
/// });
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(Id);

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Id {
    /// Most ids, without memory of their own.
    Inline([u8; 20]),
    /// All of another length.
    Shared(Arc<str>),
}

impl SocketId {
    /// A new id from the system's randomness.
    pub(crate) fn random() -> Self {
        let mut random = [0; 15];
        // Invariant: a system without randomness cannot run a server whose sessions are secrets.
        getrandom::fill(&mut random).expect("the system provides randomness");
        let mut id = [0; 20];
        // Invariant: 15 bytes are 20 characters of base64.
        URL_SAFE_NO_PAD
            .encode_slice(random, &mut id)
            .expect("20 characters");
        Self(Id::Inline(id))
    }

    /// The characters of the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // Invariant: both constructors copy text.
            Id::Inline(id) => str::from_utf8(id).expect("text"),
            Id::Shared(id) => id,
        }
    }
}

/// An id that somebody else has kept: a client, a database. Whether there is such a socket is for
/// [`Namespace::socket`](crate::Namespace::socket) to say.
impl From<&str> for SocketId {
    fn from(id: &str) -> Self {
        Self(match id.as_bytes().try_into() {
            Ok(id) => Id::Inline(id),
            Err(_) => Id::Shared(id.into()),
        })
    }
}

impl AsRef<str> for SocketId {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for SocketId {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for SocketId {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

/// As text.
impl Serialize for SocketId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for SocketId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::from(&*id))
    }
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
