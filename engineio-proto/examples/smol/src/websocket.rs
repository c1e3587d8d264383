//! A websocket, from the request for it to its end: frames become calls of the session, and what the
//! session has to say becomes frames.

use std::io;

use engineio_proto::Format;
use engineio_proto::server::{Item, LinkEnd, LinkId};
use engineio_proto::ws::{ControlFrame, Decoder, Frame, Role};
use smol::channel::Receiver;
use smol::future::or;
use smol::io::AsyncReadExt;

use crate::session::{Shared, State, now};
use crate::{Connection, patiently};

/// What is to be written. Behind the last of it, the connection ends.
pub(crate) enum Outgoing {
    Item(Item),
    Control(ControlFrame),
}

/// What happens on a websocket next.
enum Event {
    Write(Outgoing),
    Read(io::Result<usize>),
    /// Everything has been written.
    End,
}

impl Connection {
    /// Serves a websocket. `format` is that of the request for it: the session may have begun in
    /// another one.
    pub(crate) async fn serve_link(
        &mut self,
        shared: &Shared,
        id: LinkId,
        format: Format,
        outgoing: Receiver<Outgoing>,
    ) {
        let mut decoder = Decoder::new(Role::Server, self.config.max_payload);
        // What came right behind the request.
        let mut unread = std::mem::take(&mut self.unread);
        shared.tell(|state| state.handle_frames(id, &mut decoder, &mut unread));
        let mut buffer = [0; 16 * 1024];
        loop {
            // Nothing is read while something is to be written: a client that does not read is not
            // heard either.
            let write = async { outgoing.recv().await.map_or(Event::End, Event::Write) };
            let read = patiently(&self.config, self.stream.read(&mut buffer));
            let read = async { Event::Read(read.await) };
            match or(write, read).await {
                Event::Write(it) => {
                    if self.write_frames(it, format).await.is_err() {
                        let end = LinkEnd::Failed("write failed");
                        return shared.tell(|state| state.end_link(id, end, None));
                    }
                }
                Event::Read(Ok(0)) => {
                    shared.tell(|state| state.end_link(id, LinkEnd::Closed, None));
                }
                Event::Read(Ok(len)) => {
                    let input = &mut buffer[..len];
                    shared.tell(|state| state.handle_frames(id, &mut decoder, input));
                }
                Event::Read(Err(_)) => {
                    let end = LinkEnd::Failed("read failed");
                    shared.tell(|state| state.end_link(id, end, None));
                }
                Event::End => return,
            }
        }
    }

    async fn write_frames(&mut self, outgoing: Outgoing, format: Format) -> io::Result<()> {
        match outgoing {
            Outgoing::Item(item) => {
                for frame in item.frames(format) {
                    self.write(frame).await?;
                }
                Ok(())
            }
            Outgoing::Control(frame) => self.write(frame.as_ref()).await,
        }
    }
}

impl State {
    /// Takes what a websocket has brought.
    fn handle_frames(&mut self, id: LinkId, decoder: &mut Decoder, mut input: &mut [u8]) {
        loop {
            let frame = match decoder.decode(&mut input) {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(error) => {
                    let end = LinkEnd::Failed("websocket protocol violated");
                    self.end_link(id, end, Some(error.close_code()));
                    return;
                }
            };
            let message = match &frame {
                Frame::Text(text) => self.session.handle_text(now(), id, text),
                Frame::Binary(data) => self.session.handle_binary(now(), id, data),
                Frame::Ping(payload) => {
                    self.write(id, Outgoing::Control(ControlFrame::pong(payload, None)));
                    None
                }
                Frame::Pong(_) => None,
                Frame::Close { code, .. } => {
                    self.end_link(id, LinkEnd::Closed, *code);
                    return;
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
        self.close_link(id, code);
        self.session.handle_link_end(now(), id, end);
    }
}
