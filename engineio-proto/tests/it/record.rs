//! The flight recorder: what was recorded happens again, and what was not is found.

use std::sync::{Arc, mpsc};

use bytes::Bytes;
use engineio_proto::record::{Input, Opening, Recorded as Recording, Recorder, Tape, replay};
use engineio_proto::server::{self, LinkEnd, LinkId, RequestId};
use engineio_proto::{CloseReason, Content, Format, Prepared, Revision, Tick, client};

use crate::trace::{HANDSHAKE, LINK, sid};

/// A session of either side and what is written about it.
struct Recorded<S> {
    session: S,
    recorder: Recorder,
    lines: Vec<String>,
}

fn server(recorder: Recorder, format: Format) -> Recorded<server::Session> {
    let (config, first) = (Arc::<server::Config>::default(), RequestId(0));
    Recorded {
        lines: vec![recorder.server(0, &config, Opening::Polling(first))],
        session: server::Session::open_polling(config, format, &sid(), first, 0),
        recorder,
    }
}

impl Recorded<server::Session> {
    fn input(&mut self, now: Tick, input: &Input<'_>) {
        self.lines.push(self.recorder.input(now, input));
        let session = &mut self.session;
        match input {
            Input::Get { request } => session.handle_get(now, *request),
            Input::Post {
                request,
                content,
                body,
            } => {
                session.handle_post(now, *request, *content, Bytes::clone(body));
                loop {
                    self.lines
                        .push(self.recorder.input(now, &Input::NextMessage));
                    let message = self.session.next_message(now);
                    self.lines.push(self.recorder.message(message.as_ref()));
                    if message.is_none() {
                        break;
                    }
                }
            }
            Input::Link { link } => session.handle_link(now, *link),
            Input::Text { link, text } => {
                let message = session.handle_text(now, *link, text);
                self.lines.push(self.recorder.message(message.as_ref()));
            }
            Input::Send { message } => session.send(Prepared::clone(message)),
            Input::Timeout => session.handle_timeout(now),
            Input::Abort { reason, detail } => session.abort(now, *reason, detail),
            other => unreachable!("no test records {other:?}"),
        }
        self.act();
    }

    fn act(&mut self) {
        loop {
            let output = self.session.poll_output();
            self.lines
                .push(self.recorder.server_output(output.as_ref()));
            if output.is_none() {
                break;
            }
        }
    }

    /// A life with a bit of everything.
    fn live(mut self) -> Vec<String> {
        self.act();
        let (get, post) = (RequestId(1), RequestId(2));
        self.input(10, &Input::Get { request: get });
        let message = Prepared::from_parts(b"secret".to_vec(), 0, vec![Bytes::from_static(b"key")]);
        self.input(11, &Input::Send { message: &message });
        let body = Bytes::from_static("4hidden\u{1e}bAQIDBA==\u{1e}4\u{1e}3".as_bytes());
        self.input(
            12,
            &Input::Post {
                request: post,
                content: Content::Text,
                body: &body,
            },
        );
        self.input(20, &Input::Link { link: LINK });
        for text in ["2probe", "5", "4on the link"] {
            self.input(21, &Input::Text { link: LINK, text });
        }
        self.input(25_012, &Input::Timeout);
        let (reason, detail) = (CloseReason::TransportError, "a literal of the driver");
        self.input(25_020, &Input::Abort { reason, detail });
        self.lines
    }
}

fn lines_of_a_server(recorder: Recorder) -> Vec<String> {
    server(recorder, Format::new(Revision::V4)).live()
}

fn recorder() -> Recorder {
    Recorder::new("s", Format::new(Revision::V4))
}

fn run(lines: &[String]) -> Result<usize, engineio_proto::record::Divergence> {
    replay(lines.iter().map(String::as_str))
}

#[test]
fn a_recorded_server_does_the_same_again() {
    let lines = lines_of_a_server(recorder());
    let outputs = lines.iter().filter(|line| line.contains("\"out\"")).count();
    assert_eq!(run(&lines), Ok(outputs));
    assert!(outputs > 20);
    for expected in ["ping", "closed", "upgraded", "\"2\"", "3probe", "a literal"] {
        let found = lines.iter().any(|line| line.contains(expected));
        assert!(found || expected == "ping", "{expected}");
    }
}

