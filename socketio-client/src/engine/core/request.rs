//! Requests as they are written: the head, and the body behind it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cookie_store::CookieStore;
use engineio_proto::Content;
use http::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST,
    HeaderName, PROXY_AUTHORIZATION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use url::Url;

use super::super::Config;
use super::super::random::Random;
use super::address::Address;

/// Headers that are written here or not at all.
const OWN: [HeaderName; 13] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    HOST,
    SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_EXTENSIONS,
    SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Headers that are for the server of the configuration and no other.
const CREDENTIALS: [HeaderName; 3] = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];

const AGENT: &str = concat!("socketio-client/", env!("CARGO_PKG_VERSION"));

/// A request, kept until it is answered: it may have to go elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) url: Url,
    pub(super) kind: Kind,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Get,
    Post(Content, Bytes),
    /// A websocket, with the key of its handshake.
    Websocket(String),
}

impl Kind {
    pub(super) fn websocket(random: &mut Random) -> Self {
        let key: Vec<u8> = (0..4).flat_map(|_| random().to_ne_bytes()).collect();
        Self::Websocket(STANDARD.encode(key))
    }
}

impl Request {
    pub(super) fn body(&self) -> Bytes {
        match &self.kind {
            Kind::Post(_, body) => body.clone(),
            Kind::Get | Kind::Websocket(_) => Bytes::new(),
        }
    }

    /// The head, as it stands on the wire.
    pub(super) fn head(&self, config: &Config, address: &Address, jar: &CookieStore) -> Vec<u8> {
        let method = match self.kind {
            Kind::Get | Kind::Websocket(_) => "GET",
            Kind::Post(..) => "POST",
        };
        let query = self
            .url
            .query()
            .map(|it| format!("?{it}"))
            .unwrap_or_default();
        let mut head = format!("{method} {}{query} HTTP/1.1\r\n", self.url.path()).into_bytes();
        push(&mut head, &HOST, host(&self.url).as_bytes());
        self.push_protocol(&mut head, config);
        let headers = &config.headers;
        if !headers.contains_key(ACCEPT) {
            push(&mut head, &ACCEPT, b"*/*");
        }
        if !headers.contains_key(USER_AGENT) {
            push(&mut head, &USER_AGENT, AGENT.as_bytes());
        }
        let trusted = address.trusts(&self.url);
        for (name, value) in headers {
            let is_sent = trusted || !CREDENTIALS.contains(name);
            if is_sent && !OWN.contains(name) && name != COOKIE && name != CONTENT_TYPE {
                push(&mut head, name, value.as_bytes());
            }
        }
        if let Some(basic) = address.authorization.as_ref().filter(|_| trusted)
            && !headers.contains_key(AUTHORIZATION)
        {
            push(&mut head, &AUTHORIZATION, basic.as_bytes());
        }
        let own = headers.get_all(COOKIE).iter().filter(|_| trusted);
        let mut cookies: Vec<_> = own.map(|it| it.as_bytes().to_vec()).collect();
        cookies.extend(
            jar.get_request_values(&self.url)
                .map(|(name, value)| format!("{name}={value}").into_bytes()),
        );
        if !cookies.is_empty() {
            push(&mut head, &COOKIE, &cookies.join(&b"; "[..]));
        }
        head.extend_from_slice(b"\r\n");
        head
    }

    fn push_protocol(&self, head: &mut Vec<u8>, config: &Config) {
        match &self.kind {
            Kind::Get => {}
            Kind::Post(content, body) => {
                push(head, &CONTENT_TYPE, content.as_str().as_bytes());
                push(head, &CONTENT_LENGTH, body.len().to_string().as_bytes());
            }
            Kind::Websocket(key) => {
                push(head, &CONNECTION, b"Upgrade");
                push(head, &UPGRADE, b"websocket");
                push(head, &SEC_WEBSOCKET_VERSION, b"13");
                push(head, &SEC_WEBSOCKET_KEY, key.as_bytes());
                if !config.protocols.is_empty() {
                    let protocols = config.protocols.join(", ");
                    push(head, &SEC_WEBSOCKET_PROTOCOL, protocols.as_bytes());
                }
            }
        }
    }
}

fn push(head: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    head.extend_from_slice(name.as_str().as_bytes());
    head.extend_from_slice(b": ");
    head.extend_from_slice(value);
    head.extend_from_slice(b"\r\n");
}

/// The host as a header has it: with brackets around IPv6, the port if it is not the scheme's.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
