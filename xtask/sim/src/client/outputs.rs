//! What the client's driver does about the outputs of its session.

use engineio_proto::client::{Control, Item, Output};
use engineio_proto::record::Input;
use engineio_proto::server::LinkId;
use engineio_proto::{CloseReason, Content, Message, PacketType, Transport};

use crate::fate::{End, Side};
use crate::fault::{Check, broken, check, check_outputs};
use crate::http::{Inbox, Kind};
use crate::lane::Parcel;
use crate::wire::Stage;
use crate::world::{Happening, World};

impl World {
    /// Sends what the application has to say, then acts on everything the session wants.
    pub(crate) fn drain_client(&mut self) -> Check {
        let takes = self.client.takes_messages() && self.client.is_up(&self.scenario);
        for mut outgoing in std::mem::take(&mut self.client.app.outbox) {
            if !takes {
                continue;
            }
            outgoing.parcel.sent_at = self.now;
            self.note_sent(Side::Client, &outgoing.parcel);
            let lane = &mut self.lives[self.client.life].lanes[Side::Server as usize];
            lane.send(outgoing.parcel);
            let message = &outgoing.prepared;
            self.tape_client(&Input::Send { message });
            self.client.session.send(outgoing.prepared);
        }
        let mut outputs = 0;
        while !self.is_client_blocked() {
            let output = self.client.session.poll_output();
            let recorder = &self.client.recorder;
            self.trace.line(|| recorder.client_output(output.as_ref()));
            let Some(output) = output else {
                break;
            };
            outputs += 1;
            check_outputs(outputs)?;
            self.act_for_client(output)?;
        }
        if std::mem::take(&mut self.client.begins) {
            return self.begin_client();
        }
        match self.client.wire {
            Some(wire) => self.flush(wire, Side::Client),
            None => Ok(()),
        }
    }

    /// A driver whose link takes no more does not ask for more.
    pub(super) fn is_client_blocked(&self) -> bool {
        let client = &self.client;
        client.opened
            && !client.session.is_closed()
            && client.session.transport() == Transport::Websocket
            && client
                .wire
                .is_some_and(|wire| self.wires[wire].in_flight(Side::Server) > self.scenario.window)
    }

    pub(super) fn act_for_client(&mut self, output: Output) -> Check {
        check(!self.client.ended, "end", || {
            format!("{output:?} after the client's end")
        })?;
        match output {
            Output::Get { request } => {
                let transport = self.client.session.query(Transport::Polling);
                check(self.client.get.is_none(), "requests", || {
                    format!("GET {} while another one runs", request.0)
                })?;
                let pausing = self.client.upgrade.is_some() && self.client.probed;
                check(!pausing, "upgrade", || {
                    format!("GET {} while the client prepares to move", request.0)
                })?;
                let nothing = (Content::Text, Vec::new());
                let exchange = self.send_request(Kind::Get, request, transport, nothing);
                self.client.get = Some(exchange);
            }
            Output::Post {
                request,
                content,
                body,
            } => {
                let query = self.client.session.query(Transport::Polling);
                check(self.client.post.is_none(), "requests", || {
                    format!("POST {} while another one runs", request.0)
                })?;
                self.check_post(content, &body)?;
                let exchange = self.send_request(Kind::Post, request, query, (content, body));
                self.client.post = Some(exchange);
            }
            Output::OpenLink { link } => {
                let query = self.client.session.query(Transport::Websocket);
                if self.client.opened {
                    self.client.upgrade = Some((self.client.seen, self.now));
                }
                self.client.wire = Some(self.open_wire(link, query));
            }
            Output::Send { link, item } => return self.client_sends(link, item),
            Output::CloseLink { link } => {
                self.client.upgrade = None;
                if let Some(wire) = self.wire_of_client(link)? {
                    self.flush(wire, Side::Client)?;
                    self.hang_up(wire, Side::Client)?;
                }
            }
            Output::Opened { handshake } => {
                let config = &self.scenario.server;
                let told = (handshake.ping_interval, handshake.ping_timeout);
                check(
                    told == (config.ping_interval, config.ping_timeout),
                    "handshake",
                    || format!("{handshake:?}"),
                )?;
                self.client.opened = true;
                self.client.opened_at = self.now;
                let asks = self.scenario.pair.client_asks;
                self.client.pulse.start_client(told, asks, self.client.seen);
                self.client.begins = self.scenario.pair.implicit;
                self.client.learn_link(self.scenario.pair, &self.trace);
            }
            Output::Upgraded { to } => {
                check(
                    to == Transport::Websocket && self.client.moved,
                    "upgrade",
                    || format!("the client moved to {to} out of the blue"),
                )?;
                self.tally.upgrades += 1;
            }
            Output::Closed { reason, detail } => return self.client_ended(reason, detail),
            other => return broken("outputs", format!("unknown: {other:?}")),
        }
        Ok(())
    }

