//! What is tried to open a session: which transports, in which revision, until when.

use std::collections::VecDeque;

use bytes::Bytes;
use engineio_proto::client::{Config as SessionConfig, Session};
use engineio_proto::record::Recorded;
use engineio_proto::{Content, Format, Packet, PacketType, Payload, Revision, Tick, Transport};
use serde_json::Value;

use super::super::{Config, ErrorKind, RevisionChoice, Tape};
use super::memory::Memory;
use super::millis;

/// The way to a session, as far as it has been gone.
#[derive(Debug)]
pub(super) struct Attempt {
    /// The one that is being tried, and those that may be tried after it.
    transports: VecDeque<Transport>,
    revision: Revision,
    /// Whether the revision is the one an earlier session found out.
    recalls: bool,
    /// Whether another revision may be tried.
    may_switch: bool,
    deadline: Tick,
}

impl Attempt {
    pub(super) fn new(config: &Config, memory: &Memory, now: Tick) -> Result<Self, ErrorKind> {
        let known = memory.lock();
        let mut transports: VecDeque<_> = config.transports.iter().copied().collect();
        if config.remember_upgrade && known.websocket && transports.contains(&Transport::Websocket)
        {
            transports.retain(|&it| it != Transport::Websocket);
            transports.push_front(Transport::Websocket);
        }
        if transports.is_empty() {
            return Err(ErrorKind::Config("no transport is allowed"));
        }
        if !config.try_all_transports {
            transports.truncate(1);
        }
        let (revision, recalls, may_switch) = match config.revision {
            RevisionChoice::Auto => {
                let recalled = known.revision;
                (recalled.unwrap_or(Revision::V4), recalled.is_some(), true)
            }
            RevisionChoice::Only(revision) => (revision, false, false),
        };
        Ok(Self {
            transports,
            revision,
            recalls,
            may_switch,
            deadline: now.saturating_add(millis(config.open_timeout)),
        })
    }

    /// The session to be opened now.
    pub(super) fn session(
        &self,
        config: &Config,
        now: Tick,
        tape: Option<&Tape>,
    ) -> Recorded<Session> {
        let format = Format::new(self.revision);
        let format = match config.base64 {
            true => format.with_base64(),
            false => format,
        };
        let moves = config.upgrade && config.transports.contains(&Transport::Websocket);
        let config = SessionConfig {
            // Invariant: never empty, `next_transport` sees to it.
            transport: self.transports[0],
            upgrade: moves,
            open_timeout: self.deadline.saturating_sub(now),
            upgrade_timeout: millis(config.upgrade_timeout),
            close_timeout: millis(config.close_timeout),
        };
        let tape = tape.map(Tape::of_session);
        Recorded::client(config.into(), format, now, tape)
    }

    /// Whether there is time for something else.
    pub(super) const fn has_time(&self, now: Tick) -> bool {
        now < self.deadline
    }

    /// Moves on to the next transport, if there is one.
    pub(super) fn next_transport(&mut self) -> bool {
        let goes_on = self.transports.len() > 1;
        if goes_on {
            self.transports.pop_front();
        }
        goes_on
    }

    /// Whether the revision was only assumed, from what an earlier session had found out.
    pub(super) const fn is_guess(&self) -> bool {
        self.recalls && self.may_switch
    }

    /// Changes the revision, once and if that is allowed.
    pub(super) fn switch_revision(&mut self) -> bool {
        let other = self.other().filter(|_| self.may_switch);
        self.may_switch = false;
        if let Some(other) = other {
            self.revision = other;
        }
        other.is_some()
    }

    fn other(&self) -> Option<Revision> {
        Revision::ALL.into_iter().find(|it| *it != self.revision)
    }

    /// Whether the answer to the first GET says that the server speaks another revision only: by an
    /// error, or by a handshake in the form of the other revision.
    pub(super) fn is_other_revision(&self, status: u16, content: Content, body: &Bytes) -> bool {
        if !self.may_switch {
            return false;
        }
        if status != 200 {
            let json = serde_json::from_slice(body).ok();
            return json.is_some_and(|json| is_version_error(&json));
        }
        let payload = self
            .other()
            .and_then(|it| Payload::new(it, content, body.clone()).ok());
        payload.is_some_and(|mut it| {
            let first = it.next_packet();
            matches!(first, Ok(Some(Packet::Text(PacketType::Open, _))))
        })
    }
}

/// Whether a server says that it does not speak this revision: with code 5, or in such words as the
/// refusals of websockets and those of Python have.
pub(super) fn is_version_error(body: &Value) -> bool {
    let words = body["message"].as_str().or_else(|| body.as_str());
    body["code"] == 5
        || words.is_some_and(|it| {
            let words = it.to_ascii_lowercase();
            words.contains("unsupported") && words.contains("version")
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn version_errors_are_told_by_code_or_words() {
        for (body, expected) in [
            (json!({"code": 5, "message": "anything"}), true),
            (json!({"code": 3, "message": "Bad request"}), false),
            (json!("Unsupported protocol version"), true),
            (
                json!(
                    "The client is using an unsupported version of the Socket.IO or Engine.IO protocols"
                ),
                true,
            ),
            (json!("Session ID unknown"), false),
            (json!(5), false),
        ] {
            assert_eq!(is_version_error(&body), expected, "{body}");
        }
    }
}
