//! What passes to a client while it is let in, sent away or lost. The gate decides under its lock, and what follows from that
//! happens behind it. Whatever overtakes whatever there: the client sees its welcome first and one farewell last, and between
//! them what each thread has emitted, in the order in which it did.

use std::{sync::Arc, task::Waker};

use loom::thread::{self, JoinHandle};
use socketio_adapter::Room;

use super::{
    acks::{CALL, DISCONNECT, answered, new_call},
    link::Link,
    outbox::{LIMITS, Nosy, join, sleep},
    socket::{Pushed, Socket},
    task::Task,
};
use crate::{
    entry::{Answer, Entry},
    every_order,
    outbox::{PushError, Work},
    prepared::Prepared,
    sync::mpsc::UnboundedReceiver,
};

/// What the client sees: that it is let in, events, and that it is sent away.
const WELCOME: &str = r#"0{"sid":"public id"}"#;
const EVENTS: [&str; 3] = ["2[0]", "2[1]", "2[2]"];
const FAREWELL: &str = "1";

const QUEUED: Pushed = Pushed::Passed(Ok(()));

/// What becomes of an entry that meets the client's end: whether it was queued, and whether it was sent.
const REFUSED: (bool, bool) = (false, false);
const TOO_LATE: (bool, bool) = (true, false);
const SENT: (bool, bool) = (true, true);

impl Socket {
    fn event(&self, index: usize) -> Entry {
        Entry::Event {
            nsp: self.nsp,
            message: Prepared::text(EVENTS[index]),
        }
    }

    fn emit(&self, index: usize) -> Pushed {
        self.push(self.event(index), 0)
    }

    fn call(&self) -> (Pushed, UnboundedReceiver<Answer>) {
        let (call, answers) = new_call(self.nsp);
        (self.push(call, 0), answers)
    }

    fn disconnect(&self) -> Pushed {
        self.leave_with(Entry::Leave(self.nsp))
    }
}

/// A client whose connect handler is running.
fn connecting() -> (Link, Arc<Socket>) {
    let mut link = Link::new();
    let socket = Arc::new(Socket::new(link.connect()));
    link.socket = Some(Arc::clone(&socket));
    (link, socket)
}

/// A client that has been let in, and has not been welcomed yet.
fn connected() -> (Link, Arc<Socket>) {
    let (mut link, socket) = connecting();
    let_in(&mut link, &socket);
    (link, socket)
}

fn let_in(link: &mut Link, socket: &Socket) {
    let answer = link.accept(socket.nsp);
    socket.open(Entry::Message(answer), Entry::is_leave);
}

/// Handles what is in the queue.
fn drain(link: &mut Link, socket: &Socket) {
    if let Some(found) = Task::new(&socket.outbox).take() {
        link.handle(found);
    }
}

/// Handles everything up to the entry that sends the client away.
fn send_away(link: &mut Link, socket: &Socket) {
    let mut task = Task::new(&socket.outbox);
    while link.farewells == 0 {
        link.handle(task.next());
    }
}

/// Leaves a message out of those sent before the farewell; whether it was there.
fn leave_out(link: &mut Link, message: &str) -> bool {
    assert_eq!(link.sent.last().map(String::as_str), Some(FAREWELL));
    let position = link.sent.iter().position(|sent| sent == message);
    position.map(|index| link.sent.remove(index)).is_some()
}

/// Another thread that has the socket.
fn with<T: Send + 'static>(
    socket: &Arc<Socket>,
    act: impl FnOnce(&Socket) -> T + Send + 'static,
) -> JoinHandle<T> {
    let socket = Arc::clone(socket);
    thread::spawn(move || act(&socket))
}

