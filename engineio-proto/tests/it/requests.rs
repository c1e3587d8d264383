//! Which requests are let in, and how the others are refused (protocol.md §1.2, §7): a table of
//! our own, and what the reference did on the wire (`tests/vectors/http.json`).

use engineio_proto::server::{self, RequestId, Response};
use engineio_proto::{Content, Format, Head, Request, RequestError, Revision, Sid, Transport};
use serde_json::{Value, json};

use crate::trace::*;

/// A session as a request finds it.
type Existing = Option<(Revision, Transport)>;

const ON_POLLING: Existing = Some((Revision::V4, Transport::Polling));
const ON_WEBSOCKET: Existing = Some((Revision::V4, Transport::Websocket));

/// What becomes of a request: `open <transport>` or what it does to its session.
fn classify(
    head: &Head<'_>,
    config: &server::Config,
    existing: Existing,
) -> Result<String, RequestError> {
    match Request::read(head, config)? {
        Request::Open { transport, format } => match format {
            Some(_) => Ok(format!("open {transport}")),
            None => Err(RequestError::UnsupportedVersion),
        },
        Request::Session(request) => {
            let existing = existing.filter(|_| request.sid == Some(sid()));
            Ok(format!("{:?}", request.admit(existing)?))
        }
        _ => unreachable!("a request of a later version"),
    }
}

fn head<'a>(method: &'a str, query: &'a str, upgrade: bool) -> Head<'a> {
    Head {
        method,
        subpath: "",
        query,
        origin: None,
        upgrade,
    }
}

#[test]
fn queries_mean_the_same_with_and_without_escapes() {
    let read = |query: &str| Request::read(&head("GET", query, false), &server::Config::default());
    for (plain, escaped) in [
        ("EIO=4&transport=polling", "EIO=%34&transport=poll%69ng"),
        (
            "&&EIO=4&&transport=polling&",
            "&&EIO=4&&transport=polling&%20",
        ),
        ("transport=polling&EIO", "transport=polling&EIO&x=+"),
        ("transport=polling=&EIO=4", "transport=polling%3D&EIO=4"),
        (
            "transport=polling&EIO=4&sid=a=b",
            "transport=polling&EIO=4&sid=a%3Db",
        ),
        (
            "transport=polling&EIO=4&sid=",
            "transport=polling&%45IO=4&sid=",
        ),
        ("transport", "transport&%"),
        ("", "+"),
    ] {
        let [plain, escaped] = [plain, escaped].map(|query| format!("{:?}", read(query)));
        assert_eq!(plain, escaped);
    }
}

#[test]
fn requests_that_fit_are_let_in() {
    let id = sid();
    let with_sid = |query: &str| format!("{query}&sid={}", id.as_str());
    let [polling, websocket] = ["EIO=4&transport=polling", "EIO=4&transport=websocket"];
    let [polling_sid, websocket_sid] = [with_sid(polling), with_sid(websocket)];
    let table: [(&str, &str, bool, Existing, &str); 12] = [
        ("GET", polling, false, None, "open polling"),
        ("GET", websocket, true, None, "open websocket"),
        (
            "GET",
            "t=1&transport=polling&EIO=4&foo=%20",
            false,
            None,
            "open polling",
        ),
        (
            "GET",
            "EIO=4&transport=polling&sid=",
            false,
            None,
            "open polling",
        ),
        (
            "GET",
            "EIO=3&EIO=4&transport=x&transport=polling",
            false,
            None,
            "open polling",
        ),
        (
            "GET",
            "EIO=%34&transport=poll%69ng",
            false,
            None,
            "open polling",
        ),
        ("GET", &polling_sid, false, ON_POLLING, "Get"),
        ("POST", &polling_sid, false, ON_POLLING, "Post"),
        ("PUT", &polling_sid, false, ON_POLLING, "Nothing"),
        ("OPTIONS", &polling_sid, false, ON_POLLING, "Nothing"),
        ("GET", &websocket_sid, true, ON_POLLING, "Websocket"),
        // Whether it may move is for the session to say, on the open websocket.
        ("GET", &websocket_sid, true, ON_WEBSOCKET, "Websocket"),
    ];
    for (method, query, upgrade, existing, expected) in table {
        let outcome = classify(
            &head(method, query, upgrade),
            &server::Config::default(),
            existing,
        );
        assert_eq!(outcome.as_deref(), Ok(expected), "{method} {query}");
    }
}

