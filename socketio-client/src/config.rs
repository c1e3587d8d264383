//! How a client connects, reconnects and buffers: one type for the async and the blocking client.

use std::{sync::Arc, time::Duration};

use engineio_proto::Prepared;

use crate::{
    engine::{self, Tape},
    proto::{Encoder, Limits, Parser, Revision, client},
};

/// Configuration of a client, with JavaScript's defaults.
///
/// ```
/// use std::time::Duration;
/// use socketio_client::Config;
///
/// let mut config = Config::new("https://example.com");
/// config.reconnection.attempts = Some(10);
/// config.ack_timeout = Some(Duration::from_secs(5));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where the server is, and how to get there.
    ///
    /// The URL's own path means nothing, as for JavaScript's `Manager` and python-socketio:
    /// namespaces are asked for by name, and what JavaScript calls `path` is
    /// [`engine.path`](engine::Config::path), here `/socket.io` by default. (`io("http://host/chat")`
    /// of JavaScript, which takes the path for a namespace, is the one that differs.)
    pub engine: engine::Config,
    /// What happens when the link is lost or could not be opened.
    pub reconnection: Reconnection,
    /// What may wait to be sent.
    pub buffer: Buffer,
    /// How many times an event is sent again if its acknowledgement does not come. Default 0.
    ///
    /// With more than 0, every event that is not volatile is acknowledged by the server, whether
    /// the application asks for it or not, and the next event of its namespace is sent only then: in
    /// order, one under way, each sent `retries + 1` times at most. An event may reach the server
    /// more than once, if the acknowledgement was lost. An event that was never acknowledged is
    /// given up, and the next one's turn comes. Waiting for the link costs no tries; losing it
    /// while the answer is due costs one.
    pub retries: u32,
    /// How long to wait for an acknowledgement, unless the call says otherwise. Default `None`: as
    /// long as the link lasts. With [`retries`](Self::retries) it holds for each try, and is 10 s
    /// by default: the reference then waits until the link is lost.
    pub ack_timeout: Option<Duration>,
    /// How packets are spelled, if not as text; the server has to use the same. Default `None`.
    pub parser: Option<Arc<dyn Parser>>,
    /// What the server may make us hold.
    pub limits: Limits,
    /// How much of the work that events make may be under way, or wait.
    pub handlers: HandlerLimits,
}

/// When the client connects again by itself, and how often it tries.
///
/// The delay before attempt `n`, counted from 0, is `delay * 2^n`, then made longer or shorter by
/// up to `randomization` of itself, then cut to `delay_max`: by default 0.55 s to 1.5 s before the
/// first, 1.1 s to 3 s before the second, 2.2 s to 5 s before the third, 4.4 s to 5 s before the
/// fourth, then 5 s, as in the reference. Attempts and delays start anew once the link is open.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reconnection {
    /// Whether it does. Default yes.
    pub enabled: bool,
    /// How many attempts in a row may fail, the very first not counted. Default `None`: any number.
    pub attempts: Option<u32>,
    /// The delay before the first attempt. Default 1 s.
    pub delay: Duration,
    /// The longest delay. Default 5 s.
    pub delay_max: Duration,
    /// How much delays differ from the rule, from 0 to 1; anything else is taken for 0. Default 0.5.
    pub randomization: f64,
}

/// What may wait to be sent: while the client is not connected, while the link takes nothing, and
/// behind an event that is being [retried](Config::retries).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Buffer {
    /// Bytes that may wait, in all namespaces together; each event counts its encoded size and a
    /// little more. One event may wait whatever its size. Default 16 MiB.
    ///
    /// The same number bounds the events that a server sends ahead of its answer to a CONNECT,
    /// which is how it replays what a client has missed; if it sends more, the link is closed, and
    /// the next one starts without recovery.
    pub max_bytes: usize,
    /// What happens if more is emitted. Default [`WhenFull::Refuse`].
    pub when_full: WhenFull,
}

/// What happens to events when the [`Buffer`] is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// The new event is refused: `emit` returns [`SendError::Full`](crate::SendError::Full).
    #[default]
    Refuse,
    /// The oldest events of the same namespace that wait for the client to be connected are dropped
    /// until there is room; whoever awaits their acknowledgement gets
    /// [`AckError::Dropped`](crate::AckError::Dropped). If that does not make room enough, the new
    /// event is refused.
    DropOldest,
}

/// How much work with the events of a server may be under way, or wait, at once. When something is
/// full the link is not read until there is room, and the server has to wait. 0 counts as 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandlerLimits {
    /// Handlers that may be waiting for something at once. The blocking client runs one after the
    /// other. Default 64.
    pub running: usize,
    /// Events that may wait for a handler to finish. Default 256.
    pub inbox: usize,
    /// Bytes of such events. Default 1 MiB.
    pub inbox_bytes: usize,
    /// Events that may wait in each stream of events to be taken. Default 256.
    pub stream: usize,
}

impl Config {
    /// The defaults, for the server at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        let mut engine = engine::Config::new(url);
        "/socket.io".clone_into(&mut engine.path);
        Self {
            engine,
            reconnection: Reconnection::default(),
            buffer: Buffer::default(),
            retries: 0,
            ack_timeout: None,
            parser: None,
            limits: Limits::default(),
            handlers: HandlerLimits::default(),
        }
    }

    /// [`engine::Config::proxy_from_env`]: reaches the server through the proxies that the
    /// environment names, in the variables that curl reads.
    ///
    /// # Errors
    /// One of the variables names no proxy.
    pub fn proxy_from_env(&mut self) -> Result<&mut Self, engine::ProxyParseError> {
        self.engine.proxy_from_env()?;
        Ok(self)
    }

    /// [`engine::Config::record`]: records what happens on some links, with the namespaces on them;
    /// names of namespaces and events are in the record.
    pub fn record(&mut self, hook: impl Fn() -> Option<Tape> + Send + Sync + 'static) -> &mut Self {
        self.engine.record(hook);
        self
    }

    /// What encodes events and acknowledgements, whatever the link below turns out to speak: they
    /// look the same in all revisions.
    pub(crate) fn encoder(&self) -> Encoder {
        Encoder::new(Revision::V5, HEADROOM).with_parser(self.parser.clone())
    }

    /// The same for the connection of one link.
    pub(crate) fn connection(&self) -> client::Config {
        let mut config = client::Config::default();
        config.limits = self.limits;
        config.headroom = HEADROOM;
        config.parser = self.parser.clone();
        config
    }
}

/// The layer below writes its heads in front of each text.
const HEADROOM: usize = Prepared::HEADROOM;

impl From<&str> for Config {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

impl From<String> for Config {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

impl Default for Reconnection {
    fn default() -> Self {
        Self {
            enabled: true,
            attempts: None,
            delay: Duration::from_secs(1),
            delay_max: Duration::from_secs(5),
            randomization: 0.5,
        }
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self {
            max_bytes: 16 << 20,
            when_full: WhenFull::default(),
        }
    }
}

impl Default for HandlerLimits {
    fn default() -> Self {
        Self {
            running: 64,
            inbox: 256,
            inbox_bytes: 1 << 20,
            stream: 256,
        }
    }
}
