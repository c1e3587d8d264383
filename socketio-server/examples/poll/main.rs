//! A poll as a class-based namespace, on http://localhost:3000: one value serves all clients, its
//! methods handle their events.
//!
//! `cargo run -p socketio-server --example poll`
//!
//! In the namespace `/poll`, with `results` = `{voters, votes: {choice: number}}`:
//!
//! ```text
//!   client → server                              server → client
//!     vote  (choice)  → results, or {error}        results  (results)   whenever they change
//!     retract  ()     → results
//! ```

#[path = "../site/mod.rs"]
mod site;

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};
use socketio_server::{
    BoxError, Data, EncodeError, HandlerError, Namespace, Socket, SocketId, namespace,
};

use crate::site::Site;

const CHOICES: [&str; 3] = ["tea", "coffee", "water"];

/// Who has chosen what.
#[derive(Default)]
struct Poll(Mutex<BTreeMap<SocketId, String>>);

#[derive(Serialize)]
struct Results {
    voters: usize,
    votes: BTreeMap<&'static str, usize>,
}

#[namespace("/poll")]
impl Poll {
    #[connect]
    fn show(&self, socket: Socket) {
        // Nobody but this client misses it if it is gone already.
        let _ = socket.emit("results", &self.results());
    }

    #[event]
    fn vote(&self, socket: Socket, Data(choice): Data<String>) -> Result<Results, BoxError> {
        if !CHOICES.contains(&choice.as_str()) {
            return Err(format!("there is no {choice}").into());
        }
        self.0.lock().insert(socket.id(), choice);
        Ok(self.publish(socket.namespace())?)
    }

    #[event]
    fn retract(&self, socket: Socket) -> Result<Results, EncodeError> {
        self.0.lock().remove(&socket.id());
        self.publish(socket.namespace())
    }

    #[disconnect]
    fn forget(&self, socket: Socket) -> Result<(), EncodeError> {
        let voted = self.0.lock().remove(&socket.id()).is_some();
        if voted {
            self.publish(socket.namespace())?;
        }
        Ok(())
    }

    /// What a method fails with is its answer.
    #[error]
    fn refuse(&self, error: &HandlerError) -> Value {
        json!({ "error": error.kind.to_string() })
    }

    fn publish(&self, poll: &Namespace) -> Result<Results, EncodeError> {
        let results = self.results();
        poll.emit("results", &results)?;
        Ok(results)
    }

    fn results(&self) -> Results {
        let chosen = self.0.lock();
        let count = |choice: &&str| chosen.values().filter(|it| it == choice).count();
        Results {
            voters: chosen.len(),
            votes: CHOICES.iter().map(|it| (*it, count(it))).collect(),
        }
    }
}

fn main() -> Result<(), BoxError> {
    let site = Site::parse();
    let io = site.builder(include_str!("index.html"), &[])?.build();
    io.register(Poll::default());
    site.serve(&io)
}
