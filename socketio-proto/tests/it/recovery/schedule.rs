//! A server and its clients on links that break at any point: whatever the schedule, a socket that
//! goes on has got each event meant for it once and in order, and one that does not had a reason.

use std::{cell::Cell, collections::VecDeque, mem};

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config as Runs, RngSeed, TestRunner},
};
use socketio_proto::{
    Args, Body, Decoder, Encoded, Encoder, Limits, Revision,
    recovery::{self, Bookmark, Claim, Config, Log},
};

const DURATION: u64 = 1000;
const CLIENTS: usize = 3;
const ENCODER: Encoder = Encoder::new(Revision::V5, 0);

#[derive(Clone, Debug)]
enum Step {
    Emit(Target),
    /// An event that is sent without being logged, and ends in a string.
    Volatile(Target),
    /// An event that asks for an acknowledgement.
    Ask(Target),
    /// The client takes so many messages from its link.
    Deliver(usize, usize),
    /// The link breaks with all that is on it.
    Cut(usize),
    /// The server finds out about broken links.
    Notice,
    /// The client opens a new link, unless it has one.
    Reconnect(usize),
    Pass(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    All,
    Even,
    One(usize),
}

impl Target {
    fn includes(self, client: usize) -> bool {
        match self {
            Self::All => true,
            Self::Even => client.is_multiple_of(2),
            Self::One(one) => one == client,
        }
    }
}

struct Server {
    now: u64,
    log: Log<(Target, String), Socket>,
    sockets: Vec<Socket>,
    /// All that was logged: when and for whom.
    history: Vec<(u64, Target)>,
    offsets: Vec<String>,
    pids: usize,
    /// The sockets in the log: whose and since when.
    saved: Vec<(String, u64)>,
}

struct Socket {
    pid: String,
    client: usize,
    /// How much had been logged when it came into being.
    born: usize,
    is_linked: bool,
}

#[derive(Default)]
struct Client {
    bookmark: Bookmark,
    link: Option<Link>,
    /// How much had been logged when its socket came into being, and what it has got since.
    born: usize,
    got: Vec<usize>,
    recoveries: usize,
}

#[derive(Default)]
struct Link {
    messages: VecDeque<String>,
    is_answered: bool,
    /// Events ahead of the answer.
    held: Vec<String>,
}

struct World {
    server: Server,
    clients: [Client; CLIENTS],
}

impl World {
    fn new() -> Self {
        let mut config = Config::default();
        config.max_disconnection_duration = DURATION;
        let log = Log::new(1, &config);
        let server = Server {
            now: 0,
            offsets: vec![log.newest().to_string()],
            log,
            sockets: Vec::new(),
            history: Vec::new(),
            pids: 0,
            saved: Vec::new(),
        };
        Self {
            server,
            clients: Default::default(),
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Emit(target) => self.emit(target),
            Step::Volatile(target) => {
                let mut event = ENCODER.event("/", None, "typing", "ann").unwrap();
                recovery::append_offset(&mut event, self.server.log.newest());
                self.push(target, &event);
            }
            Step::Ask(target) => {
                let event = ENCODER.event("/", Some(0), "ask", "really").unwrap();
                self.push(target, &event);
            }
            Step::Deliver(client, count) => (0..count).for_each(|_| self.deliver(client)),
            Step::Cut(client) => self.cut(client),
            Step::Notice => self.notice(),
            Step::Reconnect(client) => self.reconnect(client),
            Step::Pass(time) => self.pass(time),
        }
    }

    fn emit(&mut self, target: Target) {
        let server = &mut self.server;
        let number = server.history.len();
        let mut event = ENCODER.event("/", None, "e", &number).unwrap();
        let offset = server.log.append(server.now, event.buffer.len(), |offset| {
            recovery::append_offset(&mut event, offset);
            (target, event.text().to_owned())
        });
        server.history.push((server.now, target));
        server.offsets.push(offset.to_string());
        self.push(target, &event);
    }

