//! Talks in the terminal to those who use the page of the server's chat.
//!
//! `cargo run -p socketio-server --example chat` in one terminal, then
//! `cargo run -p socketio-client --example chat -- http://localhost:3000 Ada` in another.

use std::env;
use std::io::{BufRead, stdin};

use serde::Deserialize;
use serde_json::{Value, json};
use socketio_client::{BoxError, Client, Data, DisconnectReason, Socket};
use tokio::sync::mpsc;

const ROOM: &str = "lobby";

#[derive(Deserialize)]
struct Person {
    name: String,
}

#[derive(Deserialize)]
struct Message {
    from: Person,
    /// Missing where there is a picture instead.
    text: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next();
    let url = url.unwrap_or_else(|| "http://localhost:3000".to_owned());
    let name = arguments.next().unwrap_or_else(|| "somebody".to_owned());

    let client = Client::new(url);
    // At every connect: a server that was restarted does not know us any more.
    client.on_connect(move |socket: Socket| {
        let name = name.clone();
        async move { join(&socket, &name).await }
    });
    client.on("message", async |Data(message): Data<Message>| {
        let text = message.text.unwrap_or_else(|| "(a picture)".to_owned());
        println!("{}: {text}", message.from.name);
    });
    client.on("users", async |Data(users): Data<Vec<Person>>| {
        let names: Vec<_> = users.into_iter().map(|it| it.name).collect();
        println!("* here: {}", names.join(", "));
    });
    client.on_disconnect(async |reason: DisconnectReason| println!("* gone: {reason}"));
    client.connect().await?;

    let mut lines = lines();
    let mut number = 0;
    loop {
        tokio::select! {
            line = lines.recv() => match line {
                Some(text) => {
                    number += 1;
                    say(&client, number, text).await?;
                }
                None => break,
            },
            () = client.wait() => break,
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    client.close().await;
    Ok(())
}

async fn join(socket: &Socket, name: &str) -> Result<(), BoxError> {
    let request = json!({ "room": ROOM, "name": name });
    let answer: Value = socket.call("join", &request).await?;
    match answer["error"].as_str() {
        Some(error) => println!("* not let in: {error}"),
        None => println!("* in {ROOM}; write, and press enter"),
    }
    Ok(())
}

async fn say(client: &Client, number: u32, text: String) -> Result<(), BoxError> {
    let id = format!("{}-{number}", std::process::id());
    let message = json!({ "id": id, "text": text });
    let receipt: Value = client.call("message", &message).await?;
    if let Some(error) = receipt["error"].as_str() {
        println!("* not said: {error}");
    }
    Ok(())
}

/// What is typed, line by line. A thread of its own, for a terminal cannot be waited for otherwise.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
