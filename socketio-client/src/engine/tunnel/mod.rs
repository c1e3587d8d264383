//! The first words on a connection to a proxy, after which it leads to the server. Without I/O:
//! the dialers move the bytes.
//!
//! ```text
//!   take_outgoing ─► write all ─► wants() = n ─► read at most n ─► handle_bytes ─┐
//!        ▲                              └─ 0: the tunnel is open                 │
//!        └───────────────────────────────────────────────────────────────────────┘
//! ```

mod http;
mod socks4;
mod socks5;

use std::io;

use self::http::Http;
use self::socks4::Socks4;
use self::socks5::Socks5;
use super::proxy::{Proxy, Scheme};
use super::target::Target;

/// Bytes a dialer reads at a time: answers are short.
pub(crate) const READ: usize = 512;

/// A proxy does not open a tunnel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyError {
    /// An HTTP proxy answers `CONNECT` with this status; 407 asks for other credentials.
    #[error("the proxy answers with status {0}")]
    Status(u16),
    /// A SOCKS proxy refuses with this code (SOCKS 4: 91 to 93, SOCKS 5: RFC 1928 §6).
    #[error("the proxy refuses with code {0}")]
    Refused(u8),
    /// A SOCKS proxy does not let the client in: with other credentials, or with some.
    #[error("the proxy asks for other credentials")]
    Unauthorized,
    /// What the proxy says is not in its protocol, or is longer than it may be.
    #[error("the answer of the proxy is not understood")]
    Malformed,
    /// The connection ends before the tunnel is open.
    #[error("the proxy hangs up")]
    Closed,
    /// The server's name is too long for SOCKS: more than 255 bytes.
    #[error("the name of the server is too long for the proxy")]
    LongHost,
}

impl From<ProxyError> for io::Error {
    fn from(error: ProxyError) -> Self {
        Self::other(error)
    }
}

/// The opening of one tunnel.
#[derive(Debug)]
pub(crate) struct Tunnel {
    protocol: Protocol,
    outgoing: Vec<u8>,
}

#[derive(Debug)]
enum Protocol {
    Http(Http),
    Socks4(Socks4),
    Socks5(Socks5),
}

impl Tunnel {
    pub(crate) fn new(proxy: &Proxy, target: &Target) -> Result<Self, ProxyError> {
        let mut outgoing = Vec::new();
        let credentials = proxy.credentials.as_ref();
        let protocol = match proxy.scheme {
            Scheme::Http | Scheme::Https => {
                Protocol::Http(Http::new(target, credentials, &mut outgoing))
            }
            Scheme::Socks4a => Protocol::Socks4(Socks4::new(target, credentials, &mut outgoing)?),
            Scheme::Socks5 => Protocol::Socks5(Socks5::new(target, credentials, &mut outgoing)?),
        };
        Ok(Self { protocol, outgoing })
    }

