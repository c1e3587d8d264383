//! The workplace of one case: clients that reach the server, directly or through a proxy, and end
//! with the case.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow, ensure};
use clap::ValueEnum;
use parking_lot::Mutex;
use socketio_client::{
    Config,
    engine::{RevisionChoice, Transport},
    parser::MsgPack,
};
use tokio::{sync::Mutex as AsyncMutex, time::sleep};

use crate::{
    journal::CONNECT,
    peer::{Client, Peer, Refusal, Wish},
    proxy::{Proxy, Weather},
    server::{Kind, Server, Setup},
    value::Value,
};

/// How bytes travel.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    Polling,
    Websocket,
    /// From polling to websocket, which is the default.
    Upgrade,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Polling, Self::Websocket, Self::Upgrade];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::Websocket => "websocket",
            Self::Upgrade => "upgrade",
        }
    }

    pub(crate) fn transports(self) -> Vec<Transport> {
        match self {
            Self::Polling => vec![Transport::Polling],
            Self::Websocket => vec![Transport::Websocket],
            Self::Upgrade => vec![Transport::Polling, Transport::Websocket],
        }
    }
}

/// Between client and server.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Path {
    Direct,
    Proxied,
}

impl Path {
    pub(crate) const ALL: [Self; 2] = [Self::Direct, Self::Proxied];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Proxied => "proxied",
        }
    }
}

pub(crate) struct Bench<'a> {
    pub(crate) client: Client,
    pub(crate) way: Way,
    pub(crate) kind: &'static Kind,
    pub(crate) server: AsyncMutex<&'a mut Server>,
    pub(crate) seed: u64,
    direct: String,
    setup: Setup,
    proxy: Option<Proxy>,
    peers: Mutex<Vec<Arc<dyn Peer>>>,
}

impl<'a> Bench<'a> {
    pub(crate) async fn new(
        client: Client,
        way: Way,
        path: Path,
        server: &'a mut Server,
        seed: u64,
    ) -> Result<Self> {
        let proxy = match path {
            Path::Direct => None,
            Path::Proxied => Some(Proxy::start(server.address, Weather::Rough, seed).await?),
        };
        Ok(Self {
            client,
            way,
            kind: server.kind,
            direct: format!("http://{}", server.address),
            setup: server.setup,
            server: AsyncMutex::new(server),
            seed,
            proxy,
            peers: Mutex::default(),
        })
    }

    /// The proxy of a case that runs through one.
    pub(crate) fn proxy(&self) -> Result<&Proxy> {
        self.proxy.as_ref().context("there is no proxy")
    }

    /// What clients are told: this way, this revision, and back soon when the link is lost.
    pub(crate) fn config(&self) -> Config {
        let url = match &self.proxy {
            Some(proxy) => format!("http://{}", proxy.address),
            None => self.direct.clone(),
        };
        let mut config = Config::new(url);
        config.engine.transports = self.way.transports();
        config.engine.revision = RevisionChoice::Only(self.kind.revision);
        config.reconnection.delay = Duration::from_millis(20);
        config.reconnection.delay_max = Duration::from_millis(200);
        if self.setup == Setup::MsgPack {
            config.parser = Some(Arc::new(MsgPack));
        }
        config
    }

    /// A client in the default namespace.
    pub(crate) async fn peer(&self) -> Result<Arc<dyn Peer>> {
        self.peer_in(&[Wish::of("/")]).await
    }

    /// A client in these namespaces, which the server has greeted.
    pub(crate) async fn peer_in(&self, wishes: &[Wish]) -> Result<Arc<dyn Peer>> {
        self.peer_with(self.config(), wishes).await
    }

    /// The same, past the proxy.
    pub(crate) async fn direct_peer(&self) -> Result<Arc<dyn Peer>> {
        let mut config = self.config();
        config.engine.url.clone_from(&self.direct);
        self.peer_with(config, &[Wish::of("/")]).await
    }

    pub(crate) async fn peer_with(&self, config: Config, wishes: &[Wish]) -> Result<Arc<dyn Peer>> {
        let peer = self.make(config, wishes);
        peer.connect()
            .await
            .map_err(|refusal| anyhow!("not connected: {refusal:?}"))?;
        for wish in wishes {
            peer.journal().next(wish.namespace, CONNECT).await;
            peer.journal().next(wish.namespace, "auth").await;
        }
        Ok(peer)
    }

    /// What the server says to a client that wants this, and must not get it.
    pub(crate) async fn refusal(&self, wish: Wish) -> Result<Refusal> {
        let peer = self.make(self.config(), &[wish]);
        let refusal = peer.connect().await.err();
        refusal.context("connected")
    }

    fn make(&self, config: Config, wishes: &[Wish]) -> Arc<dyn Peer> {
        let peer = self.client.make(config, wishes);
        self.peers.lock().push(Arc::clone(&peer));
        peer
    }

    /// Asks in the default namespace until there is an answer: while the link is down there may be
    /// none.
    pub(crate) async fn ask_until_answered(&self, peer: &dyn Peer, n: u64) -> Result<()> {
        loop {
            if let Ok(answer) = peer.ask("/", "message-with-ack", vec![n.into()]).await {
                ensure!(answer == [Value::from(n)], "answered {answer:?} to {n}");
                return Ok(());
            }
            sleep(MOMENT).await;
        }
    }

    /// Waits for something that has no event.
    pub(crate) async fn until(&self, mut is_so: impl FnMut() -> bool) {
        while !is_so() {
            sleep(MOMENT).await;
        }
    }

    /// What the case still waits for.
    pub(crate) fn pending(&self) -> String {
        let peers = self.peers.lock();
        let waiting: Vec<_> = peers
            .iter()
            .flat_map(|peer| peer.journal().pending())
            .collect();
        match waiting.is_empty() {
            true => "for no event".to_owned(),
            false => format!("for {}", waiting.join(", ")),
        }
    }

    /// Closes every client there is.
    pub(crate) async fn close(&self) {
        let peers = std::mem::take(&mut *self.peers.lock());
        for peer in peers {
            // A client that cannot take its leave is a fault, but not that of the next case.
            _ = tokio::time::timeout(FAREWELL, peer.close()).await;
        }
    }
}

const MOMENT: Duration = Duration::from_millis(5);
const FAREWELL: Duration = Duration::from_secs(3);
