//! An Engine.IO session over a Unix socket, in a framing of our own (`wire.rs`): no HTTP, no websocket.
//! Handshake, heartbeat and orderly close come from the sessions all the same.
//!
//! Each end is one thread, which waits for a frame or for the time its session names, whichever
//! comes first. That is enough where one end listens while the other speaks: if both may have more
//! to say at once than the kernel holds, each needs a second thread, to read.
//!
//! `cargo run -p engineio-proto --example unix_socket`

#[cfg(test)]
mod tests;
mod wire;

use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Instant;

use engineio_proto::server::LinkId;
use engineio_proto::{
    CloseReason, Format, Message, Prepared, Revision, Sid, Tick, Transport, client, server,
};

use crate::wire::{Frame, Wire};

/// There is nothing to choose: who speaks this framing speaks it like this.
const FORMAT: Format = Format::new(Revision::V4);

/// A connection has one session, which has one link.
const LINK: LinkId = LinkId(0);

fn main() -> io::Result<()> {
    let path = std::env::temp_dir().join(format!("engineio-{}.sock", std::process::id()));
    let listener = UnixListener::bind(&path)?;
    let server = thread::spawn(move || listener.accept().map(|(stream, _)| serve(stream)));
    let (answers, reason) = ask(UnixStream::connect(&path)?, &["hello", "wörld"]);
    println!("the client heard {answers:?} and left: {reason}");
    if let Ok(reason) = server.join() {
        println!("the server saw it go: {}", reason?);
    }
    std::fs::remove_file(path)
}

/// The server's end of a connection: echoes until the session is over.
fn serve(stream: UnixStream) -> CloseReason {
    let mut wire = Wire::new(stream);
    let sid = Sid::from_random(random());
    let mut session = server::Session::open_link(Arc::default(), FORMAT, &sid, LINK, now());
    loop {
        let mut closed = None;
        while let Some(output) = session.poll_output() {
            match output {
                server::Output::Send { item, .. } => {
                    item.packets(FORMAT).for_each(|packet| wire.write(&packet));
                }
                server::Output::Closed { reason, .. } => closed = Some(reason),
                // `CloseLink` comes before `Closed`: the stream is dropped with this function.
                _ => {}
            }
        }
        if let Some(reason) = closed {
            return reason;
        }
        let answer = match wire.read(session.poll_timeout()) {
            Ok(Some(Frame::Text(text))) => session.handle_text(now(), LINK, &text).map(echo),
            Ok(Some(Frame::Binary(data))) => session.handle_binary(now(), LINK, &data).map(echo),
            Ok(None) => {
                session.handle_timeout(now());
                None
            }
            Err(end) => {
                session.handle_link_end(now(), LINK, end);
                None
            }
        };
        if let Some(answer) = answer {
            session.send(answer);
        }
    }
}

fn echo(message: Message<'_>) -> Prepared {
    match message {
        Message::Text(text) => Prepared::text(text),
        Message::Binary(data) => Prepared::binary(data.into_owned().into()),
    }
}

/// The client's end: sends one text after the other, each when the one before has come back, and
/// leaves.
fn ask(stream: UnixStream, questions: &[&str]) -> (Vec<String>, CloseReason) {
    let mut wire = Wire::new(stream);
    let config = client::Config {
        // Sessions know the kind of their carrier only: one packet per message.
        transport: Transport::Websocket,
        ..client::Config::default()
    };
    let mut session = client::Session::new(Arc::new(config), FORMAT, now());
    let mut questions = questions.iter();
    let mut answers = Vec::new();
    loop {
        let mut closed = None;
        while let Some(output) = session.poll_output() {
            match output {
                // It is open already.
                client::Output::OpenLink { link } => session.handle_link(now(), link),
                client::Output::Send { item, .. } => {
                    item.packets(FORMAT).for_each(|packet| wire.write(&packet));
                }
                client::Output::Opened { .. } => ask_next(&mut session, &mut questions),
                client::Output::Closed { reason, .. } => closed = Some(reason),
                _ => {}
            }
        }
        if let Some(reason) = closed {
            return (answers, reason);
        }
        match wire.read(session.poll_timeout()) {
            Ok(Some(Frame::Text(text))) => {
                if let Some(Message::Text(text)) = session.handle_text(now(), LINK, &text) {
                    answers.push(text.to_owned());
                    ask_next(&mut session, &mut questions);
                }
            }
            Ok(Some(Frame::Binary(data))) => drop(session.handle_binary(now(), LINK, &data)),
            Ok(None) => session.handle_timeout(now()),
            Err(end) => session.handle_link_end(now(), LINK, end),
        }
    }
}

fn ask_next<'a>(session: &mut client::Session, questions: &mut impl Iterator<Item = &'a &'a str>) {
    match questions.next() {
        Some(question) => session.send(Prepared::text(question)),
        None => session.close(now()),
    }
}

fn random() -> [u8; 15] {
    let mut bytes = [0; 15];
    // Invariant: a system without randomness cannot run a server that hands out secrets.
    getrandom::fill(&mut bytes).expect("the system provides randomness");
    bytes
}

/// Milliseconds since the first call, rounded down.
#[expect(clippy::disallowed_methods, reason = "somebody has to read the clock")]
fn now() -> Tick {
    static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
    EPOCH.elapsed().as_millis() as Tick
}
