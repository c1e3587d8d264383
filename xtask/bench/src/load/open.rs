//! Many clients that connect: each step is taken by a whole batch before the next one.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{client::Client, template::Frame};

/// How many clients connect at the same time.
const BATCH: usize = 16;

/// How many clients upgrade at the same time: more, since the reference answers a parked poll of
/// an upgrading client a tenth of a second late.
const UPGRADE_BATCH: usize = 100;

/// Clients in the default namespace, by websocket from the start.
pub(crate) fn websockets(server: SocketAddr, count: usize) -> Result<Vec<Client>> {
    in_batches(count, BATCH, |size| {
        let mut clients = connect(server, size)?;
        for client in &mut clients {
            client.ask_for_websocket(None)?;
        }
        for client in &mut clients {
            client.become_websocket()?;
            client.receive("0{")?;
            client.send(Frame::Text("40"))?;
        }
        for client in &mut clients {
            client.receive("40{")?;
        }
        Ok(clients)
    })
}

/// Clients in the default namespace that connected by polling and have a websocket now. The
/// connections they polled on are closed.
pub(crate) fn upgraded(server: SocketAddr, count: usize) -> Result<Vec<Client>> {
    in_batches(count, UPGRADE_BATCH, |size| {
        let mut polling = sessions(server, size)?;
        for Session { id, client } in &mut polling {
            client.get(Some(id))?;
        }
        let mut clients = connect(server, size)?;
        for (client, session) in clients.iter_mut().zip(&polling) {
            client.ask_for_websocket(Some(&session.id))?;
        }
        for client in &mut clients {
            client.become_websocket()?;
            client.send(Frame::Text("2probe"))?;
        }
        for client in &mut clients {
            client.receive("3probe")?;
        }
        for (client, session) in clients.iter_mut().zip(&mut polling) {
            let is_pinged = session.finish_polling()?;
            client.send(Frame::Text("5"))?;
            if is_pinged {
                client.send(Frame::Text("3"))?;
            }
            // The answer shows that the upgrade is done.
            client.send(Frame::Text(r#"420["ask","done?"]"#))?;
        }
        for client in &mut clients {
            client.receive(r#"430["done?"]"#)?;
        }
        Ok(clients)
    })
}

/// A client that polls.
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) client: Client,
}

/// Clients in the default namespace that stay with polling; no poll is under way.
pub(crate) fn sessions(server: SocketAddr, count: usize) -> Result<Vec<Session>> {
    let mut clients = connect(server, count)?;
    for client in &mut clients {
        client.get(None)?;
    }
    let mut sessions = Vec::new();
    for mut client in clients {
        let id = session_id(&client.body()?)?;
        client.post(&id, "40")?;
        sessions.push(Session { id, client });
    }
    for Session { id, client } in &mut sessions {
        ensure!(client.body()? == "ok", "a packet was not taken");
        client.get(Some(id))?;
    }
    for session in &mut sessions {
        let packet = session.packet()?;
        ensure!(packet.starts_with("40{"), "not connected: {packet}");
    }
    Ok(sessions)
}

impl Session {
    /// Waits for the end of the poll that is under way during an upgrade, and says whether there
    /// was a ping, which is to be answered after it.
    fn finish_polling(&mut self) -> Result<bool> {
        let mut body = self.client.body()?;
        let is_pinged = body == "2";
        if is_pinged {
            self.client.get(Some(&self.id))?;
            body = self.client.body()?;
        }
        ensure!(body == "6", "a poll during the upgrade got {body:?}");
        Ok(is_pinged)
    }

    /// What a poll that is under way gets. Pings are answered, and polled again if nothing else
    /// came.
    fn packet(&mut self) -> Result<String> {
        let Self { id, client } = self;
        let mut body = client.body()?;
        if let Some(rest) = body.strip_prefix('2') {
            let packet = rest.trim_start_matches('\u{1e}').to_owned();
            client.post(id, "3")?;
            ensure!(client.body()? == "ok", "a pong was not taken");
            if !packet.is_empty() {
                return Ok(packet);
            }
            client.get(Some(id))?;
            body = client.body()?;
        }
        Ok(body)
    }
}

/// Clients that connect and leave; how many they were.
pub(crate) fn come_and_go(server: SocketAddr) -> Result<usize> {
    let mut clients = websockets(server, BATCH)?;
    for client in &mut clients {
        client.send(Frame::Close)?;
    }
    clients.into_iter().try_for_each(Client::wait_for_end)?;
    Ok(BATCH)
}

pub(crate) fn connect(server: SocketAddr, count: usize) -> Result<Vec<Client>> {
    (0..count).map(|_| Client::connect(server)).collect()
}

fn in_batches(
    count: usize,
    batch: usize,
    open: impl Fn(usize) -> Result<Vec<Client>>,
) -> Result<Vec<Client>> {
    let mut clients = Vec::with_capacity(count);
    while clients.len() < count {
        clients.extend(open(batch.min(count - clients.len()))?);
    }
    Ok(clients)
}

fn session_id(body: &str) -> Result<String> {
    let handshake = body.strip_prefix('0').context("no handshake")?;
    let handshake: Value = serde_json::from_str(handshake)?;
    Ok(handshake["sid"].as_str().context("no session")?.to_owned())
}
