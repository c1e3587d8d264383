//! The network of the pair: what is under way, how it arrives, and what the sessions want sent.

use std::collections::VecDeque;

use engineio_proto::{
    Action, Content, Format, Head, Message, Request, Transport, client,
    server::{self, LinkEnd},
};

use super::super::body::Owned;
use super::super::outgoing::{Outgoing, Wire, wires};
use super::{End, LINK, OnLink, Pair, Sent, sid};

impl Pair {
    pub(super) fn deliver_request(&mut self, index: usize) {
        if index >= self.requests.len() {
            return;
        }
        match self.requests.remove(index) {
            Sent::Get(request, query) => match self.admit("GET", &query, false) {
                Ok((Some(Action::Get), _)) => {
                    if let Some(server) = &mut self.server {
                        server.session.handle_get(self.now, request);
                    }
                }
                Ok((None, format)) => {
                    let config = self.config.clone();
                    let session =
                        server::Session::open_polling(config, format, &sid(), request, self.now);
                    self.server = Some(End::new(session, Outgoing::default()));
                }
                Ok(other) => panic!("GET taken for {other:?}"),
                Err(refusal) => self.responses.push((request, refusal)),
            },
            Sent::Post(request, query, content, body) => match self.admit("POST", &query, false) {
                Ok((Some(Action::Post), _)) => {
                    if let Some(server) = &mut self.server {
                        server.session.handle_post(self.now, request, content, body);
                        while let Some(message) = server.session.next_message(self.now) {
                            received(&mut self.client.missing, message);
                        }
                    }
                }
                Ok(other) => panic!("POST taken for {other:?}"),
                Err(refusal) => self.responses.push((request, refusal)),
            },
        }
    }

    pub(super) fn deliver_response(&mut self, index: usize) {
        if index >= self.responses.len() {
            return;
        }
        let (request, response) = self.responses.remove(index);
        let header = response
            .headers
            .iter()
            .find(|(name, _)| *name == "content-type");
        let content = Content::from_header(header.map(|(_, value)| value.as_bytes()));
        let (status, body) = (response.status, response.body.into());
        let session = &mut self.client.session;
        session.handle_response(self.now, request, status, content, body);
        while let Some(message) = session.next_message(self.now) {
            if let Some(server) = &mut self.server {
                received(&mut server.missing, message);
            }
        }
    }

    pub(super) fn deliver_to_server(&mut self) {
        let Some(arrived) = self.to_server.pop_front() else {
            return;
        };
        if let OnLink::Open(query) = &arrived {
            match self.admit("GET", query, true) {
                Ok((Some(Action::Websocket), format)) => {
                    self.link_format = format;
                    if let Some(server) = &mut self.server {
                        server.session.handle_link(self.now, LINK);
                    }
                }
                Ok((None, format)) => {
                    self.link_format = format;
                    let config = self.config.clone();
                    let session =
                        server::Session::open_link(config, format, &sid(), LINK, self.now);
                    self.server = Some(End::new(session, Outgoing::default()));
                }
                Ok(other) => panic!("websocket taken for {other:?}"),
                Err(_) => return self.to_client.push_back(OnLink::Closed),
            }
            return self.to_client.push_back(OnLink::Open(String::new()));
        }
        let Some(server) = &mut self.server else {
            return;
        };
        let (session, now) = (&mut server.session, self.now);
        let message = match &arrived {
            OnLink::Open(_) => None,
            OnLink::Message(Wire::Text(text)) => session.handle_text(now, LINK, text),
            OnLink::Message(Wire::Binary(data)) => session.handle_binary(now, LINK, data),
            OnLink::Closed => {
                session.handle_link_end(now, LINK, LinkEnd::Closed);
                None
            }
        };
        if let Some(message) = message {
            received(&mut self.client.missing, message);
        }
    }

    pub(super) fn deliver_to_client(&mut self) {
        let Some(arrived) = self.to_client.pop_front() else {
            return;
        };
        let (session, now) = (&mut self.client.session, self.now);
        let message = match &arrived {
            OnLink::Open(_) => {
                session.handle_link(now, LINK);
                None
            }
            OnLink::Message(Wire::Text(text)) => session.handle_text(now, LINK, text),
            OnLink::Message(Wire::Binary(data)) => session.handle_binary(now, LINK, data),
            OnLink::Closed => {
                session.handle_link_end(now, LINK, LinkEnd::Closed);
                None
            }
        };
        if let (Some(message), Some(server)) = (message, &mut self.server) {
            received(&mut server.missing, message);
        }
    }

