//! What the server's driver does about the outputs of a session.

use engineio_proto::record::Input;
use engineio_proto::server::{Control, Item, LinkId, Output, RequestId, Response};
use engineio_proto::{PacketType, Transport};

use crate::fate::{Causes, End, Side};
use crate::fault::{Check, broken, check, check_outputs};
use crate::http::{Answer, Inbox, Kind};
use crate::wire::Stage;
use crate::world::World;

impl World {
    /// Sends what the application has to say, then acts on everything the session wants.
    pub(crate) fn drain_server(&mut self, index: usize) -> Check {
        let takes = self.servers[index].takes_messages();
        for mut outgoing in std::mem::take(&mut self.servers[index].app.outbox) {
            if !takes {
                continue;
            }
            outgoing.parcel.sent_at = self.now;
            self.note_sent(Side::Server, &outgoing.parcel);
            let message = &outgoing.prepared;
            self.tape_server(index, &Input::Send { message });
            let server = &mut self.servers[index];
            self.lives[server.life].lanes[Side::Client as usize].send(outgoing.parcel);
            server.session.send(outgoing.prepared);
        }
        let mut outputs = 0;
        loop {
            let server = &mut self.servers[index];
            let output = server.session.poll_output();
            self.trace
                .line(|| server.recorder.server_output(output.as_ref()));
            let Some(output) = output else {
                break;
            };
            outputs += 1;
            check_outputs(outputs)?;
            self.act_for_server(index, output)?;
        }
        let server = &self.servers[index];
        if server.ended {
            check(server.requests.is_empty(), "requests", || {
                format!("session {index} ended and leaves {:?}", server.requests)
            })?;
        }
        for (_, wire) in self.servers[index].links.clone() {
            self.flush(wire, Side::Server)?;
        }
        Ok(())
    }

    pub(super) fn act_for_server(&mut self, index: usize, output: Output) -> Check {
        let now = self.clock(Side::Server);
        match output {
            Output::Reply { request, response } => self.server_replies(index, request, response),
            Output::Send { link, item } => self.server_sends(index, link, item),
            Output::CloseLink { link } => {
                let limit = self.scenario.server.upgrade_timeout;
                let server = &mut self.servers[index];
                let given_up = server.upgrade.take_if(|(id, _)| *id == link);
                let life = server.life;
                let closing = server.closing.is_some();
                if given_up.is_some_and(|(_, since)| closing || since + limit <= server.seen) {
                    self.cause(life, Causes::OVERDUE);
                }
                let server = &mut self.servers[index];
                let wire = server.wire(link)?;
                self.flush(wire, Side::Server)?;
                self.hang_up(wire, Side::Server)
            }
            Output::Upgraded { to } => {
                let server = &mut self.servers[index];
                let fits = to == Transport::Websocket && std::mem::take(&mut server.moved);
                check(fits, "upgrade", || format!("the server moved to {to}"))
            }
            Output::Closed { reason, detail } => {
                let server = &mut self.servers[index];
                server.ended = true;
                server.upgrade = None;
                server.app.end(now, reason, &mut self.recovery)?;
                let life = server.life;
                self.ended(life, Side::Server, End { reason, detail })
            }
            other => broken("outputs", format!("unknown: {other:?}")),
        }
    }

    pub(super) fn server_replies(
        &mut self,
        index: usize,
        request: RequestId,
        response: Response,
    ) -> Check {
        let format = self.scenario.format;
        let answer = Answer::from(response);
        let server = &mut self.servers[index];
        let place = server.requests.iter().position(|(id, ..)| *id == request);
        let Some(place) = place else {
            let what = format!(
                "session {index} answers request {}, which waits no more",
                request.0
            );
            return broken("requests", what);
        };
        let (_, exchange, wanted) = server.requests.swap_remove(place);
        // A client that sees answers to what it posted must not wonder whether that has arrived.
        let kind_of = |exchange: usize| self.exchanges[exchange].kind;
        let overtakes = kind_of(exchange) == Kind::Get
            && !server.session.is_closed()
            && server.inbox.len() == 0
            && server.requests.iter().any(|it| kind_of(it.1) == Kind::Post);
        check(!overtakes, "requests", || {
            "a GET is answered before the POST that has been read".to_owned()
        })?;
        if let Some(owed) = server.pulse.owed
            && self.exchanges[exchange].kind == Kind::Get
            && Inbox::of_answer(format, &answer).has(owed)
        {
            server.pulse.left(owed);
        }
        match wanted {
            true => self.respond(exchange, answer),
            false => Ok(()),
        }
    }

    pub(super) fn server_sends(&mut self, index: usize, link: LinkId, item: Item) -> Check {
        let server = &mut self.servers[index];
        let wire = server.wire(link)?;
        let probe = matches!(item, Item::Control(Control::ProbePong));
        check(probe != (server.carrier == Some(link)), "upgrade", || {
            format!("session {index} writes {item:?} on link {}", link.0)
        })?;
        let stage = self.wires[wire].stage(Side::Server);
        if stage == Stage::Ended {
            return Ok(());
        }
        check(stage == Stage::Open, "links", || {
            format!(
                "session {index} writes on link {}, which is {stage:?}",
                link.0
            )
        })?;
        match item {
            Item::Message(message) => {
                let full = self.wires[wire].in_flight(Side::Client) > self.scenario.window;
                check(!full, "memory", || {
                    format!("session {index} writes on a link that is full")
                })?;
                let format = self.wires[wire].format;
                for frame in message.frames(format) {
                    self.wires[wire].write_frame(frame);
                }
            }
            Item::Control(control) => {
                match control {
                    Control::Ping => server.pulse.left(PacketType::Ping),
                    Control::Pong => server.pulse.left(PacketType::Pong),
                    Control::ProbePong => {}
                }
                self.wires[wire].write_frame(control.frame());
            }
        }
        self.weigh(wire);
        Ok(())
    }
}
