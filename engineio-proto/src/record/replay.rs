//! Recorded sessions, run again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::packets::{self, Filled};
use super::{LAYER, Recorder, VERSION};
use crate::error::CloseReason;
use crate::format::{Content, Format};
use crate::packet::{Sid, Tick, Transport};
use crate::revision::Revision;
use crate::server::{LinkEnd, LinkId, RequestId};
use crate::{client, server};

/// Where a replay leaves the record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Divergence {
    /// Of the line, counted from 1.
    pub line: usize,
    /// What stands there.
    pub recorded: String,
    /// What the session did instead, or why the line means nothing.
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

/// Runs the recorded sessions again and returns how many outputs were the same. Lines of other layers
/// are skipped.
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
                machines.insert(name, machine.ok_or_else(|| diverged("no such session"))?);
            }
            continue;
        }
        let Some(machine) = machines.get_mut(&name) else {
            continue;
        };
        if line.get("in").is_some() {
            machine
                .input(&line)
                .ok_or_else(|| diverged("no such input"))?;
        } else if let Some(output) = line.get("out") {
            let replayed = machine.output(output);
            if serde_json::from_str::<Value>(&replayed).ok() != Some(line) {
                return Err(diverged(&replayed));
            }
            same += 1;
        }
    }
    Ok(same)
}

/// A session that is run again.
struct Machine {
    recorder: Recorder,
    session: Session,
    /// The line of what the last input has lent.
    lent: String,
}

enum Session {
    Server(server::Session),
    Client(client::Session),
}

impl Machine {
    fn open(name: &str, line: &Value) -> Option<Self> {
        let now = line["at"].as_u64()?;
        let format = read_format(&line["format"])?;
        let config = &line["config"];
        let session = match line["role"].as_str()? {
            "client" => Session::Client(open_client(config, format, now)?),
            "server" => Session::Server(open_server(config, format, now)?),
            _ => return None,
        };
        let recorder = Recorder::new(name, format);
        Some(Self {
            recorder: match line["payloads"] == true {
                true => recorder.with_payloads(),
                false => recorder,
            },
            session,
            lent: String::new(),
        })
    }

    /// Does what a line says; `None` if this session cannot.
    fn input(&mut self, line: &Value) -> Option<()> {
        let call = Call {
            line,
            format: self.recorder.packets.format,
            now: line["at"].as_u64()?,
        };
        let lent = match &mut self.session {
            Session::Server(session) => call.server(session, &self.recorder)?,
            Session::Client(session) => call.client(session, &self.recorder)?,
        };
        self.lent = lent.unwrap_or_default();
        Some(())
    }

    /// The line of the next output, asked for as the driver did.
    fn output(&mut self, recorded: &Value) -> String {
        let recorder = &self.recorder;
        match &mut self.session {
            _ if recorded == "message" => std::mem::take(&mut self.lent),
            Session::Server(session) => recorder.server_output(session.poll_output().as_ref()),
            Session::Client(session) => recorder.client_output(session.poll_output().as_ref()),
        }
    }
}

/// One input, as its line has it.
struct Call<'a> {
    line: &'a Value,
    format: Format,
    now: Tick,
}

/// What an input of either side does: `None` if it is none, else what it lends, if it can lend.
type Done = Option<Option<String>>;

/// Inputs that both sides have; the two sessions share the methods, not a trait.
macro_rules! common {
    ($self:ident, $session:ident, $recorder:ident) => {
        match $self.name()? {
            "abort" => $session.abort($self.now, $self.reason()?, $self.detail("detail")?),
            "binary" => {
                let data = $self.packet()?.into_binary($self.format.revision);
                let lent = $session.handle_binary($self.now, $self.link()?, &data);
                return Some(Some($recorder.message(lent.as_ref())));
            }
            "close" => $session.close($self.now),
            "link" => $session.handle_link($self.now, $self.link()?),
            "link_end" => $session.handle_link_end($self.now, $self.link()?, $self.end()),
            "next_message" => {
                let lent = $session.next_message($self.now);
                return Some(Some($recorder.message(lent.as_ref())));
            }
            "send" => $session.send(Filled::into_message($self.packets("packets")?)),
            "set_reading" => $session.set_reading($self.now, $self.flag("reading")?),
            "text" => {
                let text = $self.packet()?.into_text($self.format.revision);
                let lent = $session.handle_text($self.now, $self.link()?, &text);
                return Some(Some($recorder.message(lent.as_ref())));
            }
            "timeout" => $session.handle_timeout($self.now),
            _ => return None,
        }
    };
}

