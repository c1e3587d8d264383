//! What handlers may return, and what their clients get.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use socketio_server::{Ack, Binary, EventHandler, RawArgs, Reply, Value};

use crate::client::Client;
use crate::host::Host;

#[derive(Serialize)]
struct Point {
    x: i64,
    y: i64,
}

/// The client is answered the same by a plain handler and by an async one.
async fn assert_answer<R: Reply + Send + 'static>(
    make: impl Fn() -> R + Clone + Send + Sync + 'static,
    answer: &str,
) {
    let made = make.clone();
    assert_handler(make, answer).await;
    assert_handler(move || std::future::ready(made()), answer).await;
}

async fn assert_handler<M, H: EventHandler<M>>(handler: H, answer: &str) {
    let host = Host::new();
    host.io.on("ask", handler);
    let mut client: Client = host.join("/").await;
    client.say(r#"420["ask",{"a":1},"b"]"#).await;
    client.expect(&format!("430{answer}")).await;
}

#[tokio::test(start_paused = true)]
async fn a_value_is_one_argument_a_tuple_several() {
    assert_answer(|| (), "[]").await;
    assert_answer(|| true, "[true]").await;
    assert_answer(|| 'x', r#"["x"]"#).await;
    assert_answer(|| -7_i8, "[-7]").await;
    assert_answer(|| u64::MAX, "[18446744073709551615]").await;
    assert_answer(|| 0.5_f32, "[0.5]").await;
    assert_answer(|| "text", r#"["text"]"#).await;
    assert_answer(|| "text".to_owned(), r#"["text"]"#).await;
    assert_answer(|| Box::<str>::from("text"), r#"["text"]"#).await;
    assert_answer(|| Arc::<str>::from("text"), r#"["text"]"#).await;
    assert_answer(|| Cow::Borrowed("text"), r#"["text"]"#).await;
    assert_answer(|| &[1, 2][..], "[[1,2]]").await;
    assert_answer(|| vec![1, 2], "[[1,2]]").await;
    assert_answer(|| VecDeque::from([1, 2]), "[[1,2]]").await;
    assert_answer(|| BTreeSet::from([2, 1]), "[[1,2]]").await;
    assert_answer(|| HashSet::from([1]), "[[1]]").await;
    assert_answer(
        || BTreeMap::from([("b", 2), ("a", 1)]),
        r#"[{"a":1,"b":2}]"#,
    )
    .await;
    assert_answer(|| HashMap::from([("a", 1)]), r#"[{"a":1}]"#).await;
    assert_answer(|| Box::new(Point { x: 1, y: 2 }), r#"[{"x":1,"y":2}]"#).await;
    assert_answer(|| Arc::new(Point { x: 1, y: 2 }), r#"[{"x":1,"y":2}]"#).await;
    assert_answer(|| Ack(Point { x: 1, y: 2 }), r#"[{"x":1,"y":2}]"#).await;
    assert_answer(|| json!({ "a": [null] }), r#"[{"a":[null]}]"#).await;
    assert_answer(|| Value::from(7), "[7]").await;
    assert_answer(|| Some(7), "[7]").await;
    assert_answer(|| None::<Vec<u8>>, "[null]").await;
    assert_answer(|| (1,), "[1]").await;
    assert_answer(|| (1, "b", (2, 3)), r#"[1,"b",[2,3]]"#).await;
    assert_answer(
        || (1, 2, 3, 4, 5, 6, 7, "eight"),
        r#"[1,2,3,4,5,6,7,"eight"]"#,
    )
    .await;
    assert_answer(|| ["a", "b"], r#"["a","b"]"#).await;
    assert_answer(|| Ack((1, Point { x: 1, y: 2 })), r#"[1,{"x":1,"y":2}]"#).await;
}

#[tokio::test(start_paused = true)]
async fn a_result_is_its_value() {
    assert_answer(|| "7".parse::<u64>(), "[7]").await;
    assert_answer(|| Ok::<_, String>(("a", 1)), r#"["a",1]"#).await;
    assert_answer(|| Ok::<_, String>(Ack((1, 2))), "[1,2]").await;
    assert_answer(
        || Ok::<_, String>(Point { x: 1, y: 2 }),
        r#"[{"x":1,"y":2}]"#,
    )
    .await;
    assert_answer(|| Ok::<_, String>(None::<u8>), "[null]").await;
}

#[tokio::test(start_paused = true)]
async fn arguments_may_be_given_back_as_they_came() {
    assert_handler(|args: RawArgs| args, r#"[{"a":1},"b"]"#).await;
    let late = async |args: RawArgs| Ok::<_, String>(args);
    assert_handler(late, r#"[{"a":1},"b"]"#).await;
}

#[tokio::test(start_paused = true)]
async fn bytes_travel_as_bytes_wherever_they_are() {
    let host = Host::new();
    host.io
        .on("one", || Binary::from(vec![1]))
        .on("deep", || {
            HashMap::from([("it", Some(Arc::new(Binary::from(vec![1]))))])
        })
        .on("several", || ("a", Box::new(Binary::from(vec![1]))));
    let mut client = host.join("/").await;
    let place = r#"{"_placeholder":true,"num":0}"#;
    for (event, answer) in [
        ("one", format!("[{place}]")),
        ("deep", format!(r#"[{{"it":{place}}}]"#)),
        ("several", format!(r#"["a",{place}]"#)),
    ] {
        client.say(&format!(r#"420["{event}"]"#)).await;
        client.expect(&format!("461-0{answer}")).await;
        client.expect_binary(&[1]).await;
    }
}
