//! How a client connects, with the reference's defaults.

use std::sync::Arc;
use std::time::Duration;

use engineio_proto::{Revision, Transport};
use http::HeaderMap;

use super::environment::Environment;
use super::tape::Recording;
use super::{Proxy, ProxyParseError, Tape, Target, Tls};

/// Configuration of a client: where to, by which transports, and how long anything may take.
///
/// ```
/// use socketio_client::engine::{Config, Transport};
///
/// let mut config = Config::new("https://example.com?room=7");
/// config.transports = vec![Transport::Websocket];
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The server: scheme `http`, `https`, `ws` or `wss`, host, and if need be port, user and
    /// password, and a query that goes with every request. User and password become basic
    /// authorization. The URL's own path means nothing here, as in the reference: see
    /// [`path`](Self::path).
    pub url: String,
    /// The path of every request. Default `/engine.io`.
    pub path: String,
    /// Whether the path ends with a slash whatever [`path`](Self::path) says. Without it a slash at
    /// its end is taken off. Default yes.
    pub trailing_slash: bool,
    /// Query parameters behind those of the URL. `EIO`, `transport`, `sid`, `b64`, `j` and `t` are
    /// the protocol's: such parameters, here or in the URL, are left out. Default none.
    pub query: Vec<(String, String)>,
    /// Headers of every request, websockets included. What the protocol needs for itself (`host`,
    /// `connection`, `upgrade`, `content-length`, `transfer-encoding` and those of websockets) is
    /// left out. Default none.
    pub headers: HeaderMap,
    /// What may be used, in the order of trying; the session opens on the first. Default polling,
    /// then websocket.
    pub transports: Vec<Transport>,
    /// Whether a session on polling moves to websocket, if that is among the
    /// [`transports`](Self::transports) and the server offers it. Default yes.
    pub upgrade: bool,
    /// Whether a session opens on websocket if the one before had got there. If that fails, the
    /// next attempt starts with the first transport again. Default no.
    pub remember_upgrade: bool,
    /// Whether the next transport is tried before a failure to open is reported. Default no.
    pub try_all_transports: bool,
    /// The revision of the protocol. Default [`Auto`](RevisionChoice::Auto).
    pub revision: RevisionChoice,
    /// Whether bytes travel as base64 in text, in both directions. Default no.
    pub base64: bool,
    /// Whether polling requests carry a parameter `t` that is never the same, against caches on
    /// the way. Default yes.
    pub timestamp_requests: bool,
    /// Whether cookies the server sets are sent back, on polling and websocket, also by later
    /// sessions. Default yes.
    pub cookies: bool,
    /// How many redirects one request follows. Zero: a redirect is an error. Default 20.
    pub max_redirects: u8,
    /// Subprotocols to offer for a websocket, in the order of preference. Default none.
    pub protocols: Vec<String>,
    /// Through what the server is reached. Default nothing, or what the environment says if it was
    /// [asked](Self::proxy_from_env).
    pub proxy: Option<Proxy>,
    environment: Environment,
    pub(super) recording: Recording,
    /// How TLS is spoken, if the URL asks for it. Default: as the system would.
    pub tls: Tls,
    /// The largest response and the longest websocket message that is accepted, in bytes; what is
    /// larger ends the session. The reference has no such limit. Default 100,000,000.
    pub max_payload: usize,
    /// How long opening a session may take, all of [`transports`](Self::transports) and connecting
    /// included. Default 20 s.
    pub open_timeout: Duration,
    /// How long a POST may make no progress at all, connecting included, before the session ends.
    /// The reference waits forever. GETs are bounded by the heartbeat. Default 20 s.
    pub request_timeout: Duration,
    /// How long the move to websocket may take before the session stays on polling. Default 10 s.
    pub upgrade_timeout: Duration,
    /// How long a session that is being closed waits for its last messages to leave, and for the
    /// server to answer. Default 30 s.
    pub close_timeout: Duration,
}

