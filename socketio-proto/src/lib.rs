//! Socket.IO without I/O: packets, attachments, namespaces and acknowledgements over one link.
//!
//! Messages go in, events come out, and what is to be sent is handed back as bytes. There is no
//! clock, no randomness, no thread and no socket in here, and nothing of Engine.IO: any link that
//! carries text and binary messages in order will do. User code is never called, except for the
//! `serde` implementations of the types that are read and written.
//!
//! ```text
//!   events: Connect, Event, Ack, Disconnect      commands: accept, reject, disconnect
//!                      ▲                                        │
//!   ┌──────────────────┴────────────────────────────────────────▼──────────────────────┐
//!   │  server::Connection · client::Connection    who joined what, which acks are due  │
//!   ├─────────────────────────────────────────┬────────────────────────────────────────┤
//!   │  Decoder: head, event name, attachments │  Encoder: JSON, then the head backwards│
//!   │  Args: JSON into your type, once        │  Encoded: text with headroom, bytes    │
//!   └──────────────────▲──────────────────────┴─────────────────┬──────────────────────┘
//!                      │                                        ▼
//!     text and binary messages of the link           text, then its attachments
//! ```
//!
//! # The loop
//!
//! Each message of the link goes to `handle_text` or `handle_binary`, at most one event comes out
//! of each, and it borrows nothing but the message. Commands may be given at any time and return
//! what is to be sent at once; an [`Encoded`] text and its attachments must reach the link with
//! nothing in between. What happens without a message, which only revision 4 knows, comes from
//! `poll_event`. On the server, `poll_timeout` says when `handle_timeout` is due, in milliseconds on
//! any clock of the caller's ([`Tick`]). An error means that the peer broke the protocol: close the
//! link, then resolve what `drain_acks` still holds.
//!
//! Arguments are left as JSON until [`Args::parse`] reads them into a type. Only then does
//! malformed JSON show, as [`ArgsError::Malformed`], which means the same as an error of the
//! connection: close the link.
//!
//! What outlives a link, so that a socket can go on over the next, is in [`recovery`]. What happens to
//! a connection can be written down and run again: [`record`].
//!
//! # Revisions
//!
//! [`Revision::V5`] is what Socket.IO 3.x and 4.x speak, [`Revision::V4`] what 1.x and 2.x do. One
//! is chosen for each connection; calls and events are the same. What differs to whoever looks at
//! the wire:
//!
//! ```text
//!                          revision 4                           revision 5
//!  link opens              server: 0                            nothing
//!  / is wanted             nothing to send                      client: 0{"token":"1"}
//!                                                               server: 0{"sid":"Bc…"}
//!  /chat is wanted         client: 0/chat?token=1,              client: 0/chat,{"token":"1"}
//!                          server: 0/chat,                      server: 0/chat,{"sid":"Qd…"}
//!  id of a socket          link's, or /chat#link's              the server's choice
//!  /chat is refused        server: 4/chat,"no"                  server: 4/chat,{"message":"no"}
//! ```
//!
//! A server of revision 4 opens the default namespace by itself: `server::Connection::poll_event`
//! has the CONNECT that no client has sent. A client may ask for it nevertheless, at any time, and
//! is told what the server has done or will do.
//!
//! # Other forms than text
//!
//! A packet is text, followed by its attachments as binary messages, unless the connections are
//! given a [`Parser`] in their `Config`, which spells it as one message of any form. [`MsgPack`] is
//! one, in the form of JavaScript's `socket.io-msgpack-parser`; [`Parser`] shows how to write
//! another. Nothing else changes: arguments are read and written as ever, and what a parser returns
//! is held to the same rules. An [`Encoded`] may then have no text, as
//! [`has_text`](Encoded::has_text) tells.
//!
//! # An example
//!
//! Both ends back to back:
//!
//! ```
//! use socketio_proto::{Encoded, Revision, client, server};
//!
//! /// What a link does; attachments would go to `handle_binary` in the same way.
//! fn text(sent: &Encoded) -> &str {
//!     assert!(sent.attachments.is_empty());
//!     sent.text()
//! }
//!
//! let mut client = client::Connection::<&str>::new(Revision::V5, &client::Config::default(), "");
//! let mut server = server::Connection::<()>::new(Revision::V5, &server::Config::default(), 0);
//! assert_eq!(server.poll_timeout(), Some(45_000));
//!
//! // The client asks for a namespace, the server grants it.
//! let (chat, sent) = client.connect("/chat", None)?;
//! let sent = sent.ok_or("nothing to send")?;
//! let event = server.handle_text(10, text(&sent))?;
//! let Some(server::Event::Connect { nsp, .. }) = event else { panic!("{event:?}") };
//! let sent = server.accept(nsp, "oSO0OpakMV_3jnilAAAA", None).ok_or("gone")?;
//! let event = client.handle_text(text(&sent))?;
//! let Some(client::Event::Connected { sid, .. }) = event else { panic!("{event:?}") };
//! assert_eq!(sid, "oSO0OpakMV_3jnilAAAA");
//! assert_eq!(server.poll_timeout(), None);
//!
//! // An event with two arguments, for which the client awaits an acknowledgement.
//! client.register_ack(chat, 0, "the question").map_err(|_| "not joined")?;
//! let sent = client.encoder().event("/chat", Some(0), "add", &(19, 23))?;
//! let event = server.handle_text(20, text(&sent))?;
//! let Some(server::Event::Event { id, name, args, .. }) = event else { panic!("{event:?}") };
//! assert_eq!(name, "add");
//! let (a, b): (i32, i32) = args.parse()?;
//!
//! // The acknowledgement brings back what the client kept for it.
//! let sent = server.encoder().ack("/chat", id.ok_or("no id")?, &(a + b))?;
//! let event = client.handle_text(text(&sent))?;
//! let Some(client::Event::Ack { ack, args, .. }) = event else { panic!("{event:?}") };
//! assert_eq!((ack, args.parse::<i32>()?), ("the question", 42));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod args;
mod binary;
mod decode;
mod draft;
mod encode;
mod error;
mod given_up;
mod head;
mod implicit;
mod json;
mod limits;
mod msgpack;
mod namespaces;
mod packet;
mod parser;
mod payload;
mod reply;
mod revision;
mod shape;
mod v4;
mod v5;
mod value;
mod walk;

pub mod client;
pub mod record;
pub mod recovery;
pub mod server;
#[cfg(feature = "proptest")]
pub mod strategies;

pub use args::Args;
pub use binary::Binary;
pub use decode::Decoder;
pub use encode::{Encoded, Encoder};
pub use error::{ArgsError, DecodeError, EncodeError, ProtocolError};
pub use limits::Limits;
pub use msgpack::MsgPack;
pub use namespaces::NamespaceId;
pub use packet::{Body, Packet};
pub use parser::Parser;
pub use payload::{Data, EventName, FromArgs, Payload, RawArgs};
pub use reply::{Ack, BoxError, Reply};
pub use revision::Revision;
pub use value::Value;

/// Milliseconds since an instant of the caller's choice, the same for all calls.
pub type Tick = u64;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