    /// To the outboxes, which are what is on the links.
    fn push(&mut self, target: Target, event: &Encoded) {
        for socket in &self.server.sockets {
            if socket.is_linked
                && target.includes(socket.client)
                && let Some(link) = &mut self.clients[socket.client].link
            {
                link.messages.push_back(event.text().to_owned());
            }
        }
    }

    fn cut(&mut self, client: usize) {
        self.clients[client].link = None;
        for socket in &mut self.server.sockets {
            socket.is_linked &= socket.client != client;
        }
    }

    fn notice(&mut self) {
        let server = &mut self.server;
        for socket in server.sockets.extract_if(.., |socket| !socket.is_linked) {
            server.saved.push((socket.pid.clone(), server.now));
            server.log.save(server.now, &socket.pid.clone(), socket);
        }
    }

    fn pass(&mut self, time: u64) {
        let server = &mut self.server;
        server.now += time;
        if server
            .log
            .poll_timeout()
            .is_some_and(|due| due <= server.now)
        {
            for socket in server.log.handle_timeout(server.now) {
                server.saved.retain(|(pid, _)| *pid != socket.pid);
            }
        }
    }

    fn reconnect(&mut self, client: usize) {
        if self.clients[client].link.is_some() {
            return;
        }
        let auth = self.clients[client].bookmark.auth(None);
        let connect = ENCODER.connect("/", auth.as_ref()).unwrap();
        let Body::Connect(auth) = decode(connect.text()) else {
            panic!("no CONNECT");
        };
        let (mut socket, mut messages) = self
            .recover(client, Claim::of(Revision::V5, auth.as_deref()))
            .unwrap_or_else(|| (self.server.make(client), VecDeque::new()));
        socket.is_linked = true;
        let answer = ENCODER.connected("/", "sid", Some(&socket.pid)).unwrap();
        messages.push_back(answer.text().to_owned());
        self.server.sockets.push(socket);
        self.clients[client].link = Some(Link {
            messages,
            ..Link::default()
        });
    }

    /// The socket and what it missed; if not, there is a reason.
    fn recover(
        &mut self,
        client: usize,
        claim: Option<Claim<'_>>,
    ) -> Option<(Socket, VecDeque<String>)> {
        let server = &mut self.server;
        let Claim { pid, offset, .. } = claim?;
        let saved = server.saved.iter().position(|(saved, _)| *saved == pid);
        let since = saved.map(|saved| server.saved.swap_remove(saved).1);
        if let Some(restored) = server.log.restore(server.now, &pid, &offset) {
            let missed = restored
                .missed
                .filter(|(_, (target, _))| target.includes(client));
            let missed = missed.map(|(_, (_, text))| text.clone()).collect();
            return Some((restored.session, missed));
        }
        let last = server.offsets.iter().position(|issued| *issued == offset);
        let next = server.history.get(last.expect("an offset of the log's"));
        let is_gone = next.is_some_and(|(at, _)| at + DURATION <= server.now);
        let is_over = since.is_none_or(|since| since + DURATION <= server.now);
        assert!(is_gone || is_over, "{client} was refused for no reason");
        None
    }

    fn deliver(&mut self, client: usize) {
        let Client { link, .. } = &mut self.clients[client];
        let Some(link) = link else { return };
        let Some(message) = link.messages.pop_front() else {
            return;
        };
        if link.is_answered {
            return self.clients[client].take(&message);
        }
        let Body::Connect(answer) = decode(&message) else {
            return link.held.push(message);
        };
        link.is_answered = true;
        let held = mem::take(&mut link.held);
        let answer: serde_json::Value = serde_json::from_str(&answer.unwrap()).unwrap();
        let pid = answer["pid"].as_str();
        let sockets = &self.server.sockets;
        let socket = sockets.iter().find(|socket| Some(&*socket.pid) == pid);
        self.clients[client].answered(pid, socket.expect("linked").born);
        for message in held {
            self.clients[client].take(&message);
        }
    }

    /// What a client has got is the beginning of what was meant for its socket.
    fn check(&self) {
        for (number, client) in self.clients.iter().enumerate() {
            let meant = self.meant(number);
            assert!(meant.starts_with(&client.got), "{number}: {:?}", client.got);
        }
    }

