//! What the chat remembers: who is in which room, and what was said there lately. Knows nothing of
//! sockets.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use socketio_server::Binary;

/// Characters of a name, and of a text.
const NAME_CHARS: usize = 32;
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

/// A line of the list of rooms.
#[derive(Debug, Serialize)]
pub(crate) struct Overview {
    room: String,
    count: usize,
    messages: u64,
}

/// Why something was refused, in words for the page.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) &'static str);

pub(crate) struct Posted {
    pub(crate) room: String,
    pub(crate) message: Message,
    /// Not a repetition of one that has been posted before.
    pub(crate) is_new: bool,
}

#[derive(Default)]
pub(crate) struct Rooms(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    rooms: BTreeMap<String, Room>,
    /// The room of each person, by id.
    whereabouts: HashMap<String, String>,
}

#[derive(Default)]
struct Room {
    people: BTreeMap<String, Person>,
    history: VecDeque<Message>,
    /// How many messages there have ever been.
    messages: u64,
}

impl Rooms {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves somebody into a room, or gives them another name there.
    pub(crate) fn enter(&self, room: &str, person: &Person) -> Result<(), Refusal> {
        check(room, NAME_CHARS, "a room has 1 to 32 characters")?;
        check(&person.name, NAME_CHARS, "a name has 1 to 32 characters")?;
        let mut inner = self.lock();
        if !inner.rooms.contains_key(room) {
            inner.make_space()?;
        }
        inner.take_out(&person.id);
        inner.whereabouts.insert(person.id.clone(), room.to_owned());
        let room = inner.rooms.entry(room.to_owned()).or_default();
        room.people.insert(person.id.clone(), person.clone());
        Ok(())
    }

    /// Takes somebody out of their room, and names it.
    pub(crate) fn leave(&self, id: &str) -> Option<String> {
        self.lock().take_out(id)
    }

    pub(crate) fn room_of(&self, id: &str) -> Option<String> {
        self.lock().whereabouts.get(id).cloned()
    }

    /// Somebody and their room.
    pub(crate) fn find(&self, id: &str) -> Option<(String, Person)> {
        let inner = self.lock();
        let name = inner.whereabouts.get(id)?;
        let person = inner.rooms.get(name)?.people.get(id)?;
        Some((name.clone(), person.clone()))
    }

    pub(crate) fn people(&self, room: &str) -> Vec<Person> {
        let inner = self.lock();
        let room = inner.rooms.get(room);
        room.map_or_else(Vec::new, |room| room.people.values().cloned().collect())
    }

    pub(crate) fn history(&self, room: &str) -> Vec<Message> {
        let inner = self.lock();
        let room = inner.rooms.get(room);
        room.map_or_else(Vec::new, |room| room.history.iter().cloned().collect())
    }

    pub(crate) fn overview(&self) -> Vec<Overview> {
        let inner = self.lock();
        let lines = inner.rooms.iter().map(|(name, room)| Overview {
            room: name.clone(),
            count: room.people.len(),
            messages: room.messages,
        });
        lines.collect()
    }

    /// Adds a message of somebody to their room. One that is there already is found again: pages
    /// repeat what they have no receipt for.
    pub(crate) fn post(&self, from: &str, id: String, content: Content) -> Result<Posted, Refusal> {
        match &content {
            Content::Text { text } => check(text, TEXT_CHARS, "a text has 1 to 4,000 characters")?,
            Content::Image { kind, .. } if !kind.starts_with("image/") => {
                return Err(Refusal("only images can be sent"));
            }
            Content::Image { .. } => {}
        }
        let mut inner = self.lock();
        let name = inner.whereabouts.get(from).cloned();
        let name = name.ok_or(Refusal("join a room first"))?;
        let room = inner.rooms.entry(name.clone()).or_default();
        if let Some(message) = room.history.iter().find(|message| message.id == id) {
            return Ok(Posted {
                room: name,
                message: message.clone(),
                is_new: false,
            });
        }
        let from = room.people.get(from).cloned();
        let message = Message {
            id,
            from: from.ok_or(Refusal("join a room first"))?,
            at: now(),
            content,
        };
        room.remember(message.clone());
        Ok(Posted {
            room: name,
            message,
            is_new: true,
        })
    }
}

impl Inner {
    fn take_out(&mut self, id: &str) -> Option<String> {
        let name = self.whereabouts.remove(id)?;
        let room = self.rooms.get_mut(&name)?;
        room.people.remove(id);
        if room.people.is_empty() && room.history.is_empty() {
            self.rooms.remove(&name);
        }
        Some(name)
    }

    /// Makes sure that there is space for another room: one that nobody is in has to go.
    fn make_space(&mut self) -> Result<(), Refusal> {
        if self.rooms.len() < MAX_ROOMS {
            return Ok(());
        }
        let deserted = self.rooms.iter().find(|(_, room)| room.people.is_empty());
        let deserted = deserted.map(|(name, _)| name.clone());
        let deserted = deserted.ok_or(Refusal("there are too many rooms already"))?;
        self.rooms.remove(&deserted);
        Ok(())
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

fn check(text: &str, max: usize, otherwise: &'static str) -> Result<(), Refusal> {
    let chars = text.trim().chars().count();
    match chars > 0 && chars <= max {
        true => Ok(()),
        false => Err(Refusal(otherwise)),
    }
}

/// Milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "pages show the time of day")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
