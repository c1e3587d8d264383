//! Everything through the public API, one binary.

mod pair;
mod trace;

mod allocation;
mod close;
mod formats;
mod heartbeat;
mod http1;
mod limits;
mod numbered;
mod properties;
mod record;
mod requests;
mod revision_3;
mod upgrade;
mod vectors;
mod webtransport;
mod ws;
