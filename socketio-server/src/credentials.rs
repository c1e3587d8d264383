//! What a client sent when it joined a namespace, for those who ask later.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::de::{DeserializeOwned, Error};

/// Bytes of credentials that are kept for as long as the socket.
const KEPT: usize = 16 * 1024;

/// A JSON object. A client decides on its size, so a large one is there only until it has been looked
/// at: until the client is let in.
pub(crate) enum Credentials {
    None,
    Kept(Box<str>),
    Large(Box<Mutex<Option<Arc<str>>>>),
}

impl Credentials {
    pub(crate) fn new(auth: Option<&str>) -> Self {
        match auth {
            None => Self::None,
            Some(auth) if auth.len() <= KEPT => Self::Kept(auth.into()),
            Some(auth) => Self::Large(Box::new(Mutex::new(Some(auth.into())))),
        }
    }

    /// `{}` if there are none; an error if they are no longer there.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        match self {
            Self::None => serde_json::from_str("{}"),
            Self::Kept(auth) => serde_json::from_str(auth),
            Self::Large(auth) => {
                // Parsed without the lock, as the type is the application's.
                let auth = auth.lock().clone();
                let auth = auth.ok_or_else(|| Error::custom(FORGOTTEN))?;
                serde_json::from_str(&auth)
            }
        }
    }

    /// The client has been let in.
    pub(crate) fn forget_large(&self) {
        if let Self::Large(auth) = self {
            *auth.lock() = None;
        }
    }
}

const FORGOTTEN: &str = "more than 16 KiB, kept only until the client is let in";
