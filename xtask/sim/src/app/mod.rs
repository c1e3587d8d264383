//! The applications on both sides, and what each must be told: a model of who is in which
//! namespace and which calls are open.

mod client;
mod server;

pub(crate) use self::client::ClientApp;
pub(crate) use self::server::{Served, ServerApp};

use bytes::Bytes;
use engineio_proto::{Prepared, Tick};
use socketio_proto::{Args, Binary, Encoded, Encoder, NamespaceId};

use crate::fault::{Check, Fault, check};
use crate::lane::{Call, Parcel, What};
use crate::recovery::{Held, Recovery};
use crate::rng::Rng;
use crate::scenario::Pair;

/// The namespaces there are; nobody is let into the last one.
pub(crate) const NAMES: [&str; 5] = ["/", "/chat", "/news", "/a/b", SECRET];
pub(crate) const SECRET: &str = "/secret";

const EVENT: &str = "e";

/// A packet on its way down to a session.
pub(crate) struct Outgoing {
    pub(crate) parcel: Parcel,
    pub(crate) prepared: Prepared,
}

/// How large an event is.
#[derive(Debug, Clone)]
pub(crate) struct Size {
    /// Characters of its text.
    pub(crate) pad: usize,
    pub(crate) filler: char,
    /// The length of each attachment.
    pub(crate) attachments: Vec<usize>,
    /// Makes the packet exactly this long, its type included.
    pub(crate) exactly: Option<usize>,
}

/// A namespace as one side sees it.
#[derive(Debug, Default)]
struct Membership {
    id: Option<NamespaceId>,
    state: State,
    /// CONNECTs that were not answered yet.
    unanswered: usize,
    calls: Calls,
    /// Calls of the peer that wait for an answer.
    owed: Vec<Call>,
    /// The id it had before it ended the last time.
    former: Option<NamespaceId>,
    /// On the server: the socket that is joined.
    socket: Option<u32>,
    /// On the server: what a client that joins has to say for itself.
    auth: String,
    /// On the client: events that came ahead of the answer to its CONNECT.
    held: Vec<Held>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Absent,
    Joining,
    Joined,
    /// Ended by the server: what comes late is ignored.
    Left,
}

/// Calls whose answer is awaited.
#[derive(Debug, Default)]
struct Calls {
    open: Vec<Call>,
    /// Ids that cannot be used again: their answers may still come.
    forgotten: Vec<u64>,
}

impl Membership {
    /// A CONNECT was answered, in whatever way.
    fn answered(&mut self) -> Check {
        check(self.unanswered > 0, "namespaces", || {
            "an answer to a CONNECT that nobody has sent".to_owned()
        })?;
        self.unanswered -= 1;
        Ok(())
    }

    fn end(&mut self, state: State) -> Vec<u32> {
        self.former = self.id.take().or(self.former);
        self.state = state;
        self.owed.clear();
        self.held.clear();
        self.socket = None;
        std::mem::take(&mut self.calls).numbers()
    }
}

impl Calls {
    /// The smallest id that is free: ids are used again as soon as possible.
    fn open(&mut self, number: u32) -> Call {
        let taken =
            |id: &u64| self.forgotten.contains(id) || self.open.iter().any(|call| call.id == *id);
        let id = (0..).find(|id| !taken(id)).unwrap_or(u64::MAX);
        let call = Call { id, number };
        self.open.push(call);
        call
    }

    /// Whether the answer to this call is awaited; from now on it no longer is.
    fn close(&mut self, call: Call) -> bool {
        let before = self.open.len();
        self.open.retain(|open| *open != call);
        self.open.len() < before
    }

    fn forget(&mut self) -> Option<Call> {
        let call = self.open.pop()?;
        self.forgotten.push(call.id);
        Some(call)
    }

    fn numbers(self) -> Vec<u32> {
        self.open.into_iter().map(|call| call.number).collect()
    }
}

/// Who has left does nothing more, not even in a namespace that was joined again.
fn check_late(did: [bool; 3]) -> Check {
    check(did == [false; 3], "namespaces", || {
        format!("commands for an earlier membership: {did:?}")
    })
}

/// What was kept for calls comes back complete when they can no longer be answered.
fn check_returned(mut kept: Vec<u32>, mut expected: Vec<u32>) -> Check {
    kept.sort_unstable();
    expected.sort_unstable();
    check(kept == expected, "acks", || {
        format!("calls {expected:?} were open, {kept:?} came back")
    })
}

fn attachments(size: &Size, seq: u32) -> Vec<Bytes> {
    let fill = |(index, &len): (usize, &usize)| vec![(seq as u8).wrapping_add(index as u8); len];
    let attachments = size.attachments.iter().enumerate();
    attachments.map(fill).map(Bytes::from).collect()
}

/// An event of a size for a socket that is not there.
pub(crate) fn absent_event(
    pair: Pair,
    nsp: usize,
    socket: u32,
    size: &Size,
    now: Tick,
    recovery: &mut Recovery,
) -> Check {
    let encoder = Encoder::new(pair.socket, Prepared::HEADROOM);
    let number = recovery.number();
    let (encoded, attachments) = event(&encoder, nsp, None, number, size)?;
    recovery.log(now, nsp, socket, number, encoded, attachments);
    Ok(())
}

