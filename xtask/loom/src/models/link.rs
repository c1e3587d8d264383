//! A client's link, without handlers: what `socketio-server/src/link.rs` does with messages and entries.

use std::sync::Arc;

use engineio_proto::Message;
use socketio_proto::{
    NamespaceId, Revision,
    server::{Config, Connection, Event},
};

use super::{socket::Socket, task::Found};
use crate::{
    entry::{Entry, Ticket},
    format::Format,
    prepared::Prepared,
};

pub(super) struct Link {
    connection: Connection<Ticket>,
    /// The client in its only namespace, in the models that have a gate.
    pub(super) socket: Option<Arc<Socket>>,
    /// What has left for the client.
    pub(super) sent: Vec<String>,
    /// Entries and messages it has seen.
    pub(super) handled: usize,
    /// Entries among them that send the client away.
    pub(super) farewells: usize,
}

impl Link {
    /// A client that has joined nothing.
    pub(super) fn new() -> Self {
        Self {
            connection: Connection::new(Revision::V5, &Config::default(), 0),
            socket: None,
            sent: Vec::new(),
            handled: 0,
            farewells: 0,
        }
    }

    /// The client wants to join.
    pub(super) fn connect(&mut self) -> NamespaceId {
        let Ok(Some(Event::Connect { nsp, .. })) = self.connection.handle_text(0, "0") else {
            unreachable!("a CONNECT")
        };
        nsp
    }

    /// The client has joined, once it gets this answer.
    pub(super) fn accept(&mut self, nsp: NamespaceId) -> Prepared {
        let Some(answer) = self.connection.accept(nsp, "public id", None) else {
            unreachable!("a client that has joined already")
        };
        Prepared::from_parts(answer.buffer, answer.start, answer.attachments)
    }

    pub(super) fn handle(&mut self, found: Found<Entry, &'static str>) {
        let Found::Work(entries, deliveries) = found else {
            unreachable!("nobody closes")
        };
        for message in deliveries {
            self.handled += 1;
            self.handle_message(message);
        }
        for entry in entries {
            self.handled += 1;
            self.handle_entry(entry);
        }
    }

    pub(super) fn handle_message(&mut self, message: &str) {
        match self.connection.handle_text(0, message) {
            Ok(Some(Event::Ack { ack, args, .. })) => ack.answer(args),
            Ok(Some(Event::Disconnect { acks, .. })) => {
                drop(acks);
                self.dismiss();
            }
            Ok(None) => {}
            other => unreachable!("{other:?}"),
        }
    }

    fn handle_entry(&mut self, entry: Entry) {
        self.farewells += usize::from(entry.is_leave());
        match entry {
            Entry::Message(message) => self.send(&message),
            Entry::Event { nsp, message } | Entry::Answer { nsp, message } => {
                if self.connection.is_joined(nsp) {
                    self.send(&message);
                }
            }
            Entry::Call(call) => {
                let registered = self.connection.register_ack(call.nsp, call.id, call.ticket);
                if registered.is_ok() {
                    self.send(&call.message);
                }
            }
            Entry::Forget { nsp, id } => drop(self.connection.forget_ack(nsp, id)),
            Entry::Leave(nsp) => {
                if let Some((packet, acks)) = self.connection.disconnect(nsp) {
                    drop(acks);
                    self.sent.push(packet.text().to_owned());
                    self.dismiss();
                }
            }
            Entry::LeaveAll | Entry::Close(_) => unreachable!("nobody closes the link"),
        }
    }

    fn send(&mut self, message: &Prepared) {
        for packet in message.packets(Format::RAW) {
            match packet {
                // Behind the type digit of Engine.IO.
                Message::Text(text) => self.sent.push(text[1..].to_owned()),
                Message::Binary(_) => unreachable!("messages without attachments"),
            }
        }
    }

    /// The client is no longer in its namespace.
    fn dismiss(&mut self) {
        if let Some(socket) = self.socket.take() {
            socket.close();
        }
    }

    pub(super) fn handle_close(&mut self) {
        self.connection.drain_acks().for_each(drop);
        self.dismiss();
    }

    pub(super) fn assert_nothing_is_kept(&mut self) {
        assert_eq!(self.connection.drain_acks().count(), 0);
    }
}
