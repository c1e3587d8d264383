//! Strategies of `proptest` for what packets are made of, for the property tests of those who build
//! on this crate. With the feature `proptest`.
//!
//! ```
//! use proptest::{prelude::*, test_runner::TestRunner};
//! use socketio_proto::{Body, Decoder, Encoder, Limits, Value, strategies};
//!
//! // One argument of any shape survives the way.
//! let inputs = (strategies::revision(), strategies::event_name(), strategies::value());
//! let result = TestRunner::default().run(&inputs, |(revision, name, value)| {
//!     let sent = Encoder::new(revision, 0).event("/", None, &name, &value).unwrap();
//!     let mut limits = Limits::default();
//!     limits.max_attachments = 100;
//!     let mut decoder = Decoder::new(revision, limits);
//!     let mut packet = decoder.decode_text(sent.text()).unwrap();
//!     for attachment in &sent.attachments {
//!         packet = decoder.decode_binary(attachment).unwrap();
//!     }
//!     let Body::Event { args, .. } = packet.unwrap().body else { panic!("an event") };
//!     prop_assert_eq!(args.first::<Value>().unwrap(), value);
//!     Ok(())
//! });
//! result.unwrap();
//! ```

use proptest::{
    collection::{btree_map, vec},
    prelude::*,
    sample,
};

use crate::{Revision, Value};

/// Every revision.
pub fn revision() -> impl Strategy<Value = Revision> {
    sample::select(&Revision::ALL[..])
}

/// Any namespace that both revisions can name, the default one often: without a comma, which ends
/// the name, or a question mark, behind which revision 4 has the credentials.
pub fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![Just("/".to_owned()), "/[^,?]{0,20}"]
}

/// Any name of an event but those that are reserved.
pub fn event_name() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("reserved", |name| {
        let reserves = |revision: &Revision| {
            let names = revision.rules().reserved_events;
            names.contains(&name.as_str())
        };
        !Revision::ALL.iter().any(reserves)
    })
}

/// Any id of an acknowledgement.
pub fn ack_id() -> impl Strategy<Value = u64> {
    0..1u64 << 53
}

/// Any argument, of at most 40 parts, with bytes anywhere in it.
pub fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| Value::Number(number.into())),
        any::<u64>().prop_map(|number| Value::Number(number.into())),
        (-1000i32..1000).prop_map(|number| {
            let number = serde_json::Number::from_f64(f64::from(number) / 8.0);
            number.map_or(Value::Null, Value::Number)
        }),
        any::<String>().prop_map(Value::String),
        vec(any::<u8>(), 0..20).prop_map(|bytes| Value::Binary(bytes.into())),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::Array),
            btree_map(any::<String>(), inner, 0..6).prop_map(Value::Object),
        ]
    })
}

/// Any list of arguments.
pub fn args() -> impl Strategy<Value = Vec<Value>> {
    vec(value(), 0..5)
}
