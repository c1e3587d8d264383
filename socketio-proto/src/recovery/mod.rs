//! Connection state recovery: what a server remembers of a socket whose link broke, and what a
//! client shows to get it back (protocol section 13).
//!
//! ```text
//!       CONNECT answered, with a new pid
//!                     │
//!                     ▼    the client or the server left the namespace
//!            ┌─────► live ─────────────────────────────────────────────► gone
//!            │        │
//!    restore │        │ save: the link ended
//!            │        ▼    restore, but the offset is wrong or too old
//!            └────── saved ────────────────────────────────────────────► ended
//!                     │                                                    ▲
//!                     └────────────────────────────────────────────────────┘
//!                      max_disconnection_duration is over, or others need the room
//! ```
//!
//! A server has one [`Log`] per namespace: the packets of the last two minutes, and the sessions
//! of sockets that may come back. Each event that is logged ends with its [`Offset`], an argument
//! more than it was emitted with. A client keeps the last one in a [`Bookmark`] and shows it in the
//! CONNECT of its next link, together with the secret `pid` that came in the answer to the last;
//! the server reads both as a [`Claim`]. If all is well the socket lives on, with its ids, rooms
//! and data, and is sent what it missed.
//!
//! None of this knows a clock, a room or a link: time is handed in, and payloads and sessions are
//! of types of the caller's. Revision 4 has no recovery: its clients get no `pid`, and their events
//! no offset.
//!
//! # What is logged
//!
//! In the reference: every EVENT without acknowledgement id that is not volatile, with attachments
//! or without, whether it goes to everybody, to rooms or to one socket. Acknowledgements are not,
//! nor are events that ask for one: what waits for the answer does not outlive the link.
//!
//! Clients of the reference take the last string of any event without acknowledgement id for an
//! offset, be it user data or, for want of arguments, the event's name. A volatile event can so
//! spoil the client's next recovery: [`Log::restore`] takes no offset but its own, and refuses. To
//! be spared that, let volatile events end with [`Log::newest`], the offset of the last event
//! before them, which is what the client has or is about to have. They need not be logged for it,
//! and every event without acknowledgement id then has one argument more, instead of most.
//!
//! # Order
//!
//! An offset claims that everything before it has arrived. So packets have to enter the outboxes in
//! the order of their offsets: [`Log::append`] takes the offset and logs in one call, and between
//! it and the last push to an outbox no other event of the namespace may be appended or pushed, not
//! even one that carries the newest offset unlogged. The same holds between [`Log::restore`] and
//! the moment when the missed packets are in the new outbox and the socket is back in its rooms; who
//! needs time in between asks once more, with [`Log::since`], and then it holds from there.
//! And a socket is saved only when nothing more that is appended can reach its client.
//!
//! The reference sends what was missed ahead of its answer to the CONNECT. Clients hold it until the
//! answer, and then deliver it before anything else.
//!
//! # Both sides
//!
//! ```
//! use socketio_proto::{
//!     Encoded, Revision, Tick, client,
//!     recovery::{self, Bookmark, Claim, Config, Log},
//!     server,
//! };
//!
//! /// A packet in the log: whom it was for, and the message.
//! struct Logged {
//!     room: &'static str,
//!     message: Encoded,
//! }
//!
//! /// What a socket gets back.
//! struct Session {
//!     sid: &'static str,
//!     rooms: Vec<&'static str>,
//! }
//!
//! /// Logs an event and says what goes to the outboxes of the room.
//! fn emit(
//!     log: &mut Log<Logged, Session>,
//!     now: Tick,
//!     room: &'static str,
//!     mut message: Encoded,
//! ) -> Encoded {
//!     let bytes = message.buffer.len();
//!     log.append(now, bytes, |offset| {
//!         recovery::append_offset(&mut message, offset);
//!         let message = message.clone();
//!         Logged { room, message }
//!     });
//!     message
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let new_server = || server::Connection::<()>::new(Revision::V5, &server::Config::default(), 0);
//! # let config = client::Config::default();
//! # let new_client = || client::Connection::<()>::new(Revision::V5, &config, "engine-id");
//! let started = 1_795_169_588_948; // The wall clock in ms, or any number not used before.
//! let mut log = Log::new(started, &Config::default());
//! let mut bookmark = Bookmark::default();
//!
//! // A first link: nothing to claim yet, so the server makes up a socket, whose pid is random.
//! let (mut server, mut client) = (new_server(), new_client());
//! let (_, connect) = client.connect("/", bookmark.auth(None).as_ref())?;
//! let connect = connect.ok_or("nothing to send")?;
//! let event = server.handle_text(10, connect.text())?;
//! let Some(server::Event::Connect { nsp, auth, .. }) = event else { panic!("{event:?}") };
//! assert!(Claim::of(Revision::V5, auth.as_deref()).is_none());
//! let answer = server.accept(nsp, "sid-1", Some("secret-1")).ok_or("gone")?;
//! let event = client.handle_text(answer.text())?;
//! let Some(client::Event::Connected { pid, .. }) = event else { panic!("{event:?}") };
//! assert!(!bookmark.handle_connected(pid.as_deref()), "a new socket");
//!
//! // An event arrives, with its offset. Then the link breaks.
//! let sent = emit(&mut log, 20, "chat", server.encoder().event("/", None, "say", &"one")?);
//! let event = client.handle_text(sent.text())?;
//! let Some(client::Event::Event { id, args, .. }) = event else { panic!("{event:?}") };
//! bookmark.handle_event(id, &args);
//! assert!(recovery::is_recoverable("ping timeout"));
//! log.save(30, "secret-1", Session { sid: "sid-1", rooms: vec!["chat"] });
//!
//! // What happens meanwhile is logged.
//! let _ = emit(&mut log, 40, "admin", server.encoder().event("/", None, "say", &"two")?);
//! let _ = emit(&mut log, 50, "chat", server.encoder().event("/", None, "say", &"three")?);
//!
//! // The next link: the socket is restored, and what it missed is sent ahead of the answer.
//! let (mut server, mut client) = (new_server(), new_client());
//! let (_, connect) = client.connect("/", bookmark.auth(None).as_ref())?;
//! let connect = connect.ok_or("nothing to send")?;
//! let event = server.handle_text(60, connect.text())?;
//! let Some(server::Event::Connect { nsp, auth, .. }) = event else { panic!("{event:?}") };
//! let claim = Claim::of(Revision::V5, auth.as_deref()).ok_or("nothing claimed")?;
//! let restored = log.restore(60, &claim.pid, &claim.offset).ok_or("not to be recovered")?;
//! let rooms = restored.session.rooms;
//! let mut outbox: Vec<_> = restored
//!     .missed
//!     .filter(|(_, entry)| rooms.contains(&entry.room))
//!     .map(|(_, entry)| entry.message.clone())
//!     .collect();
//! outbox.extend(server.accept(nsp, restored.session.sid, Some(&claim.pid)));
//!
//! // The client holds the events until it knows that its socket has been recovered.
//! assert_eq!(outbox.len(), 2);
//! let event = client.handle_text(outbox[0].text())?;
//! let Some(client::Event::Event { id, args, .. }) = event else { panic!("{event:?}") };
//! let event = client.handle_text(outbox[1].text())?;
//! let Some(client::Event::Connected { pid, .. }) = event else { panic!("{event:?}") };
//! assert!(bookmark.handle_connected(pid.as_deref()), "the same socket");
//! bookmark.handle_event(id, &args);
//! assert_eq!(args.parse::<String>()?, "three");
//! # Ok(())
//! # }
//! ```

mod bookmark;
mod log;
mod offset;
mod sessions;
mod wire;

pub use bookmark::Bookmark;
pub use log::{Config, Log, Missed, Restored};
pub use offset::Offset;
pub use wire::{Claim, append_offset, is_recoverable};
