//! Recorded connections, run again.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use super::{LAYER, VERSION, lines::Lines};
use crate::{Limits, NamespaceId, Revision, Tick, client, server};

/// Where a replay leaves the record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Divergence {
    /// Of the line, counted from 1.
    pub line: usize,
    /// What stands there.
    pub recorded: String,
    /// What the connection did instead, or why the line means nothing.
    pub replayed: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            recorded,
            replayed,
        } = self;
        write!(f, "line {line}: recorded {recorded}, replayed {replayed}")
    }
}

impl std::error::Error for Divergence {}

/// Runs the recorded connections again and returns how many outputs were the same. Lines of other
/// layers are skipped.
///
/// # Errors
/// The first line that says something else than what happened now.
pub fn replay<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<usize, Divergence> {
    let mut machines = BTreeMap::new();
    let mut same = 0;
    for (index, text) in lines.into_iter().enumerate() {
        let diverged = |replayed: &str| Divergence {
            line: index + 1,
            recorded: text.to_owned(),
            replayed: replayed.to_owned(),
        };
        let Ok(line) = serde_json::from_str::<Value>(text) else {
            return Err(diverged("no JSON: was the file cut off here?"));
        };
        let name = line["of"].as_str().unwrap_or_default().to_owned();
        if let Some(version) = line.get("record") {
            if *version != VERSION {
                let why = format!("a record of version {version}, where {VERSION} is understood");
                return Err(diverged(&why));
            }
            machines.remove(&name);
            if line["layer"] == LAYER {
                let machine = Machine::open(&name, &line);
                machines.insert(name, machine.ok_or_else(|| diverged("no such connection"))?);
            }
            continue;
        }
        let Some(machine) = machines.get_mut(&name) else {
            continue;
        };
        if line.get("in").is_some() {
            let output = machine.input(&line);
            machine.output = output.ok_or_else(|| diverged("no such input"))?;
        } else if line.get("out").is_some() {
            let replayed = std::mem::take(&mut machine.output);
            if serde_json::from_str::<Value>(&replayed).ok() != Some(line) {
                return Err(diverged(&replayed));
            }
            same += 1;
        }
    }
    Ok(same)
}

/// A connection that is run again.
struct Machine {
    lines: Lines,
    connection: Connection,
    /// The line of what came out last.
    output: String,
}

enum Connection {
    Server(server::Connection<()>),
    Client(client::Connection<()>),
}

impl Machine {
    fn open(name: &str, line: &Value) -> Option<Self> {
        let revision = line["revision"].as_str()?;
        let mut revisions = Revision::ALL.into_iter();
        let revision = revisions.find(|it| it.name() == revision)?;
        let limit = |key: &str| usize::try_from(line["limits"][key].as_u64()?).ok();
        let limits = Limits {
            max_attachments: limit("attachments")?,
            max_attachment_bytes: limit("attachment_bytes")?,
            max_namespaces: limit("namespaces")?,
            max_namespace_len: limit("namespace_len")?,
        };
        let connection = match line["role"].as_str()? {
            "client" => {
                let config = client::Config {
                    limits,
                    ..client::Config::default()
                };
                let link = line["link"].as_str()?;
                Connection::Client(client::Connection::new(revision, &config, link))
            }
            "server" => {
                let config = server::Config {
                    limits,
                    connect_timeout: line["connect_timeout"].as_u64()?,
                    ..server::Config::default()
                };
                let now = line["at"].as_u64()?;
                Connection::Server(server::Connection::new(revision, &config, now))
            }
            _ => return None,
        };
        let lines = Lines {
            name: name.to_owned(),
            revision,
            limits,
            parser: None,
            parsed: line["parser"].is_string(),
            // What stands in the record is all there is.
            payloads: line["payloads"] == true,
        };
        Some(Self {
            lines,
            connection,
            output: String::new(),
        })
    }

    /// Does what a line says and returns the line of the result; `None` if this connection cannot.
    fn input(&mut self, line: &Value) -> Option<String> {
        let call = Call(line);
        match &mut self.connection {
            Connection::Server(connection) => call.server(connection, &self.lines),
            Connection::Client(connection) => call.client(connection, &self.lines),
        }
    }
}

/// One input, as its line has it.
struct Call<'a>(&'a Value);

/// Inputs that both roles have; the two connections share the methods, not a trait.
macro_rules! common {
    ($self:ident, $connection:ident, $lines:ident) => {
        match $self.name()? {
            "drain_acks" => $lines.returned($connection.drain_acks().count()),
            "forget_ack" => {
                let ack = $connection.forget_ack($self.nsp()?, $self.id()?);
                $lines.done(ack.is_some())
            }
            "register_ack" => {
                let result = $connection.register_ack($self.nsp()?, $self.id()?, ());
                $lines.done(result.is_ok())
            }
            _ => return None,
        }
    };
}