#[test]
fn requests_that_do_not_fit_are_refused_with_status_code_and_message() {
    let id = sid();
    let with_sid = |query: &str| format!("{query}&sid={}", id.as_str());
    let [polling_sid, websocket_sid] =
        ["EIO=4&transport=polling", "EIO=4&transport=websocket"].map(with_sid);
    let [v3_sid, versionless_sid, moved_v3] = [
        "EIO=3&transport=polling",
        "transport=polling",
        "EIO=3&transport=websocket",
    ]
    .map(with_sid);
    let table: [(&str, &str, bool, Existing, u8); 28] = [
        ("GET", "", false, None, 0),
        ("GET", "EIO=4", false, None, 0),
        ("GET", "EIO=4&transport=", false, None, 0),
        ("GET", "EIO=4&transport=abc", false, None, 0),
        ("GET", "EIO=4&transport=POLLING", false, None, 0),
        ("GET", "EIO=4&transport=constructor", false, None, 0),
        ("GET", "EIO=4&transport=webtransport", false, None, 0),
        (
            "GET",
            "EIO=4&transport=polling&transport=abc",
            false,
            None,
            0,
        ),
        (
            "GET",
            "EIO=4&transport=polling&sid=abc",
            false,
            ON_POLLING,
            1,
        ),
        (
            "GET",
            "EIO=4&transport=polling&sid=__proto__",
            false,
            ON_POLLING,
            1,
        ),
        (
            "GET",
            "EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAAAAAA",
            false,
            ON_POLLING,
            1,
        ),
        ("GET", &polling_sid, false, None, 1),
        ("POST", &polling_sid, false, None, 1),
        ("GET", &websocket_sid, true, None, 1),
        ("POST", "EIO=4&transport=polling", false, None, 2),
        ("HEAD", "EIO=4&transport=polling", false, None, 2),
        ("OPTIONS", "EIO=4&transport=polling", false, None, 2),
        ("get", "EIO=4&transport=polling", false, None, 2),
        ("GET", "EIO=4&transport=websocket", false, None, 3),
        ("GET", "EIO=4&transport=polling", true, None, 3),
        ("GET", &websocket_sid, false, ON_POLLING, 3),
        ("GET", &polling_sid, false, ON_WEBSOCKET, 3),
        ("POST", &polling_sid, false, ON_WEBSOCKET, 3),
        ("GET", &polling_sid, true, ON_POLLING, 3),
        ("POST", &v3_sid, false, ON_POLLING, 3),
        ("POST", &versionless_sid, false, ON_POLLING, 3),
        ("GET", &moved_v3, true, ON_POLLING, 3),
        ("GET", "EIO=5&transport=polling", false, None, 5),
    ];
    let config = server::Config {
        allow_eio3: false,
        ..server::Config::default()
    };
    for (method, query, upgrade, existing, code) in table {
        let outcome = classify(&head(method, query, upgrade), &config, existing);
        assert_eq!(
            outcome.map_err(|it| it.code()),
            Err(code),
            "{method} {query}"
        );
    }
}

#[test]
fn whatever_is_not_revision_4_is_revision_3() {
    for (eio, revision) in [
        ("EIO=4", Revision::V4),
        ("EIO=3", Revision::V3),
        ("EIO=5", Revision::V3),
        ("EIO=04", Revision::V3),
        ("EIO=", Revision::V3),
        ("EIO", Revision::V3),
        ("", Revision::V3),
    ] {
        let query = format!("{eio}&transport=polling");
        let format = open_format(&query);
        assert_eq!(format, Format::new(revision), "{eio}");
    }
}

#[test]
fn clients_say_once_what_they_cannot_take() {
    let v3 = Format::new(Revision::V3);
    for (parameters, format) in [
        ("b64=1", v3.with_base64()),
        ("b64=0", v3.with_base64()),
        ("b64=", v3),
        ("b64", v3),
        ("j=0", v3.with_jsonp(0)),
        ("j=12abc34", v3.with_jsonp(1234)),
        ("j=);alert(7", v3.with_jsonp(7)),
        ("j", v3.with_jsonp(0)),
        ("j=3&b64=1", v3.with_jsonp(3).with_base64()),
    ] {
        let format_read = open_format(&format!("transport=polling&{parameters}"));
        assert_eq!(format_read, format, "{parameters}");
        assert_eq!(format.jsonp.is_some(), parameters.starts_with('j'));
    }
}

