//! The arguments of an event or acknowledgement, kept as the JSON text they came in until somebody
//! wants them as a type.

use std::{borrow::Cow, fmt, marker::PhantomData};

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, SeqAccess, Visitor, value::UnitDeserializer},
    forward_to_deserialize_any,
};

use crate::{ArgsError, binary, json, shape::Shape};

/// The arguments of an event or acknowledgement: JSON text and attachments.
///
/// The text of a packet without attachments has not been checked when it gets here: it is read
/// once, straight into the type that is asked for. If that finds the text malformed, the peer has
/// violated the protocol and the connection has to be closed; see [`ArgsError`].
///
/// Bytes are read as [`Binary`](crate::Binary), and data of unknown shape as
/// [`Value`](crate::Value): `serde_json::Value` cannot hold bytes and gets the objects that stand
/// for them in the text.
///
/// ```
/// # use socketio_proto::{Args, ArgsError};
/// let args = Args::new(r#"["room", 7, [1, 2]]"#, Vec::new())?;
/// assert_eq!(args.parse::<String>()?, "room");
/// assert_eq!(args.parse::<(String, u8)>()?, ("room".to_owned(), 7));
/// assert_eq!(args.parse::<(String, u8, Vec<u8>, Option<bool>)>()?.3, None);
/// # Ok::<(), ArgsError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Args<'a> {
    /// A JSON array as far as its brackets go.
    text: Cow<'a, str>,
    /// Where the first argument starts: 1, or more if the event's name comes first.
    start: usize,
    attachments: Vec<Bytes>,
}

