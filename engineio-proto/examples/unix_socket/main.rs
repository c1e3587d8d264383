//! An Engine.IO session over a Unix socket, in a framing of our own: `t` or `b`, the length of the
//! packet in four bytes, big-endian, and the packet. No HTTP, no websocket.
//!
//! Each end is one thread, which waits for a frame or for the time its session names. If both ends
//! may have more to say at once than the kernel holds, each needs a second thread, to read.
//!
//! `cargo run -p engineio-proto --example unix_socket`

#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use engineio_proto::server::{LinkEnd, LinkId};
use engineio_proto::{
    CloseReason, Format, Message, Prepared, Revision, Sid, Tick, Transport, client, server,
};

const FORMAT: Format = Format::new(Revision::V4);
/// A connection has one session, which has one link.
const LINK: LinkId = LinkId(0);
/// Bytes of the longest packet.
const MAX_PACKET: usize = 1_000_000;

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
    let unread = Vec::new();
    let mut wire = Wire { stream, unread };
    let mut secret = [0; 15];
    // Invariant: a system without randomness cannot run a server that hands out secrets.
    getrandom::fill(&mut secret).expect("the system provides randomness");
    let sid = Sid::from_random(secret);
    let mut session = server::Session::open_link(Arc::default(), FORMAT, &sid, LINK, now());
    loop {
        while let Some(output) = session.poll_output() {
            match output {
                server::Output::Send { item, .. } => wire.write(item.packets(FORMAT)),
                // The stream is dropped with this function, which is what `CloseLink` asks for.
                server::Output::Closed { reason, .. } => return reason,
                _ => {}
            }
        }
        let frame = wire.read(session.poll_timeout());
        let message = match &frame {
            Ok(Some(Frame::Text(text))) => session.handle_text(now(), LINK, text),
            Ok(Some(Frame::Binary(data))) => session.handle_binary(now(), LINK, data),
            Ok(None) => None,
            Err(end) => {
                session.handle_link_end(now(), LINK, *end);
                None
            }
        };
        if let Some(message) = message {
            session.send(message.into());
        }
        // Of no effect before the time it waits for.
        session.handle_timeout(now());
    }
}

/// The client's end: sends one text after the other, each when the last has come back, and leaves.
fn ask(stream: UnixStream, questions: &[&str]) -> (Vec<String>, CloseReason) {
    let unread = Vec::new();
    let mut wire = Wire { stream, unread };
    let config = client::Config {
        // Sessions know the kind of their carrier only: one packet per message.
        transport: Transport::Websocket,
        ..client::Config::default()
    };
    let mut session = client::Session::new(Arc::new(config), FORMAT, now());
    let mut questions = questions.iter();
    let mut answers = Vec::new();
    loop {
        while let Some(output) = session.poll_output() {
            match output {
                // It is open already.
                client::Output::OpenLink { link } => session.handle_link(now(), link),
                client::Output::Send { item, .. } => wire.write(item.packets(FORMAT)),
                client::Output::Opened { .. } => ask_next(&mut session, &mut questions),
                client::Output::Closed { reason, .. } => return (answers, reason),
                _ => {}
            }
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

/// One end. Whatever breaks it shows when it is read.
struct Wire {
    stream: UnixStream,
    unread: Vec<u8>,
}

enum Frame {
    Text(String),
    Binary(Vec<u8>),
}

impl Wire {
    fn write<'a>(&mut self, packets: impl Iterator<Item = Message<'a>>) {
        for packet in packets {
            let (kind, data) = match &packet {
                Message::Text(text) => (b't', text.as_bytes()),
                Message::Binary(data) => (b'b', &data[..]),
            };
            let len = (data.len() as u32).to_be_bytes();
            // Should it fail, so does the next read.
            _ = self.stream.write_all(&[&[kind], &len[..], data].concat());
        }
    }

    /// The next frame; `None` if there is none until that time.
    fn read(&mut self, until: Option<Tick>) -> Result<Option<Frame>, LinkEnd> {
        loop {
            if let Some(frame) = self.take_frame()? {
                return Ok(Some(frame));
            }
            // Zero would mean for ever.
            let wait = until.map(|until| Duration::from_millis(until.saturating_sub(now()).max(1)));
            let mut buffer = [0; 16 * 1024];
            let read = self.stream.set_read_timeout(wait);
            match read.and_then(|()| self.stream.read(&mut buffer)) {
                Ok(0) => return Err(LinkEnd::Closed),
                Ok(len) => self.unread.extend_from_slice(&buffer[..len]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(_) => return Err(LinkEnd::Failed("read failed")),
            }
        }
    }

    fn take_frame(&mut self) -> Result<Option<Frame>, LinkEnd> {
        let Some((&[kind, a, b, c, d], rest)) = self.unread.split_first_chunk() else {
            return Ok(None);
        };
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        if len > MAX_PACKET {
            return Err(LinkEnd::Failed("packet over the limit"));
        }
        let Some(packet) = rest.get(..len) else {
            return Ok(None);
        };
        let packet = packet.to_vec();
        self.unread.drain(..5 + len);
        match kind {
            b't' => String::from_utf8(packet)
                .map(|text| Some(Frame::Text(text)))
                .map_err(|_| LinkEnd::Failed("text is not utf-8")),
            b'b' => Ok(Some(Frame::Binary(packet))),
            _ => Err(LinkEnd::Failed("unknown kind of frame")),
        }
    }
}

/// Milliseconds since the first call, rounded down.
#[expect(clippy::disallowed_methods, reason = "somebody has to read the clock")]
fn now() -> Tick {
    static EPOCH: LazyLock<Instant> = LazyLock::new(Instant::now);
    EPOCH.elapsed().as_millis() as Tick
}
