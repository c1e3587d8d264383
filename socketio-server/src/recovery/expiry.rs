//! Time passes for what is kept: events that nobody will ask for any more, and sockets whose
//! clients have not come back.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;

use super::log::{Dropped, Log};
use super::message::Message;
use super::panics::contained;
use super::sequencer::Sequencer;
use super::session::Saved;
use crate::proto::Tick;

/// Events expire one by one, as they were sent. Nobody needs that to the millisecond.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// Lets time pass until nothing is kept any more, in a task of its own. Outside of a runtime nothing
/// happens.
pub(super) fn start(sequencer: &Arc<Sequencer>) {
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    if !sequencer.is_timed.swap(true, Ordering::Relaxed) {
        runtime.spawn(run(Arc::downgrade(sequencer)));
    }
}

async fn run(sequencer: Weak<Sequencer>) {
    while let Some(wait) = sequencer.upgrade().and_then(|it| it.expire()) {
        tokio::time::sleep(wait).await;
    }
}

impl Sequencer {
    /// Lets go of what has expired. Returns how long to wait with the rest, if there is any.
    fn expire(self: &Arc<Self>) -> Option<Duration> {
        let now = self.now();
        let (dropped, next) = self.baton.look(|log| {
            let dropped = self.expired(log, now);
            let next = log.poll_timeout();
            // Under the lock: who has something kept after this looks at it after that.
            self.is_timed.store(next.is_some(), Ordering::Relaxed);
            (dropped, next)
        });
        dropped.sessions.into_iter().for_each(say_goodbye);
        bury(dropped.messages);
        let wait = Duration::from_millis(next?.saturating_sub(now));
        Some(wait.max(AT_MOST_EVERY))
    }

    /// What has expired, under the lock. The ids of sockets are nobody's then.
    pub(super) fn expired(&self, log: &mut Log, now: Tick) -> Dropped {
        let dropped = log.handle_timeout(now);
        for saved in &dropped.sessions {
            self.absent.remove(&saved.socket.id());
        }
        dropped
    }
}

/// Lets go of what has expired while something else was done for somebody, be it a client, in whose
/// task nothing of others' is to run: who waits for those who have not come back is told in another.
pub(super) fn let_go(dropped: Dropped) {
    let Dropped { messages, sessions } = dropped;
    bury(messages);
    if sessions.is_empty() {
        return;
    }
    let say_goodbye = move || sessions.into_iter().for_each(say_goodbye);
    match Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(async { say_goodbye() })),
        Err(_) => say_goodbye(),
    }
}

/// A client has not come back, and somebody may want to know.
fn say_goodbye(saved: Saved) {
    contained("the hook for sockets that have expired", || {
        saved.socket.io().expired(&saved.socket);
    });
    contained("what was stored for a socket", || drop(saved));
}

/// Messages own users' bytes.
fn bury(messages: Vec<Arc<Message>>) {
    for message in messages {
        contained("the owner of an event's bytes", || drop(message));
    }
}
