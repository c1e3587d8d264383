//! The lines of one connection.

use std::{fmt::Write, sync::Arc};

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::{LAYER, VERSION, shape};
use crate::{
    Args, DecodeError, Encoded, Limits, NamespaceId, Packet, Parser, ProtocolError, Revision, Tick,
    client, namespaces::Namespaces, server,
};

pub(super) type SharedParser = Arc<dyn Parser>;

/// How many ids of awaited answers a line has at most.
const AWAITED: usize = 8;

/// How the lines of a connection are written.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) name: String,
    pub(super) revision: Revision,
    pub(super) limits: Limits,
    pub(super) parser: Option<SharedParser>,
    /// Whether the messages have another form than the lines.
    pub(super) parsed: bool,
    pub(super) payloads: bool,
}

/// What is awaited for events, and how a message went.
type Outcome<E> = Result<Option<E>, ProtocolError>;

impl Lines {
    pub(super) fn server(&self, at: Tick, connect_timeout: u64) -> String {
        self.first(
            "server",
            json!({ "at": at, "connect_timeout": connect_timeout }),
        )
    }

    /// The id of a link is a secret of the layer below, whatever is asked for.
    pub(super) fn client(&self, link: &str) -> String {
        let link: String = link.chars().map(shape::stand_in).collect();
        self.first("client", json!({ "link": link }))
    }

    fn first(&self, role: &str, mut line: Value) -> String {
        line["record"] = VERSION.into();
        line["layer"] = LAYER.into();
        line["role"] = role.into();
        line["revision"] = self.revision.name().into();
        line["payloads"] = self.payloads.into();
        line["parser"] = self
            .parser
            .as_ref()
            .map(|parser| type_name(&**parser))
            .into();
        line["limits"] = json!({
            "attachments": self.limits.max_attachments,
            "attachment_bytes": self.limits.max_attachment_bytes,
            "namespaces": self.limits.max_namespaces,
            "namespace_len": self.limits.max_namespace_len,
        });
        self.line(line)
    }

    pub(super) fn line(&self, mut line: Value) -> String {
        line["of"] = self.name.as_str().into();
        line.to_string()
    }

    // ---- Inputs -----------------------------------------------------------------------------

    /// A call without arguments that a replay would need.
    pub(super) fn call(&self, name: &str) -> String {
        self.line(json!({ "in": name }))
    }

    pub(super) fn call_for(&self, name: &str, nsp: NamespaceId) -> String {
        self.line(json!({ "in": name, "nsp": nsp.to_pair() }))
    }

    pub(super) fn call_about(&self, name: &str, nsp: NamespaceId, id: u64) -> String {
        self.line(json!({ "in": name, "nsp": nsp.to_pair(), "id": id }))
    }

    pub(super) fn timeout(&self, at: Tick) -> String {
        self.line(json!({ "in": "timeout", "at": at }))
    }

    pub(super) fn text(&self, at: Option<Tick>, text: &str) -> String {
        match &self.parser {
            Some(parser) => self.parsed(at, parser.decode_text(text, &self.limits)),
            None => self.message(json!({ "in": "text", "packet": self.packet(text) }), at),
        }
    }

    pub(super) fn binary(&self, at: Option<Tick>, data: &[u8]) -> String {
        match &self.parser {
            Some(parser) => self.parsed(at, parser.decode_binary(data, &self.limits)),
            None => self.message(json!({ "in": "binary", "data": self.data(data) }), at),
        }
    }

    /// What a parser has read is written as if there were none, so that every replay can read it.
    fn parsed(&self, at: Option<Tick>, packet: Result<Packet<'_>, DecodeError>) -> String {
        let (text, attachments) = match packet {
            Ok(packet) => shape::spelled(&packet),
            Err(_) => ("?".to_owned(), Vec::new()),
        };
        let attachments: Vec<_> = attachments.iter().map(|data| self.data(data)).collect();
        let packet = self.packet(&text);
        let line = json!({ "in": "packet", "packet": packet, "attachments": attachments });
        self.message(line, at)
    }