    /// What a request does to the session; `None` if it opens one.
    fn admit(
        &self,
        method: &str,
        query: &str,
        upgrade: bool,
    ) -> Result<(Option<Action>, Format), server::Response> {
        let head = Head {
            subpath: "",
            method,
            query,
            upgrade,
            origin: None,
        };
        match Request::read(&head, &self.config) {
            Ok(Request::Session(request)) => {
                assert_eq!(request.sid, Some(sid()));
                let server = self.server.as_ref().filter(|it| it.closed.is_none());
                let session = server.map(|it| (it.session.revision(), it.session.transport()));
                let admitted = request.admit(session);
                let admitted = admitted.map(|action| (Some(action), request.format));
                admitted.map_err(|error| error.response())
            }
            Ok(Request::Open {
                format: Some(format),
                ..
            }) => Ok((None, format)),
            other => panic!("a client asks correctly: {other:?}"),
        }
    }

    /// Acts on everything both sessions want.
    pub(super) fn drain(&mut self) {
        while let Some(output) = self.client.session.poll_output() {
            self.act_for_client(output);
        }
        while let Some(output) = self.server.as_mut().and_then(|it| it.session.poll_output()) {
            self.act_for_server(output);
        }
    }

    fn act_for_client(&mut self, output: client::Output) {
        let query = |transport| self.client.session.query(transport);
        match output {
            client::Output::Get { request } => {
                let query = query(Transport::Polling);
                self.requests.push(Sent::Get(request, query));
            }
            client::Output::Post {
                request,
                content,
                body,
            } => {
                let query = query(Transport::Polling);
                self.requests
                    .push(Sent::Post(request, query, content, body.into()));
            }
            client::Output::OpenLink { .. } => {
                let query = query(Transport::Websocket);
                self.linked = true;
                self.to_server.push_back(OnLink::Open(query));
            }
            client::Output::Send { item, .. } => match item {
                client::Item::Message(message) => {
                    let format = self.client.session.format();
                    self.send_to_server(wires(&message, format).into_iter().map(OnLink::Message));
                }
                client::Item::Control(it) => self.send_to_server([control(it.packet())]),
            },
            client::Output::CloseLink { .. } => self.send_to_server([OnLink::Closed]),
            client::Output::Opened { handshake } => {
                assert_eq!(handshake.ping_interval, self.config.ping_interval);
            }
            client::Output::Closed { reason, .. } => self.client.close(reason),
            _ => {}
        }
    }

    fn act_for_server(&mut self, output: server::Output) {
        match output {
            server::Output::Reply { request, response } => {
                self.responses.push((request, response));
            }
            server::Output::Send { item, .. } => match item {
                server::Item::Message(message) => {
                    let wires = wires(&message, self.link_format);
                    self.send_to_client(wires.into_iter().map(OnLink::Message));
                }
                server::Item::Control(it) => self.send_to_client([control(it.packet())]),
            },
            server::Output::CloseLink { .. } => self.send_to_client([OnLink::Closed]),
            server::Output::Closed { reason, .. } => {
                if let Some(server) = &mut self.server {
                    server.close(reason);
                }
            }
            _ => {}
        }
    }

    fn send_to_server(&mut self, messages: impl IntoIterator<Item = OnLink>) {
        if !self.cut {
            self.to_server.extend(messages);
        }
    }

    fn send_to_client(&mut self, messages: impl IntoIterator<Item = OnLink>) {
        if !self.cut {
            self.to_client.extend(messages);
        }
    }
}

fn control(packet: &str) -> OnLink {
    OnLink::Message(Wire::Text(packet.to_owned()))
}

/// The other end gets what was sent next.
fn received(missing: &mut VecDeque<Owned>, message: Message<'_>) {
    let message = Owned::from(message);
    assert_eq!(missing.pop_front(), Some(message));
}
