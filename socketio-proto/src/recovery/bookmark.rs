//! The client's side: what it keeps of a socket in order to get it back. Holding events until a
//! CONNECT is answered, and links altogether, are the caller's business.

use std::fmt;

use serde_json::{Map, Value};

use crate::{Args, json};

/// What a client keeps of its socket in one namespace, across links.
///
/// The offset is the last argument of the last event without acknowledgement id, if that could be
/// an offset: a string of at most 64 letters, digits, dashes, underscores and points, which takes in
/// those of all known servers. The reference takes any string, the event's name included where there
/// are no arguments, and so goes wrong after a volatile event that ends in user data: servers do not
/// know that offset, and refuse. Prose, names and most else is told apart here, single words are
/// not; a server can keep them from being a problem, see [the module](super#what-is-logged).
/// The filter is no narrower than that for a reason: who leaves out a true offset and later shows
/// the one before gets events twice, which is worse than not to be recovered.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bookmark {
    pid: Option<String>,
    offset: Option<String>,
}

impl Bookmark {
    /// The credentials for a CONNECT: the caller's own, and the claim to the last socket as far as
    /// the caller does not use its keys, `pid` and `offset`, otherwise.
    ///
    /// A `pid` without an offset is kept back (the reference sends it), for it recovers nothing.
    pub fn auth(&self, own: Option<Map<String, Value>>) -> Option<Map<String, Value>> {
        let (Some(pid), Some(offset)) = (&self.pid, &self.offset) else {
            return own;
        };
        let mut auth = own.unwrap_or_default();
        for (key, value) in [("pid", pid), ("offset", offset)] {
            auth.entry(key).or_insert_with(|| value.as_str().into());
        }
        Some(auth)
    }

    /// Takes the answer to a CONNECT, and says whether the socket has been recovered.
    ///
    /// The offset of a socket that has not is forgotten. The reference goes on showing it until
    /// another comes, and may then be sent what happened before its present socket existed.
    pub fn handle_connected(&mut self, pid: Option<&str>) -> bool {
        let is_recovered = pid.is_some() && pid == self.pid.as_deref();
        if !is_recovered {
            self.pid = pid.map(str::to_owned);
            self.offset = None;
        }
        is_recovered
    }

    /// Takes note of an event, when it is delivered: those that come ahead of the answer to the
    /// CONNECT are held until it, and given up if the link ends before. The server sends them again,
    /// as they are not counted here.
    pub fn handle_event(&mut self, id: Option<u64>, args: &Args<'_>) {
        if self.pid.is_some()
            && id.is_none()
            && let Some(offset) = offset(args.raw())
        {
            let kept = self.offset.get_or_insert_default();
            kept.clear();
            kept.push_str(offset);
        }
    }

    /// The last offset, if there is one.
    pub fn offset(&self) -> Option<&str> {
        self.offset.as_deref()
    }
}

/// Leaves out the secret.
impl fmt::Debug for Bookmark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bookmark")
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

/// Bytes of an offset; the longest known, MongoDB's and ours, have 24.
const MAX_LEN: usize = 64;

/// The last of the arguments, if it can be an offset; `raw` are their JSON texts.
///
/// It is read from behind. A quote in front of such characters opens a string if the list or a comma
/// stands before it; one inside of a string has a backslash there.
fn offset(raw: &str) -> Option<&str> {
    let inside = raw.strip_suffix('"')?;
    let mut tail = inside.bytes().rev().take(MAX_LEN + 1);
    let start = inside.len() - tail.position(|byte| byte == b'"')?;
    let (before, offset) = (&inside[..start - 1], &inside[start..]);
    let before = before.trim_end_matches(json::WHITESPACE);
    let opens = before.is_empty() || before.ends_with(',');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (opens && !offset.is_empty() && offset.bytes().all(is_plain)).then_some(offset)
}
