//! Printing what the server does, for programs that have no subscriber of their own: feature
//! `logger`.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, fmt, registry};

/// What is to be printed.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Loggers {
    pub(crate) socketio: bool,
    pub(crate) engineio: bool,
}

impl Loggers {
    /// Prints from now on, unless the program has a subscriber already: that one decides.
    pub(crate) fn install(self) {
        if !self.socketio && !self.engineio {
            return;
        }
        let level = |wanted, level| if wanted { level } else { LevelFilter::WARN };
        let targets = Targets::new()
            .with_target("socketio", level(self.socketio, LevelFilter::DEBUG))
            .with_target("engineio", level(self.engineio, LevelFilter::TRACE));
        let printer = fmt::layer()
            .with_writer(stderr)
            .with_ansi(stderr().is_terminal())
            .with_filter(targets);
        if tracing::subscriber::set_global_default(registry().with(printer)).is_err() {
            tracing::debug!(target: "socketio", "a subscriber is in place: `logger` changes nothing");
        }
    }
}
