//! The server of the simulation, with or without recovery, and the link to it: first in, first out,
//! until it is cut.

use std::collections::VecDeque;

use super::{NAMES, Random, number_of};
use crate::proto::{
    Encoded, NamespaceId, Revision, Tick,
    recovery::{Claim, Config, Log, append_offset},
    server::{self, Connection},
};

/// A text message and when it arrives.
pub(super) type Wire = VecDeque<(Tick, String)>;

pub(super) struct Host {
    recovery: bool,
    epoch: u64,
    pub(super) rooms: Vec<Room>,
    /// Its side of the present link.
    /// Of the last link.
    revision: Revision,
    connection: Option<Connection<()>>,
    pub(super) to_client: Wire,
    pub(super) to_server: Wire,
    ids: u64,
    /// Events that came after the server had ended their membership.
    pub(super) late: Vec<u64>,
    /// Of 100 requests, how many are refused, and how many questions are not answered.
    pub(super) refuses: u64,
    pub(super) forgets: u64,
}

/// What the server knows of one namespace, which has one client.
pub(super) struct Room {
    log: Log<Encoded, ()>,
    member: Option<Member>,
    /// The number of the last event that was sent, or would have been.
    pub(super) last: u64,
    /// How often each event of the client's has come, by its number.
    pub(super) seen: Vec<u32>,
    /// Those numbers in the order in which they first came.
    pub(super) order: Vec<u64>,
}

struct Member {
    nsp: NamespaceId,
    joined: bool,
    pid: String,
}

impl Host {
    pub(super) fn new(recovery: bool) -> Self {
        let mut host = Self {
            recovery,
            epoch: 0,
            rooms: Vec::new(),
            revision: Revision::V5,
            connection: None,
            to_client: Wire::new(),
            to_server: Wire::new(),
            ids: 0,
            late: Vec::new(),
            refuses: 0,
            forgets: 0,
        };
        host.rooms = NAMES.map(|_| Room::new(0)).into();
        host
    }

    pub(super) fn open(&mut self, now: Tick, revision: Revision) {
        self.revision = revision;
        self.connection = Some(Connection::new(revision, &server::Config::default(), now));
        self.drain(now);
    }

    pub(super) fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    /// The link is gone; gives back what did not arrive.
    pub(super) fn cut(&mut self, now: Tick) -> Vec<u64> {
        self.connection = None;
        for room in &mut self.rooms {
            if let Some(member) = room.member.take()
                && member.joined
                && self.recovery
            {
                room.log.save(now, &member.pid, ());
            }
        }
        self.to_client.clear();
        let lost = std::mem::take(&mut self.to_server);
        lost.iter()
            .filter_map(|(_, text)| number_of(text))
            .collect()
    }

    /// It forgets everything but what the test counts.
    pub(super) fn restart(&mut self) {
        self.epoch += 1;
        for room in &mut self.rooms {
            room.log = Log::new(self.epoch, &Config::default());
        }
    }

    /// An event for a namespace, whoever is there.
    pub(super) fn emit(&mut self, now: Tick, random: &mut Random, index: usize) {
        let room = &mut self.rooms[index];
        room.last += 1;
        let encoder = crate::Config::new("").encoder();
        let mut event = encoder
            .event(NAMES[index], None, "e", &(room.last,))
            .expect("a number");
        if self.recovery {
            room.log.append(now, event.buffer.len(), |offset| {
                append_offset(&mut event, offset);
                event.clone()
            });
        }
        if room.member.as_ref().is_some_and(|it| it.joined) {
            self.post(now, random, &event);
        }
    }

    /// A question for the client.
    pub(super) fn ask(&mut self, now: Tick, random: &mut Random, index: usize) {
        let Some(member) = self.rooms[index].member.as_ref().filter(|it| it.joined) else {
            return;
        };
        if let Some(connection) = &mut self.connection {
            self.ids += 1;
            connection
                .register_ack(member.nsp, self.ids, ())
                .expect("joined");
            let encoder = connection.encoder();
            let question = encoder.event(NAMES[index], Some(self.ids), "q", &());
            self.post(now, random, &question.expect("nothing"));
        }
    }

    /// Ends a membership.
    pub(super) fn expel(&mut self, now: Tick, random: &mut Random, index: usize) {
        if let Some(member) = self.rooms[index].member.take_if(|it| it.joined)
            && let Some(connection) = &mut self.connection
        {
            let (leave, _) = connection.disconnect(member.nsp).expect("joined");
            self.post(now, random, &leave);
        }
    }

