//! SOCKS 5 (RFC 1928), with user and password (RFC 1929) or without.

use std::net::IpAddr;

use super::ProxyError;
use crate::engine::proxy::Credentials;
use crate::engine::target::Target;

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;
const CONNECT: u8 = 1;
const SUCCESS: u8 = 0;

/// Methods of authentication.
const NO_LOGIN: u8 = 0;
const LOGIN: u8 = 2;
const NO_METHOD: u8 = 0xff;

/// Types of addresses.
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

#[derive(Debug)]
pub(super) struct Socks5 {
    state: State,
    /// The answer so far.
    answer: Vec<u8>,
    /// What is said once the proxy has let us in.
    request: Vec<u8>,
    /// What is said if it wants to know who asks.
    login: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The proxy chooses a method.
    Choosing,
    /// It looks at user and password.
    LoggingIn,
    /// It connects to the server.
    Connecting,
    Open,
}

impl Socks5 {
    pub(super) fn new(
        target: &Target,
        credentials: Option<&Credentials>,
        outgoing: &mut Vec<u8>,
    ) -> Result<Self, ProxyError> {
        match credentials {
            Some(_) => outgoing.extend([VERSION, 2, NO_LOGIN, LOGIN]),
            None => outgoing.extend([VERSION, 1, NO_LOGIN]),
        }
        Ok(Self {
            state: State::Choosing,
            answer: Vec::new(),
            request: request(target)?,
            login: credentials.map(login).transpose()?,
        })
    }

    /// Exactly what is missing of the answer: behind it the server begins.
    pub(super) fn wants(&self) -> usize {
        let len = match self.state {
            State::Choosing | State::LoggingIn => 2,
            // Version, code, a reserved byte, an address and a port.
            State::Connecting => match self.answer[..] {
                [_, _, _, IPV4, ..] => 4 + 4 + 2,
                [_, _, _, IPV6, ..] => 4 + 16 + 2,
                [_, _, _, NAME, len, ..] => 5 + usize::from(len) + 2,
                [_, _, _, NAME] => 5,
                _ => 4,
            },
            State::Open => 0,
        };
        len - self.answer.len()
    }

    pub(super) fn handle_bytes(
        &mut self,
        bytes: &[u8],
        outgoing: &mut Vec<u8>,
    ) -> Result<(), ProxyError> {
        self.answer.extend_from_slice(bytes);
        match self.state {
            State::Choosing => self.handle_choice(outgoing),
            State::LoggingIn => self.handle_login(outgoing),
            State::Connecting => self.handle_connected(),
            State::Open => Err(ProxyError::Malformed),
        }
    }

    fn handle_choice(&mut self, outgoing: &mut Vec<u8>) -> Result<(), ProxyError> {
        match (&self.answer[..], &mut self.login) {
            ([VERSION], _) => Ok(()),
            ([VERSION, NO_LOGIN], _) => {
                self.connect(outgoing);
                Ok(())
            }
            ([VERSION, LOGIN], Some(login)) => {
                outgoing.append(login);
                self.advance(State::LoggingIn);
                Ok(())
            }
            ([VERSION, NO_METHOD], _) => Err(ProxyError::Unauthorized),
            _ => Err(ProxyError::Malformed),
        }
    }

    fn handle_login(&mut self, outgoing: &mut Vec<u8>) -> Result<(), ProxyError> {
        match self.answer[..] {
            [LOGIN_VERSION] => Ok(()),
            [LOGIN_VERSION, SUCCESS] => {
                self.connect(outgoing);
                Ok(())
            }
            [LOGIN_VERSION, _] => Err(ProxyError::Unauthorized),
            _ => Err(ProxyError::Malformed),
        }
    }

    fn handle_connected(&mut self) -> Result<(), ProxyError> {
        match self.answer[..] {
            [VERSION] | [VERSION, SUCCESS] | [VERSION, SUCCESS, _] => {}
            [VERSION, SUCCESS, _, IPV4 | NAME | IPV6, ..] => {
                if self.wants() == 0 {
                    self.advance(State::Open);
                }
            }
            [VERSION, code, ..] if code != SUCCESS => return Err(ProxyError::Refused(code)),
            _ => return Err(ProxyError::Malformed),
        }
        Ok(())
    }

    fn connect(&mut self, outgoing: &mut Vec<u8>) {
        outgoing.append(&mut self.request);
        self.advance(State::Connecting);
    }

    fn advance(&mut self, state: State) {
        self.answer.clear();
        self.state = state;
    }
}

fn request(target: &Target) -> Result<Vec<u8>, ProxyError> {
    let mut request = vec![VERSION, CONNECT, 0];
    match target.host.parse() {
        Ok(IpAddr::V4(address)) => {
            request.push(IPV4);
            request.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(IPV6);
            request.extend(address.octets());
        }
        Err(_) => {
            let name = target.host.as_bytes();
            request.extend([NAME, len_of(name)?]);
            request.extend_from_slice(name);
        }
    }
    request.extend(target.port.to_be_bytes());
    Ok(request)
}

fn login(credentials: &Credentials) -> Result<Vec<u8>, ProxyError> {
    let Credentials { user, password } = credentials;
    let password = password.as_deref().unwrap_or_default();
    let mut login = vec![LOGIN_VERSION, len_of(user)?];
    login.extend_from_slice(user);
    login.push(len_of(password)?);
    login.extend_from_slice(password);
    Ok(login)
}

/// The length as SOCKS says it: in one byte.
pub(super) fn len_of(text: &[u8]) -> Result<u8, ProxyError> {
    u8::try_from(text.len()).map_err(|_| ProxyError::LongHost)
}
