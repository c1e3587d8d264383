//! How the link to the server stands, and the stages of getting one back.

use std::time::Duration;

use crate::{DisconnectReason, engine};

/// How the link to the server stands. Which namespaces are connected over it is another matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// There is none, and there will be none until somebody asks.
    #[default]
    Closed,
    /// It is being opened.
    Opening,
    /// It is open.
    Open,
    /// It will be opened again after a delay.
    Waiting,
}

/// What happens to the link, for hooks: what JavaScript's `Manager` emits.
///
/// ```text
///            ┌────────────── ReconnectAttempt ◄──────────┐ delay
///            ▼                                           │
///  asked ► opening ──► Open, Reconnected ──► Closed ─────┤
///            │                                           │
///            └──► OpenFailed, ReconnectError ────────────┤
///                                                        └──► ReconnectFailed
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Stage {
    /// The link is open; the namespaces are asked for now.
    Open,
    /// The link could not be opened.
    OpenFailed {
        /// Why.
        error: engine::Error,
    },
    /// The link has closed.
    Closed {
        /// Why.
        reason: DisconnectReason,
        /// What exactly went wrong, if something did.
        error: Option<engine::Error>,
    },
    /// The link will be opened again.
    Reconnecting {
        /// Which attempt it will be, counted from 1.
        attempt: u32,
        /// After how long.
        delay: Duration,
    },
    /// The link is about to be opened again.
    ReconnectAttempt {
        /// Which attempt it is, counted from 1.
        attempt: u32,
    },
    /// The link could not be opened again; follows [`OpenFailed`](Self::OpenFailed).
    ReconnectError {
        /// Which attempt it was, counted from 1.
        attempt: u32,
        /// Why.
        error: engine::Error,
    },
    /// The link is open again; follows [`Open`](Self::Open).
    Reconnected {
        /// After how many attempts.
        attempt: u32,
    },
    /// All [`attempts`](crate::Reconnection::attempts) have failed; there will be no more.
    ReconnectFailed,
}
