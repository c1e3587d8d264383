//! How a server is set up: every setting, its default, and the builder that takes them.

mod insight;
mod requests;
mod running;

pub use running::HandlerLimits;

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use engine::{OutboxLimits, ProtocolConfig, RefusedRequest, ServerLimits, Tape};
use http::request::Parts;

use crate::files::{ClientBundle, StaticFiles};
use crate::handler::{ErrorHook, Manner, Pool};
use crate::handshake::Keep;
use crate::http_hooks::HttpHooks;
use crate::io::Io;
use crate::parser::Parser;
use crate::proto;
use crate::recovery::RecoveryConfig;
use crate::socket::Socket;

type RefusedHook = Box<dyn Fn(&RefusedRequest<'_>) + Send + Sync>;
type ExpiryHook = Box<dyn Fn(&Socket) + Send + Sync>;
type RecordHook = Box<dyn Fn(&Parts) -> Option<Tape> + Send + Sync>;

/// What a server was built with.
pub(crate) struct Settings {
    pub(crate) engine: engine::Config,
    pub(crate) connection: proto::server::Config,
    pub(crate) handlers: HandlerLimits,
    pub(crate) http: HttpHooks,
    pub(crate) keep: Keep,
    pub(crate) always_connect: bool,
    pub(crate) accept_any_namespace: bool,
    pub(crate) manner: Manner,
    pub(crate) pool: Pool,
    pub(crate) states: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    pub(crate) on_error: ErrorHook,
    #[cfg(feature = "logger")]
    pub(crate) loggers: crate::logging::Loggers,
    pub(crate) on_connection_error: Option<RefusedHook>,
    pub(crate) record: Option<RecordHook>,
    pub(crate) recovery: Option<RecoveryConfig>,
    pub(crate) on_recovery_expired: Option<ExpiryHook>,
    pub(crate) files: StaticFiles,
    pub(crate) client: Option<ClientBundle>,
}

/// Builds a server. The defaults are those of the JavaScript reference.
#[must_use]
pub struct Builder(Settings);

impl Default for Builder {
    fn default() -> Self {
        Self(Settings {
            engine: engine::Config {
                path: "/socket.io".into(),
                ..engine::Config::default()
            },
            connection: proto::server::Config::default(),
            handlers: HandlerLimits::default(),
            http: HttpHooks::default(),
            keep: Keep::default(),
            always_connect: false,
            accept_any_namespace: false,
            manner: Manner::default(),
            pool: Pool::default(),
            states: HashMap::new(),
            on_error: ErrorHook::default(),
            #[cfg(feature = "logger")]
            loggers: crate::logging::Loggers::default(),
            on_connection_error: None,
            record: None,
            recovery: None,
            on_recovery_expired: None,
            files: StaticFiles::default(),
            client: None,
        })
    }
}

impl Builder {
    #[cfg(feature = "tower-sessions")]
    pub(crate) const fn http_hooks(&mut self) -> &mut HttpHooks {
        &mut self.0.http
    }

    /// The path below which the server takes requests. Default `/socket.io`.
    ///
    /// ```
    /// # use socketio_server::Io;
    /// let io = Io::builder().path("/live").build(); // in JavaScript: io({ path: "/live" })
    /// ```
    pub fn path(mut self, path: &str) -> Self {
        self.0.engine.path = path.into();
        self
    }

    /// How long after a pong the next ping is sent, and how long its pong may take. Default 25 s and
    /// 20 s.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use socketio_server::Io;
    /// let (interval, timeout) = (Duration::from_secs(10), Duration::from_secs(5));
    /// let io = Io::builder().heartbeat(interval, timeout).build();
    /// ```
    pub fn heartbeat(mut self, interval: Duration, timeout: Duration) -> Self {
        self.0.engine.protocol.ping_interval = millis(interval);
        self.0.engine.protocol.ping_timeout = millis(timeout);
        self
    }

    /// The size of the largest message, in bytes. Default 1,000,000.
    pub fn max_payload(mut self, bytes: usize) -> Self {
        self.0.engine.protocol.max_payload = bytes;
        self
    }

    /// How many binary values one event may carry, each up to the size of a message. Default 10.
    pub fn max_attachments(mut self, count: usize) -> Self {
        self.0.connection.limits.max_attachments = count;
        self
    }

    /// How packets are encoded, in place of text. All clients have to use the same encoding: in
    /// JavaScript, the option of this name.
    ///
    /// [`MsgPack`](crate::parser::MsgPack) goes with `socket.io-msgpack-parser`:
    ///
    /// ```
    /// use socketio_server::{Io, parser::MsgPack};
    ///
    /// let io = Io::builder().parser(MsgPack).build();
    /// ```
    ///
    /// ```js
    /// import { io } from "socket.io-client";
    /// import parser from "socket.io-msgpack-parser";
    ///
    /// const socket = io({ parser });
    /// ```
    ///
    /// It pays where events carry bytes, which then need no messages of their own; arguments of
    /// handlers are JSON and bytes as ever. [`Parser`] shows how to write another.
    pub fn parser(mut self, parser: impl Parser + 'static) -> Self {
        self.0.connection.parser = Some(Arc::new(parser));
        self
    }

    /// How long a client may take to join its first namespace. Default 45 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.0.connection.connect_timeout = millis(timeout);
        self
    }

    /// Whether clients of Socket.IO 1 and 2 are served, beside all newer ones. If not, they get the
    /// reference's error. Default yes.
    ///
    /// Such a client joins the default namespace by itself, the query behind a namespace's name is
    /// its [`auth`](crate::Socket::auth), and its [`SocketId`](crate::SocketId) is what it computes
    /// itself.
    pub fn allow_eio3(mut self, allowed: bool) -> Self {
        self.0.engine.protocol.allow_eio3 = allowed;
        self
    }

    /// Transports, upgrades and all other settings of the engine below.
    pub fn protocol(mut self, change: impl FnOnce(&mut ProtocolConfig)) -> Self {
        change(&mut self.0.engine.protocol);
        self
    }

    /// How much may wait for a slow client, and what happens to one that takes too little. Default:
    /// 2 MiB if it takes nothing for 10 s, 32 MiB in any case; then its link is closed.
    ///
    /// Where only the latest matters, such as positions or prices, a client may keep its link and
    /// lose events instead; acknowledgements, and events that [want one](crate::Socket::call), are
    /// never dropped:
    ///
    /// ```
    /// use socketio_server::{Io, OutboxLimits, OverflowPolicy};
    ///
    /// let io = Io::builder()
    ///     .outbox_limits(OutboxLimits {
    ///         policy: OverflowPolicy::DropOldest,
    ///         ..OutboxLimits::default()
    ///     })
    ///     .build();
    /// ```
    pub fn outbox_limits(mut self, limits: OutboxLimits) -> Self {
        self.0.engine.outbox = limits;
        self
    }

    /// How much may wait for all clients together; [`ServerLimits`] says what happens beyond that.
    /// Default: no limit.
    ///
    /// ```
    /// use socketio_server::{Io, ServerLimits};
    ///
    /// let io = Io::builder()
    ///     .server_limits(ServerLimits { bytes: 512 << 20, ..ServerLimits::default() })
    ///     .build();
    /// ```
    pub fn server_limits(mut self, limits: ServerLimits) -> Self {
        self.0.engine.server = limits;
        self
    }

    /// Clients can join namespaces of any name, and bring them into being, as with
    /// python-socketio's `namespaces='*'`; [`Io::any_namespace`] has handlers for all of them. At
    /// most 10,000 exist at a time. Default: only those that the server knows.
    pub fn accept_any_namespace(mut self) -> Self {
        self.0.accept_any_namespace = true;
        self
    }

    /// In all namespaces clients are let in before their connect handler has decided, as with
    /// python-socketio's option of this name; see [`Namespace::always_connect`](crate::Namespace::always_connect).
    /// Default: afterwards.
    pub fn always_connect(mut self) -> Self {
        self.0.always_connect = true;
        self
    }

    /// State of the application, one value of each type, for [`State`](crate::State).
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    ///
    /// use socketio_server::{Io, State};
    ///
    /// let io = Io::builder().state(AtomicU64::new(0)).build();
    /// io.on("count", |count: State<AtomicU64>| count.fetch_add(1, Ordering::Relaxed) + 1);
    /// ```
    pub fn state<T: Send + Sync + 'static>(mut self, state: T) -> Self {
        self.0.states.insert(TypeId::of::<T>(), Arc::new(state));
        self
    }

    /// Lets clients go on where they were after their link has broken, in all namespaces. Default:
    /// off, as in the reference.
    ///
    /// A client that connects again within [two minutes](RecoveryConfig) gets its socket back: with the
    /// same id, in the same rooms, with what was [stored](Socket::insert) for it, and after it has been
    /// sent what it missed. Its connect handler runs again, with
    /// [`recovered`](Socket::recovered) true:
    ///
    /// ```
    /// use socketio_server::{EncodeError, Io, RecoveryConfig, Socket};
    ///
    /// let io = Io::builder()
    ///     .connection_state_recovery(RecoveryConfig::default())
    ///     .on_recovery_expired(|socket| println!("{} will not come back", socket.id()))
    ///     .build();
    /// io.on_connect(async |socket: Socket| {
    ///     if !socket.recovered() {
    ///         socket.join("lobby");
    ///         socket.insert(String::from("what has to be loaded once"));
    ///     }
    /// });
    /// ```
    ///
    /// What is missed are events without acknowledgement that are not volatile, to everyone, to rooms
    /// or to the socket, by whatever handle to it: those of the former link reach the socket where it
    /// goes on. Calls end with the link, and so do handlers' [own](Socket::on) of the socket.
    ///
    /// There is something to recover if the link was lost ([`DisconnectReason`](crate::DisconnectReason)s
    /// other than that one of the sides has left the namespace, or sent nonsense), once the client has
    /// got an event. A client has one attempt. If it is back before its former link was found dead, it
    /// takes the socket from there: the disconnect handler runs with the reason `transport close`
    /// before the connect handler does, and there are never two sockets. In the reference there are,
    /// until the heartbeat notices, and nothing is recovered.
    ///
    /// Events that an [`OverflowPolicy`](crate::OverflowPolicy) has dropped are not among those that
    /// are missed; where the link is closed instead, as by default, they are. A client that has missed
    /// more than a link takes at once ([`OutboxLimits::hard`]) begins anew.
    ///
    /// It costs an argument: events without acknowledgement end with a string, their offset, as clients
    /// of the reference expect. Clients of Socket.IO 1 and 2 do not, and are spared; nor can they be
    /// recovered. It also costs parallelism: the events of a namespace are sent one after the other, so
    /// where many threads emit to large rooms, [`Report::deferred`](crate::Report) says that others
    /// will see to it. Where 64 events of a namespace wait for the thread that sends, whoever emits
    /// another waits too: its thread is blocked, as by a lock, until one of them has been queued for its
    /// receivers. That needs no client to do anything and is short, but not where events go to very many:
    /// those are better emitted from threads that may wait (`spawn_blocking`). And it costs memory,
    /// within the bounds of the [configuration](RecoveryConfig).
    ///
    /// The log is this process's: clients that come back to another one, or after a restart, begin anew.
    pub fn connection_state_recovery(mut self, config: RecoveryConfig) -> Self {
        self.0.recovery = Some(config);
        self
    }

    /// Called for each socket that can no longer be recovered: its client has not come back in time,
    /// could not say where it had been, or others needed the room. The socket is long disconnected,
    /// but what was [stored](Socket::insert) for it is there. Not called at shutdown, nor for
    /// sockets that were not to be recovered in the first place.
    ///
    /// It runs within about a second, in a task that is no client's, and must not block. A panic in it
    /// is logged.
    pub fn on_recovery_expired(mut self, hook: impl Fn(&Socket) + Send + Sync + 'static) -> Self {
        self.0.on_recovery_expired = Some(Box::new(hook));
        self
    }

    /// Files with which [`Io::serve`] and [`Io::handle`] answer other requests.
    ///
    /// ```
    /// use socketio_server::{Io, StaticFiles};
    ///
    /// let files = StaticFiles::new().route("/", "public/");
    /// let io = Io::builder().files(files).build();
    /// ```
    pub fn files(mut self, files: StaticFiles) -> Self {
        self.0.files = files;
        self
    }

    /// The official JavaScript client, to be served below the path as `socket.io.js`.
    ///
    /// ```
    /// # use socketio_server::{BoxError, ClientBundle, Io};
    /// # fn example() -> Result<(), BoxError> {
    /// let bundle = ClientBundle::open("node_modules/socket.io")?;
    /// let io = Io::builder().client(bundle).build();
    /// # drop(io);
    /// # Ok(())
    /// # }
    /// ```
    pub fn client(mut self, bundle: ClientBundle) -> Self {
        self.0.client = Some(bundle);
        self
    }

    /// The server, with the default namespace in place. Handlers can be registered right away;
    /// clients are served within a tokio runtime only.
    #[must_use]
    pub fn build(mut self) -> Io {
        let connection = &mut self.0.connection;
        connection.headroom = engine::Prepared::HEADROOM;
        // As in the reference, each attachment may be as large as a message.
        let max_payload = self.0.engine.protocol.max_payload;
        let max_attachments = connection.limits.max_attachments;
        connection.limits.max_attachment_bytes = max_payload.saturating_mul(max_attachments);
        Io::new(self.0)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
