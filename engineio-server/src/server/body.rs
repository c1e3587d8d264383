//! The body of a request, in one piece.

use std::error::Error;
use std::mem;
use std::pin::pin;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http_body::Body;
use http_body_util::{BodyExt, Limited};

/// Receives a body of at most `limit` bytes. One that comes at once is not copied; pieces are, as
/// they come, for each would otherwise weigh as much as what surrounds it.
pub(super) async fn receive<B>(body: B, limit: usize) -> Result<Bytes, Box<dyn Error + Send + Sync>>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut body = pin!(Limited::new(body, limit));
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        // What is no data is trailers, which mean nothing here.
        let Ok(mut data) = frame?.into_data() else {
            continue;
        };
        if first.is_empty() && whole.is_empty() {
            first = data.copy_to_bytes(data.remaining());
            continue;
        }
        whole.put(mem::take(&mut first));
        whole.put(data);
    }
    Ok(match whole.is_empty() {
        true => first,
        false => whole.freeze(),
    })
}
