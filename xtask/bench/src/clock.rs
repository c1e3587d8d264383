//! The time a person waits, which is what is measured here.

use std::time::Instant;

/// What the clock says.
#[expect(
    clippy::disallowed_methods,
    reason = "there is no runtime whose clock could be read"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
