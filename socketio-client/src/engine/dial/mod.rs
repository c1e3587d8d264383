//! Opens byte streams on tokio: name resolution, TCP, proxy, TLS. Deadlines are the caller's, who
//! drops the future.

mod connect;
mod stream;
mod tcp;

use std::future;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub use self::connect::{BoxStream, ByteStream, Connect, Connecting};
use self::stream::NonBlocking;
pub(crate) use self::stream::Stream;
use super::proxy::{Proxy, Scheme};
use super::tls::Tls;
use super::tunnel::{self, Tunnel};
use super::{Config, Target};

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

    pub(crate) async fn dial(self, target: Target) -> io::Result<Stream> {
        let tls = &self.config.tls;
        let (stream, is_safe) = match (&self.connector, self.config.proxy_to(&target)) {
            (Some(connector), _) => {
                let stream = connector.connect(target.clone()).await?;
                (Stream::User(stream), connector.encrypts())
            }
            (None, Some(proxy)) => (through(proxy, tls, &target).await?, false),
            (None, None) => (direct(&target.host, target.port).await?, false),
        };
        match target.tls && !is_safe {
            true => secure(tls, &target.host, stream).await,
            false => Ok(stream),
        }
    }
}

async fn direct(host: &str, port: u16) -> io::Result<Stream> {
    tcp::connect(host, port).await.map(Stream::Tcp)
}

/// A tunnel through a proxy.
async fn through(proxy: &Proxy, tls: &Tls, target: &Target) -> io::Result<Stream> {
    let mut tunnel = Tunnel::new(proxy, target)?;
    let mut stream = direct(&proxy.host, proxy.port).await?;
    if proxy.scheme == Scheme::Https {
        stream = secure(tls, &proxy.host, stream).await?;
    }
    let mut buffer = [0; tunnel::READ];
    loop {
        stream.write_all(&tunnel.take_outgoing()).await?;
        stream.flush().await?;
        let wants = tunnel.wants().min(buffer.len());
        if wants == 0 {
            return Ok(stream);
        }
        let len = stream.read(&mut buffer[..wants]).await?;
        tunnel.handle_bytes(&buffer[..len])?;
    }
}

async fn secure(tls: &Tls, host: &str, stream: Stream) -> io::Result<Stream> {
    let mut stream = Stream::Tls(tls.start(host, NonBlocking::new(stream))?);
    future::poll_fn(|cx| stream.poll_handshake(cx)).await?;
    Ok(stream)
}
