//! The server as its clients and its applications see it. One binary; nothing here reaches inside.

mod acks;
mod bones;
mod bulk;
mod class;
mod client;
mod conformance;
mod connect;
mod counting;
mod disconnect;
mod dynamic;
mod emit;
mod errors;
mod extractors;
mod flows;
mod handlers;
mod host;
mod kit;
mod leaks;
mod middleware;
mod parsers;
mod record;
mod rooms;
mod routing;
mod shutdown;
mod typed;
