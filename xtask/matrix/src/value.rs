//! Values that go around.

use anyhow::{Result, ensure};
use serde::ser::{Serialize, SerializeTuple as _, Serializer};
use serde_json::json;
pub(crate) use socketio_client::{Binary, Value};

/// Arguments of an event, as many as there are.
pub(crate) struct Arguments<'a>(pub(crate) &'a [Value]);

impl Serialize for Arguments<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for argument in self.0 {
            tuple.serialize_element(argument)?;
        }
        tuple.end()
    }
}

/// One of every kind, apart from binary.
pub(crate) fn every_kind() -> Vec<Value> {
    let json = json!([
        1, -7, 1.5, 9_007_199_254_740_991_u64, 1e-300, "", "text", true, false, null, [], {},
        [[1, [2]], { "a": { "b": [null] } }],
        { "key with \"quotes\"": "back\\slash\n" },
    ]);
    Value::from(json).as_array().unwrap_or_default().to_vec()
}

/// Characters of one byte to four, in UTF-8, and of one unit or two, in UTF-16.
pub(crate) const TEXTS: [&str; 5] = [
    "naïve café",
    "漢字かな",
    "😀 👩‍👩‍👧‍👦 𝒳",
    "\u{2028}\u{2029}\u{0}\u{1f}",
    "\u{d7ff}\u{e000}\u{fffd}",
];

/// Bytes that differ from each other.
pub(crate) fn bytes(len: usize) -> Value {
    let bytes: Vec<u8> = (0..len).map(|at| (at * 7 % 251) as u8).collect();
    Value::from(Binary::from(bytes))
}

/// Buffers at every depth, an empty one, and one that occurs twice.
pub(crate) fn nested_binary() -> Vec<Value> {
    let object = |entries: Vec<(&str, Value)>| entries.into_iter().collect::<Value>();
    vec![
        bytes(3),
        object(vec![
            (
                "a",
                Value::from(vec![bytes(3), object(vec![("b", bytes(300))])]),
            ),
            ("text", "between".into()),
        ]),
        Value::from(vec![Value::from(vec![bytes(1)])]),
        42.into(),
        bytes(0),
    ]
}

/// Fails unless they are the same. Numbers are what JavaScript takes them for: 2 is 2.0.
pub(crate) fn same(found: &[Value], expected: &[Value], what: &str) -> Result<()> {
    let is_same =
        found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| is_same(a, b));
    ensure!(
        is_same,
        "{what}: got {} instead of {}",
        brief(found),
        brief(expected)
    );
    Ok(())
}

fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let mut pairs = a.iter().zip(b);
            a.len() == b.len() && pairs.all(|((k, a), (l, b))| k == l && is_same(a, b))
        }
        _ => a == b,
    }
}

/// The start of it, if it is long.
fn brief(values: &[Value]) -> String {
    const LIMIT: usize = 200;
    let text = format!("{values:?}");
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_the_same_as_floats_and_other_values_are_not() {
        let values = |json| vec![Value::from(json)];
        same(&values(json!({"a": [2]})), &values(json!({"a": [2.0]})), "").unwrap();
        for (a, b) in [
            (json!(2), json!(3)),
            (json!([1]), json!([1, 1])),
            (json!({"a": 1}), json!({"b": 1})),
            (json!(null), json!(false)),
        ] {
            assert!(
                same(&values(a.clone()), &values(b.clone()), "").is_err(),
                "{a} {b}"
            );
        }
    }
}
