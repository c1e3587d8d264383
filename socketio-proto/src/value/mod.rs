//! Data of unknown shape, bytes included: the type, what it tells, and how it is read and written.
//! How bytes get into and out of a packet is `binary`'s business.

mod convert;

use std::{collections::BTreeMap, fmt, iter, ops::Index};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{
        Error, MapAccess, SeqAccess, Visitor,
        value::{self, MapDeserializer},
    },
};
use serde_json::Number;

use crate::{
    Binary,
    binary::{FLAG, NUM, attachment},
};

/// Anything an argument can be: a JSON value, or bytes, at any depth.
///
/// This is what `serde_json::Value` is for plain JSON. That type takes the bytes in a packet for the
/// objects that stand for them in its text, and sends those objects on without the bytes.
///
/// A value is always one argument when it is sent, also [`Null`](Self::Null) and
/// [`Array`](Self::Array). Objects come back sorted by key, and an object that only looks like a
/// placeholder, in a packet without attachments or outside of one, remains an object. To pass
/// arguments on unread, use [`Encoder::event_raw`](crate::Encoder::event_raw).
///
/// Reading follows as many levels of nesting as serde_json does for types of its own, 127.
///
/// Sending data back that nobody knows, with the bytes in it:
///
/// ```
/// # use socketio_proto::{Args, Encoder, Revision, Value};
/// # let args = Args::new(
/// #     r#"[{"name":"cat.png","parts":[{"_placeholder":true,"num":0}]}]"#,
/// #     vec!["meow".into()],
/// # )?;
/// let data: Value = args.parse()?;
/// assert_eq!(data["name"].as_str(), Some("cat.png"));
/// assert_eq!(data["parts"][0].as_binary().map(|bytes| bytes.len()), Some(4));
///
/// let sent = Encoder::new(Revision::V5, 0).event("/", None, "echo", &data)?;
/// assert_eq!(
///     sent.text(),
///     r#"51-["echo",{"name":"cat.png","parts":[{"_placeholder":true,"num":0}]}]"#
/// );
/// assert_eq!(sent.attachments, ["meow"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "complete by the protocol")]
pub enum Value {
    /// `null`; also what a missing argument reads as.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of 64 bits or a finite `f64`.
    Number(Number),
    /// Text.
    String(String),
    /// Bytes, which travel as an attachment.
    Binary(Binary),
    /// A list of values.
    Array(Vec<Self>),
    /// Values by their keys.
    Object(BTreeMap<String, Self>),
}

impl Value {
    /// The value of this key, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The truth value, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The number, if this is one written as an integer and in range.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The number, if this is one written as an integer and in range.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// The number, if this is one; integers are rounded to what an `f64` can hold.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes, if this is binary.
    pub fn as_binary(&self) -> Option<&Binary> {
        match self {
            Self::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The items, if this is an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The values by their keys, if this is an object.
    pub fn as_object(&self) -> Option<&BTreeMap<String, Self>> {
        match self {
            Self::Object(fields) => Some(fields),
            _ => None,
        }
    }

    fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }
}

/// What missing keys and items read as.
static NULL: Value = Value::Null;

/// The value of a key, null if there is none.
impl Index<&str> for Value {
    type Output = Self;

    fn index(&self, key: &str) -> &Self {
        self.get(key).unwrap_or(&NULL)
    }
}

/// An item of an array, null if there is none.
impl Index<usize> for Value {
    type Output = Self;

    fn index(&self, index: usize) -> &Self {
        let items = self.as_array().unwrap_or_default();
        items.get(index).unwrap_or(&NULL)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            // Not a unit, which would be no argument at all.
            Self::Null => serializer.serialize_none(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Binary(bytes) => bytes.serialize(serializer),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(fields) => serializer.collect_map(fields),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON or binary data")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Bytes::copy_from_slice(bytes).into())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Value, E> {
        Ok(Bytes::from(bytes).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((key, value)) = map.next_entry()? {
            fields.insert(key, value);
        }
        if let Some(bytes) = bytes_of(&fields) {
            Ok(bytes.into())
        } else if let Some(number) = number_of(&fields) {
            Ok(number.into())
        } else {
            Ok(fields.into())
        }
    }
}

/// The bytes this object stands for, if it is a placeholder of the packet that is being read.
fn bytes_of(fields: &BTreeMap<String, Value>) -> Option<Binary> {
    let is_placeholder = fields.get(FLAG)?.as_bool()?;
    let num = fields.get(NUM)?.as_u64()?.try_into().ok()?;
    is_placeholder.then(|| attachment(num))?
}

/// The number this object stands for, if serde_json says so. Its feature `arbitrary_precision`,
/// which any crate of a program may turn on, disguises numbers as objects.
fn number_of(fields: &BTreeMap<String, Value>) -> Option<Number> {
    let (key, Value::String(digits)) = fields.first_key_value()? else {
        return None;
    };
    let field = iter::once((key.as_str(), digits.as_str()));
    let object = MapDeserializer::<_, value::Error>::new(field);
    (fields.len() == 1).then(|| Number::deserialize(object).ok())?
}
