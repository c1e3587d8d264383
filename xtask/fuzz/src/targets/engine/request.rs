//! Heads of HTTP requests: what is wanted is what the query says, and refusals are well-formed.

use std::collections::HashMap;

use engineio_proto::{
    Format, Head, Request, RequestError, Revision, Sid, Transport, server::Config,
};
use serde_json::Value;

use crate::input::{Input, as_text};

const TRANSPORTS: [Transport; 2] = [Transport::Polling, Transport::Websocket];

pub(in crate::targets) fn request(input: &[u8]) {
    let mut input = Input::new(input);
    let config = Config {
        polling: !input.flag(),
        websocket: !input.flag(),
        allow_eio3: !input.flag(),
        ..Config::default()
    };
    let method = input.pick(&["GET", "POST", "PUT", ""]);
    let upgrade = input.flag();
    let origin = input.flag().then(|| input.bytes());
    let head = Head {
        subpath: input.pick(&["", "", "", "1", "1/x", "x"]),
        method,
        origin,
        upgrade,
        query: as_text(input.rest()),
    };
    let pairs = form_urlencoded::parse(head.query.as_bytes()).into_owned();
    let parameters: HashMap<_, _> = pairs.collect();
    let of = |name: &str| parameters.get(name).map(String::as_str);
    let revision = Revision::from_query(of("EIO"));
    let asked = of("transport").and_then(Transport::from_name);

    match Request::read(&head, &config) {
        Ok(Request::Open {
            transport, format, ..
        }) => {
            assert_eq!(Some(transport), asked);
            assert!(config.allows(transport));
            assert_eq!(upgrade, transport == Transport::Websocket);
            assert!(of("sid").is_none_or(str::is_empty));
            match format {
                Some(format) => check_format(format, revision, of),
                None => assert!(!config.allow_eio3 && revision.as_str() == "3"),
            }
        }
        Ok(Request::Session(request)) => {
            assert!(of("sid").is_some_and(|sid| !sid.is_empty()));
            assert_eq!(request.sid, of("sid").and_then(Sid::parse));
            check_format(request.format, revision, of);
            for revision in Revision::ALL {
                for transport in TRANSPORTS {
                    if let Err(error) = request.admit(Some((revision, transport))) {
                        check(&error);
                    }
                }
            }
            assert_eq!(request.admit(None), Err(RequestError::UnknownSid));
        }
        Ok(other) => panic!("{other:?}"),
        Err(error) => check(&error),
    }
}

fn check_format<'a>(format: Format, revision: Revision, of: impl Fn(&str) -> Option<&'a str>) {
    assert_eq!(format.revision, revision);
    assert_eq!(format.jsonp.is_some(), of("j").is_some());
    let base64 = of("b64").is_some_and(|it| !it.is_empty());
    assert_eq!(format.base64, base64);
}

fn check(error: &RequestError) {
    let response = error.response();
    assert!((400..500).contains(&response.status));
    let body: Result<Value, _> = serde_json::from_slice(&response.body);
    let Ok(body) = body else {
        panic!("the answer is no JSON");
    };
    assert_eq!(body["code"], error.code());
    assert_eq!(body["message"], error.to_string());
    assert_eq!(error.upgrade_response().status, 400);
}
