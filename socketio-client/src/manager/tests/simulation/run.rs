//! One schedule: the client's driver and application, and what they may rely on.

use std::collections::BTreeMap;

use super::{NAMES, Random, host::Host, number_of};
use crate::{
    Config, Status, WhenFull,
    engine::{CloseReason, ErrorKind},
    manager::{AckFailure, Event, Flow, Manager, Outgoing, Output, ReplyTo, Sent, SocketKey},
    proto::{Revision, Tick},
};

pub(super) struct Run {
    seed: u64,
    random: Random,
    now: Tick,
    config: Config,
    manager: Manager<u64>,
    sockets: Vec<SocketKey>,
    host: Host,
    revision: Revision,
    /// When a link that is being opened is there, or not.
    opening: Option<(Tick, bool)>,
    /// When the driver notices that its link is gone.
    noticing: Option<Tick>,
    questions: Vec<(Tick, SocketKey, u32)>,
    replies: Vec<(SocketKey, ReplyTo)>,
    /// All events of the client's, by their number; the namespace is the rest of a division.
    emitted: BTreeMap<u64, Emitted>,
    numbers: u64,
    ids: Vec<u64>,
    /// What the application knows of each namespace.
    heard: Vec<Heard>,
    /// Nothing goes wrong any more.
    healed: bool,
}

struct Emitted {
    id: Option<u64>,
    volatile: bool,
    /// How often the link has taken it.
    sent: u32,
    /// A link that took it is gone.
    endangered: bool,
    /// The application left before the link took it, and the link turned out to be gone.
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
struct Heard {
    last: u64,
    /// Whether events may be missing before the next.
    gap: bool,
}

impl Run {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let mut config = Config::new("http://virtual");
        config.buffer.max_bytes = [600, 3_000, 1 << 20][random.below(3) as usize];
        if random.chance(30) {
            config.buffer.when_full = WhenFull::DropOldest;
        }
        config.retries = [0, 0, 1, 3][random.below(4) as usize];
        config.reconnection.attempts = [None, Some(2)][random.below(2) as usize];
        let recovery = random.chance(50);
        let revision = if recovery || random.chance(70) {
            Revision::V5
        } else {
            Revision::V4
        };
        let mut manager = Manager::new(&config, seed);
        let mut host = Host::new(recovery);
        host.refuses = random.below(20);
        host.forgets = random.below(30);
        Self {
            seed,
            now: 0,
            sockets: NAMES.map(|name| manager.socket(name)).into(),
            config,
            manager,
            host,
            revision,
            opening: None,
            noticing: None,
            questions: Vec::new(),
            replies: Vec::new(),
            emitted: BTreeMap::new(),
            numbers: 0,
            ids: vec![0; NAMES.len()],
            heard: NAMES.map(|_| Heard { last: 0, gap: true }).into(),
            healed: false,
            random,
        }
    }

    pub(super) fn to_the_end(mut self) {
        for _ in 0..400 {
            self.act();
            self.look();
            self.check();
        }
        self.heal();
        self.check_fates();
        for key in self.sockets.clone() {
            self.manager.remove(self.now, key);
        }
        self.settle();
        for (number, event) in &self.emitted {
            assert_ne!(event.ack, Ack::Awaited, "seed {}: {number}", self.seed);
        }
        assert_eq!(self.manager.poll_timeout(), None, "seed {}", self.seed);
        assert_eq!(self.manager.buffered_bytes(), 0, "seed {}", self.seed);
    }

    fn act(&mut self) {
        let index = self.random.below(NAMES.len() as u64) as usize;
        let key = self.sockets[index];
        match self.random.below(100) {
            0..25 => self.emit(index),
            25..30 => self.forget(),
            30..38 => self.manager.connect(self.now, key),
            38..40 => {
                self.heard[index].gap = true;
                self.leave();
                self.manager.disconnect(self.now, key);
            }
            40 => {
                self.leave();
                self.manager.close(self.now);
                self.manager.open(self.now);
            }
            41..46 => self.cut(),
            46 => {
                self.cut();
                self.host.restart();
            }
            47..60 => self.host.emit(self.now, &mut self.random, index),
            60..63 => self.host.ask(self.now, &mut self.random, index),
            63 => self.host.expel(self.now, &mut self.random, index),
            64..67 => self.reply(),
            67..70 => {
                let flows = [Flow::Ready, Flow::Ready, Flow::Busy, Flow::Full];
                let flow = flows[self.random.below(4) as usize];
                self.manager.set_flow(flow);
            }
            70..72 => self.manager.open(self.now),
            72..95 => self.pass(40),
            _ => self.pass(3_000),
        }
    }

    /// The driver's turn; at times it comes late.
    fn look(&mut self) {
        if self.random.chance(70) {
            self.settle();
        }
    }

    fn pass(&mut self, limit: u64) {
        let until = self.now + self.random.below(limit) + 1;
        loop {
            let next = [
                self.manager.poll_timeout(),
                self.opening.map(|(due, _)| due),
                self.noticing,
                self.questions.iter().map(|(due, ..)| *due).min(),
                self.host.to_client.front().map(|(due, _)| *due),
                self.host.to_server.front().map(|(due, _)| *due),
            ];
            match next.into_iter().flatten().min().filter(|due| *due <= until) {
                Some(due) => self.now = due.max(self.now),
                None => break,
            }
            self.arrive();
            self.settle();
        }
        self.now = until;
    }

