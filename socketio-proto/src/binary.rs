//! Binary values inside user data: how bytes leave the JSON text for the attachments when a packet
//! is encoded, and come back when its arguments are parsed. What a placeholder may look like on the
//! wire is checked in `json`.

use std::{cell::RefCell, fmt, ops::Deref};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, IgnoredAny, MapAccess, Unexpected, Visitor},
    ser::SerializeStruct,
};

/// Bytes that travel as an attachment, anywhere inside the data of an event or acknowledgement.
///
/// Encoding a packet moves the bytes to its attachments and parsing [`Args`](crate::Args) takes
/// them from there, both without copying. It works inside options, lists, maps, and flattened or
/// untagged types.
///
/// Outside of a packet it is bytes like any other: written with `serialize_bytes`, and read from
/// formats that have them. Plain JSON has none, nor has `serde_json::Value`: data of unknown shape
/// is for [`Value`](crate::Value) to read.
///
/// ```
/// # use socketio_proto::{Args, ArgsError, Binary};
/// # let args = Args::new(r#"[{"_placeholder":true,"num":0}]"#, vec!["four".into()])?;
/// let data: Binary = args.parse()?;
/// assert_eq!(data.len(), 4);
/// # Ok::<(), ArgsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Binary(pub Bytes);

impl Deref for Binary {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.0
    }
}

impl AsRef<[u8]> for Binary {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Bytes> for Binary {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl From<Vec<u8>> for Binary {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&'static [u8]> for Binary {
    fn from(bytes: &'static [u8]) -> Self {
        Self(Bytes::from_static(bytes))
    }
}

impl From<Binary> for Bytes {
    fn from(binary: Binary) -> Self {
        binary.0
    }
}

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match attach(|| self.0.clone()) {
            Some(num) => {
                let mut placeholder = serializer.serialize_struct("Placeholder", 2)?;
                placeholder.serialize_field(FLAG, &true)?;
                placeholder.serialize_field(NUM, &num)?;
                placeholder.end()
            }
            None => serializer.serialize_bytes(&self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(BinaryVisitor)
        } else {
            deserializer.deserialize_byte_buf(BinaryVisitor)
        }
    }
}

/// Runs `parse` with these attachments at the disposal of every [`Binary`] in it.
pub(crate) fn reading<R>(attachments: &[Bytes], parse: impl FnOnce() -> R) -> R {
    // Most packets have none, and outside of all packets there are none to be hidden.
    if attachments.is_empty() && is_outside() {
        return parse();
    }
    let _outer = Enclosing::of(Scope::Reading(attachments.to_vec()));
    parse()
}

/// Runs `serialize` and returns the attachments collected meanwhile.
pub(crate) fn writing<R>(serialize: impl FnOnce() -> R) -> (R, Vec<Bytes>) {
    let outer = Enclosing::of(Scope::Writing(Vec::new()));
    let result = serialize();
    match outer.leave() {
        Scope::Writing(attachments) => (result, attachments),
        // Only on a thread that is being torn down, where nothing could be collected either.
        Scope::Outside | Scope::Reading(_) => (result, Vec::new()),
    }
}

/// Adds an attachment to the packet that is being encoded and returns its number; `None` outside of
/// an encoder.
pub(crate) fn attach(bytes: impl FnOnce() -> Bytes) -> Option<usize> {
    let attach = |scope: &RefCell<Scope>| match &mut *scope.borrow_mut() {
        Scope::Writing(attachments) => {
            attachments.push(bytes());
            Some(attachments.len() - 1)
        }
        Scope::Outside | Scope::Reading(_) => None,
    };
    SCOPE.try_with(attach).ok().flatten()
}

/// Returns an attachment of the packet that is being read; `None` outside of `Args`.
pub(crate) fn attachment(num: usize) -> Option<Binary> {
    let find = |scope: &RefCell<Scope>| match &*scope.borrow() {
        Scope::Reading(attachments) => attachments.get(num).cloned().map(Binary),
        Scope::Outside | Scope::Writing(_) => None,
    };
    SCOPE.try_with(find).ok().flatten()
}

/// What stands in JSON for the attachment of this number.
pub(crate) struct Placeholder(pub(crate) usize);

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(num) = self;
        write!(f, r#"{{"{FLAG}":true,"{NUM}":{num}}}"#)
    }
}

/// The key whose `true` makes a placeholder of an object.
pub(crate) const FLAG: &str = "_placeholder";

/// The key of a placeholder that has the number of its attachment.
pub(crate) const NUM: &str = "num";

/// serde has no way to hand context to a type deep inside user data, hence the one thread local of
/// this crate. It is set only while the encoder or `Args` runs serde, so what one packet carries
/// never shows in another.
enum Scope {
    Outside,
    Reading(Vec<Bytes>),
    Writing(Vec<Bytes>),
}

thread_local! {
    static SCOPE: RefCell<Scope> = const { RefCell::new(Scope::Outside) };
}

fn replace(scope: Scope) -> Scope {
    SCOPE
        .try_with(|current| current.replace(scope))
        .unwrap_or(Scope::Outside)
}

fn is_outside() -> bool {
    SCOPE.try_with(|scope| matches!(*scope.borrow(), Scope::Outside)) == Ok(true)
}

/// Restores the enclosing scope, also when user code unwinds.
struct Enclosing(Option<Scope>);

impl Enclosing {
    fn of(inner: Scope) -> Self {
        Self(Some(replace(inner)))
    }

    /// Restores it now, and returns the inner one.
    fn leave(mut self) -> Scope {
        self.0.take().map_or(Scope::Outside, replace)
    }
}

impl Drop for Enclosing {
    fn drop(&mut self) {
        if let Some(outer) = self.0.take() {
            replace(outer);
        }
    }
}

struct BinaryVisitor;

impl<'de> Visitor<'de> for BinaryVisitor {
    type Value = Binary;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("binary data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Binary, A::Error> {
        let mut flag = false;
        let mut num = None;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                FLAG => flag = map.next_value()?,
                NUM => num = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let bytes = if flag { num.and_then(attachment) } else { None };
        bytes.ok_or_else(|| A::Error::invalid_type(Unexpected::Map, &self))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Binary, E> {
        Ok(Bytes::copy_from_slice(bytes).into())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Binary, E> {
        Ok(bytes.into())
    }
}
