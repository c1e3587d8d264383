//! A websocket: whoever reads it makes calls of frames, whoever acts for the session writes to it.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use engineio_proto::Format;
use engineio_proto::server::{Item, LinkEnd, LinkId};
use engineio_proto::ws::{ControlFrame, Decoder, Frame, Role};

use crate::session::{Shared, State, now};

/// The writing end.
pub(crate) struct Link {
    stream: Arc<TcpStream>,
    /// That of the request for this websocket; the session may have begun in another one.
    format: Format,
}

impl Link {
    /// Makes a websocket of a connection, by that response.
    pub(crate) fn open(stream: &Arc<TcpStream>, format: Format, switch: Option<Vec<u8>>) -> Self {
        // Should it fail, so does the next read.
        _ = (&**stream).write_all(&switch.unwrap_or_default());
        let stream = stream.clone();
        Self { stream, format }
    }

    pub(crate) fn send(&self, item: &Item) -> io::Result<()> {
        let mut frames = item.frames(self.format);
        frames.try_for_each(|frame| (&*self.stream).write_all(frame))
    }

    fn pong(&self, payload: &[u8]) {
        let pong = ControlFrame::pong(payload, None);
        _ = (&*self.stream).write_all(pong.as_ref());
    }

    /// Says goodbye. Whoever reads goes on until the client has hung up as well.
    pub(crate) fn close(&self, code: Option<u16>) {
        let close = ControlFrame::close(code, None);
        _ = (&*self.stream).write_all(close.as_ref());
        _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// Reads a websocket to its end, beginning with what came right behind the request for it.
pub(crate) fn read(
    mut stream: &TcpStream,
    mut unread: Vec<u8>,
    max_payload: usize,
    shared: &Shared,
    id: LinkId,
) {
    let mut decoder = Decoder::new(Role::Server, max_payload);
    let mut buffer = [0; 16 * 1024];
    let mut input = &mut unread[..];
    while shared.tell(|state| state.handle_frames(id, &mut decoder, input)) {
        let end = match stream.read(&mut buffer) {
            Ok(0) => LinkEnd::Closed,
            Ok(len) => {
                input = &mut buffer[..len];
                continue;
            }
            Err(_) => LinkEnd::Failed("read failed"),
        };
        return shared.tell(|state| state.end_link(id, end, None));
    }
}

impl State {
    /// Takes what a read has brought. False if there is nothing more to come.
    fn handle_frames(&mut self, id: LinkId, decoder: &mut Decoder, mut input: &mut [u8]) -> bool {
        loop {
            let frame = match decoder.decode(&mut input) {
                Ok(Some(frame)) => frame,
                Ok(None) => return true,
                Err(error) => {
                    let end = LinkEnd::Failed("websocket protocol violated");
                    self.end_link(id, end, Some(error.close_code()));
                    return false;
                }
            };
            let message = match &frame {
                Frame::Text(text) => self.session.handle_text(now(), id, text),
                Frame::Binary(data) => self.session.handle_binary(now(), id, data),
                Frame::Ping(payload) => {
                    self.links.get(&id).inspect(|link| link.pong(payload));
                    None
                }
                Frame::Pong(_) => None,
                Frame::Close { code, .. } => {
                    self.end_link(id, LinkEnd::Closed, *code);
                    return false;
                }
            };
            if let Some(message) = message {
                let answer = self.application.answer(now(), &message);
                self.respond(answer);
            }
        }
    }

    /// Nothing more comes from a websocket. The client is told so, if it can still hear.
    fn end_link(&mut self, id: LinkId, end: LinkEnd, code: Option<u16>) {
        if let Some(link) = self.links.remove(&id) {
            link.close(code);
        }
        self.session.handle_link_end(now(), id, end);
    }
}
