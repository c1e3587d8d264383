//! A proxy that treats connections badly: it splits and delays what it passes on, cuts connections,
//! and falls silent.
//!
//! What it does to the bytes follows from a seed, the number of the connection and the position of
//! the bytes in it, never from how they happened to arrive.

mod pump;

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Result;
use parking_lot::Mutex;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{AbortHandle, JoinSet},
};

use self::pump::{Cut, Direction, Pump};
use crate::random::Random;

/// What is done to the bytes of all connections.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Passed on as they come.
    Fair,
    /// In pieces, some of them late.
    Rough,
}

/// What happens to connections, new ones and those that are there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Pass,
    /// They stay, but nothing comes through any more.
    Swallow,
    /// They are reset as soon as they are made.
    Refuse,
}

/// A running proxy; its connections end with it.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    listening: AbortHandle,
}

struct Shared {
    server: SocketAddr,
    weather: Weather,
    seed: u64,
    mode: Mutex<Mode>,
    /// How often all connections were cut: those that began before the latest cut are over.
    cuts: watch::Sender<u64>,
    /// How often all connections were silenced: the same.
    silences: AtomicU64,
    /// How many bytes the next connections pass on, in both directions together, before they are cut.
    allowances: Mutex<VecDeque<u64>>,
    accepted: AtomicU64,
}

impl Proxy {
    /// Listens on a port of its own.
    pub(crate) async fn start(server: SocketAddr, weather: Weather, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let shared = Arc::new(Shared {
            server,
            weather,
            seed,
            mode: Mutex::new(Mode::Pass),
            cuts: watch::Sender::new(0),
            silences: AtomicU64::new(0),
            allowances: Mutex::default(),
            accepted: AtomicU64::new(0),
        });
        let address = listener.local_addr()?;
        let listening = tokio::spawn(Arc::clone(&shared).listen(listener)).abort_handle();
        Ok(Self {
            address,
            shared,
            listening,
        })
    }

    /// Cuts every connection there is.
    pub(crate) fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Cuts the next connections, one by one, after so many bytes.
    pub(crate) fn cut_after(&self, bytes: impl IntoIterator<Item = u64>) {
        self.shared.allowances.lock().extend(bytes);
    }

    /// Whether all connections that were to be cut have begun.
    pub(crate) fn has_cut_all(&self) -> bool {
        self.shared.allowances.lock().is_empty()
    }

    /// Lets connections stay, those that will be made as well, but nothing comes through.
    pub(crate) fn fall_silent(&self) {
        *self.shared.mode.lock() = Mode::Swallow;
        self.shared.silences.fetch_add(1, Ordering::Relaxed);
    }

    /// Resets new connections, and those there are.
    pub(crate) fn refuse(&self) {
        *self.shared.mode.lock() = Mode::Refuse;
        self.cut();
    }

    /// New connections pass again. Those that were silenced never do.
    pub(crate) fn recover(&self) {
        *self.shared.mode.lock() = Mode::Pass;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Shared {
    async fn listen(self: Arc<Self>, listener: TcpListener) {
        // Ends its links when it is dropped.
        let mut links = JoinSet::new();
        while let Ok((client, _)) = listener.accept().await {
            let number = self.accepted.fetch_add(1, Ordering::Relaxed);
            links.spawn(Arc::clone(&self).link(client, number));
            while links.try_join_next().is_some() {}
        }
    }

    async fn link(self: Arc<Self>, mut client: TcpStream, number: u64) {
        // Before anything takes time: a cut meanwhile must not be missed.
        let mut cuts = self.cuts.subscribe();
        let mode = *self.mode.lock();
        if mode == Mode::Refuse {
            _ = client.set_zero_linger();
            return;
        }
        let silence = Silence::from(&self, mode);
        // Nobody listens while the server is restarted: the client's connection ends as well.
        let Ok(mut server) = TcpStream::connect(self.server).await else {
            return;
        };
        _ = client.set_nodelay(true);
        _ = server.set_nodelay(true);
        let allowance = self.allowances.lock().pop_front().unwrap_or(u64::MAX);
        let allowance = AtomicU64::new(allowance);
        let ended = {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            let pump = |direction| {
                let random = Random::fork(self.seed, 2 * number + direction as u64);
                Pump::new(direction, self.weather, &silence, &allowance, random)
            };
            let (up, down) = (pump(Direction::Up), pump(Direction::Down));
            tokio::select! {
                ended = async {
                    tokio::try_join!(up.run(from_client, to_server), down.run(from_server, to_client))
                } => ended.map(drop),
                _ = cuts.changed() => Err(Cut),
            }
        };
        // Half of those that are cut are reset, as by a firewall; the others end as by a crash.
        if ended.is_err() && Random::fork(self.seed, number).one_in(2) {
            _ = client.set_zero_linger();
            _ = server.set_zero_linger();
        }
    }
}

/// Whether a connection has fallen silent: for ever, once it has.
struct Silence<'a> {
    from_start: bool,
    silences: &'a AtomicU64,
    at_start: u64,
}

impl<'a> Silence<'a> {
    fn from(shared: &'a Shared, mode: Mode) -> Self {
        Self {
            from_start: mode == Mode::Swallow,
            silences: &shared.silences,
            at_start: shared.silences.load(Ordering::Relaxed),
        }
    }