impl Call<'_> {
    fn server(&self, connection: &mut server::Connection<()>, lines: &Lines) -> Option<String> {
        Some(match self.name()? {
            "accept" => {
                let (nsp, sid) = (self.nsp()?, self.secret("sid"));
                let answer = connection.accept(nsp, sid.unwrap_or("x"), self.secret("pid"));
                lines.sent(answer.as_ref())
            }
            "binary" => {
                let data = read_data(&self.0["data"])?;
                let outcome = connection.handle_binary(self.now()?, &data);
                lines.server_event(connection, &outcome)
            }
            "disconnect" => match connection.disconnect(self.nsp()?) {
                Some((packet, acks)) => lines.left(Some(&packet), acks.len()),
                None => lines.left(None, 0),
            },
            "packet" => {
                let (now, text) = (self.now()?, self.text()?);
                let attachments = self.attachments()?;
                let mut outcome = connection.handle_text(now, text);
                for data in &attachments {
                    outcome = outcome.and_then(|_| connection.handle_binary(now, data));
                }
                lines.server_event(connection, &outcome)
            }
            "poll_event" => {
                let event = connection.poll_event();
                lines.server_event(connection, &Ok(event))
            }
            "reject" => {
                let message = self.secret("message")?;
                let data = Some(&self.0["data"]).filter(|data| !data.is_null());
                lines.sent(connection.reject(self.nsp()?, message, data).as_ref())
            }
            "reject_unknown" => lines.sent(connection.reject_unknown(self.nsp()?).as_ref()),
            "text" => {
                let outcome = connection.handle_text(self.now()?, self.text()?);
                lines.server_event(connection, &outcome)
            }
            "timeout" => {
                let outcome = connection.handle_timeout(self.now()?);
                lines.server_event(connection, &outcome.map(|()| None))
            }
            _ => common!(self, connection, lines),
        })
    }

    fn client(&self, connection: &mut client::Connection<()>, lines: &Lines) -> Option<String> {
        Some(match self.name()? {
            "binary" => {
                let data = read_data(&self.0["data"])?;
                let outcome = connection.handle_binary(&data);
                lines.client_event(connection, &outcome)
            }
            "connect" => {
                let auth = self.0["auth"].as_object();
                lines.asked(&connection.connect(self.0["name"].as_str()?, auth))
            }
            "disconnect" => match connection.disconnect(self.nsp()?) {
                Some((packet, acks)) => lines.left(packet.as_ref(), acks.len()),
                None => lines.left(None, 0),
            },
            "packet" => {
                let attachments = self.attachments()?;
                let mut outcome = connection.handle_text(self.text()?);
                for data in &attachments {
                    outcome = outcome.and_then(|_| connection.handle_binary(data));
                }
                lines.client_event(connection, &outcome)
            }
            "poll_event" => {
                let event = connection.poll_event();
                lines.client_event(connection, &Ok(event))
            }
            "text" => {
                let outcome = connection.handle_text(self.text()?);
                lines.client_event(connection, &outcome)
            }
            _ => common!(self, connection, lines),
        })
    }

    fn name(&self) -> Option<&str> {
        self.0["in"].as_str()
    }

    fn now(&self) -> Option<Tick> {
        self.0["at"].as_u64()
    }

    fn id(&self) -> Option<u64> {
        self.0["id"].as_u64()
    }

    fn nsp(&self) -> Option<NamespaceId> {
        let pair = self.0["nsp"].as_array()?;
        let number = |index: usize| u32::try_from(pair.get(index)?.as_u64()?).ok();
        Some(NamespaceId::from_pair([number(0)?, number(1)?]))
    }

    fn text(&self) -> Option<&str> {
        self.0["packet"].as_str()
    }

    fn attachments(&self) -> Option<Vec<Vec<u8>>> {
        let attachments = self.0["attachments"].as_array()?;
        attachments.iter().map(read_data).collect()
    }

    /// A text that may have been left out; `None` if there was none.
    fn secret(&self, key: &str) -> Option<&str> {
        match &self.0[key] {
            Value::String(text) => Some(text),
            Value::Bool(true) => Some("x"),
            _ => None,
        }
    }
}

/// Bytes as they were, or as many.
fn read_data(data: &Value) -> Option<Vec<u8>> {
    let data = data.as_str()?;
    if let Some(len) = data.strip_prefix("b:") {
        return Some(vec![b'x'; len.parse().ok()?]);
    }
    let digits = data.strip_prefix("b=")?.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    digits.map(byte).collect()
}
