//! What was said in the rooms lately. Who is in them, the server knows.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use socketio_server::Binary;
use thiserror::Error;

/// Characters of a text.
const TEXT_CHARS: usize = 4_000;

/// Messages a room remembers, and how many of them may have an image.
const HISTORY: usize = 50;
const HISTORY_IMAGES: usize = 8;

/// Rooms there can be at once.
const MAX_ROOMS: usize = 200;

/// Somebody who is here.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// What can be said.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Content {
    Text {
        text: String,
    },
    Image {
        image: Binary,
        #[serde(rename = "type")]
        kind: String,
        name: String,
    },
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) from: Person,
    pub(crate) at: u64,
    #[serde(flatten)]
    pub(crate) content: Content,
}

/// Why something was refused, in words for the page.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Refusal(pub(crate) &'static str);

#[derive(Default)]
pub(crate) struct Rooms(Mutex<BTreeMap<String, Room>>);

#[derive(Default)]
struct Room {
    history: VecDeque<Message>,
    /// How many messages there have ever been.
    messages: u64,
}

impl Rooms {
    /// Makes sure that there is a room: if there are too many, one that is deserted has to go.
    pub(crate) fn open(
        &self,
        name: &str,
        is_deserted: impl Fn(&str) -> bool,
    ) -> Result<(), Refusal> {
        let mut rooms = self.0.lock();
        if !rooms.contains_key(name) && rooms.len() >= MAX_ROOMS {
            let deserted = rooms.keys().find(|it| is_deserted(it)).cloned();
            rooms.remove(&deserted.ok_or(Refusal("there are too many rooms already"))?);
        }
        rooms.entry(name.to_owned()).or_default();
        Ok(())
    }

    /// Adds a message. Says when it was posted, and whether it was now: pages repeat what they have
    /// no receipt for.
    pub(crate) fn post(&self, room: &str, message: &Message) -> Result<(u64, bool), Refusal> {
        match &message.content {
            Content::Text { text } => check(text, TEXT_CHARS, "a text has 1 to 4,000 characters")?,
            Content::Image { kind, .. } if !kind.starts_with("image/") => {
                return Err(Refusal("only images can be sent"));
            }
            Content::Image { .. } => {}
        }
        let mut rooms = self.0.lock();
        let room = rooms.entry(room.to_owned()).or_default();
        if let Some(known) = room.history.iter().find(|it| it.id == message.id) {
            return Ok((known.at, false));
        }
        room.remember(message.clone());
        Ok((message.at, true))
    }

    pub(crate) fn history(&self, room: &str) -> Vec<Message> {
        let rooms = self.0.lock();
        let room = rooms.get(room);
        room.map_or_else(Vec::new, |it| it.history.iter().cloned().collect())
    }

    /// Names, and how many messages there have ever been. Rooms where nobody is and nothing was said
    /// are gone.
    pub(crate) fn list(&self, is_deserted: impl Fn(&str) -> bool) -> Vec<(String, u64)> {
        let mut rooms = self.0.lock();
        rooms.retain(|name, room| room.messages > 0 || !is_deserted(name));
        let rooms = rooms.iter();
        rooms
            .map(|(name, it)| (name.clone(), it.messages))
            .collect()
    }
}

impl Room {
    fn remember(&mut self, message: Message) {
        self.messages += 1;
        self.history.push_back(message);
        let is_image = |message: &Message| matches!(message.content, Content::Image { .. });
        if self.history.iter().filter(|it| is_image(it)).count() > HISTORY_IMAGES
            && let Some(oldest) = self.history.iter().position(is_image)
        {
            self.history.remove(oldest);
        }
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
    }
}

/// Refuses a text that is empty or too long.
pub(crate) fn check(text: &str, max: usize, otherwise: &'static str) -> Result<(), Refusal> {
    match (1..=max).contains(&text.trim().chars().count()) {
        true => Ok(()),
        false => Err(Refusal(otherwise)),
    }
}
