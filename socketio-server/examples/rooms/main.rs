//! Rooms, on http://localhost:3000: who is in one hears what is said to it. Open the page twice.
//!
//! `cargo run -p socketio-server --example rooms`
//!
//! ```text
//!   client → server                        server → client
//!     echo       (text)                      said    (where, text)
//!     broadcast  (text)                      closed  (room)
//!     say        (room, text)
//!     join       (room)  → all one's rooms
//!     leave      (room)  → all one's rooms
//!     close      (room)
//!     goodbye    ()
//! ```

#[path = "../site/mod.rs"]
mod site;

use socketio_server::{BoxError, Data, EncodeError, Io, Socket};

use crate::site::Site;

fn main() -> Result<(), BoxError> {
    let site = Site::parse();
    let io = site.builder(include_str!("index.html"), &[])?.build();

    io.on("echo", |socket: Socket, Data(text): Data<String>| {
        socket.emit("said", &("to you", text)).map(drop)
    });
    io.on("broadcast", |io: Io, Data(text): Data<String>| {
        io.emit("said", &("to everyone", text)).map(drop)
    });
    io.on(
        "say",
        |io: Io, Data((room, text)): Data<(String, String)>| {
            io.to(room.as_str()).emit("said", &(room, text)).map(drop)
        },
    );
    io.on("join", |socket: Socket, Data(room): Data<String>| {
        socket.join(room);
        rooms(&socket)
    });
    io.on("leave", |socket: Socket, Data(room): Data<String>| {
        socket.leave(room);
        rooms(&socket)
    });
    io.on("close", close);
    // What was emitted before arrives before.
    io.on("goodbye", |socket: Socket| socket.disconnect());

    site.serve(&io)
}

/// Everybody leaves the room, once they have been told.
fn close(io: Io, Data(room): Data<String>) -> Result<(), EncodeError> {
    io.to(room.as_str()).emit("closed", &room)?;
    io.close_room(room);
    Ok(())
}

/// The rooms a socket is in. Its private room is not among them.
fn rooms(socket: &Socket) -> Vec<String> {
    let rooms = socket.rooms().into_iter();
    rooms.map(|room| room.to_string()).collect()
}
