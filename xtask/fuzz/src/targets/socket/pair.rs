//! Both connections and a link between them, on which the input decides what arrives next: two peers
//! of ours never break the protocol, events arrive in order, and every acknowledgement finds its way.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use socketio_proto::{
    Binary, Body, Decoder, Encoded, Limits, MsgPack, NamespaceId, Parser, Revision, client, server,
};

use super::NAMES;
use crate::input::Input;

pub(in crate::targets) fn pair(input: &[u8]) {
    let mut input = Input::new(input);
    let mut pair = Pair::new(&mut input);
    while !input.is_empty() {
        pair.act(&mut input);
    }
    pair.finish();
}

/// In revision 4 the refusal of the default namespace is one of all to a client: servers of the 2.x
/// line answer no other then, but ours does.
const PATIENCE: [(Revision, bool); 2] = [(Revision::V5, false), (Revision::V4, true)];

/// Two connections and the messages under way between them.
struct Pair {
    revision: Revision,
    /// Whether the client waits for answers that nobody wants.
    patient: bool,
    parser: Option<Arc<dyn Parser>>,
    client: client::Connection<u64>,
    server: server::Connection<u64>,
    to_client: VecDeque<Wire>,
    to_server: VecDeque<Wire>,
    /// What each side asked for or was asked for, and whether it takes part.
    at_client: BTreeMap<usize, Member>,
    at_server: BTreeMap<usize, Member>,
    /// What the client calls its memberships.
    names: BTreeMap<usize, &'static str>,
    /// Names the client has left, or takes for refused, before the server has answered.
    given_up: Vec<String>,
    /// Events on their way to the server and to the client.
    events: [VecDeque<u64>; 2],
    /// Acknowledgements the client and the server await.
    acks: [BTreeSet<u64>; 2],
    next: u64,
}

enum Wire {
    Text(String),
    Binary(Bytes),
}

#[derive(Clone, Copy)]
struct Member {
    nsp: NamespaceId,
    joined: bool,
}

const NAMESPACES: &[&str] = &["/", "/a", "/b?c=d", "/é\""];

const AT_CLIENT: usize = 0;
const AT_SERVER: usize = 1;

impl Pair {
    fn new(input: &mut Input<'_>) -> Self {
        let (revision, patient) = input.pick(&PATIENCE);
        let mut client = client::Config::default();
        let mut server = server::Config::default();
        if input.flag() {
            client.parser = Some(Arc::new(MsgPack));
            server.parser = client.parser.clone();
        }
        let mut pair = Self {
            parser: client.parser.clone(),
            revision,
            patient,
            client: client::Connection::new(revision, &client, "link"),
            server: server::Connection::new(revision, &server, 0),
            to_client: VecDeque::new(),
            to_server: VecDeque::new(),
            at_client: BTreeMap::new(),
            at_server: BTreeMap::new(),
            names: BTreeMap::new(),
            given_up: Vec::new(),
            events: Default::default(),
            acks: Default::default(),
            next: 0,
        };
        // What the client does not have to ask for.
        let event = pair.server.poll_event();
        pair.serve(event);
        pair
    }

    fn act(&mut self, input: &mut Input<'_>) {
        match input.below(16) {
            0 | 1 => {
                let name = input.pick(NAMESPACES);
                // A server takes a second CONNECT for a violation while the first is unanswered.
                let is_due = self.patient && self.given_up.iter().any(|it| it == name);
                if !is_due && let Ok((nsp, sent)) = self.client.connect(name, None) {
                    let joined = false;
                    self.at_client.insert(nsp.index(), Member { nsp, joined });
                    self.names.insert(nsp.index(), name);
                    if let Some(sent) = sent {
                        post(&mut self.to_server, &sent);
                    }
                    self.poll_client();
                }
            }
            2 => {
                if let Some(member) = choose(&self.at_client, input)
                    && let Some((sent, acks)) = self.client.disconnect(member.nsp)
                {
                    let index = member.nsp.index();
                    self.at_client.remove(&index);
                    if !member.joined {
                        self.given_up.push(self.names[&index].to_owned());
                    }
                    self.end(AT_CLIENT, acks);
                    if let Some(sent) = sent {
                        post(&mut self.to_server, &sent);
                    }
                }
            }
            3 => {
                if let Some(member) = choose(&self.at_server, input)
                    && let Some((sent, acks)) = self.server.disconnect(member.nsp)
                {
                    self.at_server.remove(&member.nsp.index());
                    self.end(AT_SERVER, acks);
                    post(&mut self.to_client, &sent);
                }
            }
            4 | 5 => {
                if let Some(member) = choose(&self.at_server, input)
                    && let Some(sent) = self.server.accept(member.nsp, "sid", None)
                {
                    let joined = true;
                    let nsp = member.nsp;
                    self.at_server.insert(nsp.index(), Member { nsp, joined });
                    post(&mut self.to_client, &sent);
                }
            }
            6 => {
                if let Some(member) = choose(&self.at_server, input)
                    && let Some(sent) = self.server.reject(member.nsp, "no", None)
                {
                    self.at_server.remove(&member.nsp.index());
                    post(&mut self.to_client, &sent);
                }
            }
            7 | 8 => self.emit_to_server(input),
            9 | 10 => self.emit_to_client(input),
            11..13 => self.deliver_to_server(),
            13..15 => self.deliver_to_client(),
            _ => self.settle(),
        }
    }

