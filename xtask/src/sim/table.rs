//! The faults the simulator has to find, one line of the proto crates each.

use super::mutations::Mutation;

/// Read as: in this file, this text becomes that one, and this is what goes wrong.
#[rustfmt::skip]
pub(super) const MUTATIONS: &[Mutation] = &[
    // The server's upgrade.
    Mutation {
        what: "no noop lets the waiting poll go when the probe arrives",
        file: "engineio-proto/src/server/upgrade.rs",
        find: "self.noop_at = Some(now);",
        replace: "self.noop_at = None;",
    },
    Mutation {
        what: "only one noop is sent during an upgrade",
        file: "engineio-proto/src/server/upgrade.rs",
        find: "self.noop_at = Some(now.saturating_add(NOOP_INTERVAL));",
        replace: "self.noop_at = None;",
    },
    Mutation {
        what: "an upgrade's deadline is off by one",
        file: "engineio-proto/src/server/upgrade.rs",
        find: "self.deadline <= now",
        replace: "self.deadline < now",
    },
    Mutation {
        what: "the queue is flushed to the link before `5`",
        file: "engineio-proto/src/server/links.rs",
        find: "                self.outputs.push_back(Output::Send { link, item });\n                self.release_upgrading_poll();",
        replace: "                self.outputs.push_back(Output::Send { link, item });\n                while let Some(message) = self.queue.pop_front() {\n                    self.queued_bytes -= message.wire_len();\n                    self.outputs.push_back(Output::Send { link, item: Item::Message(message) });\n                }\n                self.release_upgrading_poll();",
    },
    Mutation {
        what: "the queue is dropped at the switch",
        file: "engineio-proto/src/server/links.rs",
        find: "        self.noop = false;\n",
        replace: "        self.noop = false;\n        self.queue.clear();\n        self.queued_bytes = 0;\n",
    },
    Mutation {
        what: "a poll that waits at the switch is never answered",
        file: "engineio-proto/src/server/links.rs",
        find: "        self.reply_control(polling.get, NOOP_PACKET);\n        if let Some(post)",
        replace: "        if let Some(post)",
    },
    Mutation {
        what: "a link that fails to become the session's ends it nevertheless",
        file: "engineio-proto/src/server/links.rs",
        find: "            self.upgrade = None;\n        }\n    }\n\n    pub(super) fn is_carrier",
        replace: "            self.finish(CloseReason::TransportClose, None);\n        }\n    }\n\n    pub(super) fn is_carrier",
    },
    // The server's heartbeat.
    Mutation {
        what: "the deadline of a pong is off by one",
        file: "engineio-proto/src/server/heartbeat.rs",
        find: "            at: now.saturating_add(config.ping_timeout),",
        replace: "            at: now.saturating_add(config.ping_timeout + 1),",
    },
    Mutation {
        what: "the deadline of a pong is extended twice",
        file: "engineio-proto/src/server/heartbeat.rs",
        find: "        } = self.wait\n        {\n            self.wait = Wait::pong(config, now, true);",
        replace: "        } = self.wait\n        {\n            self.wait = Wait::pong(config, now, false);",
    },
    Mutation {
        what: "an unanswered ping is not repeated after an upgrade",
        file: "engineio-proto/src/server/heartbeat.rs",
        find: "        if repeats {\n            self.wait = Wait::PingDue { at: now };\n        }",
        replace: "",
    },
    Mutation {
        what: "a ping of revision 3 does not keep the session alive",
        file: "engineio-proto/src/server/heartbeat.rs",
        find: "        if expected {\n            self.wait = Wait::client_ping(config, now);\n        }",
        replace: "",
    },
    Mutation {
        what: "a server that reads nothing blames the client for its silence",
        file: "engineio-proto/src/server/heartbeat.rs",
        find: "            Wait::PongDue { at, .. } | Wait::ClientPing { at } if self.reading => Some(at),",
        replace: "            Wait::PongDue { at, .. } | Wait::ClientPing { at } => Some(at),",
    },
    Mutation {
        what: "messages overtake the heartbeat on a link that is full",
        file: "engineio-proto/src/server/mod.rs",
        find: "        if let Some(beat) = self.beat.take() {",
        replace: "        if !self.congested && let Some(beat) = self.beat.take() {",
    },
    // The server's queue and its end.
    Mutation {
        what: "a full link is written to",
        file: "engineio-proto/src/server/mod.rs",
        find: "        if self.congested {\n            return None;\n        }",
        replace: "",
    },
    Mutation {
        what: "a session of the server ends without a word",
        file: "engineio-proto/src/server/mod.rs",
        find: "        self.outputs.push_back(Output::Closed { reason, detail });",
        replace: "",
    },
    Mutation {
        what: "a POST that is being read when the session ends is never answered",
        file: "engineio-proto/src/server/mod.rs",
        find: "                if let Some(post) = polling.post {\n                    self.reply(post.request, Response::bare(400));\n                }",
        replace: "",
    },
    Mutation {
        what: "the server closes before its last messages have left",
        file: "engineio-proto/src/server/mod.rs",
        find: "        self.state = State::Closing { deadline };",
        replace: "        self.state = State::Closing { deadline };\n        self.queue.clear();\n        self.queued_bytes = 0;",
    },
    // The server's requests.
    Mutation {
        what: "overlapping GETs are tolerated",
        file: "engineio-proto/src/server/requests.rs",
        find: "                self.fail(CloseReason::TransportError, \"overlap from client\");",
        replace: "",
    },
    Mutation {
        what: "overlapping POSTs are tolerated",
        file: "engineio-proto/src/server/requests.rs",
        find: "        self.reply(request, Response::bare(400));\n        self.fail_polling(detail);",
        replace: "        self.reply(request, Response::bare(400));",
    },
    Mutation {
        what: "a POST is acknowledged again after its receipt",
        file: "engineio-proto/src/server/requests.rs",
        find: "                Ok(Some(payload)) => polling.post = Some(Box::new(Post { request, payload })),",
        replace: "                Ok(Some(payload)) => {\n                    polling.post = Some(Box::new(Post { request, payload }));\n                    self.reply(request, Response::posted());\n                }",
    },
    Mutation {
        what: "answers overtake the receipt of the POST that led to them",
        file: "engineio-proto/src/server/mod.rs",
        find: "            self.answer_exhausted_post();\n",
        replace: "",
    },
    Mutation {
        what: "bytes that have left in a response still count as queued",
        file: "engineio-proto/src/server/requests.rs",
        find: "        self.queued_bytes -= batch.bytes;",
        replace: "",
    },
    Mutation {
        what: "a poll that was given up does not end the session",
        file: "engineio-proto/src/server/requests.rs",
        find: "            self.fail(\n                CloseReason::TransportError,\n                \"poll connection closed prematurely\",\n            );",
        replace: "",
    },
    Mutation {
        what: "the close packet is forgotten on polling",
        file: "engineio-proto/src/server/requests.rs",
        find: "        if closes {\n            payload.push_text(CLOSE_PACKET);\n        }",
        replace: "        if closes {\n            payload.push_text(NOOP_PACKET);\n        }",
    },
    // The client.
    Mutation {
        what: "a client ends without a word",
        file: "engineio-proto/src/client/mod.rs",
        find: "        self.outputs.push_back(Output::Closed { reason, detail });",
        replace: "",
    },
    Mutation {
        what: "a ping is not answered",
        file: "engineio-proto/src/client/mod.rs",
        find: "                self.beat = Some(Control::Pong);",
        replace: "",
    },
    Mutation {
        what: "any packet counts as a ping of the server",
        file: "engineio-proto/src/client/heartbeat.rs",
        find: "    pub(super) const fn handle_packet(&mut self, now: Tick) {\n        if matches!(self.pinger, Pinger::Client) {",
        replace: "    pub(super) const fn handle_packet(&mut self, now: Tick) {\n        if self.deadline.is_some() {",
    },
    Mutation {
        what: "a client of revision 3 pings only once",
        file: "engineio-proto/src/client/heartbeat.rs",
        find: "        if matches!(self.pinger, Pinger::Client) {\n            self.ping_at = Some(now.saturating_add(self.interval));\n        }",
        replace: "        if matches!(self.pinger, Pinger::Client) && self.ping_at.is_none() && self.deadline.is_none() {\n            self.ping_at = Some(now.saturating_add(self.interval));\n        }",
    },
    Mutation {
        what: "a client moves while its POST is under way",
        file: "engineio-proto/src/client/polling.rs",
        find: "        matches!(self.get, Get::Idle) && self.post.is_none()",
        replace: "        matches!(self.get, Get::Idle)",
    },
    Mutation {
        what: "a client moves while its GET is under way",
        file: "engineio-proto/src/client/polling.rs",
        find: "        matches!(self.get, Get::Idle) && self.post.is_none()",
        replace: "        self.post.is_none()",
    },
    Mutation {
        what: "a client moves with half a message posted",
        file: "engineio-proto/src/client/requests.rs",
        find: "        if pausing && polling.is_idle() && self.taken == 0 {",
        replace: "        if pausing && polling.is_idle() {",
    },
    Mutation {
        what: "a client that prepares to move polls on",
        file: "engineio-proto/src/client/requests.rs",
        find: "        let polls = matches!(self.state, State::Opening { .. } | State::Open) && !pausing;",
        replace: "        let polls = matches!(self.state, State::Opening { .. } | State::Open);",
    },
    Mutation {
        what: "POSTs exceed what the server takes",
        file: "engineio-proto/src/client/polling.rs",
        find: "before == 0 || len <= self.limit",
        replace: "before == 0 || len <= self.limit * 2",
    },
    Mutation {
        what: "a client leaves without the close packet",
        file: "engineio-proto/src/client/requests.rs",
        find: "body.push(|payload| payload.push_text(CLOSE_PACKET));",
        replace: "body.push(|payload| payload.push_text(b\"6\"));",
    },
    Mutation {
        what: "an upgrade that takes too long is not given up",
        file: "engineio-proto/src/client/mod.rs",
        find: "                if self.upgrade.as_ref().is_some_and(|it| it.deadline <= now) {\n                    self.abandon_upgrade();\n                }",
        replace: "",
    },
    // What is on the wire.
    Mutation {
        what: "attachments are framed in the wrong order",
        file: "engineio-proto/src/prepared.rs",
        find: ".chain(attachments.flat_map(move |it| it.frame(format)))",
        replace: ".chain(attachments.rev().flat_map(move |it| it.frame(format)))",
    },
    Mutation {
        what: "attachments are given to other transports in the wrong order",
        file: "engineio-proto/src/prepared.rs",
        find: ".chain(attachments.map(move |it| it.packet(format)))",
        replace: ".chain(attachments.rev().map(move |it| it.packet(format)))",
    },
    Mutation {
        what: "a frame that arrives in pieces is unmasked as if each were the first",
        file: "engineio-proto/src/ws/decode.rs",
        find: "mask(part, key, body.taken);",
        replace: "mask(part, key, 0);",
    },
    Mutation {
        what: "a control frame between fragments ends the message",
        file: "engineio-proto/src/ws/decode.rs",
        find: "            return Some((body.opcode, mem::take(&mut self.control)));",
        replace: "            self.message.clear();\n            return Some((body.opcode, mem::take(&mut self.control)));",
    },
    // Socket.IO.
    Mutation {
        what: "attachments are collected in the wrong order",
        file: "socketio-proto/src/decode.rs",
        find: "        pending.attachments.push(Bytes::copy_from_slice(data));",
        replace: "        pending.attachments.insert(0, Bytes::copy_from_slice(data));",
    },
    Mutation {
        what: "an event is handed over before its last attachment",
        file: "socketio-proto/src/decode.rs",
        find: "        if pending.attachments.len() < pending.announced {",
        replace: "        if pending.attachments.len() + 1 < pending.announced {",
    },
    Mutation {
        what: "an answer reaches the oldest call, whatever its id",
        file: "socketio-proto/src/namespaces.rs",
        find: "        let ack = self.acks.remove(&id);",
        replace: "        let ack = self.acks.pop_first().map(|(_, ack)| ack).filter(|_| id < u64::MAX);",
    },
    Mutation {
        what: "open calls are forgotten when a namespace is left",
        file: "socketio-proto/src/namespaces.rs",
        find: "        self.acks.into_values().collect()",
        replace: "        self.acks.into_values().skip(1).collect()",
    },
    Mutation {
        what: "a late command acts on a later membership",
        file: "socketio-proto/src/namespaces.rs",
        find: "        let namespace = self.slots.get_mut(id.index())?.as_mut()?;\n        (namespace.join == id.join).then_some(namespace)",
        replace: "        let namespace = self.slots.get_mut(id.index())?.as_mut()?;\n        (namespace.join >= id.join).then_some(namespace)",
    },
    Mutation {
        what: "namespaces that the server ended are not remembered",
        file: "socketio-proto/src/server.rs",
        find: "        self.left.push(namespace.name.clone());",
        replace: "",
    },
    Mutation {
        what: "only the last namespace that the server ended is remembered",
        file: "socketio-proto/src/server.rs",
        find: "        if self.left.len() > self.decoder.limits().max_namespaces {",
        replace: "        if self.left.len() > 1 {",
    },
    Mutation {
        what: "who was let in is shut out for joining too late",
        file: "socketio-proto/src/server.rs",
        find: "        self.connect_deadline = None;\n        Some(self.encoder.grant(",
        replace: "        Some(self.encoder.grant(",
    },
    Mutation {
        what: "a grant that nobody wants any more is kept",
        file: "socketio-proto/src/client/mod.rs",
        find: "            (Body::Connect(_), Standing::Spent) => Some(Event::Unwanted {\n                leave: self.encoder.leave(name),\n            }),",
        replace: "",
    },
    Mutation {
        what: "a client takes the namespace that is opened unasked for one nobody wants",
        file: "socketio-proto/src/client/mod.rs",
        find: "            (Body::Connect(_), Standing::Expected | Standing::Open) => {\n                self.implicit.open();\n                None\n            }",
        replace: "            (Body::Connect(_), Standing::Expected | Standing::Open) => Some(Event::Unwanted {\n                leave: self.encoder.leave(name),\n            }),",
    },
    // Recovery.
    Mutation {
        what: "a socket that goes on gets its last event again",
        file: "socketio-proto/src/recovery/log.rs",
        find: "        Some((number, index as usize))",
        replace: "        Some((number, (index as usize).saturating_sub(1)))",
    },
    Mutation {
        what: "a socket that goes on never gets the first event it missed",
        file: "socketio-proto/src/recovery/log.rs",
        find: "                entries: self.entries.range(index..),",
        replace: "                entries: self.entries.range((index + 1).min(self.entries.len())..),",
    },
    Mutation {
        what: "a gap in the log is not noticed",
        file: "socketio-proto/src/recovery/log.rs",
        find: "        let index = number.checked_sub(dropped)?;",
        replace: "        let index = number.saturating_sub(dropped);",
    },
    Mutation {
        what: "a client does not notice that its socket goes on",
        file: "socketio-proto/src/recovery/bookmark.rs",
        find: "        let is_recovered = pid.is_some() && pid == self.pid.as_deref();",
        replace: "        let is_recovered = pid.is_some() && pid != self.pid.as_deref();",
    },
    Mutation {
        what: "a client shows the first offset it got",
        file: "socketio-proto/src/recovery/bookmark.rs",
        find: "            kept.clear();\n            kept.push_str(offset);",
        replace: "            if kept.is_empty() {\n                kept.push_str(offset);\n            }",
    },
    Mutation {
        what: "a socket comes back only when its time is over",
        file: "socketio-proto/src/recovery/sessions.rs",
        find: "        let (expires, _) = self.by_pid.get(pid)?.age;\n        if expires <= now {",
        replace: "        let (expires, _) = self.by_pid.get(pid)?.age;\n        if expires > now {",
    },
];
