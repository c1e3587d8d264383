//! TCP to a name: all its addresses, a new one whenever the others keep us waiting (RFC 8305).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::engine::addresses::{alternate, no_address};

/// How long an address has to itself before the next one is tried beside it (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(250);

pub(super) async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let addresses = lookup_host((host, port)).await?;
    let stream = race(alternate(addresses), TcpStream::connect).await?;
    // Every message is written at once and as a whole.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The first stream that opens; the error is that of the last address to fail.
async fn race<T, Fut>(
    addresses: Vec<SocketAddr>,
    connect: impl Fn(SocketAddr) -> Fut,
) -> io::Result<T>
where
    Fut: Future<Output = io::Result<T>>,
{
    let mut waiting = addresses.into_iter();
    let mut running = FuturesUnordered::new();
    let mut last = None;
    loop {
        let result = match waiting.next() {
            Some(address) => {
                running.push(connect(address));
                timeout(HEAD_START, running.next()).await.ok().flatten()
            }
            None => match running.next().await {
                Some(result) => Some(result),
                None => return Err(last.unwrap_or_else(no_address)),
            },
        };
        match result {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => last = Some(error),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future;
    use std::net::Ipv4Addr;
    use tokio::time::Instant;

    fn address(port: u16) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, port).into()
    }

    /// Port 1 refuses, port 2 never answers, the others open.
    async fn connect(address: SocketAddr) -> io::Result<u16> {
        match address.port() {
            1 => Err(io::ErrorKind::ConnectionRefused.into()),
            2 => future::pending().await,
            port => Ok(port),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_passes_to_the_next_address_at_once() {
        let start = Instant::now();
        let stream = race([1, 1, 3].map(address).into(), connect).await;
        assert_eq!(stream.unwrap(), 3);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_never_answers_is_overtaken() {
        let start = Instant::now();
        let stream = race([2, 2, 3].map(address).into(), connect).await;
        assert_eq!(stream.unwrap(), 3);
        assert_eq!(start.elapsed(), 2 * HEAD_START);
    }

    #[tokio::test(start_paused = true)]
    async fn without_any_stream_the_last_refusal_is_told() {
        let error = race([1, 1].map(address).into(), connect).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let error = race(Vec::new(), connect).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn localhost_is_found_by_name() {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .unwrap();
        let port = listener.local_addr().unwrap().port();
        let stream = super::connect("localhost", port).await.unwrap();
        assert!(stream.nodelay().unwrap());
    }
}