    /// What is due happens, on the link first.
    fn arrive(&mut self) {
        if self.noticing.take_if(|due| *due <= self.now).is_some() {
            let reasons = [
                CloseReason::PingTimeout,
                CloseReason::TransportClose,
                CloseReason::TransportError,
            ];
            let reason = reasons[self.random.below(3) as usize];
            self.manager.handle_closed(self.now, reason, None);
        }
        if let Some((_, works)) = self.opening.take_if(|(due, _)| *due <= self.now) {
            if works {
                self.host.open(self.now, self.revision);
                self.manager.handle_opened(self.now, self.revision, "link");
            } else {
                let error = ErrorKind::Timeout.into();
                self.manager.handle_open_failed(self.now, error);
            }
        }
        let (due, rest) = std::mem::take(&mut self.questions)
            .into_iter()
            .partition(|(due, ..)| *due <= self.now);
        self.questions = rest;
        for (_, key, ticket) in due {
            let fails = !self.healed && self.random.chance(10);
            let auth = if fails {
                Err("none".to_owned())
            } else {
                Ok(None)
            };
            self.manager.handle_auth(self.now, key, ticket, auth);
        }
        self.host.receive(self.now, &mut self.random);
        while self
            .host
            .to_client
            .front()
            .is_some_and(|(due, _)| *due <= self.now)
        {
            let (_, text) = self.host.to_client.pop_front().expect("looked at");
            if let Some(event) = self.manager.handle_text(self.now, &text) {
                Self::hear(
                    &mut self.heard,
                    &mut self.emitted,
                    &mut self.replies,
                    &self.sockets,
                    event,
                );
            }
            self.tell();
        }
        if self
            .manager
            .poll_timeout()
            .is_some_and(|due| due <= self.now)
        {
            self.manager.handle_timeout(self.now);
        }
        let next = self.manager.poll_timeout();
        assert!(
            next.is_none_or(|next| next > self.now),
            "seed {}: busy",
            self.seed
        );
    }

    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 10_000, "seed {}: endless", self.seed);
            self.tell();
            let Some(output) = self.manager.poll_output() else {
                break;
            };
            match output {
                Output::Open => {
                    assert!(self.opening.is_none() && !self.host.is_open());
                    self.noticing = None;
                    let works = self.healed || self.random.chance(70);
                    self.opening = Some((self.now + self.random.below(100), works));
                }
                Output::Auth { socket, ticket } => {
                    self.questions.retain(|(_, key, _)| *key != socket);
                    let late = if self.random.chance(20) { 2_000 } else { 5 };
                    let due = self.now + self.random.below(late);
                    self.questions.push((due, socket, ticket));
                }
                Output::Send(message) => self.send(&message),
                Output::Close => self.close(),
            }
        }
    }

    fn send(&mut self, message: &crate::proto::Encoded) {
        let number = number_of(message.text());
        let event = number.and_then(|number| self.emitted.get_mut(&number));
        let is_open = self.host.is_open();
        if let Some(event) = event {
            event.sent += 1;
            // Nobody has noticed that there is no link.
            event.endangered |= !is_open;
        }
        if is_open {
            self.host.send(self.now, &mut self.random, message);
        }
    }

    /// In good order: what has been sent arrives.
    fn close(&mut self) {
        self.opening = None;
        self.noticing = None;
        if self.host.is_open() {
            let until = self.host.to_server.back().map_or(self.now, |(due, _)| *due);
            self.host.receive(until, &mut self.random);
            self.host.cut(self.now);
        }
    }

    fn cut(&mut self) {
        if self.host.is_open() {
            for number in self.host.cut(self.now) {
                self.emitted.get_mut(&number).expect("emitted").endangered = true;
            }
            self.noticing = Some(self.now + self.random.below(100));
        }
    }

    /// What was emitted over a connection goes ahead of its end, if the link takes it.
    fn leave(&mut self) {
        if self.noticing.is_none() {
            self.settle();
        }
        for (number, event) in &mut self.emitted {
            let key = self.sockets[*number as usize % NAMES.len()];
            event.left |= event.sent == 0 && self.manager.sid(key).is_some();
        }
    }

    fn emit(&mut self, index: usize) {
        self.numbers += NAMES.len() as u64;
        let number = self.numbers + index as u64;
        let volatile = self.random.chance(15);
        let wants_ack = self.random.chance(50);
        let has_id = wants_ack || (self.config.retries > 0 && !volatile);
        let id = has_id.then_some(self.ids[index]);
        self.ids[index] += u64::from(has_id);
        let encoder = self.config.encoder();
        let name = if volatile { "v" } else { "e" };
        let message = encoder.event(NAMES[index], id, name, &number);
        let event = Outgoing {
            message: message.expect("a number"),
            id,
            ack: wants_ack.then_some(number),
            timeout: self.random.chance(40).then(|| 1 + self.random.below(3_000)),
            volatile,
        };
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
        match self.manager.emit(self.now, self.sockets[index], event) {
            Sent::Queued | Sent::Buffered => {
                self.emitted.insert(number, emitted);
            }
            Sent::Dropped(_) => assert!(volatile),
            Sent::Refused(event) => assert_eq!(event.ack.is_some(), wants_ack),
        }
    }

    fn forget(&mut self) {
        let awaited = self
            .emitted
            .iter_mut()
            .filter(|(_, it)| it.ack == Ack::Awaited);
        let mut awaited: Vec<_> = awaited.collect();
        if awaited.is_empty() {
            return;
        }
        let chosen = self.random.below(awaited.len() as u64) as usize;
        let (number, event) = &mut awaited[chosen];
        let key = self.sockets[**number as usize % NAMES.len()];
        // Unless its end is about to be told.
        if let Some(ack) = self.manager.forget_ack(key, event.id.expect("awaited")) {
            assert_eq!(ack, **number);
            event.ack = Ack::Forgotten;
        }
    }

    fn reply(&mut self) {
        if self.replies.is_empty() {
            return;
        }
        let chosen = self.random.below(self.replies.len() as u64) as usize;
        let (key, to) = self.replies.swap_remove(chosen);
        let nsp = self.manager.namespace(key).expect("known");
        let answer = self.config.encoder().ack(nsp, to.id, &());
        self.manager.reply(key, to, answer.expect("nothing"));
    }

    fn tell(&mut self) {
        while let Some(event) = self.manager.poll_event() {
            Self::hear(
                &mut self.heard,
                &mut self.emitted,
                &mut self.replies,
                &self.sockets,
                event,
            );
        }
    }

    fn hear(
        heard: &mut [Heard],
        emitted: &mut BTreeMap<u64, Emitted>,
        replies: &mut Vec<(SocketKey, ReplyTo)>,
        sockets: &[SocketKey],
        event: Event<'_, u64>,
    ) {
        let index = |key| sockets.iter().position(|it| *it == key).expect("known");
        match event {
            Event::Event {
                socket,
                reply,
                name,
                args,
            } => {
                replies.extend(reply.map(|reply| (socket, reply)));
                if name == "e" {
                    let heard = &mut heard[index(socket)];
                    let number: u64 = args.first().expect("a number");
                    let next = number == heard.last + 1;
                    assert!(
                        next || (heard.gap && number > heard.last),
                        "{number} after {}",
                        heard.last
                    );
                    heard.gap = false;
                    heard.last = number;
                }
            }
            Event::Connected { socket, recovered } => {
                heard[index(socket)].gap |= !recovered;
            }
            Event::Disconnected {
                socket,
                will_reconnect: false,
                ..
            } => heard[index(socket)].gap = true,
            Event::Ack { ack, result, .. } => {
                let event = emitted.get_mut(&ack).expect("emitted");
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

    fn check(&mut self) {
        // Control packets are not counted against the emitter, and there are few.
        let bytes = self.manager.buffered_bytes();
        let bound = self.config.buffer.max_bytes + 64 * 200;
        assert!(bytes <= bound, "seed {}: {bytes} bytes", self.seed);
        for room in &self.host.rooms {
            let tail = room.order.len().saturating_sub(2);
            assert!(room.order[tail..].is_sorted(), "seed {}", self.seed);
        }
    }

    /// From now on all is well, for long enough.
    fn heal(&mut self) {
        self.healed = true;
        self.host.refuses = 0;
        self.host.forgets = 0;
        for _ in 0..200 {
            for key in self.sockets.clone() {
                self.manager.connect(self.now, key);
            }
            self.manager.set_flow(Flow::Ready);
            self.settle();
            self.pass(1_500);
        }
        assert_eq!(self.manager.status(), Status::Open, "seed {}", self.seed);
        for key in &self.sockets {
            assert!(self.manager.sid(*key).is_some(), "seed {}", self.seed);
        }
        assert_eq!(self.manager.buffered_bytes(), 0, "seed {}", self.seed);
    }

    fn check_fates(&self) {
        let seed = self.seed;
        for (number, event) in &self.emitted {
            let room = &self.host.rooms[*number as usize % NAMES.len()];
            let seen = room.seen.get(*number as usize).copied().unwrap_or(0);
            let context = format!("seed {seed}: event {number}");
            assert!(seen <= event.sent, "{context}");
            assert!(event.sent <= self.config.retries + 1, "{context}");
            match event.ack {
                Ack::Answered => assert!(seen > 0, "{context}"),
                Ack::Failed(AckFailure::Dropped) => assert_eq!(seen, 0, "{context}"),
                Ack::Unwanted if !event.volatile => {
                    let dropped = self.config.buffer.when_full == WhenFull::DropOldest;
                    let tried = event.endangered || event.sent == self.config.retries + 1;
                    let lost = (dropped && event.sent == 0) || event.left || tried;
                    assert!(seen > 0 || lost, "{context}: lost, sent {}", event.sent);
                }
                _ => {}
            }
        }
    }
}
