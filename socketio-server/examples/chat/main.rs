//! A chat with rooms, names, pictures and receipts, on http://localhost:3000.
//!
//! `cargo run --release -p socketio-server --example chat`
//!
//! What page and server say to each other is written down at the top of `public/app.js`.

mod rooms;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use serde::{Deserialize, Serialize};
use socketio_server::{AckSender, BoxError, ClientBundle, Data, Io, Socket, State, StaticFiles};
use tokio::net::TcpListener;

use crate::rooms::{Content, Message, Person, Refusal, Rooms};

/// A chat on Socket.IO.
#[derive(Parser)]
struct Flags {
    /// Port to listen on; 0 picks a free one
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Address to listen on; 0.0.0.0 lets phones in
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// Folder of the npm package `socket.io` or `socket.io-client`, to serve the official client
    /// from; without it the page asks the public CDN
    #[arg(long, value_name = "DIR")]
    client: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    match run(Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> Result<(), BoxError> {
    let page = StaticFiles::new()
        .embed(
            "/",
            "text/html; charset=utf-8",
            include_bytes!("public/index.html"),
        )
        .embed(
            "/app.js",
            "text/javascript; charset=utf-8",
            include_bytes!("public/app.js"),
        )
        .embed(
            "/style.css",
            "text/css; charset=utf-8",
            include_bytes!("public/style.css"),
        );
    let mut builder = Io::builder().files(page).state(Rooms::default());
    if let Some(folder) = flags.client {
        builder = builder.client(ClientBundle::open(folder)?);
    }
    let io = builder.build();
    io.on("join", join)
        .on("message", message)
        .on("typing", typing)
        .on("leave", leave)
        .on("latency", async || {})
        .on_disconnect(leave);

    let address = SocketAddr::new(flags.host, flags.port);
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let port = listener.local_addr()?.port();
    println!("listening on http://localhost:{port}");
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
        println!("shutting down");
    };
    let _ = io.serve(listener, stop, Duration::from_secs(5)).await;
    Ok(())
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

/// What a page is told: what it asked for, or why not.
type Answer<T> = Result<Told<T>, BoxError>;

#[derive(Serialize)]
#[serde(untagged)]
enum Told<T> {
    Well(T),
    Error { error: &'static str },
}

impl<T> From<Result<T, Refusal>> for Told<T> {
    fn from(result: Result<T, Refusal>) -> Self {
        match result {
            Ok(it) => Self::Well(it),
            Err(Refusal(error)) => Self::Error { error },
        }
    }
}

async fn join(
    socket: Socket,
    rooms: State<Rooms>,
    Data(Join { room, name }): Data<Join>,
    ack: AckSender,
) -> Result<(), BoxError> {
    let you = Person {
        id: socket.id().to_string(),
        name,
    };
    let left = rooms.room_of(&you.id).filter(|left| *left != room);
    if let Err(refusal) = rooms.enter(&room, &you) {
        return Ok(ack.send(&Told::<Joined>::from(Err(refusal)))?);
    }
    if let Some(left) = left {
        socket.leave(left.as_str());
        socket
            .io()
            .to(left.as_str())
            .emit("users", &rooms.people(&left))?;
    }
    socket.join(room.as_str());
    let users = rooms.people(&room);
    socket.to(room.as_str()).emit("users", &users)?;
    ack.send(&Told::Well(Joined {
        history: rooms.history(&room),
        users,
        you,
    }))?;
    socket.io().emit("rooms", &rooms.overview())?;
    Ok(())
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

async fn message(
    socket: Socket,
    rooms: State<Rooms>,
    Data(Post { id, content }): Data<Post>,
) -> Answer<Receipt> {
    let posted = match rooms.post(socket.id().as_str(), id, content) {
        Ok(posted) => posted,
        Err(refusal) => return Ok(Err(refusal).into()),
    };
    if posted.is_new {
        socket
            .to(posted.room.as_str())
            .emit("message", &posted.message)?;
        socket.io().emit("rooms", &rooms.overview())?;
    }
    Ok(Told::Well(Receipt {
        id: posted.message.id,
        at: posted.message.at,
    }))
}

#[derive(Serialize)]
struct Typing {
    #[serde(flatten)]
    person: Person,
    typing: bool,
}

async fn typing(
    socket: Socket,
    rooms: State<Rooms>,
    Data(typing): Data<bool>,
) -> Result<(), BoxError> {
    if let Some((room, person)) = rooms.find(socket.id().as_str()) {
        socket.to(room).emit("typing", &Typing { person, typing })?;
    }
    Ok(())
}

/// Also when the page is closed.
async fn leave(socket: Socket, rooms: State<Rooms>) -> Result<(), BoxError> {
    if let Some(room) = rooms.leave(socket.id().as_str()) {
        socket.leave(room.as_str());
        socket
            .io()
            .to(room.as_str())
            .emit("users", &rooms.people(&room))?;
        socket.io().emit("rooms", &rooms.overview())?;
    }
    Ok(())
}
