//! The server's side: the packets of the last minutes and the sessions that may ask for them. Whom
//! a packet is for is written in its payload, which only the caller reads.

use std::{
    collections::{VecDeque, vec_deque},
    fmt,
};

use super::{Offset, sessions::Sessions};
use crate::Tick;

/// What a log may hold.
///
/// One log belongs to one namespace, so all its namespaces together are what a server has to have
/// memory for. The reference has the duration alone, and no bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Milliseconds for which a packet, counted from its emission, and a session, counted from its
    /// saving, are kept. Default 120,000, as in the reference.
    pub max_disconnection_duration: u64,
    /// Bytes of all packets as told to [`Log::append`], each with the size of its entry added.
    /// Default 64 MiB: 500 kB a second, a packet for many recipients counting once.
    pub max_bytes: usize,
    /// Packets. Default 262,144: 2,000 a second.
    pub max_entries: usize,
    /// Sessions. Default 131,072: a network failure of that many clients at once.
    pub max_sessions: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_disconnection_duration: 120_000,
            max_bytes: 64 << 20,
            max_entries: 1 << 18,
            max_sessions: 1 << 17,
        }
    }
}

/// The packets that clients of a namespace may have missed, and the sessions of clients that may
/// come back for them. `P` is a packet with its target, `S` whatever makes up a socket: its public
/// id, rooms and data.
///
/// Time never runs backwards in here: a `now` before an earlier one counts as that. When everything
/// has expired, the log owns no heap memory.
///
/// See [the module](super) for the order in which calls have to be made, and an example.
pub struct Log<P, S> {
    epoch: u64,
    config: Config,
    now: Tick,
    /// Numbered without gaps up to `newest`, oldest first.
    entries: VecDeque<Entry<P>>,
    /// How many packets there have been.
    newest: u64,
    /// What all entries weigh.
    bytes: usize,
    sessions: Sessions<S>,
}

struct Entry<P> {
    expires: Tick,
    weight: usize,
    payload: P,
}

/// A session that goes on.
#[non_exhaustive]
pub struct Restored<'a, P, S> {
    /// What was saved.
    pub session: S,
    /// What came after the client's offset, whomever it was for.
    pub missed: Missed<'a, P>,
}

/// Packets that came after an offset, in order, each with its own. Those for others are among them:
/// the caller judges by the rooms in the session. As in the reference, those are the rooms at the
/// end of the link, so that who joined one since the last offset gets what was sent to it before.
pub struct Missed<'a, P> {
    epoch: u64,
    /// Of the packet before the next.
    number: u64,
    entries: vec_deque::Iter<'a, Entry<P>>,
}

impl<P, S> Log<P, S> {
    /// An empty log. Offsets of another epoch are refused, so it has to be a number that no earlier
    /// log of the namespace had, not even before a restart: random, or the time at which the server
    /// started, in milliseconds. The smaller it is, the shorter are the offsets.
    pub fn new(epoch: u64, config: &Config) -> Self {
        Self {
            epoch,
            config: *config,
            now: 0,
            entries: VecDeque::new(),
            newest: 0,
            bytes: 0,
            sessions: Sessions::new(),
        }
    }

    /// Takes the next offset and logs the packet made with it, which takes `bytes` of memory.
    ///
    /// If bounds require it, the oldest packets are dropped, or this one if it alone exceeds them.
    /// Its offset is good in any case; only sessions that miss a dropped packet cannot be restored.
    pub fn append(&mut self, now: Tick, bytes: usize, payload: impl FnOnce(Offset) -> P) -> Offset {
        self.advance(now);
        let offset = Offset {
            epoch: self.epoch,
            number: self.newest + 1,
        };
        let payload = payload(offset);
        let weight = bytes.saturating_add(size_of::<Entry<P>>());
        self.newest = offset.number;
        self.make_room(weight);
        if weight <= self.config.max_bytes && self.config.max_entries > 0 {
            self.bytes += weight;
            self.entries.push_back(Entry {
                expires: self.expiry(),
                weight,
                payload,
            });
        }
        offset
    }

    /// The offset of the last packet, whether it is still held or not; of the position before the
    /// first if there was none. To be appended to events that are sent without being logged.
    pub fn newest(&self) -> Offset {
        Offset {
            epoch: self.epoch,
            number: self.newest,
        }
    }

    /// Keeps the session of a socket whose link has ended, if [for a reason](super::is_recoverable)
    /// that allows for it. `pid` is the secret its client got with the answer to its CONNECT; 120
    /// random bits cannot be guessed.
    ///
    /// A `pid` that is saved already, which no correct caller brings about, gets the newer session;
    /// the older one ends. So does the oldest of all when there are too many.
    pub fn save(&mut self, now: Tick, pid: &str, session: S) {
        self.advance(now);
        let expires = self.expiry();
        self.sessions.save(pid, session, self.newest, expires);
        if self.sessions.len() > self.config.max_sessions {
            self.sessions.end_oldest();
        }
    }