/// A thread emits while the client is let in: what was kept leaves before what passes, nothing is lost, nothing is sent twice,
/// and all of it comes behind the welcome.
pub fn what_was_kept_leaves_behind_the_welcome_and_before_what_passes() {
    let kept = every_order(|| {
        let (mut link, socket) = connecting();
        let emitter = with(&socket, |socket| {
            let pushed = [0, 1, 2].map(|index| socket.emit(index));
            assert!(pushed.iter().all(|it| [QUEUED, Pushed::Kept].contains(it)));
            pushed.iter().filter(|it| **it == Pushed::Kept).count()
        });
        let_in(&mut link, &socket);
        let mut task = Task::new(&socket.outbox);
        while link.sent.len() < 4 {
            link.handle(task.next());
        }
        let kept = join(emitter);
        assert!(task.take().is_none());
        assert_eq!(link.sent, [WELCOME, EVENTS[0], EVENTS[1], EVENTS[2]]);
        kept
    });
    assert_eq!(Vec::from_iter(kept), [0, 1, 2, 3]);
}

/// A thread emits what leaves at once or never while the client is let in: it comes behind the welcome.
pub fn nothing_volatile_is_sent_before_the_welcome() {
    let outcomes = every_order(|| {
        let (mut link, socket) = connecting();
        // From now on a message would leave at once.
        drain(&mut link, &socket);
        let emitter = with(&socket, |socket| {
            socket.push_volatile(socket.event(0)).is_ok()
        });
        let_in(&mut link, &socket);
        drain(&mut link, &socket);
        // It would again.
        drain(&mut link, &socket);
        let accepted = join(emitter);
        drain(&mut link, &socket);
        assert_eq!(link.sent, [WELCOME, EVENTS[0]][..1 + usize::from(accepted)]);
        accepted
    });
    assert_eq!(Vec::from_iter(outcomes), [false, true]);
}

/// A thread changes rooms while the client is let in: it is where the thread has left it.
pub fn a_room_that_is_left_meanwhile_is_not_entered() {
    let kept = every_order(|| {
        let (mut link, socket) = connecting();
        assert!(socket.join(&"red".into()));
        let mover = with(&socket, |socket| {
            (socket.leave(&"red".into()), socket.join(&"blue".into()))
        });
        let_in(&mut link, &socket);
        let kept = join(mover);
        assert_eq!(socket.rooms(), Some(vec![Room::from("blue")]));
        kept
    });
    let [late, between, early] = [(false, false), (true, false), (true, true)];
    assert_eq!(Vec::from_iter(kept), [late, between, early]);
}

/// A thread sends the client away while another emits: that leaves before the farewell or never, and never what the first one
/// emits behind it.
pub fn nothing_is_sent_behind_the_farewell() {
    let outcomes = every_order(|| {
        let (mut link, socket) = connected();
        let leaver = with(&socket, |socket| {
            assert_eq!(socket.disconnect(), QUEUED);
            assert_eq!(socket.emit(2), Pushed::Refused);
        });
        let emitter = with(&socket, |socket| socket.emit(1));
        send_away(&mut link, &socket);
        // The client is back at once. What comes now was for the membership it has left.
        let nsp = link.connect();
        link.accept(nsp);
        join(leaver);
        let pushed = join(emitter);
        drain(&mut link, &socket);
        let sent = leave_out(&mut link, EVENTS[1]);
        assert_eq!(link.sent, [WELCOME, FAREWELL]);
        assert_eq!(socket.rooms(), None);
        (pushed == QUEUED, sent)
    });
    assert_eq!(Vec::from_iter(outcomes), [REFUSED, TOO_LATE, SENT]);
}

/// The same for an event that leaves at once or never.
pub fn nothing_volatile_is_sent_behind_the_farewell() {
    let outcomes = every_order(|| {
        let (mut link, socket) = connected();
        drain(&mut link, &socket);
        // From now on a message would leave at once.
        drain(&mut link, &socket);
        let leaver = with(&socket, |socket| assert_eq!(socket.disconnect(), QUEUED));
        let emitter = with(&socket, |socket| socket.push_volatile(socket.event(1)));
        send_away(&mut link, &socket);
        // It would again.
        drain(&mut link, &socket);
        join(leaver);
        let pushed = join(emitter);
        drain(&mut link, &socket);
        let sent = leave_out(&mut link, EVENTS[1]);
        assert_eq!(link.sent, [WELCOME, FAREWELL]);
        (pushed.is_ok(), sent)
    });
    assert_eq!(Vec::from_iter(outcomes), [REFUSED, TOO_LATE, SENT]);
}