    /// The next message that has arrived at the client.
    pub(super) fn deliver(&mut self, now: Tick) -> Option<String> {
        arrived(&mut self.to_client, now)
    }

    /// Takes what has arrived.
    pub(super) fn receive(&mut self, now: Tick, random: &mut Random) {
        while let Some(text) = arrived(&mut self.to_server, now) {
            let Some(connection) = &mut self.connection else {
                continue;
            };
            let event = connection
                .handle_text(now, &text)
                .unwrap_or_else(|error| panic!("the client broke the rules: {error}: {text}"));
            match event {
                Some(event) => self.serve(now, random, event),
                None => self.late.extend(number_of(&text)),
            }
        }
    }

    pub(super) fn send(&mut self, now: Tick, random: &mut Random, message: &Encoded) {
        queue(&mut self.to_server, now, random, message);
    }

    fn post(&mut self, now: Tick, random: &mut Random, message: &Encoded) {
        queue(&mut self.to_client, now, random, message);
    }

    /// What a server does unasked when a link opens.
    fn drain(&mut self, now: Tick) {
        while let Some(connection) = &mut self.connection
            && let Some(event) = connection.poll_event()
        {
            self.serve(now, &mut Random(0), event);
        }
    }

    fn serve(&mut self, now: Tick, random: &mut Random, event: server::Event<'_, ()>) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        match event {
            server::Event::Connect { nsp, name, auth } => {
                let index = index_of(&name);
                if random.below(100) < self.refuses {
                    let refusal = connection.reject(nsp, "no", None).expect("joining");
                    return self.post(now, random, &refusal);
                }
                let claim = Claim::of(self.revision, auth.as_deref()).filter(|_| self.recovery);
                let room = &mut self.rooms[index];
                let restored = claim.and_then(|claim| {
                    let restored = room.log.restore(now, &claim.pid, &claim.offset)?;
                    let missed = restored.missed.map(|(_, event)| event.clone());
                    Some((claim.pid.into_owned(), missed.collect::<Vec<_>>()))
                });
                self.ids += 1;
                let (pid, missed) =
                    restored.unwrap_or_else(|| (format!("pid-{}", self.ids), Vec::new()));
                let sid = connection.socket_id(nsp, "link");
                let sid = sid.unwrap_or_else(|| format!("sid-{}", self.ids));
                let shown = self.recovery.then_some(pid.as_str());
                let answer = connection.accept(nsp, &sid, shown).expect("joining");
                room.member = Some(Member {
                    nsp,
                    joined: true,
                    pid,
                });
                for event in missed {
                    self.post(now, random, &event);
                }
                self.post(now, random, &answer);
            }
            server::Event::Event {
                nsp,
                id,
                name: event,
                args,
            } => {
                let name = connection.namespace(nsp).expect("joined").to_owned();
                let number: u64 = args.parse().expect("a number");
                let answer = id.map(|id| connection.encoder().ack(&name, id, &number));
                self.rooms[index_of(&name)].count(number, event == "e");
                if let Some(answer) = answer
                    && random.below(100) >= self.forgets
                {
                    self.post(now, random, &answer.expect("a number"));
                }
            }
            server::Event::Disconnect { nsp, .. } => {
                let gone = |it: &mut Member| it.nsp == nsp;
                for room in &mut self.rooms {
                    room.member.take_if(gone);
                }
            }
            _ => {}
        }
    }
}

impl Room {
    fn new(epoch: u64) -> Self {
        Self {
            log: Log::new(epoch, &Config::default()),
            member: None,
            last: 0,
            seen: Vec::new(),
            order: Vec::new(),
        }
    }

    fn count(&mut self, number: u64, in_order: bool) {
        let index = number as usize;
        if self.seen.len() <= index {
            self.seen.resize(index + 1, 0);
        }
        if self.seen[index] == 0 && in_order {
            self.order.push(number);
        }
        self.seen[index] += 1;
    }
}

fn arrived(wire: &mut Wire, now: Tick) -> Option<String> {
    if wire.front()?.0 > now {
        return None;
    }
    wire.pop_front().map(|(_, text)| text)
}

fn queue(wire: &mut Wire, now: Tick, random: &mut Random, message: &Encoded) {
    let after = wire.back().map_or(now, |(due, _)| *due);
    let due = after.max(now + random.below(40));
    wire.push_back((due, message.text().to_owned()));
}

fn index_of(name: &str) -> usize {
    NAMES
        .iter()
        .position(|it| *it == name)
        .expect("one of them")
}