    pub(super) fn client_ended(
        &mut self,
        reason: CloseReason,
        detail: Option<&'static str>,
    ) -> Check {
        let life = self.client.life;
        self.client.ended = true;
        self.ended(life, Side::Client, End { reason, detail })?;
        self.client.app.end()?;
        self.drop_requests();
        if self.lives.len() < self.scenario.attempts {
            let longest = self.rng.pick(&[700, 4000]);
            let at = self.now + self.rng.within(1..=longest);
            self.schedule(at, Happening::Reconnect);
        }
        Ok(())
    }

    pub(super) fn client_sends(&mut self, link: LinkId, item: Item) -> Check {
        let Some(wire) = self.wire_of_client(link)? else {
            return Ok(());
        };
        let stage = self.wires[wire].stage(Side::Client);
        if stage == Stage::Ended {
            return Ok(());
        }
        check(stage == Stage::Open, "links", || {
            format!("the client writes on link {}, which is {stage:?}", link.0)
        })?;
        match item {
            Item::Message(message) => {
                for packet in message.packets(self.client.session.format()) {
                    if packet.len() > self.scenario.server.max_payload {
                        self.exceed(self.client.life)?;
                    }
                    self.write(wire, Side::Client, packet);
                }
            }
            Item::Control(control) => {
                match control {
                    Control::Ping => self.client.pulse.left(PacketType::Ping),
                    Control::Pong => self.client.pulse.left(PacketType::Pong),
                    Control::Upgrade => {
                        check(self.client.upgrade.take().is_some(), "upgrade", || {
                            "the client moves out of the blue".to_owned()
                        })?;
                        self.client.moved = true;
                        self.client_moved();
                    }
                    _ => {}
                }
                self.write(wire, Side::Client, Message::Text(control.packet()));
            }
        }
        Ok(())
    }

    pub(super) fn wire_of_client(&self, link: LinkId) -> Check<Option<usize>> {
        let wire = self.client.wire;
        match wire.filter(|&wire| self.wires[wire].client == Some(link)) {
            Some(wire) => Ok(Some(wire)),
            None => broken(
                "links",
                format!("the client never asked for link {}", link.0),
            ),
        }
    }

    pub(crate) fn note_sent(&self, side: Side, parcel: &Parcel) {
        self.note(&side, || {
            let bytes: usize = parcel.binaries.iter().map(|it| it.len()).sum();
            let text = parcel.text.as_deref().unwrap_or_default();
            let start: String = text.chars().take(40).collect();
            let more = text.len() - start.len();
            format!("sends {start}… +{more} bytes, binary: {bytes} bytes")
        });
    }

    /// No POST is larger than the server takes, unless a single packet is.
    pub(super) fn check_post(&mut self, content: Content, body: &[u8]) -> Check {
        let limit = self.scenario.server.max_payload;
        let inbox = Inbox::of_post(self.scenario.format, content, body);
        for kind in [PacketType::Ping, PacketType::Pong] {
            if inbox.has(kind) {
                self.client.pulse.left(kind);
            }
        }
        check(body.len() <= limit || inbox.len() == 1, "limits", || {
            format!("POST of {} bytes, {limit} are taken", body.len())
        })
    }
}
