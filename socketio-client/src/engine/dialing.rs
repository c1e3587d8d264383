//! Both dialers on the same tables: the way to a server is the same with and without a runtime.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::testing::{echo, proxy, serve};
use super::{Config, ProxyError, Target, blocking, dial};

/// More than the buffers on the way hold, so that either side has to wait for the other.
const PAYLOAD: usize = 1 << 20;

/// How long anything may hang in a test that fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends bytes to a server that echoes, and awaits them.
type RoundTrip = fn(Config, Target) -> io::Result<()>;

const DIALERS: [RoundTrip; 2] = [async_round_trip, blocking_round_trip];

fn async_round_trip(config: Config, target: Target) -> io::Result<()> {
    let dialer = dial::Dialer::new(Arc::new(config), None);
    block_on(async {
        let stream = dialer.dial(target).await?;
        exchange(stream).await
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

async fn exchange(stream: dial::Stream) -> io::Result<()> {
    let payload = vec![7; PAYLOAD];
    let mut answer = vec![0; PAYLOAD];
    let (mut reader, mut writer) = tokio::io::split(stream);
    let write = async {
        writer.write_all(&payload).await?;
        writer.flush().await
    };
    let read = reader.read_exact(&mut answer);
    tokio::try_join!(write, read)?;
    assert_eq!(payload, answer);
    writer.shutdown().await?;
    match reader.read(&mut answer).await? {
        0 => Ok(()),
        len => panic!("{len} bytes too many"),
    }
}

fn blocking_round_trip(config: Config, target: Target) -> io::Result<()> {
    let dialer = blocking::Dialer::new(Arc::new(config), None);
    exchange_without_runtime(blocking_dial(&dialer, target, PATIENCE)?)
}

fn blocking_dial(
    dialer: &blocking::Dialer,
    target: Target,
    timeout: Duration,
) -> io::Result<blocking::Stream> {
    let (sender, receiver) = mpsc::channel();
    dialer.dial(target, timeout, move |result| sender.send(result).unwrap())?;
    receiver.recv_timeout(PATIENCE).unwrap()
}

fn exchange_without_runtime(mut stream: blocking::Stream) -> io::Result<()> {
    let payload = vec![7; PAYLOAD];
    let mut answer = vec![0; PAYLOAD + 1];
    let (mut written, mut read) = (0, 0);
    let mut closed = false;
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(4);
    let both = Interest::READABLE | Interest::WRITABLE;
    poll.registry().register(&mut stream, Token(0), both)?;
    loop {
        while written < PAYLOAD
            && let Some(len) = unless_blocked(stream.write(&payload[written..]))?
        {
            written += len;
        }
        if written == PAYLOAD {
            unless_blocked(stream.flush())?;
        }
        while read < PAYLOAD
            && let Some(len) = unless_blocked(stream.read(&mut answer[read..]))?
        {
            assert!(len > 0, "the end, too early");
            read += len;
        }
        if read == PAYLOAD {
            closed = closed || unless_blocked(stream.close())?.is_some();
            if let Some(0) = unless_blocked(stream.read(&mut answer[read..]))? {
                assert_eq!(payload, answer[..read]);
                return Ok(());
            }
        }
        poll.poll(&mut events, Some(PATIENCE))?;
        if events.is_empty() {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

fn unless_blocked<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        result => result.map(Some),
    }
}

#[test]
fn a_server_is_reached_by_name_and_by_address() {
    for round_trip in DIALERS {
        for host in ["localhost", "127.0.0.1"] {
            let target = Target::new(host, serve(echo), false);
            round_trip(Config::new(""), target).unwrap();
        }
    }
}

#[test]
fn a_server_that_is_not_there_refuses() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    for round_trip in DIALERS {
        let target = Target::new("127.0.0.1", port, false);
        let error = round_trip(Config::new(""), target).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}

fn through(proxy: &str, port: u16) -> Config {
    let mut config = Config::new("");
    config.proxy = Some(format!("{proxy}:{port}").parse().unwrap());
    config
}

/// The proxy is asked for a name that nobody else could resolve, and becomes the server.
#[track_caller]
fn check_proxy(proxy: &str, accept: fn(&mut TcpStream) -> String) {
    for round_trip in DIALERS {
        let (sender, asked) = mpsc::channel();
        let port = serve(move |mut stream| {
            sender.send(accept(&mut stream)).unwrap();
            echo(stream);
        });
        let target = Target::new("server.invalid", 8080, false);
        round_trip(through(proxy, port), target).unwrap();
        assert_eq!(asked.recv().unwrap(), "server.invalid:8080");
    }
}

#[test]
fn every_kind_of_proxy_opens_a_tunnel() {
    check_proxy("http://localhost", |it| proxy::accept_http(it, false));
    check_proxy("http://aladdin:sesame@localhost", |it| {
        proxy::accept_http(it, true)
    });
    check_proxy("socks4a://aladdin@localhost", proxy::accept_socks4);
    check_proxy("socks5://localhost", |it| proxy::accept_socks5(it, false));
    check_proxy("socks5h://aladdin:sesame@localhost", |it| {
        proxy::accept_socks5(it, true)
    });
}

#[test]
fn a_proxy_that_refuses_is_quoted() {
    for round_trip in DIALERS {
        let port = serve(|mut stream| {
            proxy::accept_http(&mut stream, true);
        });
        let target = Target::new("server.invalid", 8080, false);
        let error = round_trip(through("http://localhost", port), target).unwrap_err();
        let cause: &ProxyError = error.get_ref().unwrap().downcast_ref().unwrap();
        assert_eq!(*cause, ProxyError::Status(407));
    }
}

#[test]
fn a_proxy_that_hangs_up_is_an_error() {
    for round_trip in DIALERS {
        let port = serve(drop);
        let target = Target::new("server.invalid", 8080, false);
        round_trip(through("socks5://localhost", port), target).unwrap_err();
    }
}

#[test]
fn a_blocking_dial_ends_with_its_time() {
    let (sender, receiver) = mpsc::channel();
    let port = serve(move |stream| sender.send(stream).unwrap());
    let config = through("socks5://localhost", port);
    let dialer = blocking::Dialer::new(Arc::new(config), None);
    let target = Target::new("server.invalid", 8080, false);
    let result = blocking_dial(&dialer, target, Duration::from_millis(100));
    assert_eq!(result.err().unwrap().kind(), io::ErrorKind::TimedOut);
    drop(receiver);
}

#[test]
fn a_connector_takes_the_place_of_everything() {
    let mut config = Config::new("");
    config.proxy = Some("http://nowhere.invalid".parse().unwrap());
    let config = Arc::new(config);
    let target = Target::new("server.invalid", 8080, false);

    let connector = async |target: Target| {
        assert_eq!(target.to_string(), "server.invalid:8080");
        let (near, far) = tokio::io::duplex(1000);
        tokio::spawn(async move {
            let (mut reader, mut writer) = tokio::io::split(far);
            tokio::io::copy(&mut reader, &mut writer).await.unwrap();
            writer.shutdown().await
        });
        Ok(near)
    };
    let dialer = dial::Dialer::new(config.clone(), Some(Arc::new(connector)));
    let dial = dialer.dial(target.clone());
    block_on(async { exchange(dial.await?).await }).unwrap();

    let connector = |_: Target| TcpStream::connect(("127.0.0.1", serve(echo)));
    let dialer = blocking::Dialer::new(config, Some(Arc::new(connector)));
    let stream = blocking_dial(&dialer, target, PATIENCE).unwrap();
    exchange_without_runtime(stream).unwrap();
}

#[cfg(unix)]
#[test]
fn unix_sockets_are_byte_streams() {
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    std::thread::spawn(move || echo(far));
    let near = parking_lot::Mutex::new(Some(near));
    let connector = move |_: Target| Ok(near.lock().take().unwrap());
    let dialer = blocking::Dialer::new(Arc::new(Config::new("")), Some(Arc::new(connector)));
    let target = Target::new("server.invalid", 80, false);
    let stream = blocking_dial(&dialer, target, PATIENCE).unwrap();
    exchange_without_runtime(stream).unwrap();
}

#[cfg(not(any(feature = "tls-rustls", feature = "tls-native")))]
#[test]
fn a_build_without_tls_says_so() {
    for round_trip in DIALERS {
        let target = Target::new("localhost", serve(drop), true);
        let error = round_trip(Config::new(""), target).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    }
}

#[cfg(feature = "tls-rustls")]
mod tls;