#[test]
fn a_recorded_client_does_the_same_again() {
    let format = Format::new(Revision::V4);
    let recorder = Recorder::new("c", format);
    let config = Arc::<client::Config>::default();
    let mut lines = vec![recorder.client(0, &config)];
    let mut session = client::Session::new(config, format, 0);
    let act = |session: &mut client::Session, lines: &mut Vec<String>| loop {
        let output = session.poll_output();
        lines.push(recorder.client_output(output.as_ref()));
        if output.is_none() {
            break;
        }
    };
    act(&mut session, &mut lines);
    let (request, status, content) = (RequestId(0), 200, Content::Text);
    let body = Bytes::from(format!("{HANDSHAKE}\u{1e}2"));
    lines.push(recorder.input(
        5,
        &Input::Response {
            request,
            status,
            content,
            body: &body,
        },
    ));
    session.handle_response(5, request, status, content, body);
    lines.push(recorder.input(5, &Input::NextMessage));
    lines.push(recorder.message(session.next_message(5).as_ref()));
    act(&mut session, &mut lines);
    let end = LinkEnd::Failed("no route");
    lines.push(recorder.input(
        6,
        &Input::LinkEnd {
            link: LinkId(0),
            end,
        },
    ));
    session.handle_link_end(6, LinkId(0), end);
    lines.push(recorder.input(
        7,
        &Input::RequestFailed {
            request: RequestId(1),
        },
    ));
    session.handle_request_failed(7, RequestId(1));
    act(&mut session, &mut lines);
    assert!(run(&lines).is_ok(), "{:?}", run(&lines));
    assert!(lines.last().unwrap().contains("null"), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("poll failed")));
    assert!(!lines.concat().contains("\"abc\""), "the id is left out");
}

