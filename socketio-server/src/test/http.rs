//! HTTP as a client speaks it, over memory: one request for each connection.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;

/// An answer, and what has become of the connection if it was accepted as something else.
pub(super) type Exchange = (http::Response<Bytes>, Option<Upgraded>);

/// Sends a request and waits for all of its answer. Dropping it cuts the connection.
pub(super) async fn exchange(
    stream: DuplexStream,
    request: http::Request<Full<Bytes>>,
) -> hyper::Result<Exchange> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let exchange = async move {
        let mut response = sender.send_request(request).await?;
        let upgraded = match response.status() {
            http::StatusCode::SWITCHING_PROTOCOLS => Some(hyper::upgrade::on(&mut response).await?),
            _ => None,
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok((http::Response::from_parts(head, body), upgraded))
    };
    // If the connection breaks, so does the exchange.
    let (_, answer) = tokio::join!(connection.with_upgrades(), exchange);
    answer
}
