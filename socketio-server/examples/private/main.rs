//! Private messages, on http://localhost:3000, which also reach those who have lost their connection
//! for a moment: it goes on where it was.
//!
//! `cargo run -p socketio-server --example private`
//!
//! A page connects with `auth: {name}`. A message is `{from, to, text}`.
//!
//! ```text
//!   client → server                                 server → client
//!     message  ({to, text})  → the message            message  (message)   to all pages of both
//!                                                     users    ([name])    whenever they change
//! ```

#[path = "../site/mod.rs"]
mod site;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use socketio_server::{
    Auth, BoxError, ConnectError, Data, EncodeError, Io, Local, RecoveryConfig, Socket,
};

use crate::site::Site;

/// Who is at the other end: what a page shows when it connects, and what its socket keeps.
#[derive(Clone, Deserialize)]
struct User {
    name: String,
}

#[derive(Deserialize)]
struct Letter {
    to: String,
    text: String,
}

#[derive(Clone, Serialize)]
struct Message {
    from: String,
    to: String,
    text: String,
}

fn main() -> Result<(), BoxError> {
    let site = Site::parse();
    let io = site
        .builder(include_str!("index.html"), &[])?
        .connection_state_recovery(RecoveryConfig::default())
        .build();
    io.on_connect(connect)
        .on("message", message)
        .on_disconnect(|io: Io| io.emit("users", &users(&io)).map(drop));
    site.serve(&io)
}

/// All pages of somebody are in one room.
fn room(name: &str) -> String {
    format!("user {name}")
}

fn connect(io: Io, socket: Socket, Auth(user): Auth<User>) -> Result<(), ConnectError> {
    if user.name.trim().is_empty() {
        return Err(ConnectError::new("what is your name?"));
    }
    let mut users = users(&io);
    users.insert(user.name.clone());
    // Somebody who is back has rooms and data already, and gets what was missed.
    if !socket.recovered() {
        socket.join(room(&user.name));
        socket.insert(user);
    }
    let told = [
        socket.broadcast().emit("users", &users),
        socket.emit("users", &users),
    ];
    // Names can always be encoded.
    debug_assert!(told.iter().all(Result::is_ok));
    Ok(())
}

fn message(
    socket: Socket,
    user: Local<User>,
    Data(Letter { to, text }): Data<Letter>,
) -> Result<Message, EncodeError> {
    let message = Message {
        from: user.name.clone(),
        to,
        text,
    };
    // To both, and once to who writes to themselves; this page gets it as the acknowledgement.
    socket
        .to([room(&message.from), room(&message.to)])
        .emit("message", &message)?;
    Ok(message)
}

/// Who is there.
fn users(io: &Io) -> BTreeSet<String> {
    let users = io.sockets().into_iter().filter_map(|it| it.get::<User>());
    users.map(|user| user.name.clone()).collect()
}
