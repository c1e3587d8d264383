//! One face for our clients, so that they run the same cases.

mod async_client;
mod blocking_client;

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use clap::ValueEnum;
use futures_util::future::BoxFuture;
use socketio_client::{Config, engine::Transport};

use crate::{journal::Journal, value::Value};

/// Which of our clients.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    Async,
    Blocking,
    Simple,
    SimpleBlocking,
}

impl Client {
    pub(crate) const ALL: [Self; 4] = [
        Self::Async,
        Self::Blocking,
        Self::Simple,
        Self::SimpleBlocking,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Async => "async",
            Self::Blocking => "blocking",
            Self::Simple => "simple",
            Self::SimpleBlocking => "simple blocking",
        }
    }

    /// Whether it has no handlers.
    pub(crate) const fn is_simple(self) -> bool {
        matches!(self, Self::Simple | Self::SimpleBlocking)
    }

    /// Makes one that wants these namespaces, and does not connect it. Beneath a simple client is
    /// one with handlers.
    pub(crate) fn make(self, config: Config, wishes: &[Wish]) -> Arc<dyn Peer> {
        match self {
            Self::Async | Self::Simple => async_client::make(config, wishes),
            Self::Blocking | Self::SimpleBlocking => blocking_client::make(config, wishes),
        }
    }
}

/// A namespace to join.
#[derive(Clone)]
pub(crate) struct Wish {
    pub(crate) namespace: &'static str,
    pub(crate) auth: Option<serde_json::Value>,
}

impl Wish {
    pub(crate) const fn of(namespace: &'static str) -> Self {
        Self {
            namespace,
            auth: None,
        }
    }

    pub(crate) fn with(namespace: &'static str, auth: serde_json::Value) -> Self {
        Self {
            namespace,
            auth: Some(auth),
        }
    }
}

/// What a server says to a client it does not want.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    pub(crate) data: Option<Value>,
}

/// How long the answer to an event may take.
const ANSWER: Duration = Duration::from_secs(15);

/// A client.
pub(crate) trait Peer: Send + Sync {
    /// Joins all namespaces it was made for.
    fn connect(&self) -> BoxFuture<'_, Result<(), Refusal>>;

    /// Emits and forgets.
    fn emit(&self, namespace: &str, event: &str, args: &[Value]) -> Result<()>;

    /// Emits, and returns the arguments of the acknowledgement.
    fn ask<'a>(
        &'a self,
        namespace: &'a str,
        event: &'a str,
        args: Vec<Value>,
    ) -> BoxFuture<'a, Result<Vec<Value>>>;

    /// What has happened so far. It answers each `question` with its arguments.
    fn journal(&self) -> &Journal;

    /// The id of its socket in a namespace.
    fn id(&self, namespace: &str) -> Option<String>;

    /// Whether its socket in a namespace is the one from before the link was lost.
    fn is_recovered(&self, namespace: &str) -> bool;

    /// How its bytes travel now.
    fn transport(&self) -> Option<Transport>;

    /// Leaves a namespace.
    fn leave(&self, namespace: &str);

    /// Closes the connection.
    fn close(&self) -> BoxFuture<'_, ()>;
}
