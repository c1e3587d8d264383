//! Where recovery shows on the wire of a server: the claim in a CONNECT, the offset in an event,
//! and the ends of links after which there is something to recover.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serializer};

use crate::{Encoded, Revision};

/// What a client shows in its CONNECT to get its socket back; goes to
/// [`Log::restore`](super::Log::restore).
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Claim<'a> {
    /// The recovery id of its last socket, if it tells the truth.
    #[serde(borrow)]
    pub pid: Cow<'a, str>,
    /// The last offset it got.
    #[serde(borrow)]
    pub offset: Cow<'a, str>,
}

impl<'a> Claim<'a> {
    /// Reads the claim in the credentials of a CONNECT. `None` unless both parts are strings, as in
    /// the reference: a client that has got no event yet has no offset and cannot be recovered.
    ///
    /// Clients of revision 4 know neither part: what bears these names in their query is the
    /// application's, and claims nothing. The reference would take it for a claim.
    ///
    /// The reference does not take the two out of what users see as `auth`, and neither does this:
    /// who writes credentials into a log file writes a secret.
    pub fn of(revision: Revision, auth: Option<&'a str>) -> Option<Self> {
        let auth = auth.filter(|_| revision.recovers());
        serde_json::from_str(auth?).ok()
    }
}

/// Leaves out the secret.
impl fmt::Debug for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

/// Makes an offset the last argument of an event: usually an [`Offset`](super::Offset), or what a
/// broker calls its positions.
///
/// Nothing is encoded again, and what was encoded is not looked at: its list is opened at the end and
/// closed again. The packet has to be an event in the text form, which always has a list with its
/// name in it; one without any list, or with nothing in it, is left as it is.
///
/// Recipients of revision 4 know no offsets; they are to get the event as it was before.
pub fn append_offset(event: &mut Encoded, offset: impl fmt::Display) {
    let [.., last, b']'] = event.buffer[..] else {
        return;
    };
    if last == b'[' {
        return;
    }
    event.buffer.pop();
    event.buffer.push(b',');
    let written = serde_json::Serializer::new(&mut event.buffer).collect_str(&offset);
    // Invariant: a `Vec` takes everything, and `Display` has no errors of its own.
    written.expect("the offset is text");
    event.buffer.push(b']');
}

/// Whether a socket that was disconnected for this reason, in the words of the reference, is to be
/// saved: the client may not have wanted it. Not so if either side left the namespace (`server
/// namespace disconnect`, `client namespace disconnect`) or the client broke the rules of Engine.IO
/// (`parse error`), nor for reasons unknown to the reference.
pub fn is_recoverable(reason: &str) -> bool {
    RECOVERABLE.contains(&reason)
}

const RECOVERABLE: [&str; 6] = [
    "forced close",
    "forced server close",
    "ping timeout",
    "server shutting down",
    "transport close",
    "transport error",
];