    fn has_fallen(&self) -> bool {
        self.from_start || self.silences.load(Ordering::Relaxed) != self.at_start
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const BYTES: &[u8] = &[7; 20_000];

    /// A server that sends back what it gets, and says how much that was in each read.
    async fn echo() -> (SocketAddr, tokio::sync::mpsc::UnboundedReceiver<usize>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (reads, read) = tokio::sync::mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let reads = reads.clone();
                tokio::spawn(async move {
                    let mut buffer = vec![0; 1 << 16];
                    while let Ok(len @ 1..) = stream.read(&mut buffer).await {
                        _ = reads.send(len);
                        _ = stream.write_all(&buffer[..len]).await;
                    }
                });
            }
        });
        (address, read)
    }

    async fn proxied(weather: Weather) -> (Proxy, tokio::sync::mpsc::UnboundedReceiver<usize>) {
        let (server, reads) = echo().await;
        (Proxy::start(server, weather, 1).await.unwrap(), reads)
    }

    async fn connect(proxy: &Proxy) -> TcpStream {
        TcpStream::connect(proxy.address).await.unwrap()
    }

    async fn talk(stream: &mut TcpStream) -> std::io::Result<usize> {
        let (mut read, mut write) = stream.split();
        let mut back = vec![0; BYTES.len()];
        let written = write.write_all(BYTES);
        let (_, read) = tokio::join!(written, read.read_exact(&mut back));
        read?;
        assert_eq!(back, BYTES);
        Ok(back.len())
    }

    #[tokio::test]
    async fn every_byte_passes_whatever_the_weather() {
        for weather in [Weather::Fair, Weather::Rough] {
            let (proxy, _reads) = proxied(weather).await;
            talk(&mut connect(&proxy).await).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_connection_is_cut_after_its_allowance_and_the_next_one_is_not() {
        let (proxy, _reads) = proxied(Weather::Fair).await;
        proxy.cut_after([100]);
        assert!(talk(&mut connect(&proxy).await).await.is_err());
        assert!(proxy.has_cut_all());
        talk(&mut connect(&proxy).await).await.unwrap();
    }

    #[tokio::test]
    async fn a_cut_ends_all_connections_there_are() {
        let (proxy, _reads) = proxied(Weather::Fair).await;
        let mut streams = [connect(&proxy).await, connect(&proxy).await];
        for stream in &mut streams {
            talk(stream).await.unwrap();
        }
        proxy.cut();
        for stream in &mut streams {
            assert!(!matches!(stream.read(&mut [0]).await, Ok(1..)));
        }
        talk(&mut connect(&proxy).await).await.unwrap();
    }

    #[tokio::test]
    async fn a_silent_connection_stays_silent_and_the_next_one_is_not() {
        let (proxy, mut reads) = proxied(Weather::Fair).await;
        let mut stream = connect(&proxy).await;
        talk(&mut stream).await.unwrap();
        while reads.try_recv().is_ok() {}
        proxy.fall_silent();
        stream.write_all(BYTES).await.unwrap();
        proxy.recover();
        // A connection made later and answered shows that the former had its chance.
        let mut next = connect(&proxy).await;
        talk(&mut next).await.unwrap();
        let mut seen = 0;
        while let Ok(len) = reads.try_recv() {
            seen += len;
        }
        assert_eq!(seen, BYTES.len());
    }

    #[tokio::test]
    async fn a_refusing_proxy_resets_what_comes() {
        let (proxy, _reads) = proxied(Weather::Fair).await;
        proxy.refuse();
        assert!(talk(&mut connect(&proxy).await).await.is_err());
        proxy.recover();
        talk(&mut connect(&proxy).await).await.unwrap();
    }
}