impl<'a> Args<'a> {
    /// Arguments from elsewhere than a packet: a JSON array of them, in which
    /// `{"_placeholder":true,"num":0}` stands for the first attachment and so on.
    ///
    /// # Errors
    /// [`ArgsError::Malformed`] if the text is no JSON array or a placeholder points at no
    /// attachment. Without attachments a placeholder is an object like any other.
    pub fn new(array: impl Into<Cow<'a, str>>, attachments: Vec<Bytes>) -> Result<Self, ArgsError> {
        let text = match array.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim_matches(json::WHITESPACE)),
            Cow::Owned(text) => Cow::Owned(text.trim_matches(json::WHITESPACE).to_owned()),
        };
        if !text.starts_with('[') {
            return Err(ArgsError::Malformed);
        }
        let args = Self {
            text,
            start: 1,
            attachments,
        };
        args.check()?;
        Ok(args)
    }

    /// Reads the arguments the way [`Encoder::event`](crate::Encoder::event) writes them: `()`
    /// takes none, a tuple (or fixed-size array) one argument per element, any other type the
    /// first.
    ///
    /// Missing arguments read as null, surplus ones are ignored, though still checked to be JSON.
    ///
    /// # Errors
    /// [`ArgsError`], which says whether the peer or the type is to blame.
    pub fn parse<'s, T: Deserialize<'s>>(&'s self) -> Result<T, ArgsError> {
        match Shape::of::<T>() {
            Shape::One => self.first(),
            Shape::Nothing | Shape::Several => self.all(),
        }
    }

    /// Reads the first argument, null if there is none, whatever the type: a tuple is then read
    /// from an array.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn first<'s, T: Deserialize<'s>>(&'s self) -> Result<T, ArgsError> {
        self.read(false)
    }

    /// Reads the whole list: a tuple gets an argument per element, a `Vec` as many as there are.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn all<'s, T: Deserialize<'s>>(&'s self) -> Result<T, ArgsError> {
        self.read(true)
    }

    /// Checks that the text is JSON and its placeholders point at attachments, without building
    /// anything.
    ///
    /// # Errors
    /// [`ArgsError::Malformed`].
    pub fn check(&self) -> Result<(), ArgsError> {
        json::check(&self.text, self.attachments.len()).map_err(|_| ArgsError::Malformed)
    }

    /// The JSON texts of the arguments, separated by commas, without brackets and without the
    /// event's name; not checked.
    pub fn raw(&self) -> &str {
        self.text[self.start..self.text.len() - 1].trim_matches(json::WHITESPACE)
    }

    /// The attachments in the order of their numbers.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// The same arguments, detached from the message they came in.
    pub fn into_owned(self) -> Args<'static> {
        Args {
            text: Cow::Owned(self.text.into_owned()),
            start: self.start,
            attachments: self.attachments,
        }
    }

    /// `text` starts with `[`, ends with `]` and has its first argument, or the `]`, at `start` or
    /// behind.
    pub(crate) fn received(text: impl Into<Cow<'a, str>>, start: usize) -> Self {
        let text = text.into();
        debug_assert!(text.starts_with('[') && text.ends_with(']') && start < text.len());
        Self {
            text,
            start,
            attachments: Vec::new(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn with_attachments(self, attachments: Vec<Bytes>) -> Self {
        Self {
            attachments,
            ..self
        }
    }

    fn read<'s, T: Deserialize<'s>>(&'s self, whole: bool) -> Result<T, ArgsError> {
        let reader = Reader {
            named: self.start > 1,
            whole,
            result: PhantomData,
        };
        let read = binary::reading(&self.attachments, || {
            if !whole && let Some(first) = self.leading() {
                return Ok(first);
            }
            let mut json = serde_json::Deserializer::from_str(&self.text);
            let value = json.deserialize_seq(reader)?;
            json.end().map(|()| value)
        });
        read.map_err(|error| match self.check() {
            Ok(()) => ArgsError::Mismatch(error),
            Err(malformed) => malformed,
        })
    }

    /// The first argument, if all is well with the list. Most events have no other, and then neither
    /// the name nor the list has to be walked through.
    fn leading<'s, T: Deserialize<'s>>(&'s self) -> Option<T> {
        let text = &self.text[self.start..];
        let mut values = serde_json::Deserializer::from_str(text).into_iter();
        let first = values.next()?.ok()?;
        let is_only = &text[values.byte_offset()..] == "]";
        // Others are not read, but have to be JSON all the same.
        (is_only || self.check().is_ok()).then_some(first)
    }
}

/// Shows how much there is, not what.
impl fmt::Debug for Args<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Args")
            .field("json_bytes", &self.raw().len())
            .field("attachments", &self.attachments.len())
            .finish()
    }
}

/// Reads a `T` from the array that holds the arguments, and what is left of the array.
struct Reader<T> {
    named: bool,
    whole: bool,
    result: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        if self.named {
            seq.next_element::<IgnoredAny>()?;
        }
        let value = if self.whole {
            T::deserialize(List(&mut seq))?
        } else {
            match seq.next_element()? {
                Some(first) => first,
                None => T::deserialize(null())?,
            }
        };
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(value)
    }
}

/// The list of arguments as one value.
struct List<A>(A);

impl<'de, A: SeqAccess<'de>> Deserializer<'de> for List<A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_seq(self.0)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_unit()
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_seq(Padded {
            seq: self.0,
            left: len,
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        option unit_struct seq map struct enum identifier ignored_any
    }
}

/// A list that goes on with nulls until a tuple of `left` elements is full.
struct Padded<A> {
    seq: A,
    left: usize,
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Padded<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut seed = Some(seed);
        match (self.seq.next_element_seed(Lent(&mut seed))?, seed) {
            (None, Some(unused)) => unused.deserialize(null()).map(Some),
            (element, _) => Ok(element),
        }
    }
}

/// A seed that stays with the owner if the list has no element for it.
struct Lent<'s, S>(&'s mut Option<S>);

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Lent<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        match self.0.take() {
            Some(seed) => seed.deserialize(deserializer),
            None => Err(D::Error::custom("a seed can be used only once")),
        }
    }
}

fn null<E: Error>() -> UnitDeserializer<E> {
    UnitDeserializer::new()
}
