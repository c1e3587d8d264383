//! What the arguments of an event are for a Rust type: nothing, one value or several. Asked of the
//! type itself, through the first call it makes on a (de)serialiser. Reading and writing follow the
//! same rule.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
    forward_to_deserialize_any,
};

/// How a type spreads over a list of arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The unit type: no argument.
    Nothing,
    /// Any type but the other two: one argument.
    One,
    /// A tuple, or a fixed-size array, which serde cannot tell from one: an argument each.
    Several,
}

impl Shape {
    /// The shape of a type that can be read.
    pub(crate) fn of<'de, T: Deserialize<'de>>() -> Self {
        match T::deserialize(Probe) {
            Ok(_) => Self::One,
            Err(Answer(shape)) => shape,
        }
    }
}

struct Probe;

/// The answer travels as the error, because only an error ends a `Deserialize` at its first call.
#[derive(Debug)]
struct Answer(Shape);

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the shape of the type is known")
    }
}

impl std::error::Error for Answer {}

impl de::Error for Answer {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self(Shape::One)
    }
}

impl<'de> Deserializer<'de> for Probe {
    type Error = Answer;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Answer> {
        Err(Answer(Shape::One))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Answer> {
        Err(Answer(Shape::Nothing))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Answer> {
        Err(Answer(Shape::Several))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit_struct newtype_struct seq tuple_struct map struct enum identifier ignored_any
    }
}

/// Serialises a value with `inner` and notes the shape of the value.
///
/// What is written for [`Shape::Nothing`] is of no use to the caller.
pub(crate) struct Spread<'s, S> {
    pub(crate) inner: S,
    pub(crate) shape: &'s mut Shape,
}

impl<S> Spread<'_, S> {
    fn one(self) -> S {
        *self.shape = Shape::One;
        self.inner
    }
}

macro_rules! one {
    ($($method:ident($($arg:ident: $type:ty),*) -> $result:ident;)*) => {
        $(fn $method(self, $($arg: $type),*) -> Result<S::$result, S::Error> {
            self.one().$method($($arg),*)
        })*
    };
}

impl<S: Serializer> Serializer for Spread<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = S::SerializeSeq;
    type SerializeTuple = S::SerializeTuple;
    type SerializeTupleStruct = S::SerializeTupleStruct;
    type SerializeTupleVariant = S::SerializeTupleVariant;
    type SerializeMap = S::SerializeMap;
    type SerializeStruct = S::SerializeStruct;
    type SerializeStructVariant = S::SerializeStructVariant;

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        *self.shape = Shape::Nothing;
        self.inner.serialize_unit()
    }

    fn serialize_tuple(self, len: usize) -> Result<S::SerializeTuple, S::Error> {
        *self.shape = Shape::Several;
        self.inner.serialize_tuple(len)
    }

    one! {
        serialize_bool(v: bool) -> Ok;
        serialize_i8(v: i8) -> Ok;
        serialize_i16(v: i16) -> Ok;
        serialize_i32(v: i32) -> Ok;
        serialize_i64(v: i64) -> Ok;
        serialize_i128(v: i128) -> Ok;
        serialize_u8(v: u8) -> Ok;
        serialize_u16(v: u16) -> Ok;
        serialize_u32(v: u32) -> Ok;
        serialize_u64(v: u64) -> Ok;
        serialize_u128(v: u128) -> Ok;
        serialize_f32(v: f32) -> Ok;
        serialize_f64(v: f64) -> Ok;
        serialize_char(v: char) -> Ok;
        serialize_str(v: &str) -> Ok;
        serialize_bytes(v: &[u8]) -> Ok;
        serialize_none() -> Ok;
        serialize_unit_struct(name: &'static str) -> Ok;
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> Ok;
        serialize_seq(len: Option<usize>) -> SerializeSeq;
        serialize_tuple_struct(name: &'static str, len: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> SerializeTupleVariant;
        serialize_map(len: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, len: usize) -> SerializeStruct;
        serialize_struct_variant(
            name: &'static str, index: u32, variant: &'static str, len: usize
        ) -> SerializeStructVariant;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.one().serialize_some(value)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.one().serialize_newtype_struct(name, value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.one()
            .serialize_newtype_variant(name, index, variant, value)
    }
}