    fn message(&self, mut line: Value, at: Option<Tick>) -> String {
        if let Some(at) = at {
            line["at"] = at.into();
        }
        self.line(line)
    }

    pub(super) fn accept(&self, nsp: NamespaceId, sid: &str, pid: Option<&str>) -> String {
        let derived = self.revision.rules().implicit.is_some();
        let sid = match derived {
            // It tells the secret of the layer below, and the client is not told.
            true => Value::from(true),
            false => self.secret(sid),
        };
        let pid = pid.map(|pid| self.secret(pid));
        self.line(json!({ "in": "accept", "nsp": nsp.to_pair(), "sid": sid, "pid": pid }))
    }

    pub(super) fn reject(&self, nsp: NamespaceId, message: &str, data: Option<&Value>) -> String {
        let data = data.map(|data| match self.payloads {
            true => data.clone(),
            false => json!({}),
        });
        let message = self.secret(message);
        self.line(json!({ "in": "reject", "nsp": nsp.to_pair(), "message": message, "data": data }))
    }

    pub(super) fn connect(&self, name: &str, auth: Option<&Map<String, Value>>) -> String {
        let auth = auth.map(|auth| match (self.payloads, auth.is_empty()) {
            (true, _) => Value::from(auth.clone()),
            (false, true) => json!({}),
            (false, false) => json!({ "x": "x" }),
        });
        self.line(json!({ "in": "connect", "name": name, "auth": auth }))
    }

    // ---- Outputs ----------------------------------------------------------------------------

    pub(super) fn server_event<A>(
        &self,
        connection: &server::Connection<A>,
        outcome: &Outcome<server::Event<'_, A>>,
    ) -> String {
        use server::Event;

        self.outcome(outcome, |event| match event {
            Event::Connect { nsp, name, auth } => json!({
                "out": "connect", "nsp": nsp.to_pair(), "name": name, "auth": auth.is_some(),
            }),
            Event::Event {
                nsp,
                id,
                name,
                args,
            } => event_line(*nsp, *id, name, args),
            Event::Ack { nsp, args, .. } => ack_line(*nsp, args, &connection.namespaces),
            Event::Disconnect { nsp, acks } => {
                json!({ "out": "disconnect", "nsp": nsp.to_pair(), "acks": acks.len() })
            }
        })
    }

    pub(super) fn client_event<A>(
        &self,
        connection: &client::Connection<A>,
        outcome: &Outcome<client::Event<'_, A>>,
    ) -> String {
        use client::Event;

        self.outcome(outcome, |event| match event {
            Event::Connected { nsp, pid, .. } => {
                json!({ "out": "connected", "nsp": nsp.to_pair(), "pid": pid.is_some() })
            }
            Event::ConnectError { nsp, data, .. } => {
                json!({ "out": "connect_error", "nsp": nsp.to_pair(), "data": data.is_some() })
            }
            Event::Event {
                nsp,
                id,
                name,
                args,
            } => event_line(*nsp, *id, name, args),
            Event::Ack { nsp, args, .. } => ack_line(*nsp, args, &connection.namespaces),
            Event::Disconnected { nsp, acks } => {
                json!({ "out": "disconnected", "nsp": nsp.to_pair(), "acks": acks.len() })
            }
            Event::Postponed { nsp, request } => {
                let packet = self.sent_packet(request);
                json!({ "out": "postponed", "nsp": nsp.to_pair(), "packet": packet })
            }
            Event::Unwanted { leave } => {
                json!({ "out": "unwanted", "packet": self.sent_packet(leave) })
            }
        })
    }

    fn outcome<E>(&self, outcome: &Outcome<E>, event: impl FnOnce(&E) -> Value) -> String {
        self.line(match outcome {
            Ok(None) => json!({ "out": null }),
            Ok(Some(it)) => event(it),
            // Why a parser refuses a message does not show in the text form.
            Err(ProtocolError::Decode(_)) if self.parsed => refused("no packet"),
            Err(error) => refused(&error.to_string()),
        })
    }