impl Call<'_> {
    fn server(&self, session: &mut server::Session, recorder: &Recorder) -> Done {
        match self.name()? {
            "abandoned" => session.handle_abandoned(self.now, self.request()?),
            "get" => session.handle_get(self.now, self.request()?),
            "post" => {
                let body = packets::post(self.format, self.body()?);
                let content = self.content(body.0)?;
                session.handle_post(self.now, self.request()?, content, body.1.into());
            }
            "post_broken" => session.handle_post_broken(self.now),
            "post_invalid" => session.handle_post_invalid(self.now, self.request()?),
            "post_overlap" => session.handle_post_overlap(self.now, self.request()?),
            "release_poll" => session.release_poll(),
            "set_congested" => session.set_congested(self.flag("congested")?),
            _ => common!(self, session, recorder),
        }
        Some(None)
    }

    fn client(&self, session: &mut client::Session, recorder: &Recorder) -> Done {
        match self.name()? {
            "request_failed" => session.handle_request_failed(self.now, self.request()?),
            "response" => {
                let body = packets::response(self.format, self.body()?);
                let content = self.content(body.0)?;
                let status = u16::try_from(self.line["status"].as_u64()?).ok()?;
                let request = self.request()?;
                session.handle_response(self.now, request, status, content, body.1.into());
            }
            _ => common!(self, session, recorder),
        }
        Some(None)
    }

    fn name(&self) -> Option<&str> {
        self.line["in"].as_str()
    }

    fn number(&self, key: &str) -> Option<u32> {
        u32::try_from(self.line[key].as_u64()?).ok()
    }

    fn request(&self) -> Option<RequestId> {
        self.number("request").map(RequestId)
    }

    fn link(&self) -> Option<LinkId> {
        self.number("link").map(LinkId)
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.line[key].as_bool()
    }

    fn packet(&self) -> Option<Filled> {
        Filled::read(self.line["packet"].as_str()?)
    }

    fn packets(&self, key: &str) -> Option<Vec<Filled>> {
        let packets = self.line[key].as_array()?;
        packets
            .iter()
            .map(|it| Filled::read(it.as_str()?))
            .collect()
    }

    /// The body of a request or response, without what JSONP puts around it.
    fn body(&self) -> Option<(Content, Vec<u8>)> {
        match &self.line["body"] {
            Value::Null => Some((Content::Form, Vec::new())),
            _ => Some(Filled::into_body(&self.packets("body")?, self.format)),
        }
    }

    /// The content as recorded, if that alone decides what happens.
    fn content(&self, filled: Content) -> Option<Content> {
        let recorded = Content::from_header(Some(self.line["content"].as_str()?.as_bytes()));
        let accepted = self.format.revision.accepts(recorded);
        Some(if accepted { filled } else { recorded })
    }

    fn reason(&self) -> Option<CloseReason> {
        use CloseReason::{ForcedClose, ParseError, PingTimeout, TransportClose, TransportError};

        let all = [
            ForcedClose,
            ParseError,
            PingTimeout,
            TransportClose,
            TransportError,
        ];
        let reason = self.line["reason"].as_str()?;
        all.into_iter().find(|it| it.as_str() == reason)
    }

    /// The driver's words, which are literals there and as many here as the record has.
    fn detail(&self, key: &str) -> Option<&'static str> {
        Some(self.line[key].as_str()?.to_owned().leak())
    }

    fn end(&self) -> LinkEnd {
        match self.detail("failed") {
            Some(detail) => LinkEnd::Failed(detail),
            None => LinkEnd::Closed,
        }
    }
}

fn read_format(format: &Value) -> Option<Format> {
    let revision = format["revision"].as_str()?;
    let revision = Revision::ALL
        .into_iter()
        .find(|it| it.as_str() == revision)?;
    let index = match &format["jsonp"] {
        Value::Null => None,
        index => Some(u32::try_from(index.as_u64()?).ok()?),
    };
    Some(Format {
        base64: format["base64"].as_bool()?,
        jsonp: index,
        ..Format::new(revision)
    })
}

fn open_server(config: &Value, format: Format, now: Tick) -> Option<server::Session> {
    let made = server::Config {
        ping_interval: config["ping_interval"].as_u64()?,
        ping_timeout: config["ping_timeout"].as_u64()?,
        upgrade_timeout: config["upgrade_timeout"].as_u64()?,
        close_timeout: config["close_timeout"].as_u64()?,
        max_payload: usize::try_from(config["max_payload"].as_u64()?).ok()?,
        websocket: config["websocket"].as_bool()?,
        allow_upgrades: config["allow_upgrades"].as_bool()?,
        webtransport: config["webtransport"].as_bool().unwrap_or_default(),
        ..server::Config::default()
    };
    let (made, sid) = (Arc::new(made), Sid::from_random([0; 15]));
    let id = |key: &str| u32::try_from(config[key].as_u64()?).ok();
    Some(match (id("polling"), id("link")) {
        (Some(id), _) => server::Session::open_polling(made, format, &sid, RequestId(id), now),
        (_, Some(id)) => server::Session::open_link(made, format, &sid, LinkId(id), now),
        (None, None) => return None,
    })
}

fn open_client(config: &Value, format: Format, now: Tick) -> Option<client::Session> {
    let made = client::Config {
        transport: Transport::from_name(config["transport"].as_str()?)?,
        upgrade: config["upgrade"].as_bool()?,
        open_timeout: config["open_timeout"].as_u64()?,
        upgrade_timeout: config["upgrade_timeout"].as_u64()?,
        close_timeout: config["close_timeout"].as_u64()?,
    };
    Some(client::Session::new(Arc::new(made), format, now))
}