    fn meant(&self, client: usize) -> Vec<usize> {
        let history = &self.server.history;
        let all = self.clients[client].born..history.len();
        all.filter(|&event| history[event].1.includes(client))
            .collect()
    }

    /// All links work and all that is on them arrives.
    fn settle(&mut self) {
        self.notice();
        for client in 0..CLIENTS {
            self.reconnect(client);
            self.step(&Step::Deliver(client, 1000));
            assert_eq!(self.clients[client].got, self.meant(client), "{client}");
        }
    }
}

impl Server {
    fn make(&mut self, client: usize) -> Socket {
        self.pids += 1;
        Socket {
            pid: format!("pid-{}", self.pids),
            client,
            born: self.history.len(),
            is_linked: true,
        }
    }
}

impl Client {
    fn answered(&mut self, pid: Option<&str>, born: usize) {
        if self.bookmark.handle_connected(pid) {
            self.recoveries += 1;
        } else {
            self.born = born;
            self.got.clear();
        }
    }

    fn take(&mut self, message: &str) {
        let mut decoder = Decoder::new(Revision::V5, Limits::default());
        let packet = decoder.decode_text(message).unwrap().unwrap();
        let Body::Event { name, args } = packet.body else {
            panic!("no event");
        };
        if name == "e" {
            self.got.push(args.parse().unwrap());
        }
        self.bookmark.handle_event(packet.id, &args);
        if packet.id.is_none() {
            assert_eq!(
                self.bookmark.offset(),
                Some(&*last(&args)),
                "an offset each"
            );
        }
    }
}

fn last(args: &Args<'_>) -> String {
    let mut all: Vec<serde_json::Value> = args.all().unwrap();
    let last = all.pop().unwrap();
    last.as_str().unwrap().to_owned()
}

fn decode(text: &str) -> Body<'_> {
    let mut decoder = Decoder::new(Revision::V5, Limits::default());
    decoder.decode_text(text).unwrap().unwrap().body
}

fn step() -> impl Strategy<Value = Step> {
    let client = 0..CLIENTS;
    let target = prop_oneof![
        Just(Target::All),
        Just(Target::Even),
        client.clone().prop_map(Target::One),
    ];
    prop_oneof![
        8 => target.clone().prop_map(Step::Emit),
        1 => target.clone().prop_map(Step::Volatile),
        1 => target.prop_map(Step::Ask),
        6 => (client.clone(), 1..6_usize).prop_map(|(client, count)| Step::Deliver(client, count)),
        3 => client.clone().prop_map(Step::Cut),
        6 => Just(Step::Notice),
        5 => client.prop_map(Step::Reconnect),
        2 => (0..400_u64).prop_map(Step::Pass),
    ]
}

fn run(steps: &[Step]) -> World {
    let mut world = World::new();
    world.settle();
    for step in steps {
        world.step(step);
        world.check();
    }
    world.settle();
    world
}

#[test]
fn nothing_is_lost_doubled_or_reordered() {
    let mut runs = TestRunner::new(Runs {
        cases: 256,
        rng_seed: RngSeed::Fixed(1203),
        failure_persistence: None,
        ..Runs::default()
    });
    let recoveries = Cell::new(0);
    let result = runs.run(&vec(step(), 0..150), |steps| {
        let world = run(&steps);
        let more: usize = world.clients.iter().map(|client| client.recoveries).sum();
        recoveries.set(recoveries.get() + more);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(
        recoveries.get() > 200,
        "only {} recoveries",
        recoveries.get()
    );
}

#[test]
fn a_link_that_breaks_within_the_replay_costs_nothing() {
    let steps = [
        Step::Emit(Target::All),
        Step::Deliver(0, 1),
        Step::Cut(0),
        Step::Notice,
        Step::Emit(Target::One(0)),
        Step::Emit(Target::Even),
        Step::Reconnect(0),
        Step::Deliver(0, 1),
        Step::Cut(0),
        Step::Notice,
    ];
    let world = run(&steps);
    assert_eq!(world.clients[0].got, [0, 1, 2]);
    assert_eq!(world.clients[0].recoveries, 1, "one answer has arrived");
}