    /// Takes a session out for a client that shows its `pid` and the last offset it got. The caller
    /// answers with the same ids, so that the client sees that it has been recovered, and saves
    /// the session again when the new link ends.
    ///
    /// `None`, and the client gets a socket like any other, if
    ///
    /// - no session is saved under this `pid`: it is unknown or has been restored, or its link has
    ///   not been found dead yet. A caller that knows whose `pid` is whose can end that link now,
    ///   save the session and restore it; in the reference it will be saved in vain;
    /// - the session has expired;
    /// - the offset is none of this log, or newer than anything that could have reached the client;
    /// - a packet after the offset has been dropped, for its age or for want of room, be it for this
    ///   client or not: there is no telling any more.
    ///
    /// A `pid` counts once: if only the offset is at fault, the session ends nevertheless. An honest
    /// client has no other offset to try and gets a new `pid`, and nobody else is to get a second
    /// guess.
    ///
    /// In the reference sessions can be restored any number of times, and the packet *with* the
    /// offset has to be held too, which it is not where nothing happened for two minutes.
    pub fn restore(&mut self, now: Tick, pid: &str, offset: &str) -> Option<Restored<'_, P, S>> {
        self.advance(now);
        let saved = self.sessions.take(pid, self.now)?;
        let found = Offset::parse(offset).and_then(|offset| self.find(offset, saved.newest));
        let Some((number, index)) = found else {
            self.sessions.end(saved.session);
            return None;
        };
        Some(Restored {
            session: saved.session,
            missed: Missed {
                epoch: self.epoch,
                number,
                entries: self.entries.range(index..),
            },
        })
    }

    /// What has come after an offset of a session that is taken out, for a caller who needs time
    /// between [`restore`](Self::restore) and the moment when the socket is back. `None` if a
    /// packet after it has been dropped meanwhile: there is no telling any more, and the session
    /// is not to go on.
    /// So it is for an offset of another log, or one that is yet to come.
    pub fn since(&mut self, now: Tick, offset: Offset) -> Option<Missed<'_, P>> {
        self.advance(now);
        let (number, index) = self.find(offset, self.newest)?;
        Some(Missed {
            epoch: self.epoch,
            number,
            entries: self.entries.range(index..),
        })
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Tick> {
        if self.sessions.has_ended() {
            return Some(self.now);
        }
        let packet = self.entries.front().map(|entry| entry.expires);
        packet.into_iter().chain(self.sessions.next_expiry()).min()
    }

    /// Lets time pass: drops packets that have expired, and hands back the sessions that have ended
    /// since the last call, whether they expired, were refused or had to make room. Calling it early
    /// does no harm.
    #[must_use = "these sockets are gone for good, which users may want to know"]
    pub fn handle_timeout(&mut self, now: Tick) -> Vec<S> {
        self.advance(now);
        self.sessions.take_ended(self.now)
    }

    /// How many packets are held.
    pub fn entries(&self) -> usize {
        self.entries.len()
    }

    /// How many bytes they take, as [`Config::max_bytes`] counts.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many sessions can be restored, or have expired since the last
    /// [`handle_timeout`](Self::handle_timeout).
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Expired packets go at once, so that the outcome of no call depends on whether the driver
    /// sees the timeout first.
    fn advance(&mut self, now: Tick) {
        self.now = self.now.max(now);
        while self
            .entries
            .front()
            .is_some_and(|entry| entry.expires <= self.now)
        {
            self.drop_oldest();
        }
    }

    fn make_room(&mut self, weight: usize) {
        let left = self.config.max_bytes.saturating_sub(weight);
        while !self.entries.is_empty()
            && (self.bytes > left || self.entries.len() >= self.config.max_entries)
        {
            self.drop_oldest();
        }
    }

    fn drop_oldest(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= entry.weight;
        }
        // A burst does not leave its memory behind.
        if self.entries.len() <= self.entries.capacity() / 4 {
            self.entries.shrink_to(self.entries.len() * 2);
        }
    }

    fn expiry(&self) -> Tick {
        self.now
            .saturating_add(self.config.max_disconnection_duration)
    }

    /// The number in an offset and the index of the entry after it, if the log knows all that came
    /// since. No offset can be newer than what was `newest` when the link had ended; if it is, the
    /// client was told it by somebody else.
    fn find(&self, offset: Offset, newest: u64) -> Option<(u64, usize)> {
        let Offset { epoch, number } = offset;
        if epoch != self.epoch || number > newest {
            return None;
        }
        let dropped = self.newest - self.entries.len() as u64;
        let index = number.checked_sub(dropped)?;
        Some((number, index as usize))
    }
}

/// Shows how much there is; the ids of sessions are secrets.
impl<P, S> fmt::Debug for Log<P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("newest", &self.newest())
            .field("entries", &self.entries())
            .field("bytes", &self.bytes())
            .field("sessions", &self.sessions())
            .finish_non_exhaustive()
    }
}

/// Shows how much was missed.
impl<P, S> fmt::Debug for Restored<'_, P, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Restored")
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}

impl<P> fmt::Debug for Missed<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Missed")
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}

impl<P> Clone for Missed<'_, P> {
    fn clone(&self) -> Self {
        Self {
            entries: self.entries.clone(),
            ..*self
        }
    }
}

impl<'a, P> Iterator for Missed<'a, P> {
    type Item = (Offset, &'a P);

    fn next(&mut self) -> Option<Self::Item> {
        let entry = self.entries.next()?;
        self.number += 1;
        let offset = Offset {
            epoch: self.epoch,
            number: self.number,
        };
        Some((offset, &entry.payload))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.entries.size_hint()
    }
}

impl<P> ExactSizeIterator for Missed<'_, P> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_leaves_no_memory_behind() {
        let mut log = Log::<u8, ()>::new(0, &Config::default());
        for now in [0, 1000] {
            for _ in 0..1000 {
                log.append(now, 0, |_| 0);
            }
        }
        log.append(1001, 0, |_| 0);
        assert!(log.entries.capacity() >= 2001);
        assert!(log.handle_timeout(121_000).is_empty());
        assert_eq!(log.entries(), 1);
        assert!(log.entries.capacity() <= 4, "{}", log.entries.capacity());
        assert!(log.handle_timeout(121_001).is_empty());
        assert_eq!((log.entries.capacity(), log.bytes()), (0, 0));
    }
}
