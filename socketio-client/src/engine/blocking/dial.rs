//! Opens byte streams for the blocking client: name resolution, TCP, proxy, TLS.
//!
//! Every dial has a thread of its own, for as long as it takes: the standard library resolves names
//! in no other way than by blocking. What it hands over never blocks.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mio::event::Source;
use mio::{Events, Interest, Poll, Token};

use super::clock::now;
use super::stream::{Socket, Stream};
use crate::engine::addresses::{alternate, no_address};
use crate::engine::proxy::{Proxy, Scheme};
use crate::engine::tls::Tls;
use crate::engine::tunnel::{self, Tunnel};
use crate::engine::{Config, Target};

/// Opens sockets in the client's place. It replaces TCP, name resolution and proxy; TLS comes on
/// top where the URL asks for it.
///
/// It is called on a thread that waits for nothing else, so it may block; but nobody can interrupt
/// it, and a socket that comes too late is dropped.
///
/// Closures are connectors:
///
/// ```
/// use socketio_client::engine::{Target, blocking::Connect};
///
/// fn is_connector(_: impl Connect) {}
///
/// # #[cfg(unix)]
/// is_connector(|_: Target| std::os::unix::net::UnixStream::connect("/run/chat.sock"));
/// ```
pub trait Connect: Send + Sync + 'static {
    /// Opens a socket to a server.
    ///
    /// # Errors
    /// Whatever keeps it from that; it becomes [`ErrorKind::Dial`](crate::engine::ErrorKind::Dial).
    fn connect(&self, target: Target) -> io::Result<Socket>;

    /// Whether the sockets are safe already, so that a URL with TLS gets them as they are. Default
    /// no.
    fn encrypts(&self) -> bool {
        false
    }
}

impl<F, S> Connect for F
where
    F: Fn(Target) -> io::Result<S> + Send + Sync + 'static,
    S: TryInto<Socket, Error = io::Error>,
{
    fn connect(&self, target: Target) -> io::Result<Socket> {
        self(target)?.try_into()
    }
}

/// Knows the way to servers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Dialer {
    config: Arc<Config>,
    connector: Option<Arc<dyn Connect>>,
}

impl Dialer {
    pub(crate) fn new(config: Arc<Config>, connector: Option<Arc<dyn Connect>>) -> Self {
        Self { config, connector }
    }

    /// Calls `done` on another thread, with a stream or with what went wrong; that a dial takes
    /// longer than `timeout` is told as well, a little later if it is the system's resolver that
    /// takes long. A caller who has lost interest lets `done` drop what it gets.
    ///
    /// # Errors
    /// There is no thread to be had; `done` is dropped.
    pub(crate) fn dial(
        &self,
        target: Target,
        timeout: Duration,
        done: impl FnOnce(io::Result<Stream>) + Send + 'static,
    ) -> io::Result<()> {
        let dialer = self.clone();
        let deadline = Deadline(now() + timeout);
        let dial = move || done(dialer.dial_here(&target, deadline));
        let thread = thread::Builder::new().name("socketio-dial".into());
        thread.spawn(dial).map(drop)
    }

    fn dial_here(&self, target: &Target, deadline: Deadline) -> io::Result<Stream> {
        let tls = &self.config.tls;
        let (stream, is_safe) = match (&self.connector, self.config.proxy_to(target)) {
            (Some(connector), _) => {
                let socket = connector.connect(target.clone())?;
                (Stream::Plain(socket), connector.encrypts())
            }
            (None, Some(proxy)) => (through(proxy, tls, target, deadline)?, false),
            (None, None) => (direct(&target.host, target.port, deadline)?, false),
        };
        match target.tls && !is_safe {
            true => secure(tls, &target.host, stream, deadline),
            false => Ok(stream),
        }
    }
}

/// The addresses in turn; what is left of the time is shared among those that are left.
fn direct(host: &str, port: u16, deadline: Deadline) -> io::Result<Stream> {
    let addresses = alternate((host, port).to_socket_addrs()?);
    let mut last = no_address();
    let mut left = addresses.len() as u32;
    for address in addresses {
        match TcpStream::connect_timeout(&address, deadline.left()? / left) {
            Ok(stream) => {
                // Every message is written at once and as a whole.
                stream.set_nodelay(true)?;
                return Ok(Stream::Plain(stream.try_into()?));
            }
            Err(error) => last = error,
        }
        left -= 1;
    }
    Err(last)
}

/// A tunnel through a proxy.
fn through(proxy: &Proxy, tls: &Tls, target: &Target, deadline: Deadline) -> io::Result<Stream> {
    let mut tunnel = Tunnel::new(proxy, target)?;
    let mut stream = direct(&proxy.host, proxy.port, deadline)?;
    if proxy.scheme == Scheme::Https {
        stream = secure(tls, &proxy.host, stream, deadline)?;
    }
    let mut buffer = [0; tunnel::READ];
    let mut outgoing = tunnel.take_outgoing();
    wait(&mut stream, deadline, |stream| {
        loop {
            while !outgoing.is_empty() {
                let len = stream.write(&outgoing)?;
                outgoing.drain(..len);
            }
            stream.flush()?;
            let wants = tunnel.wants().min(buffer.len());
            if wants == 0 {
                return Ok(());
            }
            let len = stream.read(&mut buffer[..wants])?;
            tunnel.handle_bytes(&buffer[..len])?;
            outgoing = tunnel.take_outgoing();
        }
    })?;
    Ok(stream)
}

fn secure(tls: &Tls, host: &str, stream: Stream, deadline: Deadline) -> io::Result<Stream> {
    let mut stream = Stream::Tls(tls.start(host, stream)?);
    wait(&mut stream, deadline, Stream::handshake)?;
    Ok(stream)
}

/// Repeats the attempt, whenever the stream is ready, as long as it would block.
fn wait(
    stream: &mut Stream,
    deadline: Deadline,
    mut attempt: impl FnMut(&mut Stream) -> io::Result<()>,
) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1);
    let both = Interest::READABLE | Interest::WRITABLE;
    stream.register(poll.registry(), Token(0), both)?;
    loop {
        match attempt(stream) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
            Ok(()) => return stream.deregister(poll.registry()),
        }
        match poll.poll(&mut events, Some(deadline.left()?)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => result?,
        }
    }
}

/// When a dial has taken too long.
#[derive(Clone, Copy)]
struct Deadline(Instant);

impl Deadline {
    fn left(self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(now());
        match left.is_zero() {
            true => Err(io::ErrorKind::TimedOut.into()),
            false => Ok(left),
        }
    }
}
