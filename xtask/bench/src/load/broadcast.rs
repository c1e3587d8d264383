//! Events that one client makes the server send to everyone, a fixed number at a time.

use std::{collections::VecDeque, time::Instant};

use anyhow::{Context as _, Result};

use super::{
    Streams, Tally, Traffic,
    template::{Frame, PLACE, Template},
    window::{REACH, Window},
};

/// Who asks; like everybody it receives.
const SENDER: usize = 0;

/// Broadcasts under way.
pub(crate) struct Broadcast {
    event: Template,
    news: Template,
    depth: usize,
    /// The count of the first broadcast in `missing`.
    oldest: u64,
    /// How many still miss each broadcast, from the oldest one that somebody misses.
    missing: VecDeque<usize>,
    /// What each receiver has.
    windows: Vec<Window>,
    batch: Vec<u8>,
    tally: Tally,
}

impl Broadcast {
    pub(crate) fn new(receivers: usize, depth: usize, text: &str) -> Self {
        let event = format!(r#"42["broadcast","{PLACE} {text}"]"#);
        let news = format!(r#"42["news","{PLACE} {text}"]"#);
        Self {
            event: Template::from_client(&[Frame::Text(&event)]),
            news: Template::from_server(&[Frame::Text(&news)]),
            depth,
            oldest: 0,
            missing: VecDeque::new(),
            windows: vec![Window::default(); receivers],
            batch: Vec::new(),
            tally: Tally::default(),
        }
    }

    fn under_way(&self) -> usize {
        self.missing.iter().filter(|&&missing| missing > 0).count()
    }

    /// One more broadcast is under way: its count, or `None` while somebody is too far behind.
    fn begin(&mut self) -> Option<u64> {
        let count = self.oldest + self.missing.len() as u64;
        if count - self.oldest >= REACH {
            return None;
        }
        self.missing.push_back(self.windows.len());
        self.windows.iter_mut().for_each(|window| {
            window.begin();
        });
        Some(count)
    }

    /// Notes that `receiver` got a broadcast.
    fn receive(&mut self, receiver: usize, news: &[u8]) -> Result<()> {
        let window = &mut self.windows[receiver];
        let oldest = window.oldest();
        let ahead = self.news.distance(news, oldest);
        let (ahead, is_early) = ahead
            .and_then(|ahead| Some((ahead, window.arrive(ahead)?)))
            .with_context(|| format!("wrong news: {}", String::from_utf8_lossy(news)))?;
        self.tally.inversions += u64::from(is_early);
        self.tally.done += 1;
        // What a receiver misses is at least as new as what anybody misses.
        self.missing[(oldest + ahead - self.oldest) as usize] -= 1;
        while self.missing.front() == Some(&0) {
            self.missing.pop_front();
            self.oldest += 1;
        }
        Ok(())
    }
}

impl Traffic for Broadcast {
    fn start(&mut self, streams: &Streams) -> Result<()> {
        self.answer_all(streams)
    }

    fn take(&mut self, index: usize, arrived: &[u8], _: Instant) -> Result<usize> {
        let Some(news) = arrived.get(..self.news.len()) else {
            return Ok(0);
        };
        self.receive(index, news)?;
        Ok(news.len())
    }

    fn answer(&mut self, _: usize, _: &Streams, _: Instant) -> Result<()> {
        Ok(())
    }

    /// Asks for as many broadcasts as are missing, in one go.
    fn answer_all(&mut self, streams: &Streams) -> Result<()> {
        self.batch.clear();
        while self.under_way() < self.depth {
            let Some(count) = self.begin() else { break };
            self.batch.extend(self.event.with(count));
        }
        match self.batch.is_empty() {
            true => Ok(()),
            false => streams.send(SENDER, &self.batch),
        }
    }

    fn stop(&mut self) {
        self.depth = 0;
    }

    fn is_complete(&self) -> bool {
        self.under_way() == 0
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

#[cfg(test)]
mod tests {
    use super::{super::echo::CHAT, *};

    /// Two receivers and two broadcasts under way, with what arrives of each.
    fn started() -> (Broadcast, Vec<u8>, Vec<u8>) {
        let mut broadcast = Broadcast::new(2, 2, CHAT);
        assert_eq!([broadcast.begin(), broadcast.begin()], [Some(0), Some(1)]);
        let first = broadcast.news.with(0).to_vec();
        let second = broadcast.news.with(1).to_vec();
        (broadcast, first, second)
    }

    #[test]
    fn a_broadcast_is_over_when_all_have_it() {
        let (mut broadcast, first, _) = started();
        broadcast.receive(0, &first).unwrap();
        assert_eq!(broadcast.under_way(), 2);
        broadcast.receive(1, &first).unwrap();
        assert_eq!(broadcast.under_way(), 1);
        assert_eq!((broadcast.tally.done, broadcast.tally.inversions), (2, 0));
    }

    #[test]
    fn a_later_broadcast_may_be_over_first() {
        let (mut broadcast, _, second) = started();
        broadcast.receive(0, &second).unwrap();
        broadcast.receive(1, &second).unwrap();
        assert_eq!(broadcast.under_way(), 1);
    }

    #[test]
    fn order_is_each_receivers_own() {
        let (mut broadcast, first, second) = started();
        broadcast.receive(0, &first).unwrap();
        broadcast.receive(0, &second).unwrap();
        assert_eq!(broadcast.tally.inversions, 0);
        broadcast.receive(1, &second).unwrap();
        broadcast.receive(1, &first).unwrap();
        assert_eq!(broadcast.tally.inversions, 1);
    }

    #[test]
    fn what_comes_too_often_is_an_error() {
        let (mut broadcast, first, _) = started();
        broadcast.receive(0, &first).unwrap();
        assert!(broadcast.receive(0, &first).is_err());
        let unknown = broadcast.news.with(2).to_vec();
        assert!(broadcast.receive(0, &unknown).is_err());
    }
}
