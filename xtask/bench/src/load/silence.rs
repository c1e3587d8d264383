//! Connections on which nothing happens but pings.

use std::time::Instant;

use anyhow::{Result, bail};

use super::{Streams, Tally, Traffic};

/// Expects no messages.
#[derive(Default)]
pub(crate) struct Silence(Tally);

impl Traffic for Silence {
    fn start(&mut self, _: &Streams) -> Result<()> {
        Ok(())
    }

    fn take(&mut self, _: usize, arrived: &[u8], _: Instant) -> Result<usize> {
        bail!("not expected: {}", String::from_utf8_lossy(arrived))
    }

    fn answer(&mut self, _: usize, _: &Streams, _: Instant) -> Result<()> {
        Ok(())
    }

    fn stop(&mut self) {}

    fn is_complete(&self) -> bool {
        true
    }

    fn tally(&mut self) -> &mut Tally {
        &mut self.0
    }
}
