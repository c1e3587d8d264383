//! Where a request goes: the server's front door, as a driver has it.

use engineio_proto::server::{LinkId, RequestId, Session};
use engineio_proto::{Action, Head, Request};

use crate::fate::{Causes, REFUSED, Side};
use crate::fault::{Check, broken, check};
use crate::http::Kind;
use crate::scenario::Hazard;
use crate::world::World;

impl World {
    /// A GET or POST arrives at the server.
    pub(crate) fn serve_request(&mut self, exchange: usize, doubled: bool) -> Check {
        let it = &mut self.exchanges[exchange];
        let (kind, life, query) = (it.kind, it.life, it.query.clone());
        let body = std::mem::take(&mut it.body);
        self.note(&Side::Server, || {
            let again = if doubled { " again" } else { "" };
            format!("{kind:?} of life {life}{again}, {} bytes", body.len())
        });
        let head = Head {
            method: match kind {
                Kind::Get => "GET",
                Kind::Post => "POST",
            },
            query: &query,
            origin: None,
            upgrade: false,
        };
        let request = match Request::read(&head, &self.scenario.server) {
            Ok(Request::Session(request)) => request,
            Ok(Request::Open { revision, .. }) if revision == Some(self.scenario.pair.engine) => {
                return self.open_polling(exchange, doubled);
            }
            refused => return broken("requests", format!("{refused:?} to {query}")),
        };
        let server = self.find_server(request.sid);
        let known = server.map(|index| {
            let session = &self.servers[index].session;
            (session.revision(), session.transport())
        });
        match (request.admit(known), server) {
            (Ok(Action::Get), Some(server)) => {
                if doubled {
                    self.cause(life, Causes::DOUBLE_GET);
                }
                let request = self.name_request(server, exchange, !doubled);
                self.server_gets(server, request)
            }
            (Ok(Action::Post), Some(server)) => self.serve_post(server, exchange, body),
            (Err(error), _) if !doubled => {
                let response = error.response();
                self.respond(exchange, response.status, response.body)
            }
            (Err(_), _) => Ok(()),
            (action, server) => broken("requests", format!("{action:?} for {server:?}")),
        }
    }

    fn open_polling(&mut self, exchange: usize, doubled: bool) -> Check {
        let life = self.exchanges[exchange].life;
        let revision = self.scenario.pair.engine;
        // The first name of a session's requests, which `name_request` gives to the one that opens it.
        let server = self.open_server(life, |world, sid, now| {
            let config = world.scenario.server.clone();
            Session::open_polling(config, revision, sid, RequestId(0), now)
        });
        self.name_request(server, exchange, !doubled);
        self.drain_server(server)
    }

    fn serve_post(&mut self, server: usize, exchange: usize, body: Vec<u8>) -> Check {
        let life = self.exchanges[exchange].life;
        let limit = self.scenario.server.max_payload;
        if body.len() > limit {
            self.exceed(life)?;
            return self.respond(exchange, 413, Vec::new());
        }
        if self.hit(Hazard::BrokenRequests, 30) {
            self.cause(life, Causes::BROKEN);
            self.break_off(exchange);
            return self.server_post_broken(server);
        }
        let request = self.name_request(server, exchange, true);
        let again = self.exchanges[exchange].doubled;
        let again = again.then(|| self.name_request(server, exchange, false));
        self.server_posts(server, request, again, body)
    }

    /// A client sends more than the server takes at once.
    pub(crate) fn exceed(&mut self, life: usize) -> Check {
        let allowed = self.scenario.hazards.has(Hazard::Oversize);
        check(allowed, "limits", || {
            let limit = self.scenario.server.max_payload;
            format!("the client sends more than {limit} bytes at once")
        })?;
        self.cause(life, Causes::OVERSIZE);
        Ok(())
    }

    /// The request for a link arrives.
    pub(crate) fn link_requested(&mut self, wire: usize, query: &str) -> Check {
        let life = self.wires[wire].life;
        self.note(&Side::Server, || format!("websocket of life {life}"));
        let head = Head {
            method: "GET",
            query,
            origin: None,
            upgrade: true,
        };
        let request = match Request::read(&head, &self.scenario.server) {
            Ok(Request::Session(request)) => request,
            Ok(Request::Open { revision, .. }) if revision == Some(self.scenario.pair.engine) => {
                return self.open_link(wire);
            }
            // A stray one asks for what this server does not offer.
            Err(_) if self.wires[wire].client.is_none() => return Ok(()),
            refused => return broken("requests", format!("{refused:?} to {query}")),
        };
        let server = self.find_server(request.sid);
        let known = server.map(|index| {
            let session = &self.servers[index].session;
            (session.revision(), session.transport())
        });
        match (request.admit(known), server) {
            (Ok(Action::Websocket), Some(server)) => {
                let link = LinkId(self.servers[server].links.len() as u32);
                self.link_accepted(wire, server, link);
                self.server_link_opened(server, link)
            }
            (Err(_), _) => {
                let end = engineio_proto::server::LinkEnd::Failed(REFUSED);
                self.link_fails_later(wire, Side::Client, end);
                Ok(())
            }
            (action, server) => broken("requests", format!("{action:?} for {server:?}")),
        }
    }

    fn open_link(&mut self, wire: usize) -> Check {
        let life = self.wires[wire].life;
        let revision = self.scenario.pair.engine;
        let link = LinkId(0);
        let server = self.open_server(life, |world, sid, now| {
            let config = world.scenario.server.clone();
            Session::open_link(config, revision, sid, link, now)
        });
        self.servers[server].carrier = Some(link);
        self.link_accepted(wire, server, link);
        self.drain_server(server)
    }
}
