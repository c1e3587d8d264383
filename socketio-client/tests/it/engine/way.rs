//! Ways to the server other than a plain connection: proxies.

use std::net::Ipv4Addr;

use socketio_client::engine::{Connection, Prepared, Transport};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::host::{Host, WAYS, Way};
use super::recv_text;

/// An HTTP proxy; its URL, and what it is asked for.
async fn proxy() -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, asked) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(tunnel(stream, sender.clone()));
        }
    });
    (url, asked)
}

async fn tunnel(stream: TcpStream, asked: mpsc::UnboundedSender<String>) {
    let mut client = BufReader::new(stream);
    let mut lines = Vec::new();
    while lines.last().is_none_or(|line: &String| line != "\r\n") {
        let mut line = String::new();
        client.read_line(&mut line).await.unwrap();
        lines.push(line);
    }
    let target = lines[0].split(' ').nth(1).unwrap();
    let mut server = TcpStream::connect(target).await.unwrap();
    asked.send(lines[0].trim_end().to_owned()).unwrap();
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    // Whoever hangs up first, the tunnel is closed.
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

#[tokio::test]
async fn a_proxy_carries_every_transport() {
    for way in WAYS {
        let host = Host::start_tcp().await;
        let (url, mut asked) = proxy().await;
        let mut config = host.config(way);
        config.proxy = Some(url.parse().unwrap());
        let mut connection = Connection::open(config).await.unwrap();
        connection.send(Prepared::text("hello"));
        assert_eq!(recv_text(&mut connection).await, "hello");
        let authority = host.url.strip_prefix("http://").unwrap();
        let expected = format!("CONNECT {authority} HTTP/1.1");
        assert_eq!(asked.try_recv().unwrap(), expected);
        if way == Way::Upgrade {
            let mut number = 0;
            while connection.transport() == Transport::Polling {
                connection.send(Prepared::text(&number.to_string()));
                assert_eq!(recv_text(&mut connection).await, number.to_string());
                number += 1;
            }
        }
        connection.close().await;
    }
}
