//! A chat with rooms, names, pictures and receipts, on http://localhost:3000.
//!
//! `cargo run --release -p socketio-server --example chat`
//!
//! What page and server say to each other is written down at the top of `public/app.js`.

mod rooms;
#[path = "../site/mod.rs"]
mod site;

use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use socketio_server::{
    BoxError, Data, EncodeError, HandlerError, HandlerErrorKind, Io, Local, Socket, State,
};

use crate::rooms::{Content, Message, Person, Refusal, Rooms, check};
use crate::site::Site;

/// Characters of the name of a room, or of somebody.
const NAME_CHARS: usize = 32;

/// The room somebody is in, and who they are there.
type Seat = Mutex<Option<(String, Person)>>;

fn main() -> Result<(), BoxError> {
    let site = Site::parse();
    let page = include_str!("public/index.html");
    let files = [
        ("/app.js", "text/javascript", include_str!("public/app.js")),
        ("/style.css", "text/css", include_str!("public/style.css")),
    ];
    let io = site
        .builder(page, &files)?
        .state(Rooms::default())
        .on_error(refuse)
        .build();
    io.on_connect(|socket: Socket| _ = socket.insert(Seat::default()))
        .on("join", join)
        .on("message", message)
        .on("typing", typing)
        .on("leave", leave)
        .on("latency", || {})
        .on_disconnect(leave);
    site.serve(&io)
}

/// What was refused is answered with the reason.
fn refuse(error: &HandlerError) -> Option<Value> {
    let HandlerErrorKind::Failed(cause) = &error.kind else {
        return None;
    };
    let refusal = cause.downcast_ref::<Refusal>()?;
    Some(json!({ "error": refusal.0 }))
}

#[derive(Deserialize)]
struct Join {
    room: String,
    name: String,
}

#[derive(Serialize)]
struct Joined {
    history: Vec<Message>,
    users: Vec<Person>,
    you: Person,
}

fn join(
    io: Io,
    socket: Socket,
    seat: Local<Seat>,
    rooms: State<Rooms>,
    Data(Join { room, name }): Data<Join>,
) -> Result<Joined, BoxError> {
    check(&room, NAME_CHARS, "a room has 1 to 32 characters")?;
    check(&name, NAME_CHARS, "a name has 1 to 32 characters")?;
    rooms.open(&room, |it| count(&io, it) == 0)?;
    let you = Person {
        id: socket.id().to_string(),
        name,
    };
    let left = seat.lock().replace((room.clone(), you.clone()));
    if let Some((left, _)) = left.filter(|(left, _)| *left != room) {
        socket.leave(channel(&left));
        io.to(channel(&left)).emit("users", &people(&io, &left))?;
    }
    socket.join(channel(&room));
    let users = people(&io, &room);
    socket.to(channel(&room)).emit("users", &users)?;
    announce(&io, &rooms)?;
    let history = rooms.history(&room);
    Ok(Joined {
        history,
        users,
        you,
    })
}

#[derive(Deserialize)]
struct Post {
    id: String,
    #[serde(flatten)]
    content: Content,
}

#[derive(Serialize)]
struct Receipt {
    id: String,
    at: u64,
}

fn message(
    io: Io,
    socket: Socket,
    seat: Local<Seat>,
    rooms: State<Rooms>,
    Data(Post { id, content }): Data<Post>,
) -> Result<Receipt, BoxError> {
    let (room, from) = seat.lock().clone().ok_or(Refusal("join a room first"))?;
    let message = Message {
        id,
        from,
        at: now(),
        content,
    };
    let (at, is_new) = rooms.post(&room, &message)?;
    if is_new {
        socket.to(channel(&room)).emit("message", &message)?;
        announce(&io, &rooms)?;
    }
    Ok(Receipt { id: message.id, at })
}

#[derive(Serialize)]
struct Typing {
    #[serde(flatten)]
    person: Person,
    typing: bool,
}

fn typing(socket: Socket, seat: Local<Seat>, Data(typing): Data<bool>) -> Result<(), EncodeError> {
    if let Some((room, person)) = seat.lock().clone() {
        let typing = Typing { person, typing };
        socket.to(channel(&room)).emit("typing", &typing)?;
    }
    Ok(())
}

/// Also when the page is closed.
fn leave(
    io: Io,
    socket: Socket,
    seat: Local<Seat>,
    rooms: State<Rooms>,
) -> Result<(), EncodeError> {
    if let Some((room, _)) = seat.lock().take() {
        socket.leave(channel(&room));
        io.to(channel(&room)).emit("users", &people(&io, &room))?;
        announce(&io, &rooms)?;
    }
    Ok(())
}

/// The room of the server: names that people choose cannot be those of anything else.
fn channel(room: &str) -> String {
    format!("room {room}")
}

fn people(io: &Io, room: &str) -> Vec<Person> {
    let sockets = io.to(channel(room)).sockets().into_iter();
    let seats = sockets.filter_map(|it| it.get::<Seat>()?.lock().clone());
    seats.map(|(_, person)| person).collect()
}

fn count(io: &Io, room: &str) -> usize {
    io.participants(channel(room)).len()
}

/// A line of the list of rooms.
#[derive(Serialize)]
struct Line {
    room: String,
    count: usize,
    messages: u64,
}

/// Tells everyone which rooms there are.
fn announce(io: &Io, rooms: &Rooms) -> Result<(), EncodeError> {
    let rooms = rooms.list(|room| count(io, room) == 0).into_iter();
    let lines = rooms.map(|(room, messages)| Line {
        count: count(io, &room),
        room,
        messages,
    });
    io.emit("rooms", &lines.collect::<Vec<_>>()).map(drop)
}

/// Milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "pages show the time of day")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
