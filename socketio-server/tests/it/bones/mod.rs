//! The guarantees the server is built on: nothing deadlocks, nothing is lost, nothing overtakes,
//! and nobody's memory grows without bound.

mod leaving;
mod order;
mod pressure;
mod waiting;

use socketio_server::{DisconnectReason, Io, State};

use crate::host::Pen;

/// Notes why clients leave.
fn note_disconnects(io: &Io) {
    io.on_disconnect(async |pen: State<Pen>, reason: DisconnectReason| {
        pen.note(reason.as_str());
    });
}