#[test]
fn content_is_what_the_header_announces_and_text_otherwise() {
    for (header, content) in [
        (Some("application/octet-stream"), Content::Binary),
        (Some("application/x-www-form-urlencoded"), Content::Form),
        (
            Some("application/x-www-form-urlencoded; charset=UTF-8"),
            Content::Form,
        ),
        (Some("text/plain; charset=UTF-8"), Content::Text),
        (
            Some("application/octet-stream; charset=UTF-8"),
            Content::Text,
        ),
        (Some(""), Content::Text),
        (None, Content::Text),
    ] {
        let read = Content::from_header(header.map(str::as_bytes));
        assert_eq!(read, content, "{header:?}");
    }
    for content in [Content::Text, Content::Binary, Content::Form] {
        let header = content.as_str().as_bytes();
        assert_eq!(Content::from_header(Some(header)), content);
    }
}

/// The format of the session that a query asks to open.
fn open_format(query: &str) -> Format {
    let request = Request::read(&head("GET", query, false), &server::Config::default());
    let Ok(Request::Open { format, .. }) = request else {
        panic!("{query}: {request:?}");
    };
    format.expect("both revisions are spoken by default")
}

#[test]
fn clients_of_socket_io_0_9_are_told_what_is_wrong() {
    for (subpath, is_obsolete) in [
        ("1", true),
        ("1/", true),
        ("1/xhr-polling/123", true),
        ("10/", false),
        ("", false),
        ("x/1/", false),
    ] {
        let head = Head {
            subpath,
            ..head("GET", "t=1234567890", false)
        };
        let error = Request::read(&head, &server::Config::default()).unwrap_err();
        let expected = match is_obsolete {
            true => RequestError::Obsolete,
            false => RequestError::UnknownTransport,
        };
        assert_eq!(error, expected, "{subpath}");
    }
    let response = RequestError::Obsolete.response();
    assert_eq!(
        (response.status, json_body(&response)["code"].as_u64()),
        (400, Some(5))
    );
    let message = json_body(&response)["message"].clone();
    assert!(
        message.as_str().unwrap().contains("Socket.IO 0.9"),
        "{message}"
    );
}

#[test]
fn every_error_has_its_status_code_and_body() {
    let table = [
        (RequestError::UnknownTransport, 400, 0, "Transport unknown"),
        (RequestError::UnknownSid, 400, 1, "Session ID unknown"),
        (
            RequestError::BadHandshakeMethod,
            400,
            2,
            "Bad handshake method",
        ),
        (RequestError::BadRequest, 400, 3, "Bad request"),
        (
            RequestError::Forbidden("Forbidden".into()),
            403,
            4,
            "Forbidden",
        ),
        (
            RequestError::Forbidden("say \"please\"".into()),
            403,
            4,
            "say \"please\"",
        ),
        (
            RequestError::UnsupportedVersion,
            400,
            5,
            "Unsupported protocol version",
        ),
    ];
    for (error, status, code, message) in table {
        let response = error.response();
        assert_eq!((response.status, error.code()), (status, code));
        assert_eq!(response.headers, [("content-type", "application/json")]);
        assert_eq!(
            json_body(&response),
            json!({ "code": code, "message": message })
        );

        let response = error.upgrade_response();
        assert_eq!(response.status, 400, "for {error} as well");
        let headers = [("connection", "close"), ("content-type", "text/html")];
        assert_eq!(response.headers, headers);
        assert_eq!(response.body, message.as_bytes());
    }
}

#[test]
fn error_body_has_the_references_member_order() {
    let body = RequestError::UnknownSid.response().body;
    assert_eq!(body, br#"{"code":1,"message":"Session ID unknown"}"#);
}

#[test]
fn origin_with_control_characters_is_a_bad_request() {
    let read = |origin: &'static [u8]| {
        let head = Head {
            origin: Some(origin),
            ..head("GET", "EIO=4&transport=polling", false)
        };
        Request::read(&head, &server::Config::default()).map(|_| ())
    };
    for origin in [&b"http://a\x00"[..], b"http://a\x7f", b"\r\n"] {
        assert_eq!(read(origin), Err(RequestError::BadRequest), "{origin:?}");
    }
    for origin in [&b"http://a"[..], b"null", b"\t", b"http://\xc3\xa9"] {
        assert_eq!(read(origin), Ok(()), "{origin:?}");
    }
}

#[test]
fn transports_that_are_switched_off_are_unknown() {
    let config = server::Config {
        websocket: false,
        ..Default::default()
    };
    let outcome = classify(
        &head("GET", "EIO=4&transport=websocket", true),
        &config,
        None,
    );
    assert_eq!(outcome, Err(RequestError::UnknownTransport));
    let config = server::Config {
        polling: false,
        ..Default::default()
    };
    let outcome = classify(
        &head("GET", "EIO=4&transport=polling", false),
        &config,
        None,
    );
    assert_eq!(outcome, Err(RequestError::UnknownTransport));
}

