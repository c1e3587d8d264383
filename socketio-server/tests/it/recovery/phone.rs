//! A client that remembers its socket across links, packet by packet.

use serde_json::{Value, json};
use socketio_server::{Io, Socket};

use crate::client::{Client, Received};
use crate::host::{Host, settle};

pub(super) struct Phone {
    pub(super) client: Client,
    pub(super) sid: String,
    pub(super) pid: String,
    /// Of the last event.
    pub(super) offset: Option<String>,
}

/// What a phone shows to get its socket back.
#[derive(Clone)]
pub(super) struct Claim {
    pub(super) sid: String,
    pub(super) pid: String,
    pub(super) offset: Option<String>,
    pub(super) token: Option<&'static str>,
}

impl Phone {
    /// Joins the default namespace for the first time.
    pub(super) async fn connect(host: &Host) -> Self {
        let mut client = host.open().await;
        client.say("40").await;
        let (phone, early) = Self::take_answer(client).await;
        assert!(early.is_empty());
        phone
    }

    /// Cuts the link, and lets the server notice.
    pub(super) async fn cut(self) -> Claim {
        let claim = self.claim();
        drop(self);
        settle().await;
        claim
    }

    pub(super) fn claim(&self) -> Claim {
        Claim {
            sid: self.sid.clone(),
            pid: self.pid.clone(),
            offset: self.offset.clone(),
            token: None,
        }
    }

    /// A new link on which the socket has been claimed.
    pub(super) async fn say_connect(host: &Host, claim: &Claim) -> Client {
        let mut client = host.open().await;
        let auth = json!({ "pid": claim.pid, "offset": claim.offset, "token": claim.token });
        client.say(&format!("40{auth}")).await;
        client
    }

    /// A new link, and the events that came ahead of the answer, as JSON and without their offsets.
    pub(super) async fn reconnect(host: &Host, claim: &Claim) -> (Self, Vec<Value>) {
        let client = Self::say_connect(host, claim).await;
        Self::take_answer(client).await
    }

    pub(super) async fn take_answer(mut client: Client) -> (Self, Vec<Value>) {
        let mut early = Vec::new();
        let mut offset = None;
        let answer = loop {
            let text = match client.receive().await {
                Received::Text(text) => text,
                // An attachment.
                Received::Binary(_) => continue,
                other => panic!("no answer but {other:?}"),
            };
            if let Some(answer) = text.strip_prefix("40") {
                break serde_json::from_str::<Value>(answer).unwrap();
            }
            let (event, new) = event(&text);
            early.push(event);
            offset = Some(new);
        };
        let text = |key: &str| answer[key].as_str().unwrap().to_owned();
        let (sid, pid) = (text("sid"), text("pid"));
        assert_eq!((sid.len(), pid.len()), (20, 20));
        assert_ne!(sid, pid);
        let phone = Self {
            client,
            sid,
            pid,
            offset,
        };
        (phone, early)
    }

    /// The next event, without its offset.
    pub(super) async fn event(&mut self) -> Value {
        let (event, offset) = event(&self.client.text().await);
        self.offset = Some(offset);
        event
    }

    /// The server's handle.
    pub(super) fn socket(&self, io: &Io) -> Socket {
        let sockets = io.sockets();
        let own = sockets.into_iter().find(|it| it.id().as_str() == self.sid);
        own.expect("connected")
    }
}

/// An event and its offset.
pub(super) fn event(text: &str) -> (Value, String) {
    let start = text.find('[').unwrap_or_else(|| panic!("no event: {text}"));
    let mut event: Vec<Value> = serde_json::from_str(&text[start..]).unwrap();
    let offset = event.pop().unwrap();
    let offset = offset
        .as_str()
        .filter(|it| it.starts_with('o') && it.contains('.'));
    let offset = offset.unwrap_or_else(|| panic!("no offset: {text}"));
    (event.into(), offset.to_owned())
}

// ---- MessagePack, as far as it takes --------------------------------------------------------

/// What follows some bytes.
pub(super) fn after<'a>(data: &'a [u8], bytes: &[u8]) -> &'a [u8] {
    let at = data.windows(bytes.len()).position(|it| it == bytes);
    let at = at.unwrap_or_else(|| panic!("{bytes:x?} is not in {data:x?}"));
    &data[at + bytes.len()..]
}

/// The short string that stands here.
pub(super) fn msgpack_string(data: &[u8]) -> String {
    let len = usize::from(data[0] & 0x1f);
    String::from_utf8(data[1..=len].to_vec()).unwrap()
}

/// The short string under a key.
pub(super) fn msgpack_text(data: &[u8], key: &str) -> String {
    let mut bytes = vec![0xa0 | u8::try_from(key.len()).unwrap()];
    bytes.extend_from_slice(key.as_bytes());
    msgpack_string(after(data, &bytes))
}
