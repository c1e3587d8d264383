//! Whatever happens to a session in whatever order, its task comes to rest, and at last to its end.

use std::time::Duration;

use engineio_server::{OverflowPolicy, ServerLimits, Session};

use super::endings::rest;
use super::{BLOCK, POLICIES, opened, push, push_kept, start_with};
use crate::host::{Host, Polling, pass};
use crate::puppet::Order;
use crate::wire::{UPGRADE, Wire, request, text_frame};

const SCHEDULES: u64 = 60;
const STEPS: usize = 24;

/// Numbers that look random (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// A client that reads nothing.
struct Client<'a> {
    host: &'a Host,
    polling: Polling<'a>,
    session: Session<Order>,
    poll: Option<Wire>,
    post: Option<Wire>,
    link: Option<Wire>,
}

impl Client<'_> {
    /// Does one thing, and says what.
    async fn step(&mut self, dice: &mut Dice) -> &'static str {
        match dice.below(14) {
            0..3 => {
                for _ in 0..dice.below(12) {
                    let _ = push(&self.session, 0);
                }
                "push"
            }
            3 => {
                let _ = push_kept(&self.session, 0);
                "keep"
            }
            4 => {
                let _ = self.session.push_order(Order::Read(dice.below(2) == 0));
                "read"
            }
            5 => {
                self.poll = Some(self.polling.park().await);
                "poll"
            }
            6 => {
                self.poll = None;
                "poll given up"
            }
            7 => {
                self.post = Some(self.polling.start_post("4a\u{1e}4b").await);
                "post"
            }
            8 => {
                let whole = request("POST", &self.polling.target(), &[], b"4never finished");
                let mut wire = self.host.connect().await;
                wire.write(&whole[..whole.len() - 3]).await;
                self.post = Some(wire);
                "half a post"
            }
            9 => {
                self.post = None;
                "post given up"
            }
            10 => {
                let target = self.polling.target().replace("=polling", "=websocket");
                self.link = Some(self.host.send("GET", &target, UPGRADE, "").await);
                "link"
            }
            11 => {
                let text = ["2probe", "5", "4hello"][dice.below(3) as usize];
                if let Some(link) = &mut self.link {
                    link.try_write(&text_frame(text)).await;
                }
                text
            }
            12 => {
                pass(Duration::from_secs(dice.below(13))).await;
                "time"
            }
            _ => {
                if dice.below(4) == 0 {
                    self.session.close();
                }
                "close"
            }
        }
    }
}

async fn run(policy: OverflowPolicy, seed: u64) {
    let limits = ServerLimits {
        bytes: 15 * BLOCK,
        ..ServerLimits::default()
    };
    let (host, mut events) = start_with(policy, limits);
    let mut dice = Dice(seed);
    let polling = host.open().await;
    let session = opened(&mut events).await;
    let mut client = Client {
        host: &host,
        polling,
        session,
        poll: None,
        post: None,
        link: None,
    };
    let mut steps = format!("{policy:?} {seed}");
    for _ in 0..STEPS {
        let step = client.step(&mut dice).await;
        steps = format!("{steps}, {step}");
        rest(&host, &steps).await;
    }
    // A client that is not read is waited for.
    let _ = client.session.push_order(Order::Read(true));
    drop(client);
    host.assert_empty().await;
    assert_eq!(host.server.stats().waiting, 0, "{steps}");
}

#[tokio::test(start_paused = true)]
async fn a_task_comes_to_rest_whatever_happens() {
    for policy in POLICIES {
        for seed in 0..SCHEDULES {
            run(policy, seed).await;
        }
    }
}
