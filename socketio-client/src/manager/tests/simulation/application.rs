//! What the application of the simulation has emitted, what it was told, and what follows from it.

use std::collections::BTreeMap;

use super::{NAMES, Random, host::Room};
use crate::{
    Config, WhenFull,
    manager::{AckFailure, Event, Manager, Outgoing, ReplyTo, Sent, SocketKey},
    proto::Tick,
};

pub(super) struct Application {
    pub(super) config: Config,
    pub(super) sockets: Vec<SocketKey>,
    /// All events of the client's, by their number; the namespace is the rest of a division.
    emitted: BTreeMap<u64, Emitted>,
    numbers: u64,
    ids: Vec<u64>,
    /// What it knows of each namespace.
    pub(super) heard: Vec<Heard>,
    replies: Vec<(SocketKey, ReplyTo)>,
}

pub(super) struct Emitted {
    id: Option<u64>,
    volatile: bool,
    /// How often the link has taken it.
    sent: u32,
    /// It was sent to nobody: the link or the membership was gone, or ended before it was there.
    endangered: bool,
    /// The application left before the link took it.
    left: bool,
    ack: Ack,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ack {
    Unwanted,
    Awaited,
    Answered,
    Failed(AckFailure),
    /// By the application; the event may have been withdrawn with it.
    Forgotten,
}

#[derive(Default)]
pub(super) struct Heard {
    last: u64,
    /// Whether events may be missing before the next.
    pub(super) gap: bool,
}

impl Application {
    pub(super) fn new(config: Config, sockets: Vec<SocketKey>) -> Self {
        Self {
            config,
            sockets,
            emitted: BTreeMap::new(),
            numbers: 0,
            ids: vec![0; NAMES.len()],
            heard: NAMES.map(|_| Heard { last: 0, gap: true }).into(),
            replies: Vec::new(),
        }
    }

    pub(super) fn emit(
        &mut self,
        manager: &mut Manager<u64>,
        now: Tick,
        random: &mut Random,
        index: usize,
    ) {
        self.numbers += NAMES.len() as u64;
        let number = self.numbers + index as u64;
        let volatile = random.chance(15);
        let wants_ack = random.chance(50);
        let has_id = wants_ack || (self.config.retries > 0 && !volatile);
        let id = has_id.then_some(self.ids[index]);
        self.ids[index] += u64::from(has_id);
        let name = if volatile { "v" } else { "e" };
        let message = self
            .config
            .encoder()
            .event(NAMES[index], id, name, &number)
            .expect("a number");
        let event = Outgoing {
            message,
            id,
            ack: wants_ack.then_some(number),
            timeout: random.chance(40).then(|| 1 + random.below(3_000)),
            volatile,
        };
        match manager.emit(now, self.sockets[index], event) {
            Sent::Queued | Sent::Buffered => {
                let emitted = Emitted {
                    id,
                    volatile,
                    sent: 0,
                    endangered: false,
                    left: false,
                    ack: if wants_ack {
                        Ack::Awaited
                    } else {
                        Ack::Unwanted
                    },
                };
                self.emitted.insert(number, emitted);
            }
            Sent::Dropped(_) => assert!(volatile),
            Sent::Refused(event) => assert_eq!(event.ack.is_some(), wants_ack),
        }
    }

    pub(super) fn sent(&mut self, number: u64) {
        self.emitted.get_mut(&number).expect("emitted").sent += 1;
    }

    pub(super) fn endanger(&mut self, number: u64) {
        self.emitted.get_mut(&number).expect("emitted").endangered = true;
    }

    /// Gives up waiting for some acknowledgement.
    pub(super) fn forget(&mut self, manager: &mut Manager<u64>, random: &mut Random) {
        let awaited = self.emitted.iter_mut();
        let mut awaited: Vec<_> = awaited.filter(|(_, it)| it.ack == Ack::Awaited).collect();
        if awaited.is_empty() {
            return;
        }
        let (number, event) = awaited.swap_remove(random.below(awaited.len() as u64) as usize);
        let key = self.sockets[*number as usize % NAMES.len()];
        // Unless its end is about to be told.
        if let Some(ack) = manager.forget_ack(key, event.id.expect("awaited")) {
            assert_eq!(ack, *number);
            event.ack = Ack::Forgotten;
        }
    }

    /// Answers some question of the server's, however old.
    pub(super) fn reply(&mut self, manager: &mut Manager<u64>, random: &mut Random) {
        if self.replies.is_empty() {
            return;
        }
        let chosen = random.below(self.replies.len() as u64) as usize;
        let (key, to) = self.replies.swap_remove(chosen);
        let nsp = manager.namespace(key).expect("known");
        let answer = self.config.encoder().ack(nsp, to.id, &());
        manager.reply(key, to, answer.expect("nothing"));
    }

    /// What was emitted over a connection goes ahead of its end, if the link takes it.
    pub(super) fn leave(&mut self, manager: &Manager<u64>) {
        for (number, event) in &mut self.emitted {
            let key = self.sockets[*number as usize % NAMES.len()];
            event.left |= event.sent == 0 && manager.sid(key).is_some();
        }
    }

    pub(super) fn hear(&mut self, event: Event<'_, u64>) {
        let index = |key| self.sockets.iter().position(|it| *it == key);
        match event {
            Event::Event {
                socket,
                reply,
                name,
                args,
            } => {
                self.replies.extend(reply.map(|reply| (socket, reply)));
                if name == "e" {
                    let heard = &mut self.heard[index(socket).expect("known")];
                    let number: u64 = args.first().expect("a number");
                    let next = number == heard.last + 1;
                    let skips = heard.gap && number > heard.last;
                    assert!(next || skips, "{number} after {}", heard.last);
                    heard.gap = false;
                    heard.last = number;
                }
            }
            Event::Connected { socket, recovered } => {
                self.heard[index(socket).expect("known")].gap |= !recovered;
            }
            Event::Disconnected {
                socket,
                will_reconnect: false,
                ..
            } => self.heard[index(socket).expect("known")].gap = true,
            Event::Ack { ack, result, .. } => {
                let event = self.emitted.get_mut(&ack).expect("emitted");
                assert_eq!(event.ack, Ack::Awaited, "{ack} was told twice");
                event.ack = match result {
                    Ok(args) => {
                        assert_eq!(args.parse::<u64>().expect("a number"), ack);
                        Ack::Answered
                    }
                    Err(failure) => Ack::Failed(failure),
                };
            }
            _ => {}
        }
    }

    /// Everything has been told, and nothing got lost without a reason.
    pub(super) fn check_fates(&self, rooms: &[Room]) {
        for (number, event) in &self.emitted {
            let room = &rooms[*number as usize % NAMES.len()];
            let seen = room.seen.get(*number as usize).copied().unwrap_or(0);
            let tries = self.config.retries + 1;
            assert!(seen <= event.sent, "event {number} came {seen} times");
            assert!(event.sent <= tries, "event {number} left {seen} times");
            match event.ack {
                Ack::Awaited => panic!("nothing was told of event {number}"),
                Ack::Answered => assert!(seen > 0, "event {number} was never there"),
                Ack::Failed(AckFailure::Dropped) => assert_eq!(seen, 0, "event {number}"),
                Ack::Unwanted if !event.volatile => {
                    let drops = self.config.buffer.when_full == WhenFull::DropOldest;
                    let dropped = drops && event.sent == 0;
                    let excused = dropped || event.left || event.endangered;
                    assert!(seen > 0 || excused, "event {number} is lost");
                }
                _ => {}
            }
        }
    }
}
