//! A link's connection, and what it has to say to the flight recorder.

use engine::{Session, Tape};

use crate::entry::{Entry, Ticket};
use crate::io::Io;
use crate::proto::Revision;
use crate::proto::record::{self, Recorded};
use crate::proto::server::Connection;

/// The revision of Socket.IO that goes with a session's own.
pub(crate) fn revision(session: &Session<Entry>) -> Revision {
    Revision::over(session.revision().as_str())
}

/// A connection that has heard of nothing yet, for a session that may be recorded.
pub(crate) fn connection(
    io: &Io,
    session: &Session<Entry>,
    tape: Option<&Tape>,
) -> Recorded<Connection<Ticket>> {
    let tape = tape.map(|tape| {
        let file = tape.clone();
        let own = record::Tape::new("socket", move |line| file.write(line));
        match tape.has_payloads() {
            true => own.with_payloads(),
            false => own,
        }
    });
    Recorded::server(
        revision(session),
        io.connection_config(),
        io.engine().now(),
        tape,
    )
}
