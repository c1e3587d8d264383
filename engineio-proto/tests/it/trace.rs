//! Sessions to begin with, and their outputs as lines of text: expectations read like a trace.
//!
//! The separator of payloads is shown as `␞`, bytes as hexadecimal digits behind `#`, and a
//! handshake as `0{…}`.

use std::sync::Arc;

use engineio_proto::server::{self, LinkId, RequestId};
use engineio_proto::{Content, Format, Message, Prepared, Revision, Sid, Tick, client};

pub(crate) const LINK: LinkId = LinkId(0);

/// The handshake of a server with intervals of 1000 and 500 ms.
pub(crate) const HANDSHAKE: &str = r#"0{"sid":"abc","upgrades":["websocket"],"pingInterval":1000,"pingTimeout":500,"maxPayload":100}"#;

pub(crate) fn sid() -> Sid {
    Sid::from_random([7; 15])
}

/// A server's session whose handshake answered GET 0.
pub(crate) fn server_on_polling(config: server::Config) -> server::Session {
    server_speaking(Revision::V4.into(), config)
}

/// The same in any format.
pub(crate) fn server_speaking(format: Format, config: server::Config) -> server::Session {
    let (config, sid) = (Arc::new(config), sid());
    let mut session = server::Session::open_polling(config, format, &sid, RequestId(0), 0);
    let Some(server::Output::Reply { response, .. }) = session.poll_output() else {
        panic!("the handshake is the first answer");
    };
    assert_eq!(response.status, 200);
    session
}

/// A server's session that was opened on link 0.
pub(crate) fn server_on_link(config: server::Config) -> server::Session {
    let mut session = server::Session::open_link(Arc::new(config), Revision::V4, &sid(), LINK, 0);
    assert_eq!(server_lines(&mut session), ["send 0: 0{…}"]);
    session
}

/// A client's session that has got its handshake on polling; GET 1 waits.
pub(crate) fn client_on_polling(config: client::Config) -> client::Session {
    let mut session = client::Session::new(Arc::new(config), Revision::V4, 0);
    assert_eq!(client_lines(&mut session), ["get 0"]);
    assert!(respond(&mut session, 0, 0, HANDSHAKE).is_empty());
    session
}

/// A client's session that has got its handshake on link 0.
pub(crate) fn client_on_link(config: client::Config) -> client::Session {
    let config = client::Config {
        transport: engineio_proto::Transport::Websocket,
        ..config
    };
    let mut session = client::Session::new(Arc::new(config), Revision::V4, 0);
    assert_eq!(client_lines(&mut session), ["open link 0"]);
    session.handle_link(0, LINK);
    assert_eq!(session.handle_text(0, LINK, HANDSHAKE), None);
    assert_eq!(client_lines(&mut session), ["opened"]);
    session
}

/// Answers a request of a client with 200 and takes the messages.
pub(crate) fn respond(
    session: &mut client::Session,
    now: Tick,
    request: u32,
    body: &str,
) -> Vec<String> {
    session.handle_response(
        now,
        RequestId(request),
        200,
        Content::Text,
        body.to_owned().into(),
    );
    let mut messages = Vec::new();
    while let Some(message) = session.next_message(now) {
        messages.push(show(message));
    }
    messages
}

/// Posts a body to a server and takes the messages.
pub(crate) fn post(
    session: &mut server::Session,
    now: Tick,
    request: u32,
    body: &str,
) -> Vec<String> {
    let body = body.to_owned().into();
    session.handle_post(now, RequestId(request), Content::Text, body);
    messages(session, now)
}

/// The messages of the POST that is being read.
pub(crate) fn messages(session: &mut server::Session, now: Tick) -> Vec<String> {
    let mut messages = Vec::new();
    while let Some(message) = session.next_message(now) {
        messages.push(show(message));
    }
    messages
}

pub(crate) fn show(message: Message<'_>) -> String {
    match message {
        Message::Text(text) if text.starts_with("0{") => "0{…}".to_owned(),
        Message::Text(text) => text.to_owned(),
        Message::Binary(data) => data
            .iter()
            .fold("#".to_owned(), |hex, byte| format!("{hex}{byte:02x}")),
    }
}

pub(crate) fn unhex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    let digits = digits.map(|two| str::from_utf8(two).unwrap());
    digits
        .map(|two| u8::from_str_radix(two, 16).unwrap())
        .collect()
}

/// A body as text if it is, else as bytes.
pub(crate) fn show_body(body: &[u8]) -> String {
    let Ok(text) = str::from_utf8(body) else {
        return show(Message::Binary(body.into()));
    };
    let packets = text.split('\u{1e}');
    let packets = packets.map(|packet| show(Message::Text(packet)));
    packets.collect::<Vec<_>>().join("␞")
}

fn show_packets(message: &Prepared) -> String {
    message
        .packets(Revision::V4.into())
        .map(show)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Everything the server's session wants now.
pub(crate) fn server_lines(session: &mut server::Session) -> Vec<String> {
    std::iter::from_fn(|| session.poll_output())
        .map(|output| match output {
            server::Output::Reply { request, response } => {
                let (status, body) = (response.status, show_body(&response.body));
                format!("reply {}: {status} {body}", request.0)
            }
            server::Output::Send { link, item } => {
                let packets = match item {
                    server::Item::Message(message) => show_packets(&message),
                    server::Item::Control(control) => control.packet().to_owned(),
                };
                format!("send {}: {packets}", link.0)
            }
            server::Output::CloseLink { link } => format!("close link {}", link.0),
            server::Output::Upgraded { to } => format!("upgraded to {to}"),
            server::Output::Closed { reason, detail } => closed(reason.as_str(), detail),
            _ => unreachable!("an output of a later version"),
        })
        .collect()
}

/// Everything the client's session wants now.
pub(crate) fn client_lines(session: &mut client::Session) -> Vec<String> {
    std::iter::from_fn(|| session.poll_output())
        .map(|output| match output {
            client::Output::Get { request } => format!("get {}", request.0),
            client::Output::Post { request, body, .. } => {
                format!("post {}: {}", request.0, show_body(&body))
            }
            client::Output::OpenLink { link } => format!("open link {}", link.0),
            client::Output::Send { link, item } => {
                let packets = match item {
                    client::Item::Message(message) => show_packets(&message),
                    client::Item::Control(control) => control.packet().to_owned(),
                };
                format!("send {}: {packets}", link.0)
            }
            client::Output::CloseLink { link } => format!("close link {}", link.0),
            client::Output::Opened { .. } => "opened".to_owned(),
            client::Output::Upgraded { to } => format!("upgraded to {to}"),
            client::Output::Closed { reason, detail } => closed(reason.as_str(), detail),
            _ => unreachable!("an output of a later version"),
        })
        .collect()
}

pub(crate) fn closed(reason: &str, detail: Option<&str>) -> String {
    match detail {
        Some(detail) => format!("closed: {reason}, {detail}"),
        None => format!("closed: {reason}"),
    }
}
