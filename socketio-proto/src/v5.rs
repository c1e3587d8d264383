//! Revision 5: what its CONNECT and CONNECT_ERROR carry and which event names it reserves (protocol
//! sections 10 and 12).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    json,
    revision::{Answer, Refusal, Request, Rules},
};

pub(crate) static RULES: Rules = Rules {
    implicit: None,
    reserved_events: &[
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener",
    ],
    // A name with a query is just another name.
    split_query: |nsp| (nsp, None),
    write_request: |nsp, auth| Request {
        nsp: nsp.into(),
        payload: auth,
    },
    read_request: |_, payload| payload,
    connect_fits: |payload| payload.is_none_or(json::is_object),
    refusal_fits: |payload| {
        payload.is_some_and(|json| {
            json::is_object(json) || json.starts_with('"') && json::is_valid(json)
        })
    },
    socket_id: |_, _| None,
    recovers: true,
    write_answer: |out, sid, pid| {
        json::append(
            out,
            &AnswerJson {
                sid: sid.into(),
                pid: pid.map(Cow::from),
            },
        )
    },
    read_answer: |payload, _, _| {
        let AnswerJson { sid, pid } = serde_json::from_str(payload?).ok()?;
        (!sid.is_empty()).then_some(Answer { sid, pid })
    },
    write_refusal: |out, message, data| json::append(out, &RefusalOut { message, data }),
    read_refusal,
    error_event: None,
};

#[derive(Deserialize, Serialize)]
struct AnswerJson<'a> {
    #[serde(borrow)]
    sid: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
struct RefusalOut<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Value>,
}

/// Servers of other languages send a bare string or leave parts out; whatever can be read is
/// reported.
fn read_refusal(json: &str) -> Refusal {
    let (message, data) = match serde_json::from_str(json) {
        Ok(Value::String(message)) => (message, None),
        Ok(Value::Object(mut fields)) => {
            let message = match fields.remove("message") {
                Some(Value::String(message)) => message,
                _ => String::new(),
            };
            (message, fields.remove("data"))
        }
        _ => (String::new(), None),
    };
    Refusal { message, data }
}
