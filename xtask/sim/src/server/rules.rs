//! What must hold for a session of the server.

use engineio_proto::Transport;

use super::Server;
use crate::fate::Side;
use crate::fault::{Check, check};
use crate::world::World;

impl World {
    /// What must hold for a session of the server after each step.
    pub(crate) fn check_server(&self, server: &Server) -> Check {
        if !server.alive {
            return Ok(());
        }
        let session = &server.session;
        check(session.is_closed() == server.ended, "end", || {
            format!("closed: {}, said so: {}", session.is_closed(), server.ended)
        })?;
        let config = &self.scenario.server;
        let upgrade = server
            .upgrade
            .map(|(_, since)| since + config.upgrade_timeout);
        let right = match (server.ended, server.closing) {
            (true, _) => None,
            (_, Some(closing)) => Some(closing + config.close_timeout),
            _ => [server.pulse.deadline(), upgrade]
                .into_iter()
                .flatten()
                .min(),
        };
        let told = session.poll_timeout();
        // While a link is probed there may be polls to be let go before that.
        let sooner = server.upgrade.is_some() && told < right && told.is_some();
        check(told == right || sooner, "timer", || {
            format!("the server wants to be woken at {told:?}, {right:?} is right")
        })?;
        let queued = session.queued_bytes();
        let most = self.lives[server.life].lanes[Side::Client as usize].bytes();
        check(queued <= most, "memory", || {
            format!("the server holds {queued} bytes, {most} are under way")
        })?;
        check(!session.is_writable() || queued == 0, "memory", || {
            format!("{queued} bytes wait, and the session is writable")
        })?;
        let link = session.transport() == Transport::Websocket;
        check(
            !link || server.ended || server.pulse.owed.is_none(),
            "heartbeat",
            || format!("a {:?} does not leave", server.pulse.owed),
        )
    }
}