/// Encodes an event of a size.
fn event(
    encoder: &Encoder,
    nsp: usize,
    call: Option<Call>,
    seq: u32,
    size: &Size,
) -> Check<(Encoded, Vec<Bytes>)> {
    let attachments = attachments(size, seq);
    let encode = |pad: usize| {
        let pad = size.filler.to_string().repeat(pad);
        let id = call.map(|call| call.id);
        let binaries: Vec<_> = attachments.iter().cloned().map(Binary::from).collect();
        match binaries.is_empty() {
            true => encoder.event(NAMES[nsp], id, EVENT, &(seq, pad)),
            false => encoder.event(NAMES[nsp], id, EVENT, &(seq, pad, binaries)),
        }
    };
    let mut encoded = encode(size.pad).map_err(encoding)?;
    if let Some(exactly) = size.exactly {
        let empty = encode(0).map_err(encoding)?;
        let empty = match empty.has_text() {
            true => 1 + empty.text().len(),
            false => empty.attachments.iter().map(Bytes::len).sum(),
        };
        encoded = encode(exactly.saturating_sub(empty)).map_err(encoding)?;
    }
    Ok((encoded, attachments))
}

/// Encodes the answer to a call, now and then with an attachment.
fn answer(encoder: &Encoder, nsp: usize, call: Call) -> Check<Outgoing> {
    let Call { id, number } = call;
    let attachments = match number % 5 {
        0 => vec![Bytes::from(vec![number as u8; 9])],
        _ => Vec::new(),
    };
    let encoded = match attachments.first() {
        Some(bytes) => encoder.ack(NAMES[nsp], id, &(number, Binary::from(bytes.clone()))),
        None => encoder.ack(NAMES[nsp], id, &(number,)),
    };
    let what = What::Ack { nsp, call };
    Ok(outgoing(encoded.map_err(encoding)?, attachments, what))
}

fn encoding(error: socketio_proto::EncodeError) -> Fault {
    Fault {
        rule: "encoding",
        what: error.to_string(),
    }
}

/// The attachments are the application's, whatever the encoder made of them.
pub(crate) fn outgoing(encoded: Encoded, attachments: Vec<Bytes>, what: What) -> Outgoing {
    let parcel = Parcel {
        text: encoded.has_text().then(|| encoded.text().to_owned()),
        binaries: match encoded.has_text() {
            true => attachments.clone(),
            false => encoded.attachments.clone(),
        },
        attachments,
        what,
        sent_at: 0,
    };
    let prepared = match parcel.text.is_some() {
        true => Prepared::from_parts(encoded.buffer, encoded.start, encoded.attachments),
        false => Prepared::binary(encoded.attachments.into_iter().next().unwrap_or_default()),
    };
    Outgoing { parcel, prepared }
}

/// An event is what was sent.
fn check_event(parcel: &Parcel, id: Option<u64>, name: &str, args: &Args<'_>) -> Check {
    let What::Event { seq, call, .. } = parcel.what else {
        let what = &parcel.what;
        return check(false, "events", || format!("{what:?} became an event"));
    };
    let fits = name == EVENT
        && id == call.map(|call| call.id)
        && fits(parcel, args)
        && match parcel.attachments.is_empty() {
            true => args.first::<u32>().is_ok_and(|first| first == seq),
            false => args
                .parse::<(u32, String, Vec<Binary>)>()
                .is_ok_and(|it| it.0 == seq && are(&it.2, &parcel.attachments)),
        };
    check(fits, "events", || {
        format!("event {seq} became {name:?}, id {id:?}, {args:?}")
    })
}

/// An acknowledgement is what was sent, and reaches the call it answers.
fn check_answer(parcel: &Parcel, call: Call, ack: u32, args: &Args<'_>) -> Check {
    let right = ack == call.number
        && fits(parcel, args)
        && args.first::<u32>().is_ok_and(|first| first == call.number)
        && args.attachments() == parcel.attachments;
    check(right, "acks", || {
        format!("the answer to {call:?} reached call {ack} as {args:?}")
    })
}

fn fits(parcel: &Parcel, args: &Args<'_>) -> bool {
    let Some(text) = &parcel.text else {
        return true;
    };
    let text = text.strip_suffix(']');
    text.is_some_and(|text| text.ends_with(args.raw()))
}

fn are(binaries: &[Binary], attachments: &[Bytes]) -> bool {
    binaries.iter().map(|binary| &binary.0).eq(attachments)
}

/// Some namespace in which this side is in one of these states.
fn some(members: &[Membership], states: &[State], rng: &mut Rng) -> Option<usize> {
    let start = rng.index(members.len());
    let mut indices = (0..members.len()).map(|offset| (start + offset) % members.len());
    indices.find(|&nsp| states.contains(&members[nsp].state))
}
