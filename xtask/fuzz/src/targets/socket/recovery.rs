//! The log of recovery beside what can be said of it without one: who comes back gets everything
//! since the offset, or is refused for a reason; every session ends once; bounds hold.

use socketio_proto::{
    Body, Decoder, Encoder, Limits, Revision, Tick,
    recovery::{Bookmark, Claim, Config, Log, Offset, append_offset},
};

use super::NAMES;
use crate::input::Input;

pub(in crate::targets) fn recovery(input: &[u8]) {
    let mut input = Input::new(input);
    let mut server = Server::new(&mut input);
    while !input.is_empty() {
        server.act(&mut input);
        server.check();
    }
    server.finish();
}

/// A log, and what is known of it.
struct Server {
    log: Log<u64, u64>,
    config: Config,
    now: Tick,
    start: Offset,
    /// The offset of each packet, from the first.
    offsets: Vec<Offset>,
    /// Sessions that are held, in the order of their saving.
    saved: Vec<Saved>,
    sessions: u64,
    /// Sessions that have neither been restored nor handed back.
    alive: Vec<u64>,
}

struct Saved {
    pid: &'static str,
    session: u64,
    /// How many packets there were.
    newest: usize,
    expires: Tick,
}

const PIDS: &[&str] = &["a", "b", "c", "d"];

impl Server {
    fn new(input: &mut Input<'_>) -> Self {
        let mut config = Config::default();
        config.max_disconnection_duration = input.pick(&[120_000, 100, 1, 0]);
        config.max_bytes = input.pick(&[64 << 20, 1000, 100, 0]);
        config.max_entries = input.pick(&[1 << 18, 3, 1, 0]);
        config.max_sessions = input.pick(&[1 << 17, 2, 1, 0]);
        let log = Log::new(input.number(), &config);
        Self {
            start: log.newest(),
            log,
            config,
            now: 0,
            offsets: Vec::new(),
            saved: Vec::new(),
            sessions: 0,
            alive: Vec::new(),
        }
    }

    fn act(&mut self, input: &mut Input<'_>) {
        match input.below(8) {
            0 => self.now += input.pick(&[1, 50, 99, 60_000, 120_000]),
            1 => {
                let ended = self.log.handle_timeout(self.now);
                self.end(ended);
                self.saved.retain(|it| it.expires > self.now);
                assert!(self.log.poll_timeout().is_none_or(|at| at > self.now));
            }
            2 | 3 => {
                let number = self.offsets.len() as u64 + 1;
                let bytes = input.number() as usize;
                let name = input.pick(NAMES);
                let offset = self.log.append(self.now, bytes, |offset| {
                    arrive(offset, name);
                    number
                });
                assert!(self.offsets.last().is_none_or(|last| *last < offset));
                assert_eq!(self.log.newest(), offset);
                self.offsets.push(offset);
            }
            4 => {
                let pid = input.pick(PIDS);
                let session = self.sessions;
                self.sessions += 1;
                self.alive.push(session);
                self.log.save(self.now, pid, session);
                self.saved.retain(|it| it.pid != pid);
                self.saved.push(Saved {
                    pid,
                    session,
                    newest: self.offsets.len(),
                    expires: self.now + self.config.max_disconnection_duration,
                });
                // The oldest makes room.
                let surplus = self.saved.len().saturating_sub(self.config.max_sessions);
                self.saved.drain(..surplus);
            }
            5 | 6 => {
                let pid = input.pick(PIDS);
                let index = input.below(self.offsets.len().clamp(1, 256));
                let offset = self.offsets.get(index).copied().unwrap_or(self.start);
                self.restore(pid, &offset.to_string());
            }
            _ => {
                let pid = input.pick(PIDS);
                self.restore(pid, input.text());
            }
        }
    }

    fn restore(&mut self, pid: &str, offset: &str) {
        let position = self.position(offset);
        let restored = self.log.restore(self.now, pid, offset);
        let restored = restored.map(|it| {
            let missed = it.missed.map(|(offset, number)| (offset, *number));
            (it.session, missed.collect::<Vec<_>>())
        });
        let index = self.saved.iter().position(|it| it.pid == pid);
        let saved = index.filter(|&index| self.saved[index].expires > self.now);
        // A pid counts once, whatever the offset.
        let saved = saved.map(|index| self.saved.remove(index));
        let dropped = self.offsets.len() - self.log.entries();
        let expected = saved.zip(position).and_then(|(saved, position)| {
            let offsets = self.offsets[position..].iter().copied();
            let is_good = (dropped..=saved.newest).contains(&position);
            is_good.then(|| (saved.session, offsets.zip(position as u64 + 1..).collect()))
        });
        assert_eq!(
            restored, expected,
            "the session, and everything since, in order"
        );
        self.end(restored.map(|(session, _)| session));
    }

    /// How many packets came up to this offset, if it is one of this log.
    fn position(&self, offset: &str) -> Option<usize> {
        let offset = Offset::parse(offset)?;
        round_trip(offset);
        let index = self.offsets.iter().position(|it| *it == offset);
        let is_start = self.start == offset;
        match index {
            Some(index) => Some(index + 1),
            None => is_start.then_some(0),
        }
    }

    fn end(&mut self, sessions: impl IntoIterator<Item = u64>) {
        for session in sessions {
            let place = self.alive.iter().position(|it| *it == session);
            let Some(place) = place else {
                panic!("a session ends twice");
            };
            self.alive.remove(place);
        }
    }

    fn check(&self) {
        assert!(self.log.bytes() <= self.config.max_bytes);
        assert!(self.log.entries() <= self.config.max_entries);
        assert!(self.log.sessions() <= self.config.max_sessions);
        assert_eq!(self.log.bytes() == 0, self.log.entries() == 0);
    }

    /// With time everything ends, and nothing is kept.
    fn finish(mut self) {
        for _ in 0..10_000 {
            let Some(at) = self.log.poll_timeout() else {
                break;
            };
            self.now = self.now.max(at);
            let ended = self.log.handle_timeout(self.now);
            self.end(ended);
        }
        assert!(self.alive.is_empty(), "a session never ends");
        assert_eq!(
            (self.log.entries(), self.log.bytes(), self.log.sessions()),
            (0, 0, 0)
        );
    }
}

/// A client that gets an event with the offset shows it in its next CONNECT.
fn arrive(offset: Offset, name: &str) {
    let encoder = Encoder::new(Revision::V5, 0);
    let Ok(mut event) = encoder.event("/", None, name, &()) else {
        panic!("an event that cannot be sent");
    };
    append_offset(&mut event, offset);
    let mut decoder = Decoder::new(Revision::V5, Limits::default());
    let Ok(Some(packet)) = decoder.decode_text(event.text()) else {
        panic!("an event that cannot be read");
    };
    let Body::Event { args, .. } = packet.body else {
        panic!("an event that is none");
    };
    let mut bookmark = Bookmark::default();
    assert!(!bookmark.handle_connected(Some("pid")));
    bookmark.handle_event(None, &args);
    let auth = bookmark
        .auth(None)
        .map(|it| serde_json::Value::Object(it).to_string());
    let claim = Claim::of(Revision::V5, auth.as_deref());
    let shown = claim.map(|it| (it.pid.into_owned(), Offset::parse(&it.offset)));
    assert_eq!(shown, Some(("pid".to_owned(), Some(offset))));
}

fn round_trip(offset: Offset) {
    assert_eq!(Offset::parse(&offset.to_string()), Some(offset));
}
