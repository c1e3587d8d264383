//! One schedule: what happens to a client, and a driver that does what it is told, at times late.

use super::super::world::opened;
use super::{NAMES, Random, application::Application, host::Host, number_of};
use crate::{
    Config, Status, WhenFull,
    engine::{CloseReason, ErrorKind},
    manager::{Flow, Manager, Output, SocketKey},
    proto::{Encoded, Revision, Tick},
};

pub(super) struct Run {
    random: Random,
    now: Tick,
    manager: Manager<u64>,
    application: Application,
    host: Host,
    revision: Revision,
    /// When a link that is being opened is there, or not.
    opening: Option<(Tick, bool)>,
    /// When the driver notices that its link is gone.
    noticing: Option<Tick>,
    questions: Vec<(Tick, SocketKey, u32)>,
    /// Nothing goes wrong any more.
    healed: bool,
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
        let sockets = NAMES.map(|name| manager.socket(name)).into();
        let mut host = Host::new(recovery);
        host.refuses = random.below(20);
        host.forgets = random.below(30);
        Self {
            random,
            now: 0,
            manager,
            application: Application::new(config, sockets),
            host,
            revision,
            opening: None,
            noticing: None,
            questions: Vec::new(),
            healed: false,
        }
    }

    pub(super) fn finish(mut self) {
        for _ in 0..400 {
            self.act();
            if self.random.chance(70) {
                self.settle();
            }
            self.check();
        }
        self.heal();
        for key in self.application.sockets.clone() {
            self.manager.remove(self.now, key);
        }
        self.settle();
        for number in self.host.late.drain(..) {
            self.application.endanger(number);
        }
        self.application.check_fates(&self.host.rooms);
        assert_eq!(self.manager.poll_timeout(), None);
        assert_eq!(self.manager.buffered_bytes(), 0);
    }

    fn act(&mut self) {
        let index = self.random.below(NAMES.len() as u64) as usize;
        let key = self.application.sockets[index];
        let random = &mut self.random;
        match random.below(100) {
            0..25 => self
                .application
                .emit(&mut self.manager, self.now, random, index),
            25..30 => self.application.forget(&mut self.manager, random),
            30..38 => self.manager.connect(self.now, key),
            38..40 => {
                self.leave();
                self.application.heard[index].gap = true;
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
            47..60 => self.host.emit(self.now, random, index),
            60..63 => self.host.ask(self.now, random, index),
            63 => self.host.expel(self.now, random, index),
            64..67 => self.application.reply(&mut self.manager, random),
            67..70 => {
                let flows = [Flow::Ready, Flow::Ready, Flow::Busy, Flow::Full];
                self.manager.set_flow(flows[random.below(4) as usize]);
            }
            70..72 => self.manager.open(self.now),
            72..95 => self.pass(40),
            _ => self.pass(3_000),
        }
    }

    /// Time passes, and what is due happens when it is.
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
            let next = next.into_iter().flatten().min();
            let Some(due) = next.filter(|due| *due <= until) else {
                break;
            };
            self.now = due.max(self.now);
            self.arrive();
            self.settle();
        }
        self.now = until;
    }

    /// What is due happens, on the link first.
    fn arrive(&mut self) {
        self.arrive_at_link();
        let questions = std::mem::take(&mut self.questions);
        let (due, rest) = questions
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
        while let Some(text) = self.host.deliver(self.now) {
            if let Some(event) = self.manager.handle_text(self.now, &text) {
                self.application.hear(event);
            }
            self.tell();
        }
        let due = self.manager.poll_timeout();
        if due.is_some_and(|due| due <= self.now) {
            self.manager.handle_timeout(self.now);
        }
        let next = self.manager.poll_timeout();
        assert!(next.is_none_or(|next| next > self.now), "busy");
    }

    fn arrive_at_link(&mut self) {
        if self.noticing.take_if(|due| *due <= self.now).is_some() {
            let reasons = [
                CloseReason::PingTimeout,
                CloseReason::TransportClose,
                CloseReason::TransportError,
            ];
            let reason = reasons[self.random.below(3) as usize];
            self.manager.handle_closed(self.now, reason, None);
        }
        match self.opening.take_if(|(due, _)| *due <= self.now) {
            Some((_, true)) => {
                self.host.open(self.now, self.revision);
                self.manager
                    .handle_opened(self.now, opened(self.revision, "link"));
            }
            Some((_, false)) => {
                let error = ErrorKind::Timeout.into();
                self.manager.handle_open_failed(self.now, error);
            }
            None => {}
        }
    }

    /// The driver's turn.
    fn settle(&mut self) {
        for round in 0.. {
            assert!(round < 10_000, "endless");
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

    fn tell(&mut self) {
        while let Some(event) = self.manager.poll_event() {
            self.application.hear(event);
        }
    }

    fn send(&mut self, message: &Encoded) {
        let number = number_of(message.text());
        let is_open = self.host.is_open();
        if let Some(number) = number {
            self.application.sent(number);
        }
        if let (Some(number), false) = (number, is_open) {
            // Nobody has noticed yet that there is no link.
            self.application.endanger(number);
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
                self.application.endanger(number);
            }
            self.noticing = Some(self.now + self.random.below(100));
        }
    }

    /// The application is about to leave.
    fn leave(&mut self) {
        if self.noticing.is_none() {
            self.settle();
        }
        self.application.leave(&self.manager);
    }

    fn check(&self) {
        // Control packets are never refused, and there are few.
        let bound = self.application.config.buffer.max_bytes + 64 * 200;
        let bytes = self.manager.buffered_bytes();
        assert!(bytes <= bound, "{bytes} bytes are waiting");
        for room in &self.host.rooms {
            let tail = room.order.len().saturating_sub(10);
            assert!(room.order[tail..].is_sorted(), "{:?}", &room.order[tail..]);
        }
    }

    /// From now on all is well, for long enough.
    fn heal(&mut self) {
        self.healed = true;
        self.host.refuses = 0;
        self.host.forgets = 0;
        for _ in 0..200 {
            for key in self.application.sockets.clone() {
                self.manager.connect(self.now, key);
            }
            self.manager.set_flow(Flow::Ready);
            self.settle();
            self.pass(1_500);
        }
        assert_eq!(self.manager.status(), Status::Open);
        for key in &self.application.sockets {
            assert!(self.manager.sid(*key).is_some(), "not connected");
        }
        assert_eq!(self.manager.buffered_bytes(), 0);
    }
}
