//! Events that are answered, on every connection a fixed number at a time.

use std::time::Instant;

use anyhow::{Context as _, Result};

use super::{
    Streams, Tally, Traffic,
    template::{Frame, PLACE, Template},
    window::{REACH, Window},
};
use crate::clock::now;

/// What an event and its answer look like.
pub(crate) trait Exchange {
    fn event() -> Template;
    fn answer() -> Template;
}

/// An event comes back: 64 bytes as a Socket.IO packet.
pub(crate) enum Echo {}

/// An event is acknowledged.
pub(crate) enum Ack {}

/// An event with an attachment of 1 KiB comes back.
pub(crate) enum Binary {}

/// What clients say.
pub(crate) const CHAT: &str = "shall we meet at noon by the market fountain";

impl Exchange for Echo {
    fn event() -> Template {
        let text = format!(r#"42["echo","{PLACE} {CHAT}"]"#);
        Template::from_client(&[Frame::Text(&text)])
    }

    fn answer() -> Template {
        let text = format!(r#"42["echo","{PLACE} {CHAT}"]"#);
        Template::from_server(&[Frame::Text(&text)])
    }
}

impl Exchange for Ack {
    fn event() -> Template {
        let text = format!(r#"42{PLACE}["ask","{PLACE} {CHAT}"]"#);
        Template::from_client(&[Frame::Text(&text)])
    }

    fn answer() -> Template {
        let text = format!(r#"43{PLACE}["{PLACE} {CHAT}"]"#);
        Template::from_server(&[Frame::Text(&text)])
    }
}

impl Exchange for Binary {
    fn event() -> Template {
        with_attachment(Template::from_client)
    }

    fn answer() -> Template {
        with_attachment(Template::from_server)
    }
}

fn with_attachment(template: fn(&[Frame<'_>]) -> Template) -> Template {
    let mut attachment: Vec<u8> = (0..=255).cycle().take(1024).collect();
    attachment[..PLACE.len()].copy_from_slice(PLACE.as_bytes());
    let packet = r#"451-["binary",{"_placeholder":true,"num":0}]"#;
    template(&[Frame::Text(packet), Frame::Binary(&attachment)])
}

/// Exchanges under way on every connection.
pub(crate) struct Exchanges {
    event: Template,
    answer: Template,
    depth: usize,
    is_timed: bool,
    windows: Vec<Window>,
    /// When events were sent on each connection, by count modulo the length.
    sent: Vec<[Instant; REACH as usize]>,
    batch: Vec<u8>,
    tally: Tally,
}

impl Exchanges {
    pub(crate) fn new<E: Exchange>(connections: usize, depth: usize) -> Self {
        Self {
            event: E::event(),
            answer: E::answer(),
            depth,
            is_timed: depth > 1,
            windows: vec![Window::default(); connections],
            sent: vec![[now(); REACH as usize]; connections],
            batch: Vec::new(),
            tally: Tally::default(),
        }
    }
}

impl Traffic for Exchanges {
    fn start(&mut self, streams: &Streams) -> Result<()> {
        let at = now();
        (0..self.windows.len()).try_for_each(|index| self.answer(index, streams, at))
    }

    fn take(&mut self, index: usize, arrived: &[u8], at: Instant) -> Result<usize> {
        let Some(answer) = arrived.get(..self.answer.len()) else {
            return Ok(0);
        };
        let window = &mut self.windows[index];
        let oldest = window.oldest();
        let ahead = self.answer.distance(answer, oldest);
        let (ahead, is_early) = ahead
            .and_then(|ahead| Some((ahead, window.arrive(ahead)?)))
            .with_context(|| format!("wrong answer: {}", String::from_utf8_lossy(answer)))?;
        if self.is_timed {
            let sent = self.sent[index][((oldest + ahead) % REACH) as usize];
            self.tally.latencies.push(at - sent);
        }
        self.tally.inversions += u64::from(is_early);
        self.tally.done += 1;
        Ok(answer.len())
    }

    /// Sends as many events as are missing, in one go.
    fn answer(&mut self, index: usize, streams: &Streams, at: Instant) -> Result<()> {
        let window = &mut self.windows[index];
        self.batch.clear();
        while window.under_way() < self.depth {
            let Some(count) = window.begin() else { break };
            self.batch.extend(self.event.with(count));
            self.sent[index][(count % REACH) as usize] = at;
        }
        match self.batch.is_empty() {
            true => Ok(()),
            false => streams.send(index, &self.batch),
        }
    }

    fn stop(&mut self) {
        self.depth = 0;
    }

    fn is_complete(&self) -> bool {
        self.windows.iter().all(|window| window.under_way() == 0)
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_is_64_bytes() {
        // With the two bytes of the frame's head.
        assert_eq!(Echo::answer().len(), 2 + 64);
        assert_eq!(Echo::event().len(), 2 + 4 + 64);
    }
}