/// Which revision of the protocol a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum RevisionChoice {
    /// Revision 4; or 3 if the server turns out to speak nothing else, which costs one more
    /// request and is remembered for later sessions.
    ///
    /// On polling that shows in the answer: an error about the version, or a payload in the form
    /// of revision 3. On a websocket the first packet looks the same in both, so that such servers
    /// are not recognised if the session opens there: choose [`Only`](Self::Only).
    #[default]
    Auto,
    /// This one.
    Only(Revision),
}

impl Config {
    /// The defaults, for the server at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            path: "/engine.io".into(),
            trailing_slash: true,
            query: Vec::new(),
            headers: HeaderMap::new(),
            transports: vec![Transport::Polling, Transport::Websocket],
            upgrade: true,
            remember_upgrade: false,
            try_all_transports: false,
            revision: RevisionChoice::Auto,
            base64: false,
            timestamp_requests: true,
            cookies: true,
            max_redirects: 20,
            protocols: Vec::new(),
            proxy: None,
            environment: Environment::default(),
            recording: Recording::default(),
            tls: Tls::new(),
            max_payload: 100_000_000,
            open_timeout: Duration::from_secs(20),
            request_timeout: Duration::from_secs(20),
            upgrade_timeout: Duration::from_secs(10),
            close_timeout: Duration::from_secs(30),
        }
    }

    /// Reaches servers through the proxies that the environment names now, unless
    /// [`proxy`](Self::proxy) says which. Like curl, and only on demand, it goes by these variables;
    /// in lower case they come before those in upper case:
    ///
    /// | variable | its value |
    /// |---|---|
    /// | `http_proxy` | the [`Proxy`] for `http` and `ws`; `http://` may be left out |
    /// | `https_proxy` | that for `https` and `wss` |
    /// | `all_proxy` | that for what the other two do not name |
    /// | `no_proxy` | who is reached without one, with commas or blanks between: names, which stand for all names below them as well, addresses, networks (`10.0.0.0/8`); or `*`, everybody |
    ///
    /// Other than curl it reads `HTTP_PROXY`, but not in a CGI program (where `REQUEST_METHOD` is
    /// set): there it is what a client has sent as a header.
    ///
    /// ```
    /// use socketio_client::engine::Config;
    ///
    /// let mut config = Config::new("https://example.com");
    /// config.proxy_from_env()?;
    /// # Ok::<(), socketio_client::engine::ProxyParseError>(())
    /// ```
    ///
    /// # Errors
    /// One of the variables names no [`Proxy`]. Nothing has changed.
    pub fn proxy_from_env(&mut self) -> Result<&mut Self, ProxyParseError> {
        self.environment = Environment::read(|name| std::env::var(name).ok())?;
        Ok(self)
    }

    /// Records what happens on some links to the server: asked once for each, before it is opened.
    /// Default: none.
    ///
    /// A record is a file of JSON lines, in which texts and numbers are replaced by others of the
    /// same length, and which leaves out ids and credentials; the rules of [`Tape`] hold. It is
    /// enough to see what went wrong between client and server, and to make it happen again: send us
    /// the file.
    ///
    /// ```
    /// use std::fs::File;
    /// use std::io::BufWriter;
    ///
    /// use socketio_client::engine::{Config, Tape};
    ///
    /// let mut config = Config::new("http://localhost:3000");
    /// config.record(|| {
    ///     let file = File::create("link.jsonl").ok()?;
    ///     Some(Tape::new(BufWriter::new(file)))
    /// });
    /// ```
    ///
    /// Here every link overwrites the file of the one before. `hook` runs where the client talks to
    /// the server: be brief.
    pub fn record(&mut self, hook: impl Fn() -> Option<Tape> + Send + Sync + 'static) -> &mut Self {
        self.recording = Recording(Some(Arc::new(hook)));
        self
    }

    /// What is on the way to somebody.
    pub(super) fn proxy_to(&self, target: &Target) -> Option<&Proxy> {
        let environment = || self.environment.proxy(target);
        self.proxy.as_ref().or_else(environment)
    }
}

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
