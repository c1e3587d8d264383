//! How what a handler returns becomes an acknowledgement, at either end.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::error::Error;
use std::sync::Arc;

use serde::Serialize;

use crate::{Binary, Payload, RawArgs, Value};

/// Any error of a handler.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// What an event handler can return. It answers the peer, if that asked for an acknowledgement.
///
/// `()` answers without arguments, tuples and arrays with several, anything else with one. A `Result`
/// answers with its value; a value of any other type goes into [`Ack`].
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::Arc;
///
/// use serde::Serialize;
/// use socketio_proto::{Ack, Binary, Reply};
///
/// #[derive(Serialize)]
/// struct Point { x: i64, y: i64 }
///
/// fn is_reply<T: Reply>(_: T) {}
/// is_reply(());
/// is_reply("ok");
/// is_reply(("several", 2, true));
/// is_reply(vec!["one", "list"]);
/// is_reply(HashMap::from([("votes", 3)]));
/// is_reply(Arc::new(Point { x: 1, y: 2 }));
/// is_reply(Some(Binary::from(vec![1, 2, 3])));
/// is_reply("7".parse::<u64>());
/// is_reply(Ack(Point { x: 1, y: 2 }));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by an event handler",
    note = "wrap a value of your own in `Ack(value)` or return `Result<T, E>`"
)]
pub trait Reply {
    /// What the peer is answered.
    type Args: Payload;

    /// The arguments of the acknowledgement.
    ///
    /// # Errors
    /// Goes to the error hook; the peer is not answered.
    fn into_args(self) -> Result<Self::Args, BoxError>;
}

/// Answers with a value of any type: a tuple becomes several arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper")]
pub struct Ack<T>(pub T);

impl<T: Payload> Reply for Ack<T> {
    type Args = T;

    fn into_args(self) -> Result<T, BoxError> {
        Ok(self.0)
    }
}

/// An error goes to the hook, and the peer is not answered.
impl<T: Payload, E: Into<BoxError>> Reply for Result<T, E> {
    type Args = T;

    fn into_args(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}

/// Types that answer with themselves.
macro_rules! reply_as_is {
    ($([$($generics:tt)*] $type:ty),* $(,)?) => {$(
        impl<$($generics)*> Reply for $type {
            type Args = Self;

            fn into_args(self) -> Result<Self, BoxError> {
                Ok(self)
            }
        }
    )*};
}

reply_as_is! {
    [] RawArgs, [] (), [] bool, [] char, [] String, [] Value, [] serde_json::Value, [] Binary,
    [] i8, [] i16, [] i32, [] i64, [] isize, [] u8, [] u16, [] u32, [] u64, [] usize, [] f32, [] f64,
    [T: Serialize + ?Sized] &'static T, [T: Serialize + ?Sized] Box<T>, [T: Serialize + ?Sized] Arc<T>,
    [T: Serialize + ToOwned + ?Sized + 'static] Cow<'static, T>,
    [T: Serialize] Option<T>, [T: Serialize] Vec<T>, [T: Serialize] VecDeque<T>,
    [T: Serialize, S] HashSet<T, S>, [T: Serialize] BTreeSet<T>,
    [K: Serialize, V: Serialize, S] HashMap<K, V, S>, [K: Serialize, V: Serialize] BTreeMap<K, V>,
    [A: Serialize] (A,),
    [A: Serialize, B: Serialize] (A, B),
    [A: Serialize, B: Serialize, C: Serialize] (A, B, C),
    [A: Serialize, B: Serialize, C: Serialize, D: Serialize] (A, B, C, D),
    [A: Serialize, B: Serialize, C: Serialize, D: Serialize, E: Serialize] (A, B, C, D, E),
    [A: Serialize, B: Serialize, C: Serialize, D: Serialize, E: Serialize, F: Serialize]
        (A, B, C, D, E, F),
    [A: Serialize, B: Serialize, C: Serialize, D: Serialize, E: Serialize, F: Serialize, G: Serialize]
        (A, B, C, D, E, F, G),
    [A: Serialize, B: Serialize, C: Serialize, D: Serialize, E: Serialize, F: Serialize, G: Serialize, H: Serialize]
        (A, B, C, D, E, F, G, H),
}

/// Several arguments, like a tuple.
impl<T, const N: usize> Reply for [T; N]
where
    Self: Serialize,
{
    type Args = Self;

    fn into_args(self) -> Result<Self, BoxError> {
        Ok(self)
    }
}
