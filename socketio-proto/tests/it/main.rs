//! Everything that can be seen through the public interface.

mod acks;
mod args;
mod binary;
mod connect;
mod data;
mod limits;
mod msgpack;
mod pair;
mod parser;
mod record;
mod recovery;
mod revision_4_client;
mod revision_4_server;
mod roundtrip;
mod value;
mod vectors;
