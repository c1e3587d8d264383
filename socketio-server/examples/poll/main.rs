//! Polls as a class-based namespace, on http://localhost:3000: one value serves all clients of all
//! polls, its methods handle their events. `http://localhost:3000/#lunch` is a poll of its own.
//!
//! `cargo run -p socketio-server --example poll`
//!
//! In a namespace like `/poll/lunch`, with `results` = `{voters, votes: {choice: number}}`:
//!
//! ```text
//!   client → server                               server → client
//!     vote     (choice)  → results, or {error}      results  (results)   whenever they change
//!     retract  ()        → results
//! ```

#[path = "../site/mod.rs"]
mod site;

use std::collections::BTreeMap;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::{Value, json};
use socketio_server::{
    BoxError, ConnectError, Data, EncodeError, HandlerError, Local, Namespace, Param, Socket,
    namespace,
};

use crate::site::Site;

/// Characters of a poll's name.
const NAME_CHARS: usize = 32;

struct Poll {
    choices: [&'static str; 3],
}

/// What somebody has chosen, kept with their socket: who leaves no longer counts.
type Vote = Mutex<Option<String>>;

#[derive(Serialize)]
struct Results {
    voters: usize,
    votes: BTreeMap<&'static str, usize>,
}

#[namespace("/poll/{name}")]
impl Poll {
    #[connect]
    fn enter(&self, socket: Socket, Param(name): Param<String>) -> Result<(), ConnectError> {
        if name.chars().count() > NAME_CHARS {
            return Err(ConnectError::new(
                "a poll has a name of up to 32 characters",
            ));
        }
        socket.insert(Vote::default());
        // Only this client misses it, if it is gone already.
        let _ = socket.emit("results", &self.results(socket.namespace()));
        Ok(())
    }

    #[event]
    fn vote(
        &self,
        poll: Namespace,
        vote: Local<Vote>,
        Data(choice): Data<String>,
    ) -> Result<Results, BoxError> {
        if !self.choices.contains(&choice.as_str()) {
            return Err(format!("there is no {choice}").into());
        }
        *vote.lock() = Some(choice);
        Ok(self.publish(&poll)?)
    }

    #[event]
    fn retract(&self, poll: Namespace, vote: Local<Vote>) -> Result<Results, EncodeError> {
        *vote.lock() = None;
        self.publish(&poll)
    }

    #[disconnect]
    fn leave(&self, poll: Namespace) -> Result<(), EncodeError> {
        self.publish(&poll).map(drop)
    }

    /// What a method fails with is its answer.
    #[error]
    fn refuse(&self, error: &HandlerError) -> Value {
        json!({ "error": error.kind.to_string() })
    }

    fn publish(&self, poll: &Namespace) -> Result<Results, EncodeError> {
        let results = self.results(poll);
        poll.emit("results", &results)?;
        Ok(results)
    }

    fn results(&self, poll: &Namespace) -> Results {
        let sockets = poll.sockets().into_iter();
        let chosen: Vec<_> = sockets
            .filter_map(|it| it.get::<Vote>()?.lock().clone())
            .collect();
        let count = |choice: &&str| chosen.iter().filter(|it| it == choice).count();
        Results {
            voters: chosen.len(),
            votes: self.choices.iter().map(|it| (*it, count(it))).collect(),
        }
    }
}

fn main() -> Result<(), BoxError> {
    let site = Site::parse();
    let io = site.builder(include_str!("index.html"), &[])?.build();
    io.register(Poll {
        choices: ["tea", "coffee", "water"],
    });
    site.serve(&io)
}
