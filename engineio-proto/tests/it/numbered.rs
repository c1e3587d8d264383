//! A session whose driver has one number for requests and links alike: what it is spared.

use engineio_proto::server::{Config, LinkId, Session};
use engineio_proto::ws::Frame;
use engineio_proto::{
    Content, Format, Head, Message, Prepared, Request, RequestError, Revision, Tick, Transport,
};

use crate::trace::*;

fn open(transport: Transport) -> Session {
    let format = Format::new(Revision::V4);
    Session::open(std::sync::Arc::default(), transport, format, &sid(), 7, 0)
}

/// What a client asks for in its session, or for a new one.
fn wanted(method: &str, transport: &str, with_sid: bool) -> Request {
    let sid = sid();
    let sid = if with_sid { sid.as_str() } else { "" };
    let head = Head {
        method,
        subpath: "",
        query: &format!("EIO=4&transport={transport}&sid={sid}"),
        origin: None,
        upgrade: transport == "websocket",
    };
    Request::read(&head, &Config::default()).unwrap()
}

fn ask(session: &mut Session, now: Tick, wanted: &Request, id: u32, body: &str) -> Vec<String> {
    let body = body.to_owned().into();
    let asked = session.handle_request(now, wanted, id, Content::Text, body);
    assert_eq!(asked, Ok(()));
    let mut lines = messages(session, now);
    lines.extend(server_lines(session));
    lines
}

#[test]
fn the_number_names_what_opened_the_session() {
    let open_request = wanted("GET", "polling", false);
    let mut session = open(Transport::Polling);
    let asked = ask(&mut session, 0, &open_request, 7, "");
    assert_eq!(asked, ["reply 7: 200 0{…}"]);
    let mut session = open(Transport::Websocket);
    assert_eq!(server_lines(&mut session), ["send 7: 0{…}"]);
    assert_eq!(open_request.sid(), None);
    assert_eq!(open_request.format(), Ok(Revision::V4.into()));
}

#[test]
fn a_request_becomes_the_call_it_stands_for() {
    let mut session = open(Transport::Polling);
    server_lines(&mut session);
    let [get, post, put] = ["GET", "POST", "PUT"].map(|method| wanted(method, "polling", true));
    assert!(ask(&mut session, 1, &get, 8, "").is_empty());
    let posted = ask(&mut session, 2, &post, 9, "4a\u{1e}4b");
    assert_eq!(posted, ["a", "b", "reply 9: 200 ok"]);
    assert_eq!(ask(&mut session, 3, &put, 10, ""), ["reply 10: 500 "]);
    let link = wanted("GET", "websocket", true);
    assert_eq!(link.sid(), Some(sid()));
    assert!(ask(&mut session, 4, &link, 11, "").is_empty());
    session.handle_text(5, LinkId(11), "2probe");
    assert_eq!(
        server_lines(&mut session),
        ["send 11: 3probe", "reply 8: 200 6"]
    );
}

#[test]
fn a_request_that_does_not_fit_changes_nothing() {
    let mut session = open(Transport::Websocket);
    server_lines(&mut session);
    let get = wanted("GET", "polling", true);
    let refused = session.handle_request(1, &get, 8, Content::Text, "".into());
    assert_eq!(refused, Err(RequestError::BadRequest));
    assert!(server_lines(&mut session).is_empty());
}

#[test]
fn a_session_that_has_ended_is_unknown_to_every_request() {
    for method in ["GET", "POST", "PUT"] {
        let mut session = open(Transport::Polling);
        session.handle_end(1, 7);
        assert!(session.is_closed());
        let late = wanted(method, "polling", true);
        let refused = session.handle_request(2, &late, 8, Content::Text, "".into());
        assert_eq!(refused, Err(RequestError::UnknownSid), "{method}");
    }
}

#[test]
fn the_end_of_what_carries_nothing_any_more_is_no_end_of_the_session() {
    let mut session = open(Transport::Polling);
    server_lines(&mut session);
    session.handle_end(1, 7);
    assert!(!session.is_closed());
    let link = wanted("GET", "websocket", true);
    assert!(ask(&mut session, 2, &link, 8, "").is_empty());
    session.handle_end(3, 8);
    assert!(!session.is_closed());

    let mut session = open(Transport::Websocket);
    session.handle_end(4, 7);
    assert!(session.is_closed());
}

#[test]
fn of_the_frames_of_a_websocket_only_data_concerns_the_session() {
    let mut session = open(Transport::Websocket);
    server_lines(&mut session);
    let link = LinkId(7);
    let text = Frame::Text("4hi".into());
    assert_eq!(
        session.handle_frame(1, link, &text),
        Some(Message::Text("hi"))
    );
    let binary = Frame::Binary((&[1, 2][..]).into());
    let data = Message::Binary((&[1, 2]).into());
    assert_eq!(session.handle_frame(2, link, &binary), Some(data));
    let (code, reason) = (Some(1000), "".into());
    for frame in [
        Frame::Ping("4hi".as_bytes().into()),
        Frame::Pong("4hi".as_bytes().into()),
        Frame::Close { code, reason },
    ] {
        assert_eq!(session.handle_frame(3, link, &frame), None);
    }
    assert!(server_lines(&mut session).is_empty());
    assert!(!session.is_closed());
}

#[test]
fn a_message_that_came_can_be_sent_on() {
    let mut session = open(Transport::Websocket);
    session.send(Message::Text("hi").into());
    session.send(Prepared::from(Message::Binary((&[1, 2]).into())));
    let sent = ["send 7: 0{…}", "send 7: 4hi", "send 7: #0102"];
    assert_eq!(server_lines(&mut session), sent);
}