#[test]
fn ids_are_taken_as_they_are_written() {
    for id in ["AAAA-AAAA_AAAA0AAAA9", "____________________"] {
        assert_eq!(
            Sid::parse(id).map(|it| it.as_str().to_owned()).as_deref(),
            Some(id)
        );
    }
}

// ---- What the reference did on the wire ----------------------------------------------------

/// Rows about things that are decided elsewhere.
const NOT_OURS: [(&str, &str); 5] = [
    ("path", "paths are the driver's"),
    ("trailing slash", "paths are the driver's"),
    ("CORS", "headers and preflights are the driver's"),
    (
        "middleware failure",
        "the application's middlewares run in the driver",
    ),
    ("generateId failure", "making ids is the driver's"),
];

/// Rows where we deliberately answer otherwise.
const DIFFERENT: [(&str, &str); 2] = [
    (
        "ws EIO=3 refused",
        "a clean 400 rather than a websocket that breaks (protocol.md §7)",
    ),
    (
        "ws upgrade request with transport=polling",
        "a clean 400 rather than a websocket that closes (protocol.md §1.6)",
    ),
];

fn rows() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("../vectors/http.json")).unwrap();
    file["vectors"].as_array().unwrap().clone()
}

/// The configuration the row was captured with, as far as its name says so.
fn config_of(name: &str) -> server::Config {
    server::Config {
        websocket: !matches!(name, "polling only" | "websocket disabled"),
        allow_upgrades: name != "allowUpgrades false",
        allow_eio3: name.starts_with("v3 "),
        ..Default::default()
    }
}

fn url_query(row: &Value) -> Option<String> {
    let (_, query) = row["request"]["url"].as_str()?.split_once('?')?;
    Some(query.replace("<sid>", sid().as_str()))
}

fn json_body(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap()
}

#[test]
fn captured_requests_are_classified_as_the_reference_does() {
    let mut checked = 0;
    for row in rows() {
        let name = row["name"].as_str().unwrap();
        let Some(query) = url_query(&row) else {
            continue;
        };
        if NOT_OURS.iter().any(|(part, _)| name.contains(part)) || name.contains("allowRequest") {
            continue;
        }
        let upgrade = row["request"]["upgrade"] == "websocket";
        let method = row["request"]["method"].as_str().unwrap();
        let existing = match name.starts_with("v3 ") {
            true => Some((Revision::V3, Transport::Polling)),
            false => ON_POLLING,
        };
        let outcome = classify(&head(method, &query, upgrade), &config_of(name), existing);
        if let Some((_, reason)) = DIFFERENT.iter().find(|(it, _)| *it == name) {
            assert!(outcome.is_err(), "{name}: {reason}");
            continue;
        }
        let code = row["connection_error"][0]["code"].as_u64();
        let refused = outcome.as_ref().err().map(|it| u64::from(it.code()));
        assert_eq!(refused, code, "{name}: {outcome:?}");
        if let Err(error) = outcome {
            let (response, expected) = match upgrade {
                true => (error.upgrade_response(), &row["response"]),
                false => (error.response(), &row["response"]),
            };
            assert_eq!(u64::from(response.status), expected["status"], "{name}");
            for (header, value) in response.headers {
                assert_eq!(expected["headers"][header], *value, "{name}");
            }
            if method != "HEAD" {
                let body = str::from_utf8(&response.body).unwrap();
                assert_eq!(expected["body"]["text"], body, "{name}");
            }
        }
        checked += 1;
    }
    assert!(checked >= 40, "only {checked} rows were checked");
}

#[test]
fn refusals_of_the_application_are_worded_as_captured() {
    for (name, message) in [
        ("allowRequest refused with message", "thou shall not pass"),
        ("allowRequest refused without message", "Forbidden"),
        ("ws allowRequest refused", "thou shall not pass"),
    ] {
        let rows = rows();
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        let error = RequestError::Forbidden(message.into());
        let response = match name.starts_with("ws ") {
            true => error.upgrade_response(),
            false => error.response(),
        };
        assert_eq!(
            u64::from(response.status),
            row["response"]["status"],
            "{name}"
        );
        let body = str::from_utf8(&response.body).unwrap();
        assert_eq!(row["response"]["body"]["text"], body, "{name}");
    }
}

