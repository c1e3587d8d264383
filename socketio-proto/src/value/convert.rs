//! What becomes a [`Value`]. Nothing here fails or looks into a packet.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Number;

use super::Value;
use crate::Binary;

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Null
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

// Not `u8`: whether a `Vec<u8>` is bytes or a list of numbers is for the caller to say.

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(number.into())
    }
}

/// NaN and infinities become null, as in JavaScript.
impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Number::from_f64(number).map_or(Self::Null, Self::Number)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<Binary> for Value {
    fn from(bytes: Binary) -> Self {
        Self::Binary(bytes)
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes.into())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, T::into)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

impl From<BTreeMap<String, Self>> for Value {
    fn from(fields: BTreeMap<String, Self>) -> Self {
        Self::Object(fields)
    }
}

/// Objects remain objects, whatever they look like.
impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        match value {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(flag) => Self::Bool(flag),
            serde_json::Value::Number(number) => Self::Number(number),
            serde_json::Value::String(text) => Self::String(text),
            serde_json::Value::Array(items) => items.into(),
            serde_json::Value::Object(fields) => fields.into_iter().collect(),
        }
    }
}

/// Collects an array.
impl<T: Into<Self>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::Array(items.into_iter().map(T::into).collect())
    }
}

/// Collects an object; of values for the same key the last remains.
impl<K: Into<String>, T: Into<Self>> FromIterator<(K, T)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, T)>>(fields: I) -> Self {
        let fields = fields.into_iter();
        Self::Object(
            fields
                .map(|(key, value)| (key.into(), value.into()))
                .collect(),
        )
    }
}
