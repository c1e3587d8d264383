//! One direction of a connection.

use std::{
    future::pending,
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::{ReadHalf, WriteHalf},
    time::sleep,
};

use super::{Silence, Weather};
use crate::random::Random;

/// The connection is to end without having been closed by either side.
#[derive(Debug)]
pub(super) struct Cut;

impl From<io::Error> for Cut {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// How long a late piece is late.
const LATENESS: Duration = Duration::from_millis(1);

/// Where bytes go.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    /// To the server.
    Up,
    /// To the client.
    Down,
}

/// Passes bytes on, as it pleases.
pub(super) struct Pump<'a> {
    direction: Direction,
    weather: Weather,
    silence: &'a Silence<'a>,
    /// How many bytes may still pass, in both directions together.
    allowance: &'a AtomicU64,
    random: Random,
    /// What of the current piece has not passed.
    piece: u64,
}

impl<'a> Pump<'a> {
    pub(super) fn new(
        direction: Direction,
        weather: Weather,
        silence: &'a Silence<'a>,
        allowance: &'a AtomicU64,
        random: Random,
    ) -> Self {
        Self {
            direction,
            weather,
            silence,
            allowance,
            random,
            piece: 0,
        }
    }

    /// Passes on until the sender is done, or this must not go on.
    pub(super) async fn run(
        mut self,
        mut from: ReadHalf<'_>,
        mut to: WriteHalf<'_>,
    ) -> Result<(), Cut> {
        let mut buffer = vec![0; 1 << 14];
        loop {
            let read = from.read(&mut buffer).await;
            if self.silence.has_fallen() {
                return self.swallow(from, &mut buffer).await;
            }
            let read = read?;
            if read == 0 {
                to.shutdown().await?;
                return Ok(());
            }
            let mut bytes = &buffer[..read];
            while !bytes.is_empty() {
                let (piece, rest) = bytes.split_at(self.next_piece(bytes.len()).await);
                let allowed = self.take_allowance(piece.len());
                to.write_all(&piece[..allowed]).await?;
                if allowed < piece.len() {
                    return Err(Cut);
                }
                bytes = rest;
            }
        }
    }

    /// Reads and passes nothing on, not even the end. The client's ends the connection.
    async fn swallow(&self, mut from: ReadHalf<'_>, buffer: &mut [u8]) -> Result<(), Cut> {
        while matches!(from.read(buffer).await, Ok(1..)) {}
        match self.direction {
            Direction::Up => Err(Cut),
            Direction::Down => pending().await,
        }
    }

    /// How much passes at once of so many bytes, after a while if that piece is late.
    async fn next_piece(&mut self, len: usize) -> usize {
        if self.weather == Weather::Fair {
            return len;
        }
        if self.piece == 0 {
            // Single bytes as well as whole messages.
            let most = [8, 200, 1 << 14][self.random.below(3) as usize];
            self.piece = 1 + self.random.below(most);
            if self.random.one_in(8) {
                sleep(LATENESS).await;
            }
        }
        let piece = self.piece.min(len as u64);
        self.piece -= piece;
        piece as usize
    }

    /// How many of so many bytes may pass.
    fn take_allowance(&self, len: usize) -> usize {
        let left = |left: u64| Some(left.saturating_sub(len as u64));
        let before = self
            .allowance
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left)
            .unwrap_or_default();
        before.min(len as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const LENGTH: usize = 100_000;

    /// Where pieces end, if bytes arrive in such chunks.
    async fn ends(weather: Weather, chunk: usize) -> BTreeSet<usize> {
        let silence = Silence {
            from_start: false,
            silences: &AtomicU64::new(0),
            at_start: 0,
        };
        let allowance = AtomicU64::new(u64::MAX);
        let mut pump = Pump::new(Direction::Up, weather, &silence, &allowance, Random::new(1));
        let (mut at, mut ends) = (0, BTreeSet::new());
        while at < LENGTH {
            at += pump.next_piece((LENGTH - at).min(chunk - at % chunk)).await;
            ends.insert(at);
        }
        ends
    }

    #[tokio::test]
    async fn pieces_end_where_the_seed_says_however_bytes_arrive() {
        // Virtual time: the proxy is the only one who waits.
        tokio::time::pause();
        let whole = ends(Weather::Rough, LENGTH).await;
        assert!(whole.len() > 10, "{} pieces", whole.len());
        assert!(whole.is_subset(&ends(Weather::Rough, 100).await));
        assert_eq!(ends(Weather::Fair, LENGTH).await.len(), 1);
    }

    #[tokio::test]
    async fn an_allowance_ends_in_the_middle_of_a_piece() {
        let silence = Silence {
            from_start: false,
            silences: &AtomicU64::new(0),
            at_start: 0,
        };
        let allowance = AtomicU64::new(10);
        let pump = Pump::new(
            Direction::Up,
            Weather::Fair,
            &silence,
            &allowance,
            Random::new(1),
        );
        assert_eq!([7, 7, 7].map(|len| pump.take_allowance(len)), [7, 3, 0]);
    }
}
