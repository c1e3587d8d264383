//! Time passes for what is kept: events that nobody will ask for any more, and sockets whose
//! clients have not come back.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;

use super::log::Dropped;
use super::sequencer::Sequencer;

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
            let dropped = log.handle_timeout(now);
            let next = log.poll_timeout();
            // Under the lock: who has something kept after this looks at it after that.
            self.is_timed.store(next.is_some(), Ordering::Relaxed);
            (dropped, next)
        });
        self.let_go(dropped);
        let wait = Duration::from_millis(next?.saturating_sub(now));
        Some(wait.max(AT_MOST_EVERY))
    }

    /// Those who have not come back are gone, and somebody may want to know.
    pub(super) fn let_go(&self, dropped: Dropped) {
        for saved in dropped.sessions {
            saved.socket.io().expired(&saved.socket);
        }
    }
}