    fn emit_to_server(&mut self, input: &mut Input<'_>) {
        let Some(member) = choose(&self.at_client, input).filter(|it| it.joined) else {
            return;
        };
        let number = self.number();
        let id = input.flag().then_some(number);
        if id.is_some() && self.client.register_ack(member.nsp, number, number).is_ok() {
            self.acks[AT_CLIENT].insert(number);
        }
        let Some(name) = self.client.namespace(member.nsp).map(str::to_owned) else {
            panic!("a member without a name");
        };
        let sent = self
            .client
            .encoder()
            .event(&name, id, input.pick(NAMES), &data(number, input));
        self.events[AT_SERVER].push_back(number);
        post(&mut self.to_server, &encoded(sent));
    }

    fn emit_to_client(&mut self, input: &mut Input<'_>) {
        let Some(member) = choose(&self.at_server, input).filter(|it| it.joined) else {
            return;
        };
        let number = self.number();
        let id = input.flag().then_some(number);
        if id.is_some() && self.server.register_ack(member.nsp, number, number).is_ok() {
            self.acks[AT_SERVER].insert(number);
        }
        let Some(name) = self.server.namespace(member.nsp).map(str::to_owned) else {
            panic!("a member without a name");
        };
        let sent = self
            .server
            .encoder()
            .event(&name, id, input.pick(NAMES), &data(number, input));
        self.events[AT_CLIENT].push_back(number);
        post(&mut self.to_client, &encoded(sent));
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn deliver_to_server(&mut self) {
        let Some(wire) = self.to_server.pop_front() else {
            return;
        };
        let event = match &wire {
            Wire::Text(text) => self.server.handle_text(1, text),
            Wire::Binary(data) => self.server.handle_binary(1, data),
        };
        match event {
            Ok(event) => self.serve(event),
            Err(error) => panic!("{error}"),
        }
    }

    fn serve(&mut self, event: Option<server::Event<'_, u64>>) {
        match event {
            Some(server::Event::Connect { nsp, .. }) => {
                let joined = false;
                self.at_server.insert(nsp.index(), Member { nsp, joined });
            }
            Some(server::Event::Event { nsp, id, args, .. }) => {
                let number = self.arrived(AT_SERVER, &args);
                let name = self.server.namespace(nsp).map(str::to_owned);
                if let (Some(id), Some(name)) = (id, name) {
                    let sent = self.server.encoder().ack(&name, id, &(number,));
                    post(&mut self.to_client, &encoded(sent));
                }
            }
            Some(server::Event::Ack { ack, args, .. }) => {
                assert_eq!(args.parse::<u64>().ok(), Some(ack));
                self.end(AT_SERVER, [ack]);
            }
            Some(server::Event::Disconnect { nsp, acks }) => {
                self.at_server.remove(&nsp.index());
                self.end(AT_SERVER, acks);
            }
            None => {}
            other => panic!("{other:?}"),
        }
    }

    fn deliver_to_client(&mut self) {
        let Some(wire) = self.to_client.pop_front() else {
            return;
        };
        let event = match &wire {
            Wire::Text(text) => self.client.handle_text(text),
            Wire::Binary(data) => self.client.handle_binary(data),
        };
        match event {
            Ok(event) => self.hear(event),
            Err(error) => panic!("{error}"),
        }
        self.poll_client();
        self.answered(&wire);
    }

    /// What no message has told, or more than one message tells at once.
    fn poll_client(&mut self) {
        while let Some(event) = self.client.poll_event() {
            self.hear(Some(event));
        }
    }

    fn hear(&mut self, event: Option<client::Event<'_, u64>>) {
        match event {
            Some(client::Event::Connected { nsp, .. }) => {
                let joined = true;
                self.at_client.insert(nsp.index(), Member { nsp, joined });
            }
            Some(client::Event::ConnectError { nsp, .. }) => {
                self.given_up.push(self.names[&nsp.index()].to_owned());
                self.at_client.remove(&nsp.index());
            }
            Some(client::Event::Event { nsp, id, args, .. }) => {
                let number = self.arrived(AT_CLIENT, &args);
                let joined = self.at_client.get(&nsp.index()).is_some_and(|it| it.joined);
                let name = self.client.namespace(nsp).map(str::to_owned);
                if let (Some(id), Some(name), true) = (id, name, joined) {
                    let sent = self.client.encoder().ack(&name, id, &(number,));
                    post(&mut self.to_server, &encoded(sent));
                }
            }
            Some(client::Event::Ack { ack, args, .. }) => {
                assert_eq!(args.parse::<u64>().ok(), Some(ack));
                self.end(AT_CLIENT, [ack]);
            }
            Some(client::Event::Disconnected { nsp, acks }) => {
                self.at_client.remove(&nsp.index());
                self.end(AT_CLIENT, acks);
            }
            Some(client::Event::Unwanted { leave }) => post(&mut self.to_server, &leave),
            Some(client::Event::Postponed { request, .. }) => post(&mut self.to_server, &request),
            None => {}
            other => panic!("{other:?}"),
        }
    }

    /// What was given up has its answer now, if this is one.
    fn answered(&mut self, wire: &Wire) {
        let mut decoder = Decoder::new(self.revision, Limits::default());
        decoder = decoder.with_parser(self.parser.clone());
        let packet = match wire {
            Wire::Text(text) => decoder.decode_text(text),
            Wire::Binary(data) => decoder.decode_binary(data),
        };
        if let Ok(Some(packet)) = packet
            && matches!(packet.body, Body::Connect(_) | Body::ConnectError(_))
        {
            self.given_up.retain(|name| *name != packet.nsp);
        }
    }

    /// The number of an event. Those before it were for memberships that had ended.
    fn arrived(&mut self, side: usize, args: &socketio_proto::Args<'_>) -> u64 {
        let Ok((number, _)) = args.parse::<(u64, Vec<Binary>)>() else {
            panic!("not what was sent");
        };
        while let Some(sent) = self.events[side].pop_front() {
            if sent == number {
                return number;
            }
        }
        panic!("event {number} is late, or comes twice");
    }

    fn end(&mut self, side: usize, acks: impl IntoIterator<Item = u64>) {
        for ack in acks {
            assert!(
                self.acks[side].remove(&ack),
                "an acknowledgement ends twice"
            );
        }
    }

    fn settle(&mut self) {
        for _ in 0..10_000 {
            if !self.to_server.is_empty() {
                self.deliver_to_server();
            } else if !self.to_client.is_empty() {
                self.deliver_to_client();
            } else {
                return;
            }
        }
        panic!("the connections keep each other busy");
    }

    /// Everything arrives. What is still awaited was lost with a membership the other end gave up,
    /// and ends with the link.
    fn finish(mut self) {
        self.settle();
        let left: Vec<_> = self.client.drain_acks().collect();
        self.end(AT_CLIENT, left);
        let left: Vec<_> = self.server.drain_acks().collect();
        self.end(AT_SERVER, left);
        assert!(self.acks.iter().all(BTreeSet::is_empty));
    }
}

fn data(number: u64, input: &mut Input<'_>) -> (u64, Vec<Binary>) {
    let attachment = |index| Binary(Bytes::from(vec![index; usize::from(index)]));
    let count = input.below(4) as u8;
    (number, (0..count).map(attachment).collect())
}

fn encoded(sent: Result<Encoded, socketio_proto::EncodeError>) -> Encoded {
    match sent {
        Ok(sent) => sent,
        Err(error) => panic!("{error}"),
    }
}

fn choose(members: &BTreeMap<usize, Member>, input: &mut Input<'_>) -> Option<Member> {
    let index = input.below(members.len().clamp(1, 256));
    members.values().nth(index).copied()
}

fn post(queue: &mut VecDeque<Wire>, sent: &Encoded) {
    if sent.has_text() {
        queue.push_back(Wire::Text(sent.text().to_owned()));
    }
    queue.extend(sent.attachments.iter().cloned().map(Wire::Binary));
}
