//! `CONNECT` of HTTP/1.1 (RFC 9110 §9.3.6).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::ProxyError;
use crate::engine::proxy::Credentials;
use crate::engine::target::Target;

/// Bytes of the answer's head.
const MAX_HEAD: usize = 16 * 1024;

const MAX_HEADERS: usize = 64;

#[derive(Debug)]
pub(super) struct Http {
    head: Vec<u8>,
    open: bool,
}

impl Http {
    pub(super) fn new(
        target: &Target,
        credentials: Option<&Credentials>,
        outgoing: &mut Vec<u8>,
    ) -> Self {
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n");
        if let Some(Credentials { user, password }) = credentials {
            let password = password.as_deref().unwrap_or_default();
            let pair = [user, &b":"[..], password].concat();
            let pair = BASE64_STANDARD.encode(pair);
            request += &format!("proxy-authorization: Basic {pair}\r\n");
        }
        request += "\r\n";
        outgoing.extend_from_slice(request.as_bytes());
        Self {
            head: Vec::new(),
            open: false,
        }
    }

    pub(super) const fn wants(&self) -> usize {
        match self.open {
            true => 0,
            false => MAX_HEAD - self.head.len(),
        }
    }

    /// Inside of the tunnel it is the client that speaks first. So nothing can follow the head, and
    /// reading too far is no risk; whoever sends more does not speak the protocol.
    pub(super) fn handle_bytes(&mut self, bytes: &[u8]) -> Result<(), ProxyError> {
        self.head.extend_from_slice(bytes);
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let len = match response.parse(&self.head) {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) if self.head.len() < MAX_HEAD => return Ok(()),
            Ok(httparse::Status::Partial) | Err(_) => return Err(ProxyError::Malformed),
        };
        match response.code {
            Some(200..=299) if len == self.head.len() => {
                self.open = true;
                Ok(())
            }
            Some(200..=299) | None => Err(ProxyError::Malformed),
            Some(status) => Err(ProxyError::Status(status)),
        }
    }
}