    /// A command's packet, if there was anything to send.
    pub(super) fn sent(&self, packet: Option<&Encoded>) -> String {
        let packet = packet.map(|packet| self.sent_packet(packet));
        self.line(json!({ "out": "sent", "packet": packet }))
    }

    pub(super) fn left(&self, packet: Option<&Encoded>, acks: usize) -> String {
        let packet = packet.map(|packet| self.sent_packet(packet));
        self.line(json!({ "out": "left", "packet": packet, "acks": acks }))
    }

    pub(super) fn asked(
        &self,
        result: &Result<(NamespaceId, Option<Encoded>), client::JoinError>,
    ) -> String {
        self.line(match result {
            Ok((nsp, packet)) => {
                let packet = packet.as_ref().map(|packet| self.sent_packet(packet));
                json!({ "out": "asked", "nsp": nsp.to_pair(), "packet": packet })
            }
            Err(error) => refused(&error.to_string()),
        })
    }

    /// Whether a command did anything.
    pub(super) fn done(&self, done: bool) -> String {
        self.line(json!({ "out": "done", "done": done }))
    }

    pub(super) fn returned(&self, acks: usize) -> String {
        self.line(json!({ "out": "acks", "acks": acks }))
    }

    // ---- Payloads ---------------------------------------------------------------------------

    fn packet(&self, text: &str) -> String {
        match self.payloads {
            true => text.to_owned(),
            false => shape::of_packet(text, self.revision.rules(), &self.limits),
        }
    }

    /// Only connections send these: packets without attachments.
    fn sent_packet(&self, packet: &Encoded) -> String {
        let parsed = self.parser.as_ref().and_then(|parser| {
            let packet = match (packet.has_text(), packet.attachments.first()) {
                (true, _) => parser.decode_text(packet.text(), &self.limits),
                (false, data) => parser.decode_binary(data?, &self.limits),
            };
            Some(shape::spelled(&packet.ok()?).0)
        });
        let text = parsed.unwrap_or_else(|| packet.text().to_owned());
        match self.payloads {
            true => text,
            false => shape::of_head(&text, self.revision.rules(), &self.limits),
        }
    }

    /// Bytes as their number or in hexadecimal digits.
    fn data(&self, data: &[u8]) -> String {
        if !self.payloads {
            return format!("b:{}", data.len());
        }
        let mut text = "b=".to_owned();
        for byte in data {
            // Invariant: writing to a string does not fail.
            write!(text, "{byte:02x}").expect("a string takes everything");
        }
        text
    }

    /// A text that nobody else may know, or that there is one.
    fn secret(&self, text: &str) -> Value {
        match self.payloads {
            true => text.into(),
            false => true.into(),
        }
    }
}

fn event_line(nsp: NamespaceId, id: Option<u64>, name: &str, args: &Args<'_>) -> Value {
    json!({
        "out": "event",
        "nsp": nsp.to_pair(),
        "id": id,
        "name": name,
        "args": args.raw().len(),
        "attachments": lens(args),
    })
}

/// Which of the awaited answers it was shows in those that still are.
fn ack_line<A>(nsp: NamespaceId, args: &Args<'_>, namespaces: &Namespaces<A>) -> Value {
    let awaited: Vec<_> = namespaces.awaited(nsp).take(AWAITED).collect();
    json!({
        "out": "ack",
        "nsp": nsp.to_pair(),
        "args": args.raw().len(),
        "attachments": lens(args),
        "awaited": awaited,
    })
}

fn lens(args: &Args<'_>) -> Vec<usize> {
    args.attachments().iter().map(Bytes::len).collect()
}

fn refused(error: &str) -> Value {
    json!({ "out": "error", "error": error })
}

/// Of all that a parser tells about itself, its name.
fn type_name(parser: &dyn Parser) -> String {
    let is_name = |char: &char| char.is_alphanumeric() || *char == '_';
    format!("{parser:?}").chars().take_while(is_name).collect()
}