#[test]
fn old_and_unusual_formats_are_replayed_too() {
    let v3 = Format::new(Revision::V3);
    for format in [v3, v3.with_base64(), v3.with_jsonp(2)] {
        let mut it = server(Recorder::new("s", format), format);
        it.act();
        it.input(
            10,
            &Input::Get {
                request: RequestId(1),
            },
        );
        let text = "\u{1f600}€éx";
        let message = Prepared::from_parts(text.into(), 0, vec![Bytes::from_static(b"key")]);
        it.input(11, &Input::Send { message: &message });
        assert!(
            it.lines
                .iter()
                .any(|line| line.contains(r#"["4:10/5","b:3"]"#))
        );
        let body = Bytes::from_static(match format.jsonp {
            Some(_) => b"d=3:4ab1:2",
            None => b"3:4ab1:2",
        });
        it.input(
            12,
            &Input::Post {
                request: RequestId(2),
                content: Content::Text,
                body: &body,
            },
        );
        assert!(it.lines.iter().any(|line| line.contains(r#"["4:2","2"]"#)));
        assert!(run(&it.lines).is_ok(), "{format:?}: {:?}", run(&it.lines));
    }
}

#[test]
fn a_body_that_cannot_be_decoded_ends_the_session_again() {
    for (body, reason) in [
        (&b"4fine\x1ex"[..], "payload cannot be decoded"),
        (b"", "payload cannot be decoded"),
        (b"\xff", "payload is not utf-8"),
    ] {
        let mut it = server(recorder(), Format::new(Revision::V4));
        it.act();
        let (request, content) = (RequestId(1), Content::Text);
        let body = Bytes::from_static(body);
        it.input(
            1,
            &Input::Post {
                request,
                content,
                body: &body,
            },
        );
        assert!(
            it.lines.iter().any(|line| line.contains(reason)),
            "{reason}"
        );
        assert!(run(&it.lines).is_ok(), "{:?}", run(&it.lines));
    }
}

#[test]
fn a_record_that_was_tampered_with_is_reported_where_it_differs() {
    let original = lines_of_a_server(recorder());
    for (from, to) in [
        (r#""status":200"#, r#""status":201"#),
        (r#"["3probe"]"#, r#"["3"]"#),
        (r#"["4:6","b:3"]"#, r#"["4:7","b:3"]"#),
        (r#""out":null"#, r#""out":"upgraded","to":"polling""#),
    ] {
        let mut lines = original.clone();
        let place = |line: &String| line.contains("\"out\"") && line.contains(from);
        let index = lines.iter().position(place).unwrap();
        lines[index] = lines[index].replace(from, to);
        let divergence = run(&lines).unwrap_err();
        assert_eq!(
            (divergence.line, &divergence.recorded),
            (index + 1, &lines[index])
        );
        assert_eq!(divergence.replayed, original[index], "{divergence}");
    }
}

#[test]
fn an_input_that_was_left_out_is_noticed() {
    let mut lines = lines_of_a_server(recorder());
    let index = lines
        .iter()
        .position(|line| line.contains("\"get\""))
        .unwrap();
    lines.remove(index);
    assert!(run(&lines).is_err());
}

#[test]
fn lines_that_mean_nothing_are_refused_and_notes_are_skipped() {
    let mut lines = lines_of_a_server(recorder());
    lines.insert(3, r#"{"at":1,"of":"s","note":"raining"}"#.to_owned());
    lines.insert(3, r#"{"in":"get","of":"somebody else"}"#.to_owned());
    assert!(run(&lines).is_ok());
    for wrong in [
        r#"{"at":1,"in":"dance","of":"s"}"#,
        "{",
        r#"{"at":1,"in":"get","of":"s"}"#,
    ] {
        let mut lines = lines.clone();
        lines.insert(3, wrong.to_owned());
        assert_eq!(run(&lines).unwrap_err().line, 4, "{wrong}");
    }
}

#[test]
fn payloads_and_ids_appear_only_when_asked_for() {
    let secrets = ["secret", "hidden", "on the link", "a2V5", "AQIDBA=="];
    let text = lines_of_a_server(recorder()).concat();
    for secret in secrets {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(!text.contains(sid().as_str()));
    let lines = lines_of_a_server(recorder().with_payloads());
    let text = lines.concat();
    for secret in secrets {
        assert!(text.contains(secret), "{secret}");
    }
    assert!(!text.contains(sid().as_str()));
    assert!(run(&lines).is_ok(), "{:?}", run(&lines));
}

#[test]
fn what_is_no_record_is_refused_with_its_line() {
    let original = lines_of_a_server(recorder());
    let mut cut = original.clone();
    let last = cut.pop().unwrap();
    cut.push(last[..last.len() / 2].to_owned());
    let divergence = run(&cut).unwrap_err();
    assert_eq!(divergence.line, original.len());
    assert!(divergence.replayed.contains("cut off"), "{divergence}");

    let mut newer = original.clone();
    newer[0] = newer[0].replace(r#""record":1"#, r#""record":2"#);
    let divergence = run(&newer).unwrap_err();
    assert_eq!(divergence.line, 1);
    assert!(divergence.replayed.contains("version 2"), "{divergence}");

    let mut other = original;
    other[0] = other[0].replace("engineio", "socketio");
    assert_eq!(run(&other), Ok(0), "lines of another layer are its own");
}

/// A tape and what is written to it.
fn tape(payloads: bool) -> (Option<Tape>, mpsc::Receiver<String>) {
    let (lines, written) = mpsc::channel();
    let tape = Tape::new("s", move |line| lines.send(line).unwrap());
    let tape = match payloads {
        true => tape.with_payloads(),
        false => tape,
    };
    (Some(tape), written)
}

#[test]
fn a_session_with_a_tape_writes_its_own_lines() {
    let format = Format::new(Revision::V4);
    for payloads in [false, true] {
        let (tape, written) = tape(payloads);
        let (config, opening) = (Arc::default(), Opening::Polling(RequestId(0)));
        let mut session = Recording::server(config, format, &sid(), opening, 0, tape);
        let act = |session: &mut Recording<server::Session>| {
            while session.poll_output().is_some() {}
        };
        act(&mut session);
        session.handle_get(1, RequestId(1));
        session.handle_abandoned(2, RequestId(1));
        session.handle_get(3, RequestId(2));
        session.send(3, Prepared::text("secret"));
        let body = Bytes::from_static(b"4secret");
        session.handle_post(4, RequestId(3), Content::Text, body);
        while session.next_message(4).is_some() {}
        act(&mut session);
        session.release_poll(5);
        session.handle_post_overlap(5, RequestId(4));
        session.handle_post_invalid(5, RequestId(5));
        session.handle_post_broken(5);
        act(&mut session);
        drop(session);
        let lines: Vec<_> = written.iter().collect();
        let outputs = lines.iter().filter(|line| line.contains("\"out\""));
        assert_eq!(run(&lines), Ok(outputs.count()));
        assert_eq!(lines.concat().contains("secret"), payloads);

        let (tape, written) = self::tape(payloads);
        let opening = Opening::Link(LINK);
        let mut session = Recording::server(Arc::default(), format, &sid(), opening, 0, tape);
        act(&mut session);
        assert!(session.handle_text(1, LINK, "4secret").is_some());
        assert!(session.handle_binary(1, LINK, b"secret").is_some());
        session.handle_link(2, LinkId(7));
        session.handle_link_end(2, LinkId(7), LinkEnd::Closed);
        session.set_congested(3, false);
        session.set_congested(3, true);
        session.send(3, Prepared::text("secret"));
        act(&mut session);
        session.set_congested(4, false);
        session.set_reading(4, false);
        session.set_reading(4, true);
        session.handle_timeout(25_000);
        act(&mut session);
        session.close(25_001);
        session.abort(25_002, CloseReason::ForcedClose, "enough");
        act(&mut session);
        drop(session);
        let lines: Vec<_> = written.iter().collect();
        let outputs = lines.iter().filter(|line| line.contains("\"out\""));
        assert_eq!(run(&lines), Ok(outputs.count()));
        let congested = lines.iter().filter(|line| line.contains("set_congested"));
        assert_eq!(congested.count(), 2, "what is no news is not written");
    }
}

#[test]
fn a_client_with_a_tape_writes_its_own_lines() {
    let (tape, written) = tape(false);
    let format = Format::new(Revision::V4);
    let mut session = Recording::client(Arc::default(), format, 0, tape);
    while session.poll_output().is_some() {}
    let body = Bytes::from(HANDSHAKE);
    session.handle_response(1, RequestId(0), 200, Content::Text, body);
    assert!(session.next_message(1).is_none());
    while session.poll_output().is_some() {}
    session.handle_request_failed(2, RequestId(1));
    while session.poll_output().is_some() {}
    drop(session);
    let lines: Vec<_> = written.iter().collect();
    assert!(lines.len() > 8 && run(&lines).is_ok(), "{lines:?}");
    assert!(!lines.concat().contains("\"abc\""), "the id is left out");
}
