//! Where a request goes: the server's front door, as a driver has it.

use engineio_proto::record::Opening;
use engineio_proto::server::{LinkId, RequestId};
use engineio_proto::{Action, Content, Format, Head, Request};

use crate::fate::{Causes, REFUSED, Side};
use crate::fault::{Check, broken, check};
use crate::http::{Answer, Kind};
use crate::scenario::Hazard;
use crate::world::World;

impl World {
    /// A GET or POST arrives at the server.
    pub(crate) fn serve_request(&mut self, exchange: usize, doubled: bool) -> Check {
        let it = &mut self.exchanges[exchange];
        let (kind, life, query) = (it.kind, it.life, it.query.clone());
        let body = std::mem::replace(&mut it.body, (Content::Text, Vec::new()));
        self.note(&Side::Server, || {
            let again = if doubled { " again" } else { "" };
            format!("{kind:?} of life {life}{again}, {} bytes", body.1.len())
        });
        let head = Head {
            method: match kind {
                Kind::Get => "GET",
                Kind::Post => "POST",
            },
            subpath: "",
            query: &query,
            origin: None,
            upgrade: false,
        };
        let request = match Request::read(&head, &self.scenario.server) {
            Ok(Request::Session(request)) => request,
            Ok(Request::Open {
                format: Some(format),
                ..
            }) if format.jsonp == self.scenario.format.jsonp => {
                return self.open_polling(exchange, doubled, format);
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
                self.server_gets(server, request)?;
                match doubled {
                    true => self.must_have_ended(server, "a GET that overlaps another one"),
                    false => Ok(()),
                }
            }
            (Ok(Action::Post), Some(server)) => self.serve_post(server, exchange, body),
            (Err(error), _) if !doubled => self.respond(exchange, error.response().into()),
            (Err(_), _) => Ok(()),
            (action, server) => broken("requests", format!("{action:?} for {server:?}")),
        }
    }

    fn open_polling(&mut self, exchange: usize, doubled: bool, format: Format) -> Check {
        let life = self.exchanges[exchange].life;
        // The first name of a session's requests, which `name_request` gives to the one that opens it.
        let server = self.open_server(life, format, Opening::Polling(RequestId(0)));
        self.name_request(server, exchange, !doubled);
        self.begin_server(server)
    }

    fn serve_post(&mut self, server: usize, exchange: usize, body: (Content, Vec<u8>)) -> Check {
        let life = self.exchanges[exchange].life;
        let limit = self.scenario.server.max_payload;
        if body.1.len() > limit {
            self.exceed(life)?;
            return self.respond(exchange, Answer::TOO_LARGE);
        }
        if self.hit(Hazard::BrokenRequests, 30) {
            self.cause(life, Causes::BROKEN);
            self.break_off(exchange);
            self.server_post_broken(server)?;
            return self.must_have_ended(server, "a POST that broke off");
        }
        let request = self.name_request(server, exchange, true);
        let again = self.exchanges[exchange].doubled;
        let again = again.then(|| self.name_request(server, exchange, false));
        self.server_posts(server, request, again, body)?;
        match again {
            Some(_) => self.must_have_ended(server, "a POST that overlaps another one"),
            None => Ok(()),
        }
    }

    /// Some things a session must not survive.
    pub(crate) fn must_have_ended(&self, server: usize, what: &str) -> Check {
        check(self.servers[server].is_closed(), "end", || {
            format!("session {server} survives {what}")
        })
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
            subpath: "",
            query,
            origin: None,
            upgrade: true,
        };
        let request = match Request::read(&head, &self.scenario.server) {
            Ok(Request::Session(request)) => request,
            Ok(Request::Open {
                format: Some(format),
                ..
            }) => {
                self.wires[wire].format = format;
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
                self.wires[wire].format = request.format;
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
        let format = self.wires[wire].format;
        let link = LinkId(0);
        let server = self.open_server(life, format, Opening::Link(link));
        self.servers[server].carrier = Some(link);
        self.link_accepted(wire, server, link);
        self.begin_server(server)
    }
}
