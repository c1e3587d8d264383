//! `Target`: whom a message is for. Says it only; resolving it to sockets is [`select`](crate::Adapter::select).

use std::sync::Arc;

/// The name of a room: any string, often chosen by a peer.
pub type Room = Arc<str>;

/// Whom a message is for: everyone in the namespace, or the members of some rooms, in both cases without the members of
/// other rooms.
///
/// Wherever a room is named, the id of a socket may stand instead and means that socket: every socket is alone in a
/// private room of that name.
///
/// "Everyone" and "an empty list of rooms" are different targets, so a list that was computed and came out empty reaches
/// nobody. (Both reference servers take it for everyone.)
///
/// ```
/// use socketio_adapter::Target;
///
/// let muted: Vec<String> = vec!["bots".into()];
/// let news = Target::everyone().except(muted);
/// let nobody = Target::rooms([] as [&str; 0]);
/// assert_ne!(Target::everyone(), nobody);
/// assert_eq!(Target::everyone().to(["a"]).to(["b"]), Target::rooms(["a", "b"]));
/// # assert_eq!(news.excepted().len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Target {
    /// `None` is everyone.
    rooms: Option<Vec<Room>>,
    except: Vec<Room>,
}

impl Target {
    /// Everyone in the namespace.
    pub const fn everyone() -> Self {
        Self {
            rooms: None,
            except: Vec::new(),
        }
    }

    /// The members of these rooms, each once. No room, nobody.
    pub fn rooms<R: Into<Room>>(rooms: impl IntoIterator<Item = R>) -> Self {
        Self::everyone().to(rooms)
    }

    /// Adds rooms: to a target of everyone the first call narrows it to these rooms, every further one widens it.
    pub fn to<R: Into<Room>>(mut self, rooms: impl IntoIterator<Item = R>) -> Self {
        self.rooms
            .get_or_insert_default()
            .extend(rooms.into_iter().map(Into::into));
        self
    }

    /// Leaves out whoever is in one of these rooms when the message is sent, whatever else they are in. Calls add up.
    pub fn except<R: Into<Room>>(mut self, rooms: impl IntoIterator<Item = R>) -> Self {
        self.except.extend(rooms.into_iter().map(Into::into));
        self
    }

    /// The rooms addressed, as given and possibly repeated; `None` is everyone, an empty list nobody.
    pub fn addressed(&self) -> Option<&[Room]> {
        self.rooms.as_deref()
    }

    /// The rooms left out, as given and possibly repeated.
    pub fn excepted(&self) -> &[Room] {
        &self.except
    }
}
