//! What must hold for the client.

use engineio_proto::Transport;

use crate::fate::{Causes, Side};
use crate::fault::{Check, check};
use crate::world::World;

impl World {
    /// What must hold for the client after each step.
    pub(crate) fn check_client(&self) -> Check {
        let client = &self.client;
        let session = &client.session;
        check(session.is_closed() == client.ended, "end", || {
            format!("closed: {}, said so: {}", session.is_closed(), client.ended)
        })?;
        let (told, right) = (session.poll_timeout(), client.deadline(&self.scenario));
        check(told == right, "timer", || {
            format!("the client wants to be woken at {told:?}, {right:?} is right")
        })?;
        let life = &self.lives[client.life];
        let (queued, most) = (
            session.queued_bytes(),
            life.lanes[Side::Server as usize].bytes(),
        );
        check(queued <= most, "memory", || {
            format!("the client holds {queued} bytes, {most} are under way")
        })?;
        let blocked = self.is_client_blocked();
        let silent = !client.ended && !blocked && session.transport() == Transport::Websocket;
        check(!silent || client.pulse.owed.is_none(), "heartbeat", || {
            format!("a {:?} does not leave", client.pulse.owed)
        })?;
        check(!silent || queued == 0 || !client.opened, "liveness", || {
            format!("{queued} bytes do not leave, and the link is free")
        })?;
        self.check_upgrade()
    }

    /// An upgrade that nothing hinders takes a few round trips.
    pub(super) fn check_upgrade(&self) -> Check {
        let client = &self.client;
        let Some((_, began)) = client.upgrade else {
            return Ok(());
        };
        let bound = 300 + 12 * self.scenario.latency.1;
        let free = self.lives[client.life].causes == Causes::NONE && !client.hindered;
        check(!free || self.now <= began + bound, "upgrade", || {
            format!("it takes longer than {bound} ms")
        })
    }
}
