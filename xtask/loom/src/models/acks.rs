//! Calls and their answers: whatever meets whatever, a call is answered once, and nothing is kept for a caller that has given
//! up.
//!
//! The ticket goes with its entry through the real outbox into the real connection. An answer comes in through the mailbox,
//! as by a POST.

use std::sync::Arc;

use loom::thread::{self, JoinHandle};
use socketio_proto::NamespaceId;

use super::{
    link::Link,
    outbox::{join, push},
    task::Task,
};
use crate::{
    entry::{Answer, Call, Entry, Ticket},
    every_order,
    prepared::Prepared,
    socket::SocketId,
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
};

/// Deliveries are messages of the client.
type Outbox = crate::outbox::Outbox<Entry, &'static str>;

const ID: u64 = 0;

/// The call, the client's answer to it, and its farewell to the namespace.
pub(super) const CALL: &str = "20[]";
const ANSWER: &str = "30[]";
pub(super) const DISCONNECT: &str = "1";

/// A client in one namespace.
fn joined() -> (Link, NamespaceId) {
    let mut link = Link::new();
    let nsp = link.connect();
    link.accept(nsp);
    (link, nsp)
}

/// A call that waits to be sent.
pub(super) fn new_call(nsp: NamespaceId) -> (Entry, UnboundedReceiver<Answer>) {
    let (sender, answers) = unbounded_channel();
    let call = Call {
        nsp,
        id: ID,
        ticket: Ticket::new(SocketId, sender),
        message: Prepared::text(CALL),
    };
    (Entry::Call(Box::new(call)), answers)
}

/// As `Socket::send_call`; `false` if it was refused.
fn call(outbox: &Outbox, nsp: NamespaceId) -> (bool, UnboundedReceiver<Answer>) {
    let (call, answers) = new_call(nsp);
    (push(outbox, call).is_ok(), answers)
}

/// A caller that drops its future at once: what follows the call is that of `Socket::forget`.
fn call_and_give_up(
    outbox: &Arc<Outbox>,
    nsp: NamespaceId,
) -> JoinHandle<UnboundedReceiver<Answer>> {
    let outbox = Arc::clone(outbox);
    thread::spawn(move || {
        let (_, answers) = call(&outbox, nsp);
        let _ = push(&outbox, Entry::Forget { nsp, id: ID });
        answers
    })
}

/// Whether the only answer that has come is one of the client.
pub(super) fn answered(answers: &UnboundedReceiver<Answer>) -> bool {
    let Some((SocketId, answer)) = answers.try_recv() else {
        unreachable!("a call without an answer")
    };
    assert!(answers.try_recv().is_none(), "answered twice");
    answer.is_ok()
}

/// The caller gives up and the client never answers: what the call has left is withdrawn, in whatever turns the two are taken.
pub fn a_caller_that_gives_up_leaves_nothing_behind() {
    let sleeps = every_order(|| {
        let outbox = Arc::new(Outbox::new());
        let (mut link, nsp) = joined();
        let caller = call_and_give_up(&outbox, nsp);
        let mut task = Task::new(&outbox);
        while link.handled < 2 {
            link.handle(task.next());
        }
        link.assert_nothing_is_kept();
        assert!(!answered(&join(caller)), "no client has answered");
        assert_eq!(link.sent, [CALL]);
        task.sleeps()
    });
    assert_eq!(Vec::from_iter(sleeps), [0, 1, 2]);
}

/// The caller gives up while the answer arrives: it has one or the other, and nothing is kept.
pub fn a_caller_that_gives_up_meets_the_answer() {
    let outcomes = every_order(|| {
        let outbox = Arc::new(Outbox::new());
        let (mut link, nsp) = joined();
        let caller = call_and_give_up(&outbox, nsp);
        let (wire, client) = unbounded_channel();
        let client = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || {
                client.blocking_recv();
                outbox.deliver(ANSWER);
            })
        };
        let mut task = Task::new(&outbox);
        let mut on_its_way = true;
        // The call, its withdrawal and the answer.
        while link.handled < 3 {
            link.handle(task.next());
            if link.sent.len() == 1 && std::mem::take(&mut on_its_way) {
                assert!(wire.send(()).is_ok());
            }
        }
        join(client);
        link.assert_nothing_is_kept();
        answered(&join(caller))
    });
    assert_eq!(Vec::from_iter(outcomes), [false, true]);
}

/// The session ends at any moment of a call: refused, in the queue or registered, the caller that waits is told.
pub fn a_caller_that_waits_is_told_of_the_end() {
    let outcomes = every_order(|| {
        let outbox = Arc::new(Outbox::new());
        let (mut link, nsp) = joined();
        let caller = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || {
                let (accepted, answers) = call(&outbox, nsp);
                // For ever, if nobody tells it: loom fails such a model.
                let (SocketId, answer) = answers.blocking_recv();
                assert!(answer.is_err());
                accepted
            })
        };
        if let Some(found) = Task::new(&outbox).take() {
            link.handle(found);
        }
        link.handle_close();
        outbox.end();
        (join(caller), link.sent.len())
    });
    let [refused, queued, registered] = [(false, 0), (true, 0), (true, 1)];
    assert_eq!(Vec::from_iter(outcomes), [refused, queued, registered]);
}

/// The caller gives up while the session ends: the ticket goes away once, wherever it is.
pub fn a_caller_that_gives_up_meets_the_end() {
    let outcomes = every_order(|| {
        let outbox = Arc::new(Outbox::new());
        let (mut link, nsp) = joined();
        let caller = call_and_give_up(&outbox, nsp);
        if let Some(found) = Task::new(&outbox).take() {
            link.handle(found);
        }
        link.handle_close();
        outbox.end();
        assert!(!answered(&join(caller)), "no client has answered");
        link.handled
    });
    assert_eq!(Vec::from_iter(outcomes), [0, 1, 2]);
}

/// The client leaves the namespace while it is called: registered before or refused after, the caller is told.
pub fn a_call_meets_a_client_that_leaves() {
    let outcomes = every_order(|| {
        let outbox = Arc::new(Outbox::new());
        let (mut link, nsp) = joined();
        let client = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || outbox.deliver(DISCONNECT))
        };
        let caller = {
            let outbox = Arc::clone(&outbox);
            thread::spawn(move || call(&outbox, nsp).1)
        };
        let mut task = Task::new(&outbox);
        while link.handled < 2 {
            link.handle(task.next());
        }
        join(client);
        assert!(!answered(&join(caller)), "no client has answered");
        link.assert_nothing_is_kept();
        link.sent.len()
    });
    assert_eq!(Vec::from_iter(outcomes), [0, 1]);
}