    /// What is to be written before anything else is read.
    pub(crate) fn take_outgoing(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.outgoing)
    }

    /// How many bytes may be read next; 0 when the tunnel is open.
    pub(crate) fn wants(&self) -> usize {
        match &self.protocol {
            Protocol::Http(http) => http.wants(),
            Protocol::Socks4(socks) => socks.wants(),
            Protocol::Socks5(socks) => socks.wants(),
        }
    }

    /// Takes what has been read, no more than [`wants`](Self::wants); nothing is the end.
    pub(crate) fn handle_bytes(&mut self, bytes: &[u8]) -> Result<(), ProxyError> {
        if bytes.is_empty() {
            return Err(ProxyError::Closed);
        }
        match &mut self.protocol {
            Protocol::Http(http) => http.handle_bytes(bytes),
            Protocol::Socks4(socks) => socks.handle_bytes(bytes),
            Protocol::Socks5(socks) => socks.handle_bytes(bytes, &mut self.outgoing),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the client says, and what the proxy says to that; in turns.
    type Dialogue<'a> = &'a [(&'a [u8], &'a [u8])];

    /// Holds the dialogue with as many bytes per read as `step` allows.
    fn hold(
        proxy: &str,
        target: &Target,
        dialogue: Dialogue<'_>,
        step: usize,
    ) -> Result<(), ProxyError> {
        let mut tunnel = Tunnel::new(&proxy.parse().unwrap(), target)?;
        for &(said, mut answer) in dialogue {
            let outgoing = tunnel.take_outgoing();
            assert_eq!(
                outgoing.escape_ascii().to_string(),
                said.escape_ascii().to_string()
            );
            while !answer.is_empty() {
                let wants = tunnel.wants();
                assert!(wants > 0, "open before the proxy has finished");
                let (now, later) = answer.split_at(wants.min(step).min(answer.len()));
                tunnel.handle_bytes(now)?;
                answer = later;
            }
        }
        assert_eq!(tunnel.wants(), 0, "still not open");
        assert_eq!(tunnel.take_outgoing(), b"");
        Ok(())
    }

    #[track_caller]
    fn check(
        proxy: &str,
        target: (&str, u16),
        dialogue: Dialogue<'_>,
        result: Result<(), ProxyError>,
    ) {
        let target = Target::new(target.0, target.1, false);
        for step in [1, 2, 3, 7, usize::MAX] {
            assert_eq!(
                hold(proxy, &target, dialogue, step),
                result,
                "{step} at a time"
            );
        }
    }

    const SERVER: (&str, u16) = ("example.org", 8080);
    const OPEN4: &[u8] = b"\0\x5a\0\0\0\0\0\0";
    const OPEN5: &[u8] = b"\x05\0\0\x01\0\0\0\0\0\0";
    const ASK5: &[u8] = b"\x05\x01\0\x03\x0bexample.org\x1f\x90";

    #[test]
    fn an_http_proxy_is_asked_to_connect() {
        const ASK: &[u8] = b"CONNECT example.org:8080 HTTP/1.1\r\nhost: example.org:8080\r\n\r\n";
        let answer = |head: &'static [u8], result| {
            check("http://proxy", SERVER, &[(ASK, head)], result);
        };
        answer(b"HTTP/1.1 200 OK\r\n\r\n", Ok(()));
        answer(
            b"HTTP/1.0 200 Connection established\r\nvia: me\r\n\r\n",
            Ok(()),
        );
        answer(b"HTTP/1.1 299 \r\n\r\n", Ok(()));
        answer(
            b"HTTP/1.1 407 Who?\r\ncontent-length: 3\r\n\r\n",
            Err(ProxyError::Status(407)),
        );
        answer(b"HTTP/1.1 302 Found\r\n\r\n", Err(ProxyError::Status(302)));
        answer(b"SSH-2.0-OpenSSH\r\n\r\n", Err(ProxyError::Malformed));
        check(
            "https://proxy",
            ("::1", 443),
            &[(
                b"CONNECT [::1]:443 HTTP/1.1\r\nhost: [::1]:443\r\n\r\n",
                b"HTTP/1.1 200 OK\r\n\r\n",
            )],
            Ok(()),
        );
    }

    #[test]
    fn an_http_proxy_gets_basic_credentials() {
        let ask = b"CONNECT example.org:8080 HTTP/1.1\r\nhost: example.org:8080\r\n\
            proxy-authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
        check(
            "http://Aladdin:open%20sesame@proxy",
            SERVER,
            &[(ask, b"HTTP/1.1 200 OK\r\n\r\n")],
            Ok(()),
        );
    }

    #[test]
    fn the_answer_of_an_http_proxy_is_bounded() {
        let proxy = "http://proxy".parse().unwrap();
        let target = Target::new("example.org", 80, false);
        let mut tunnel = Tunnel::new(&proxy, &target).unwrap();
        tunnel.handle_bytes(b"HTTP/1.1 200 OK\r\n").unwrap();
        let mut taken = 0;
        let error = loop {
            let line = b"a: bcdefghijklmnopqrstuvwxyz\r\n";
            let len = line.len().min(tunnel.wants());
            match tunnel.handle_bytes(&line[..len]) {
                Ok(()) => taken += len,
                Err(error) => break error,
            }
        };
        assert_eq!(error, ProxyError::Malformed);
        assert!(taken < 20_000, "{taken}");
    }

    #[test]
    fn nothing_of_the_server_is_lost_behind_the_answer_of_an_http_proxy() {
        let proxy = "http://proxy".parse().unwrap();
        let target = Target::new("example.org", 80, false);
        let mut tunnel = Tunnel::new(&proxy, &target).unwrap();
        let result = tunnel.handle_bytes(b"HTTP/1.1 200 OK\r\n\r\nhello");
        assert_eq!(result, Err(ProxyError::Malformed));
    }

    #[test]
    fn a_socks4a_proxy_resolves_names() {
        let ask = b"\x04\x01\x1f\x90\0\0\0\x01\0example.org\0";
        check("socks4a://proxy", SERVER, &[(ask, OPEN4)], Ok(()));
        let ask = b"\x04\x01\x1f\x90\0\0\0\x01me\0example.org\0";
        check("socks4a://me@proxy", SERVER, &[(ask, OPEN4)], Ok(()));
        let ask = b"\x04\x01\0\x50\x7f\0\0\x01\0";
        check(
            "socks4a://proxy",
            ("127.0.0.1", 80),
            &[(ask, OPEN4)],
            Ok(()),
        );
        let ask = b"\x04\x01\0\x50\0\0\0\x01\0::1\0";
        check("socks4a://proxy", ("::1", 80), &[(ask, OPEN4)], Ok(()));
    }

    #[test]
    fn a_socks4a_proxy_may_refuse() {
        let ask = b"\x04\x01\x1f\x90\0\0\0\x01\0example.org\0";
        let answer = |answer: &'static [u8], error| {
            check("socks4a://proxy", SERVER, &[(ask, answer)], Err(error));
        };
        answer(b"\0\x5b\0\0\0\0\0\0", ProxyError::Refused(91));
        answer(b"\0\x5d\0\0\0\0\0\0", ProxyError::Refused(93));
        answer(b"HTTP/1.1", ProxyError::Malformed);
    }

    #[test]
    fn a_socks5_proxy_resolves_names() {
        let dialogue: Dialogue<'_> = &[(b"\x05\x01\0", b"\x05\0"), (ASK5, OPEN5)];
        check("socks5://proxy", SERVER, dialogue, Ok(()));
        check("socks5h://proxy", SERVER, dialogue, Ok(()));
    }

    #[test]
    fn a_socks5_proxy_is_told_addresses_as_such() {
        let hello = (&b"\x05\x01\0"[..], &b"\x05\0"[..]);
        let v4 = b"\x05\x01\0\x01\x7f\0\0\x01\0\x50";
        let dialogue: Dialogue<'_> = &[hello, (v4, OPEN5)];
        check("socks5://proxy", ("127.0.0.1", 80), dialogue, Ok(()));
        let v6 = b"\x05\x01\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x50";
        let dialogue: Dialogue<'_> = &[hello, (v6, OPEN5)];
        check("socks5://proxy", ("::1", 80), dialogue, Ok(()));
    }

    #[test]
    fn the_answer_of_a_socks5_proxy_is_read_to_its_end() {
        let hello = (&b"\x05\x01\0"[..], &b"\x05\0"[..]);
        for bound in [
            &b"\x05\0\0\x03\x04name\x01\x02"[..],
            b"\x05\0\0\x03\0\x01\x02",
            b"\x05\0\0\x04\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x01\x02",
        ] {
            check("socks5://proxy", SERVER, &[hello, (ASK5, bound)], Ok(()));
        }
    }

    #[test]
    fn a_socks5_proxy_may_ask_for_credentials() {
        let proxy = "socks5://me:secret@proxy";
        let hello = b"\x05\x02\0\x02";
        let login = b"\x01\x02me\x06secret";
        let with = |answer: &'static [u8], result| {
            let dialogue: Dialogue<'_> = &[(hello, b"\x05\x02"), (login, answer), (ASK5, OPEN5)];
            check(proxy, SERVER, dialogue, result);
        };
        with(b"\x01\0", Ok(()));
        with(b"\x01\x01", Err(ProxyError::Unauthorized));
        with(b"\x05\0", Err(ProxyError::Malformed));
        check(proxy, SERVER, &[(hello, b"\x05\0"), (ASK5, OPEN5)], Ok(()));
        let no_password = b"\x01\x02me\0";
        check(
            "socks5://me@proxy",
            SERVER,
            &[
                (hello, b"\x05\x02"),
                (no_password, b"\x01\0"),
                (ASK5, OPEN5),
            ],
            Ok(()),
        );
    }

    #[test]
    fn a_socks5_proxy_may_refuse() {
        let greeted = |answer: &'static [u8], error| {
            let dialogue: Dialogue<'_> = &[(b"\x05\x01\0", answer)];
            check("socks5://proxy", SERVER, dialogue, Err(error));
        };
        greeted(b"\x05\xff", ProxyError::Unauthorized);
        // A method that was not offered.
        greeted(b"\x05\x02", ProxyError::Malformed);
        greeted(b"\x04\0", ProxyError::Malformed);

        let asked = |answer: &'static [u8], error| {
            let dialogue: Dialogue<'_> = &[(b"\x05\x01\0", b"\x05\0"), (ASK5, answer)];
            check("socks5://proxy", SERVER, dialogue, Err(error));
        };
        // Proxies that refuse often say nothing more than the code.
        asked(b"\x05\x05", ProxyError::Refused(5));
        asked(b"\x05\x01\0\x01\0\0", ProxyError::Refused(1));
        asked(b"\x04\0\0", ProxyError::Malformed);
        asked(b"\x05\0\0\x07\0", ProxyError::Malformed);
    }

    #[test]
    fn a_name_that_socks_cannot_say_is_refused() {
        let target = Target::new("a".repeat(256), 80, false);
        for (proxy, fits) in [
            ("http://proxy", true),
            ("socks4a://proxy", false),
            ("socks5://proxy", false),
        ] {
            let tunnel = Tunnel::new(&proxy.parse().unwrap(), &target);
            assert_eq!(tunnel.map(drop).is_ok(), fits, "{proxy}");
        }
    }

    #[test]
    fn a_proxy_that_hangs_up_is_named() {
        let target = Target::new("example.org", 80, false);
        for proxy in ["http://proxy", "socks4a://proxy", "socks5://proxy"] {
            let mut tunnel = Tunnel::new(&proxy.parse().unwrap(), &target).unwrap();
            assert_eq!(tunnel.handle_bytes(b""), Err(ProxyError::Closed));
        }
    }
}
