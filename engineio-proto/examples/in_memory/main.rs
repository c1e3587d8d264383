//! A server's and a client's session back to back, on a clock that is a number: no I/O, no thread, no
//! wait. This is how an application tests what it does over a session, an hour of it in no time.
//!
//! `cargo test -p engineio-proto --example in_memory`

#[cfg(test)]
mod tests;

use std::sync::Arc;

use engineio_proto::server::{Control, LinkEnd, Session as Server};
use engineio_proto::{
    CloseReason, Content, Format, Message, Prepared, Revision, Sid, Tick, client, server,
};

const FORMAT: Format = Format::new(Revision::V4);

const HOUR: Tick = 60 * 60 * 1_000;

fn main() {
    let mut pair = Pair::new(client::Config::default());
    pair.client.send(Prepared::text("hello"));
    pair.run_until(HOUR);
    println!("in an hour the server heard {:?}", pair.server_heard);
    println!("and asked {} times whether anybody is there", pair.pings);
}

/// Both ends, and a network between them that takes no time.
struct Pair {
    now: Tick,
    client: client::Session,
    /// Exists once the client's first request has arrived.
    server: Option<Server>,
    client_heard: Vec<String>,
    server_heard: Vec<String>,
    /// How often the server has asked whether the client is there.
    pings: u32,
    /// Whether whatever is sent is lost.
    cut: bool,
    /// Why each end's session is over, and when.
    client_closed: Option<(Tick, CloseReason)>,
    server_closed: Option<(Tick, CloseReason)>,
}

impl Pair {
    fn new(config: client::Config) -> Self {
        let mut pair = Self {
            now: 0,
            client: client::Session::new(Arc::new(config), FORMAT, 0),
            server: None,
            client_heard: Vec::new(),
            server_heard: Vec::new(),
            pings: 0,
            cut: false,
            client_closed: None,
            server_closed: None,
        };
        pair.settle();
        pair
    }

    /// Lets time pass, from one deadline to the next.
    fn run_until(&mut self, end: Tick) {
        self.settle();
        loop {
            let server = self.server.as_ref().and_then(|it| it.poll_timeout());
            let deadlines = [self.client.poll_timeout(), server];
            let next = deadlines.into_iter().flatten().min();
            let Some(next) = next.filter(|&next| next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            self.client.handle_timeout(self.now);
            if let Some(server) = &mut self.server {
                server.handle_timeout(self.now);
            }
            self.settle();
        }
        self.now = end;
    }

    /// Acts on what either session asks for, until both are at rest.
    fn settle(&mut self) {
        loop {
            if let Some(output) = self.client.poll_output() {
                self.act_for_client(output);
            } else if let Some(output) = self.server.as_mut().and_then(|it| it.poll_output()) {
                self.act_for_server(output);
            } else {
                break;
            }
        }
    }

    fn act_for_client(&mut self, output: client::Output) {
        let now = self.now;
        // In earnest it is random.
        let sid = Sid::from_random([7; 15]);
        match output {
            client::Output::Closed { reason, .. } => self.client_closed = Some((now, reason)),
            _ if self.cut => {}
            client::Output::Get { request } => match &mut self.server {
                Some(server) => server.handle_get(now, request),
                None => {
                    let config = Arc::default();
                    let server = Server::open_polling(config, FORMAT, &sid, request, now);
                    self.server = Some(server);
                }
            },
            client::Output::Post {
                request,
                content,
                body,
            } => {
                let server = self.server.as_mut().expect("a POST comes behind a GET");
                server.handle_post(now, request, content, body.into());
                while let Some(message) = server.next_message(now) {
                    self.server_heard.push(show(&message));
                }
            }
            client::Output::OpenLink { link } => {
                match &mut self.server {
                    Some(server) => server.handle_link(now, link),
                    None => {
                        let server = Server::open_link(Arc::default(), FORMAT, &sid, link, now);
                        self.server = Some(server);
                    }
                }
                self.client.handle_link(now, link);
            }
            client::Output::Send { link, item } => {
                let server = self.server.as_mut().expect("a link is open at both ends");
                for packet in item.packets(FORMAT) {
                    let message = match &packet {
                        Message::Text(text) => server.handle_text(now, link, text),
                        Message::Binary(data) => server.handle_binary(now, link, data),
                    };
                    self.server_heard.extend(message.as_ref().map(show));
                }
            }
            client::Output::CloseLink { link } => {
                let server = self.server.as_mut().expect("a link is open at both ends");
                server.handle_link_end(now, link, LinkEnd::Closed);
            }
            _ => {}
        }
    }

    fn act_for_server(&mut self, output: server::Output) {
        let now = self.now;
        match output {
            server::Output::Closed { reason, .. } => self.server_closed = Some((now, reason)),
            _ if self.cut => {}
            server::Output::Reply { request, response } => {
                let mut headers = response.headers.iter();
                let content = headers.find(|(name, _)| *name == "content-type");
                let content = Content::from_header(content.map(|(_, value)| value.as_bytes()));
                let body = response.body.into();
                self.client
                    .handle_response(now, request, response.status, content, body);
                while let Some(message) = self.client.next_message(now) {
                    self.client_heard.push(show(&message));
                }
            }
            server::Output::Send { link, item } => {
                self.pings += u32::from(matches!(item, server::Item::Control(Control::Ping)));
                for packet in item.packets(FORMAT) {
                    let message = match &packet {
                        Message::Text(text) => self.client.handle_text(now, link, text),
                        Message::Binary(data) => self.client.handle_binary(now, link, data),
                    };
                    self.client_heard.extend(message.as_ref().map(show));
                }
            }
            server::Output::CloseLink { link } => {
                self.client.handle_link_end(now, link, LinkEnd::Closed);
            }
            _ => {}
        }
    }
}

fn show(message: &Message<'_>) -> String {
    match message {
        Message::Text(text) => (*text).to_owned(),
        Message::Binary(data) => format!("{} bytes", data.len()),
    }
}
