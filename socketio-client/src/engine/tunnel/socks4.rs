//! SOCKS 4A: SOCKS 4 with names that the proxy resolves.

use std::net::Ipv4Addr;

use super::{ProxyError, socks5};
use crate::engine::proxy::Credentials;
use crate::engine::target::Target;

const VERSION: u8 = 4;
const CONNECT: u8 = 1;
const GRANTED: u8 = 90;

/// An address that cannot be meant: a name follows instead.
const NAMED: Ipv4Addr = Ipv4Addr::new(0, 0, 0, 1);

const ANSWER_LEN: usize = 8;

#[derive(Debug)]
pub(super) struct Socks4 {
    answer: Vec<u8>,
}

impl Socks4 {
    pub(super) fn new(
        target: &Target,
        credentials: Option<&Credentials>,
        outgoing: &mut Vec<u8>,
    ) -> Result<Self, ProxyError> {
        // SOCKS 4 knows no IPv6: such an address goes as a name, and many proxies understand it.
        let address: Option<Ipv4Addr> = target.host.parse().ok();
        outgoing.extend([VERSION, CONNECT]);
        outgoing.extend(target.port.to_be_bytes());
        outgoing.extend(address.unwrap_or(NAMED).octets());
        if let Some(credentials) = credentials {
            outgoing.extend_from_slice(&credentials.user);
        }
        outgoing.push(0);
        if address.is_none() {
            socks5::len_of(target.host.as_bytes())?;
            outgoing.extend_from_slice(target.host.as_bytes());
            outgoing.push(0);
        }
        Ok(Self { answer: Vec::new() })
    }

    pub(super) const fn wants(&self) -> usize {
        ANSWER_LEN - self.answer.len()
    }

    pub(super) fn handle_bytes(&mut self, bytes: &[u8]) -> Result<(), ProxyError> {
        self.answer.extend_from_slice(bytes);
        match self.answer[..] {
            [] | [0] | [0, GRANTED, ..] => Ok(()),
            [0, code @ 91..=93, ..] => Err(ProxyError::Refused(code)),
            _ => Err(ProxyError::Malformed),
        }
    }
}
