//! Revision 4: the default namespace opens itself, credentials travel in a query, a socket's id
//! follows from the link's, and a refusal is any value (protocol section 14).

mod query;

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    json,
    revision::{Answer, Credentials, Refusal, Request, Rules},
};

pub(crate) static RULES: Rules = Rules {
    implicit: Some("/"),
    reserved_events: &[],
    split_query: |nsp| match nsp.split_once('?') {
        Some((name, query)) => (name, Some(query)),
        None => (nsp, None),
    },
    write_request,
    // Parsers of this revision let a payload pass, and servers ignore it.
    read_request: |query, _| query.map(|query| Cow::Owned(query::to_json(query))),
    connect_fits: |payload| payload.is_none_or(json::is_object),
    refusal_fits: |payload| payload.is_none_or(is_refusal),
    socket_id: |nsp, link| Some(socket_id(nsp, link)),
    recovers: false,
    write_answer: |_, _, _| (),
    read_answer: |_, nsp, link| {
        Some(Answer {
            sid: socket_id(nsp, link).into(),
            pid: None,
        })
    },
    write_refusal,
    read_refusal,
    error_event: Some("error"),
};

fn write_request<'a>(nsp: &'a str, auth: Option<&'a Credentials>) -> Request<'a> {
    let nsp = match auth {
        Some(auth) if !auth.is_empty() => format!("{nsp}?{}", query::from_map(auth)).into(),
        _ => nsp.into(),
    };
    Request { nsp, payload: None }
}

/// The sockets of a client are told apart by their namespace.
fn socket_id(nsp: &str, link: &str) -> String {
    if nsp == "/" {
        link.to_owned()
    } else {
        format!("{nsp}#{link}")
    }
}

/// Servers send whatever the application wants to say; parsers let only these pass.
fn is_refusal(json: &str) -> bool {
    json.starts_with(['"', '{', '[', 'n']) && json::is_valid(json)
}

/// A client hears the data, if there is any, or else the message. Numbers and truth values are no
/// data: the first would be read for an id, and parsers refuse the second.
fn write_refusal(out: &mut Vec<u8>, message: &str, data: Option<&Value>) {
    match data {
        Some(data @ (Value::String(_) | Value::Array(_) | Value::Object(_))) => {
            json::append(out, data)
        }
        _ => json::append(out, &message),
    }
}

/// The server sent a message or data and does not say which.
fn read_refusal(json: &str) -> Refusal {
    let data = match serde_json::from_str(json) {
        Ok(Value::String(message)) => {
            return Refusal {
                message,
                data: None,
            };
        }
        Ok(Value::Null) | Err(_) => None,
        Ok(data) => Some(data),
    };
    let message = data.as_ref().and_then(|data| data.get("message"));
    let message = message.and_then(Value::as_str).unwrap_or_default();
    Refusal {
        message: message.to_owned(),
        data,
    }
}
