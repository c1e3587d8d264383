//! Where the flight recorder of one link writes, whatever its layers have to say.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use engineio_proto::record;
use parking_lot::Mutex;

/// What happens on one link to the server, for somebody who is to find out why: JSON lines, written
/// while it lives. Cheap to clone; all clones write to the same place.
///
/// Every input and output of the protocol's state machines is a line
/// ([the format](engineio_proto::record)), with other texts and numbers of the same length in place
/// of what was said, and without ids and credentials. `cargo xtask replay FILE` in this project's
/// repository runs it through the core again.
///
/// Lines are written by the task, or on the thread, that talks to the server, as they come: give a
/// file a [`BufWriter`](std::io::BufWriter). It is flushed when the link ends, by a panic too. An
/// error is logged once and ends the record, never the link.
#[derive(Clone)]
pub struct Tape {
    writer: Arc<Mutex<Writer>>,
    payloads: bool,
}

impl Tape {
    /// Writes to this place, which is one link's own.
    pub fn new(writer: impl Write + Send + 'static) -> Self {
        Self {
            writer: Arc::new(Mutex::new(Writer(Some(Box::new(writer))))),
            payloads: false,
        }
    }

    /// Keeps what is said, word for word.
    ///
    /// **Such a record holds what nobody else should see**: messages, credentials, ids. Read it
    /// before you send it to anybody.
    #[must_use]
    pub fn with_payloads(mut self) -> Self {
        self.payloads = true;
        self
    }

    /// Whether [payloads are kept](Self::with_payloads): a layer above does the same with its own.
    #[must_use]
    pub const fn has_payloads(&self) -> bool {
        self.payloads
    }

    /// Writes a line. A layer above writes its own this way, each of its machines by a name of its
    /// own.
    pub fn write(&self, line: String) {
        self.writer.lock().write(line);
    }

    /// For the session of the engine.
    pub(super) fn of_session(&self) -> record::Tape {
        let own = self.clone();
        let tape = record::Tape::new("engine", move |line| own.write(line));
        match self.payloads {
            true => tape.with_payloads(),
            false => tape,
        }
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape")
            .field("payloads", &self.payloads)
            .finish_non_exhaustive()
    }
}

/// The place, until it fails.
struct Writer(Option<Box<dyn Write + Send>>);

impl Writer {
    fn write(&mut self, mut line: String) {
        line.push('\n');
        self.attempt(|writer| writer.write_all(line.as_bytes()));
    }

    fn attempt(&mut self, what: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) {
        if let Some(writer) = &mut self.0
            && let Err(error) = what(writer)
        {
            tracing::warn!(target: "engineio", %error, "a link's record ends early");
            self.0 = None;
        }
    }
}

/// With the link, however it ends: a panic comes by here too.
impl Drop for Writer {
    fn drop(&mut self) {
        self.attempt(|writer| writer.flush());
    }
}

/// Who says which links are recorded: nobody, unless somebody is set.
#[derive(Clone, Default)]
pub(super) struct Recording(pub(super) Option<Arc<Hook>>);

pub(super) type Hook = dyn Fn() -> Option<Tape> + Send + Sync;

impl Recording {
    /// The tape of a link that is about to be opened.
    pub(super) fn tape(&self) -> Option<Tape> {
        self.0.as_ref().and_then(|hook| hook())
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Some(..)" } else { "None" })
    }
}