/// A thread sends the client away while another calls it: before the farewell or behind it, the caller is told.
pub fn a_call_meets_the_farewell() {
    let outcomes = every_order(|| {
        let (mut link, socket) = connected();
        let leaver = with(&socket, |socket| assert_eq!(socket.disconnect(), QUEUED));
        let caller = with(&socket, Socket::call);
        send_away(&mut link, &socket);
        join(leaver);
        let (pushed, answers) = join(caller);
        drain(&mut link, &socket);
        assert!(!answered(&answers), "no client has answered");
        let sent = leave_out(&mut link, CALL);
        assert_eq!(link.sent, [WELCOME, FAREWELL]);
        (pushed == QUEUED, sent)
    });
    assert_eq!(Vec::from_iter(outcomes), [REFUSED, TOO_LATE, SENT]);
}

/// Two threads send the client away: one does, behind what it has emitted itself.
pub fn of_two_farewells_one_is_sent() {
    let outcomes = every_order(|| {
        let (mut link, socket) = connected();
        let leavers = [0, 1].map(|index| {
            with(&socket, move |socket| {
                let emitted = socket.emit(index);
                (emitted == QUEUED, socket.disconnect())
            })
        });
        // The task sees what they have left behind.
        let [(first, one), (second, other)] = leavers.map(join);
        let (loser, queued) = match (one, other) {
            (QUEUED, Pushed::Refused) => (1, second),
            (Pushed::Refused, QUEUED) => (0, first),
            both => unreachable!("{both:?}"),
        };
        drain(&mut link, &socket);
        assert_eq!(link.farewells, 1);
        let sent = leave_out(&mut link, EVENTS[loser]);
        assert_eq!(link.sent, [WELCOME, EVENTS[1 - loser], FAREWELL]);
        (queued, sent)
    });
    assert_eq!(Vec::from_iter(outcomes), [REFUSED, TOO_LATE, SENT]);
}

/// A thread sends the client away while it is let in: it is welcomed, gets what was emitted before, and is sent away. Who calls
/// it after that is told.
pub fn a_client_is_sent_away_while_it_is_let_in() {
    let outcomes = every_order(|| {
        let (mut link, socket) = connecting();
        let leaver = with(&socket, |socket| {
            socket.emit(0);
            let left = socket.disconnect();
            (left == Pushed::Kept, socket.call())
        });
        let_in(&mut link, &socket);
        send_away(&mut link, &socket);
        let (left_early, (called, answers)) = join(leaver);
        drain(&mut link, &socket);
        assert!(!answered(&answers), "no client has answered");
        assert_eq!(link.sent, [WELCOME, EVENTS[0], FAREWELL]);
        (left_early, called == Pushed::Kept)
    });
    let [late, between, early] = [(false, false), (true, false), (true, true)];
    assert_eq!(Vec::from_iter(outcomes), [late, between, early]);
}

/// Two threads send the client away while it is let in: it is sent away once.
pub fn a_client_is_sent_away_twice_while_it_is_let_in() {
    let kept = every_order(|| {
        let (mut link, socket) = connecting();
        let leavers = [(); 2].map(|()| with(&socket, Socket::disconnect));
        let_in(&mut link, &socket);
        send_away(&mut link, &socket);
        let left = leavers.map(join);
        drain(&mut link, &socket);
        assert_eq!(link.farewells, 1);
        assert_eq!(link.sent, [WELCOME, FAREWELL]);
        assert_eq!(socket.rooms(), None);
        left.iter().filter(|it| **it == Pushed::Kept).count()
    });
    assert_eq!(Vec::from_iter(kept), [0, 1, 2]);
}

