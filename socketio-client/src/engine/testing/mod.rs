//! What dialers are tested against: servers and proxies that serve one connection on a thread.

#[cfg(feature = "tls-rustls")]
pub(super) mod certificates;
pub(super) mod proxy;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

/// Serves one connection to the port it returns.
pub(super) fn serve(handle: impl FnOnce(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        handle(stream);
    });
    port
}

/// Sends back what comes, to the end. Clients that give up are no failure of the server.
pub(super) fn echo(mut stream: impl Read + Write) {
    let mut buffer = [0; 4096];
    while let Ok(len @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..len]).is_err() || stream.flush().is_err() {
            return;
        }
    }
}
