//! The parameters in a dynamic namespace's name, and how handlers get them.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::error::{ConnectError, Rejection};
use crate::extract::{EventContext, FromEvent};

/// The parameters in the name of a [dynamic](crate::Io::dynamic) namespace, as they stand there:
/// of `/game/{id}` and `/game/7` the parameter `id` is `7`. Empty in other namespaces.
///
/// ```
/// use socketio_server::{Io, Params};
///
/// let io = Io::builder().build();
/// io.dynamic("/{game}/{room}").on("where", async |params: Params| {
///     params.get("room").map(str::to_owned)
/// });
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params(Arc<[(Arc<str>, Box<str>)]>);

impl Params {
    pub(super) fn new(params: Vec<(Arc<str>, &str)>) -> Self {
        let params = params.into_iter();
        Self(params.map(|(name, value)| (name, value.into())).collect())
    }

    /// The parameter of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|it| it.0 == name).map(|it| it.1)
    }

    /// Names and values, in the order of the name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The parameters as a type: the only one as text or a number, several as a tuple in their
    /// order, or any number of them as a struct or a map by their names.
    ///
    /// # Errors
    /// If they do not fit.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ParamsError> {
        T::deserialize(Whole(self)).map_err(ParamsError)
    }
}

/// Parameters that are not of the type that was asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("parameters of the namespace do not fit: {0}")]
pub struct ParamsError(Error);

/// The parameters in the name of a [dynamic](crate::Io::dynamic) namespace as a type, by the rules
/// of [`Params::parse`].
///
/// A client that joins a namespace whose parameters do not fit, or sends an event there, is refused
/// with `Invalid namespace`. To have none of them come in, ask for them in
/// [`on_connect`](crate::Namespace::on_connect).
///
/// ```
/// use socketio_server::{ConnectError, Io, Param, Socket};
///
/// let io = Io::builder().build();
/// io.dynamic("/game/{id}/{seat}")
///     .on_connect(async |Param((id, seat)): Param<(u32, u8)>| match seat < 4 {
///         true => Ok(()),
///         false => Err(ConnectError::new(format!("game {id} has four seats"))),
///     });
/// ```
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a pattern in parameters")]
pub struct Param<T>(pub T);

impl<T> Deref for Param<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl FromEvent for Params {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        Ok(event.socket().namespace().params())
    }
}

impl<T: DeserializeOwned> FromEvent for Param<T> {
    fn from_event(event: &mut EventContext<'_>) -> Result<Self, Rejection> {
        let params = event.socket().namespace().params();
        let parsed = params.parse().map(Self);
        parsed.map_err(|_| Rejection::refuse(ConnectError::new("Invalid namespace")))
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

// ---- Reading ------------------------------------------------------------------------------

/// All parameters: several where a type takes several, or else the only one.
struct Whole<'a>(&'a Params);

/// One of them.
struct One<'a>(&'a str);

impl<'de> Whole<'de> {
    fn one(&self) -> Result<One<'de>, Error> {
        match &*self.0.0 {
            [(_, value)] => Ok(One(value)),
            params => Err(Error::invalid_length(params.len(), &"one parameter")),
        }
    }
}

macro_rules! one_of_all {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.one()?.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Whole<'de> {
    type Error = Error;

    one_of_all! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32
        deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32
        deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char
        deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_option deserialize_identifier
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.one()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let mut values = SeqDeserializer::new(self.0.iter().map(|(_, value)| One(value)));
        let value = visitor.visit_seq(&mut values)?;
        values.end()?;
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let named = self.0.iter().map(|(name, value)| (name, One(value)));
        visitor.visit_map(MapDeserializer::new(named))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident $expected:literal)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(Error::custom(concat!("expected ", $expected))),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for One<'de> {
    type Error = Error;

    parsed! {
        deserialize_bool visit_bool "true or false"
        deserialize_i8 visit_i8 "a small integer"
        deserialize_i16 visit_i16 "a small integer"
        deserialize_i32 visit_i32 "an integer"
        deserialize_i64 visit_i64 "an integer"
        deserialize_i128 visit_i128 "an integer"
        deserialize_u8 visit_u8 "a small number"
        deserialize_u16 visit_u16 "a small number"
        deserialize_u32 visit_u32 "a number"
        deserialize_u64 visit_u64 "a number"
        deserialize_u128 visit_u128 "a number"
        deserialize_f32 visit_f32 "a number"
        deserialize_f64 visit_f64 "a number"
        deserialize_char visit_char "one character"
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
        ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for One<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
