//! The test kit, as the tests of an application use it: `socketio_server::test`.

mod connecting;
mod events;
mod failures;
mod http;
mod links;