/// The client's session ends while it is called: refused by the gate, refused by the session, in the queue or sent, the caller is
/// told.
pub fn a_call_meets_the_end_of_the_session() {
    let outcomes = every_order(|| {
        let (mut link, socket) = connected();
        let caller = with(&socket, Socket::call);
        drain(&mut link, &socket);
        link.handle_close();
        socket.outbox.end();
        let (pushed, answers) = join(caller);
        assert!(!answered(&answers), "no client has answered");
        assert_eq!(socket.emit(0), Pushed::Refused);
        assert_eq!(socket.rooms(), None);
        let sent = link.sent.len();
        assert_eq!(link.sent, [WELCOME, CALL][..sent]);
        (pushed != Pushed::Refused, pushed == QUEUED, sent == 2)
    });
    let [closed, ended] = [(false, false, false), (true, false, false)];
    let [queued, sent] = [(true, true, false), (true, true, true)];
    assert_eq!(Vec::from_iter(outcomes), [closed, ended, queued, sent]);
}

/// The client is lost before it is let in, while it is called: the gate gives back what it has kept, and keeps nothing more.
pub fn a_call_meets_the_end_of_a_client_that_was_not_let_in() {
    let kept = every_order(|| {
        let (mut link, socket) = connecting();
        let caller = with(&socket, |socket| [socket.call(), socket.call()]);
        link.handle_close();
        let calls = join(caller);
        for (_, answers) in &calls {
            assert!(!answered(answers), "no client has answered");
        }
        calls.map(|(pushed, _)| pushed == Pushed::Kept)
    });
    let [early, between, late] = [[true, true], [true, false], [false, false]];
    assert_eq!(Vec::from_iter(kept), [late, between, early]);
}

/// The client leaves the namespace and its session goes on: what comes then is refused or dropped, and callers are told.
pub fn what_meets_a_client_that_leaves_goes_nowhere() {
    let outcomes = every_order(|| {
        let (mut link, socket) = connected();
        let caller = with(&socket, |socket| {
            let emitted = socket.emit(0);
            let (called, answers) = socket.call();
            assert!(emitted == QUEUED || called == Pushed::Refused);
            (called, answers)
        });
        drain(&mut link, &socket);
        let sent = link.sent.len();
        link.handle_message(DISCONNECT);
        assert_eq!(socket.rooms(), None);
        let (called, answers) = join(caller);
        drain(&mut link, &socket);
        assert!(!answered(&answers), "no client has answered");
        link.assert_nothing_is_kept();
        assert_eq!(link.sent, [WELCOME, EVENTS[0], CALL][..sent]);
        (called == QUEUED, sent == 3)
    });
    assert_eq!(Vec::from_iter(outcomes), [REFUSED, TOO_LATE, SENT]);
}

/// A client whose entries look at it.
struct Mirrors(Socket<Arc<Nosy<Self>>, ()>);

impl Mirrors {
    fn nosy(self: &Arc<Self>) -> Arc<Nosy<Self>> {
        Nosy::new(self, |Self(socket)| {
            socket.gate.is_open();
            socket.outbox.buffered();
        })
    }
}

/// Entries and wakers are called and dropped without the gate's lock, whatever way they take.
pub fn nothing_of_others_runs_under_the_lock_of_the_gate() {
    let outcomes = every_order(|| {
        let nsp = Link::new().connect();
        let [lost, client] = [(); 2].map(|()| Arc::new(Mirrors(Socket::new(nsp))));
        // Lost before it is let in.
        let socket = &lost.0;
        assert_eq!(socket.push(lost.nosy(), 0), Pushed::Kept);
        assert_eq!(socket.leave_with(lost.nosy()), Pushed::Kept);
        socket.close();

        let other = {
            let client = Arc::clone(&client);
            thread::spawn(move || {
                let socket = &client.0;
                socket.push(client.nosy(), 0);
                // More than the session takes.
                let flood = socket.push(client.nosy(), LIMITS.hard + 1);
                socket.leave_with(client.nosy());
                flood == Pushed::Passed(Err(PushError::Full))
            })
        };
        let socket = &client.0;
        assert!(matches!(
            sleep(&socket.outbox, &Waker::from(client.nosy())),
            Work::None
        ));
        socket.open(client.nosy(), |_| false);
        socket.close();
        assert_eq!(socket.push(client.nosy(), 0), Pushed::Refused);
        assert_eq!(socket.leave_with(client.nosy()), Pushed::Refused);
        socket.outbox.end();
        join(other)
    });
    assert_eq!(Vec::from_iter(outcomes), [false, true]);
}