#[test]
fn captured_handshakes_are_ours_to_the_byte() {
    let names = [
        "v4 handshake polling",
        "allowUpgrades false",
        "polling only",
        "ws handshake v4",
        "v4 JSONP handshake",
        "v3 handshake polling",
        "v3 handshake without EIO",
        "v3 handshake b64=1",
        "v3 JSONP handshake",
        "v3 JSONP index sanitised",
    ];
    let mut checked = 0;
    for row in rows() {
        let name = row["name"].as_str().unwrap();
        if !names.contains(&name) {
            continue;
        }
        checked += 1;
        let config = server::Config {
            allow_eio3: true,
            ..config_of(name)
        };
        let upgrade = name.starts_with("ws ");
        let query = url_query(&row).unwrap();
        let request = Request::read(&head("GET", &query, upgrade), &config);
        let Ok(Request::Open { format, .. }) = request else {
            panic!("{name}: {request:?}");
        };
        let format = format.unwrap();
        let expected = match upgrade {
            true => &row["response"]["frames"][0],
            false => &row["response"]["body"]["text"],
        };
        let expected = expected.as_str().unwrap().replace("<sid>", sid().as_str());
        if upgrade {
            let mut session = server::Session::open_link(config.into(), format, &sid(), LINK, 0);
            let Some(server::Output::Send {
                item: server::Item::Message(open),
                ..
            }) = session.poll_output()
            else {
                panic!("no handshake");
            };
            let packets: Vec<_> = open.packets(format).collect();
            assert_eq!(packets, [engineio_proto::Message::Text(&expected)]);
            continue;
        }
        let get = RequestId(1);
        let mut session = server::Session::open_polling(config.into(), format, &sid(), get, 0);
        let Some(server::Output::Reply { response, .. }) = session.poll_output() else {
            panic!("no handshake");
        };
        assert_eq!(str::from_utf8(&response.body), Ok(&*expected), "{name}");
        for (header, value) in response.headers {
            assert_eq!(row["response"]["headers"][header], *value, "{name}");
        }
    }
    assert_eq!(checked, names.len());
}

#[test]
fn captured_posts_are_answered_as_the_reference_does() {
    let mut checked = 0;
    for row in rows() {
        let name = row["name"].as_str().unwrap();
        // Overlaps need two requests (see `close`), the limit is enforced by the driver.
        let elsewhere =
            name.contains("overlap") || name.contains("limit") || name.contains("over max");
        if row["request"]["method"] != "POST" || elsewhere {
            continue;
        }
        let query = url_query(&row).unwrap();
        let config = server::Config::default();
        let Ok(Request::Session(request)) = Request::read(&head("POST", &query, false), &config)
        else {
            continue;
        };
        // The capture of JSONP posts to a session that was opened with it.
        let format = request.format;
        let mut session = match name.starts_with("v3 ") {
            true => server_speaking(format, config),
            false => server_speaking(Revision::V4.into(), config),
        };
        let opened = (session.revision(), session.transport());
        if request.admit(Some(opened)).is_err() {
            continue;
        }
        let request = &row["request"];
        let header = request["headers"]["content-type"].as_str();
        let content = Content::from_header(header.map(str::as_bytes));
        let body = request["body"]["text"].as_str();
        let body = body.map_or_else(
            || unhex(request["body"]["hex"].as_str().unwrap()),
            |text| text.to_owned().into(),
        );
        session.handle_post(1, RequestId(1), content, body.into());
        let messages = messages(&mut session, 1);
        let expected = row["messages"].as_array().cloned().unwrap_or_default();
        let expected: Vec<_> = expected
            .iter()
            .map(|it| match it["hex"].as_str() {
                Some(hex) => format!("#{hex}"),
                None => it.as_str().unwrap().to_owned(),
            })
            .collect();
        assert_eq!(messages, expected, "{name}");

        let (status, body) = (&row["response"]["status"], &row["response"]["body"]["text"]);
        let mut lines = vec![format!("reply 1: {status} {}", body.as_str().unwrap())];
        let details = |closed: &str, detail: Option<&str>| match (closed, detail) {
            ("parse error", None) => {
                crate::trace::closed(closed, Some("payload cannot be decoded"))
            }
            _ => crate::trace::closed(closed, detail),
        };
        if let [reason, detail] = &row["session_close"][0]
            .as_array()
            .cloned()
            .unwrap_or_default()[..]
        {
            lines.push(details(reason.as_str().unwrap(), detail.as_str()));
        }
        assert_eq!(server_lines(&mut session), lines, "{name}");
        checked += 1;
    }
    assert_eq!(checked, 17, "rows were checked");
}
