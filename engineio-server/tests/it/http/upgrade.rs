//! Recorded upgrades, replayed step by step.

use engineio_server::{Session, Transport};
use serde_json::Value;

use super::recorded::assert_closed;
use super::{Instead, Row};
use crate::host::{Host, Polling, settle};
use crate::puppet::{Events, Order, send};
use crate::wire::{Websocket, Wire};

/// The steps of a recorded upgrade, with a poll waiting from the start.
pub(super) struct Upgrade<'h> {
    host: &'h Host,
    client: Polling<'h>,
    session: Session<Order>,
    poll: Wire,
    first: Websocket,
    second: Option<Websocket>,
    /// Messages that the poll brought in the recording and not here.
    late: Vec<String>,
}

impl Upgrade<'_> {
    pub(super) async fn replay(row: Row<'_>, host: &Host, events: &mut Events) {
        let client = host.open_with(row.parameters()).await;
        let mut upgrade = Upgrade {
            host,
            session: events.opened().await,
            poll: client.park().await,
            first: host.websocket_with(row.parameters(), &client.sid).await,
            client,
            second: None,
            late: Vec::new(),
        };
        for (index, step) in row.0["log"].as_array().unwrap().iter().enumerate() {
            let instead = match row.difference() {
                Some(Instead::Poll(at, payload)) if *at == index => Some(*payload),
                _ => None,
            };
            upgrade.step(row.name(), step, instead).await;
        }
        let transport = match row.0["transport_after"].as_str().unwrap() {
            "polling" => Transport::Polling,
            _ => Transport::Websocket,
        };
        settle().await;
        assert_eq!(upgrade.session.transport(), transport);
        assert_eq!(row.0["readyState"], "open");
        assert!(!upgrade.session.is_closed());
    }

    async fn step(&mut self, name: &str, step: &Value, instead: Option<&str>) {
        let text = step[1].as_str().unwrap_or_default();
        match step[0].as_str().unwrap() {
            "> ws" => self.first.say(text).await,
            "< ws" => {
                // What the recorded server sent by itself, once it had been told to.
                if let Some(message) = text.strip_prefix('4') {
                    send(&self.session, message);
                    for late in self.late.drain(..) {
                        self.first.expect(&late).await;
                    }
                }
                self.first.expect(text).await;
                if name.ends_with("between probe and upgrade") && text == "3probe" {
                    send(&self.session, "x");
                }
            }
            "< ws close" => {
                assert_closed(&self.first.receive().await, step[1].as_u64().unwrap());
            }
            "< GET response" => {
                let status = step[1].as_u64().unwrap() as u16;
                let payload = step[2].as_str().unwrap();
                if instead.is_some() && payload.starts_with('4') {
                    self.late.push(payload.to_owned());
                }
                let payload = instead.unwrap_or(payload);
                self.poll.response("GET").await.assert(status, payload);
            }
            "GET" => {
                let status = step[1].as_u64().unwrap() as u16;
                settle().await;
                self.client
                    .get()
                    .await
                    .assert(status, step[2].as_str().unwrap());
            }
            "second ws closed" => {
                let mut second = self.host.websocket(&self.client.sid).await;
                assert_closed(&second.receive().await, step[1].as_u64().unwrap());
                self.second = Some(second);
            }
            "second ws" if self.second.is_some() => {}
            "second ws" => {
                let mut second = self.host.websocket(&self.client.sid).await;
                assert_closed(&second.receive().await, step[1][0].as_u64().unwrap());
            }
            step => panic!("nothing is known about the step {step}"),
        }
    }
}
