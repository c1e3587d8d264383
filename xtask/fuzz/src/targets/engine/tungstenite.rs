//! WebSocket frames against tungstenite: both see the same frames, up to what one of them refuses.

use std::io::{self, Read, Write};

use engineio_proto::ws::{Error, Frame, Role, Violation};
use tungstenite::{
    Message,
    protocol::{WebSocketConfig, WebSocketContext},
};

use super::frames::decode;
use crate::input::Input;

pub(in crate::targets) fn tungstenite(input: &[u8]) {
    let mut input = Input::new(input);
    let role = input.pick(&[Role::Server, Role::Client]);
    let limit = input.pick(&[125, 126, 300, 4096]);
    let cuts = input.bytes();
    let bytes = input.rest();

    let (mut ours, our_error) = decode(role, limit, bytes, cuts);
    for frame in &mut ours {
        // It does not know this one, and does not say so.
        if matches!(
            frame,
            Frame::Close {
                code: Some(1014),
                ..
            }
        ) {
            *frame = Frame::Close {
                code: Some(1002),
                reason: "Protocol violation".into(),
            };
        }
    }
    let (theirs, their_error) = tungstenite_decodes(role, limit, bytes, cuts);
    let (common, beyond) = ours.split_at(ours.len().min(theirs.len()));
    assert_eq!(common, &theirs[..common.len()]);
    // It takes lengths that are spelled too long, and makes other codes of wrong ones. What the
    // header proves wrong it refuses later than we do.
    let goes_on = matches!(our_error, Some(Error::Protocol(violation)) if is_tolerated(violation));
    assert!(
        goes_on || theirs.len() == common.len(),
        "only tungstenite sees {theirs:?}"
    );
    // It looks at a text as it arrives, we do when it is whole; other frames stand between.
    let is_early = matches!(their_error, Some(tungstenite::Error::Utf8(_)));
    let may_follow = is_early && beyond.iter().all(is_control);
    assert!(may_follow || beyond.is_empty(), "only we see {beyond:?}");
    if let Some(error) = their_error.filter(|_| !is_early) {
        assert!(our_error.is_some(), "only tungstenite refuses: {error}");
    }
}

fn is_tolerated(violation: Violation) -> bool {
    matches!(
        violation,
        Violation::CloseCode(_) | Violation::LengthNotMinimal | Violation::LongControl
    )
}

fn is_control(frame: &Frame<'_>) -> bool {
    !matches!(frame, Frame::Text(_) | Frame::Binary(_))
}

type Decoded = (Vec<Frame<'static>>, Option<tungstenite::Error>);

fn tungstenite_decodes(role: Role, limit: usize, bytes: &[u8], cuts: &[u8]) -> Decoded {
    let role = match role {
        Role::Server => tungstenite::protocol::Role::Server,
        Role::Client => tungstenite::protocol::Role::Client,
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(1024)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit));
    let mut pipe = Pipe { bytes, cuts };
    let mut context = WebSocketContext::new(role, Some(config));
    let mut frames = Vec::new();
    loop {
        let frame = match context.read(&mut pipe) {
            Ok(Message::Text(text)) => Frame::Text(text.to_string().into()),
            Ok(Message::Binary(bytes)) => Frame::Binary(bytes.to_vec().into()),
            Ok(Message::Ping(bytes)) => Frame::Ping(bytes.to_vec().into()),
            Ok(Message::Pong(bytes)) => Frame::Pong(bytes.to_vec().into()),
            Ok(Message::Close(close)) => {
                let (code, reason) = close.map(|it| (it.code.into(), it.reason)).unzip();
                let reason = reason.map_or(String::new(), |reason| reason.to_string());
                frames.push(Frame::Close {
                    code,
                    reason: reason.into(),
                });
                // What follows is discarded here, and an error there.
                return (frames, None);
            }
            Ok(Message::Frame(frame)) => panic!("a bare frame: {frame}"),
            Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return (frames, None);
            }
            Err(error) => return (frames, Some(error)),
        };
        frames.push(frame);
    }
}

/// The end of a connection on which bytes arrive in parts, and which never closes.
struct Pipe<'a> {
    bytes: &'a [u8],
    cuts: &'a [u8],
}

impl Read for Pipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let part = match self.cuts {
            [part, rest @ ..] => {
                self.cuts = rest;
                usize::from(*part).max(1)
            }
            [] => buffer.len(),
        };
        let len = part.min(buffer.len());
        match self.bytes.read(&mut buffer[..len])? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
