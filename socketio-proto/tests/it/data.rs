//! Any value a JavaScript peer could send, bytes included; and the notation of the vectors for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer, ser::SerializeTuple};
use serde_json::{Number, Value};
use socketio_proto::{Binary, Body, Packet};

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Data {
    Binary(Binary),
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Self>),
    Object(BTreeMap<String, Self>),
}

impl From<socketio_proto::Value> for Data {
    fn from(value: socketio_proto::Value) -> Self {
        use socketio_proto::Value;

        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(flag),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::String(text),
            Value::Binary(bytes) => Self::Binary(bytes),
            Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Value::Object(fields) => {
                let fields = fields.into_iter();
                Self::Object(fields.map(|(key, value)| (key, value.into())).collect())
            }
        }
    }
}

/// As many arguments as there are items.
pub(crate) struct Spread<'a>(pub(crate) &'a [Data]);

impl Serialize for Spread<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        self.0
            .iter()
            .try_for_each(|item| tuple.serialize_element(item))?;
        tuple.end()
    }
}

/// A packet in the form of the vectors: the data of an event starts with its name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plain {
    pub(crate) kind: u64,
    pub(crate) nsp: String,
    pub(crate) id: Option<u64>,
    pub(crate) data: Option<Data>,
}

impl Plain {
    pub(crate) fn of(packet: &Packet<'_>) -> Self {
        let json = |text: &str| serde_json::from_str(text).expect("checked by the decoder");
        let (kind, data) = match &packet.body {
            Body::Connect(auth) => (0, auth.as_deref().map(json)),
            Body::Disconnect => (1, None),
            Body::Event { name, args } => {
                let mut data = vec![Data::String(name.to_string())];
                data.extend(args.all::<Vec<Data>>().expect("valid arguments"));
                (2, Some(Data::Array(data)))
            }
            Body::Ack(args) => (3, Some(Data::Array(args.all().expect("valid arguments")))),
            Body::ConnectError(payload) => (4, Some(json(payload))),
            _ => panic!("a type of packet that no revision has"),
        };
        Self {
            kind,
            nsp: packet.nsp.to_string(),
            id: packet.id,
            data,
        }
    }
}

/// Reads the vectors' notation: `$hex` is bytes, `$undefined` and `$number` are what JSON makes of
/// those values.
pub(crate) fn from_notation(value: &Value) -> Data {
    match value {
        Value::Null => Data::Null,
        Value::Bool(flag) => Data::Bool(*flag),
        Value::Number(number) => Data::Number(number.clone()),
        Value::String(text) => Data::String(text.clone()),
        Value::Array(items) => Data::Array(items.iter().map(from_notation).collect()),
        Value::Object(fields) => {
            if let Some(Value::String(hex)) = fields.get("$hex") {
                return Data::Binary(bytes_of(hex).into());
            }
            if let Some(Value::String(date)) = fields.get("$date") {
                return Data::String(date.clone());
            }
            if fields.contains_key("$undefined") || fields.contains_key("$number") {
                return Data::Null;
            }
            Data::Object(
                fields
                    .iter()
                    .map(|(key, value)| (key.clone(), from_notation(value)))
                    .collect(),
            )
        }
    }
}

pub(crate) fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("two hex digits");
    (0..hex.len()).step_by(2).map(digits).collect()
}
