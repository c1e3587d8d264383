//! What stays on the heap: of a burst, a large message, an upgrade, a client that has gone.

use allocation_counter::measure;
use engineio_proto::ws::Opcode;
use socketio_server::Data;

use super::pipe::{Connection, pipe};
use super::{Client, Stage, echo};
use crate::client::{Polling, Received, fragment};

/// Clients whose memory is looked at together.
const CLIENTS: usize = 32;

/// Bytes that may stay per client: an idle queue keeps a little room.
const ALLOWANCE: i64 = 256;

/// Bytes a client may cost on the heap after a burst, all that belongs to it included.
const BUDGET: i64 = 3584;

/// Bytes of a message in a burst.
const KIB: usize = 1024;

/// Messages in a burst.
const BURST: usize = 16;

/// Bytes that were allocated meanwhile and have not been freed, per client.
fn growth_per_client(what: impl FnOnce()) -> i64 {
    measure(what).bytes_current / CLIENTS as i64
}

/// Asserts that clients are no larger after something has happened to all of them. What the server
/// makes once, it makes for one that comes before.
#[track_caller]
fn assert_nothing_stays(stage: &Stage, happen: impl Fn(&[Client])) {
    happen(&stage.join_all(1));
    let clients = stage.join_all(CLIENTS);
    let growth = growth_per_client(|| {
        happen(&clients);
        stage.settle();
    });
    assert!(growth <= ALLOWANCE, "{growth} bytes per client");
}

fn emit_burst(stage: &Stage, messages: usize) {
    let message = "x".repeat(KIB);
    for _ in 0..messages {
        stage.io.emit("news", &message).unwrap();
    }
    stage.settle();
}

#[test]
fn nothing_stays_of_a_burst_of_messages() {
    let stage = Stage::new();
    assert_nothing_stays(&stage, |clients| {
        emit_burst(&stage, BURST);
        for client in clients {
            assert_eq!(client.received().len(), BURST);
        }
    });
}

#[test]
fn nothing_stays_of_messages_that_had_to_wait_for_their_reader() {
    let stage = Stage::new();
    let messages = 256;
    assert_nothing_stays(&stage, |clients| {
        emit_burst(&stage, messages);
        for client in clients {
            let mut bytes = 0;
            while let len @ 1.. = client.end.read().len() {
                bytes += len;
                stage.settle();
            }
            assert!(bytes > messages * KIB);
        }
    });
}

#[test]
fn nothing_stays_of_a_burst_of_events() {
    let stage = Stage::new();
    stage.io.on("echo", echo);
    let event = format!(r#"42["echo","{}"]"#, "x".repeat(KIB));
    assert_nothing_stays(&stage, |clients| {
        for client in clients {
            client.say(&[&*event; BURST]);
        }
        stage.settle();
        for client in clients {
            assert_eq!(client.received().len(), BURST);
        }
    });
}

#[test]
fn nothing_stays_of_a_large_message_in_fragments() {
    let stage = Stage::new();
    stage
        .io
        .on("len", async |Data(text): Data<String>| text.len());
    let message = format!(r#"421["len","{}"]"#, "x".repeat(500_000));
    let pieces = message.as_bytes().chunks(50_000);
    let last = pieces.len() - 1;
    let frames = pieces.enumerate().map(|(index, piece)| {
        let opcode = match index {
            0 => Opcode::Text,
            _ => Opcode::Continuation,
        };
        fragment(opcode, index == last, piece)
    });
    let frames: Vec<_> = frames.collect();
    assert_nothing_stays(&stage, |clients| {
        for client in clients {
            for frame in &frames {
                client.end.write(frame);
                stage.settle();
            }
            let answer = Received::Text("431[500000]".to_owned());
            assert_eq!(client.received(), [answer]);
        }
    });
}

// ---- What a client costs ------------------------------------------------------------------

/// Opens clients in this way and tells what each costs, less its connection.
fn cost(stage: &Stage, open: impl Fn(Vec<Connection>) -> Vec<Client>) -> i64 {
    drop(open(vec![pipe()]));
    stage.settle();
    let connections = (0..CLIENTS).map(|_| pipe()).collect();
    let mut clients = Vec::new();
    growth_per_client(|| {
        clients = open(connections);
        stage.settle();
    })
}

/// Joins on polling and moves to the websocket.
fn upgrade(stage: &Stage, connection: Connection) -> Client {
    let polling = stage.runtime.block_on(async {
        let polling = Polling::open(&stage.io).await;
        polling.join("/").await;
        polling
    });
    let client = stage.websockets(vec![connection], &polling.sid).remove(0);
    client.say(&["2probe"]);
    stage.settle();
    assert_eq!(client.received(), [Received::Text("3probe".to_owned())]);
    client.say(&["5"]);
    stage.settle();
    client
}

#[test]
fn a_client_that_has_upgraded_costs_what_any_other_does() {
    let stage = Stage::new();
    let direct = cost(&stage, |connections| stage.join_on(connections));
    let upgraded = cost(&stage, |connections| {
        let upgraded = connections.into_iter().map(|it| upgrade(&stage, it));
        upgraded.collect()
    });
    assert!(upgraded - direct <= ALLOWANCE, "{direct}, then {upgraded}");
}

#[test]
fn a_client_fits_its_budget_after_a_burst() {
    let stage = Stage::new();
    let cost = cost(&stage, |connections| {
        let clients = stage.join_on(connections);
        emit_burst(&stage, BURST);
        for client in &clients {
            assert_eq!(client.received().len(), BURST);
        }
        clients
    });
    assert!(cost <= BUDGET, "{cost} bytes per client");
}

#[test]
fn large_credentials_do_not_stay() {
    let stage = Stage::new();
    let auth = format!(r#"40{{"token":"{}"}}"#, "x".repeat(32 * KIB));
    let cost = cost(&stage, |connections| {
        let clients = stage.websockets(connections, "");
        for client in &clients {
            client.say(&[&auth]);
        }
        stage.settle();
        for client in &clients {
            assert_eq!(client.received().len(), 1);
        }
        clients
    });
    assert!(cost <= BUDGET, "{cost} bytes per client");
}

// ---- Leaks --------------------------------------------------------------------------------

/// Clients who come and go at the same time.
const CROWD: usize = 25;

#[test]
fn a_hundred_thousand_clients_come_and_go_and_leave_nothing() {
    let stage = Stage::new();
    let come_and_go = |crowds: usize| {
        for _ in 0..crowds {
            let crowd = stage.join_all(CROWD);
            let upgraded = upgrade(&stage, pipe());
            stage.runtime.block_on(async {
                let polling = Polling::open(&stage.io).await;
                polling.join("/").await;
                polling.say("1").await;
            });
            drop((crowd, upgraded));
            stage.settle();
            assert!(stage.io.of("/").is_empty());
        }
    };
    // What is made once, such as room in a table, is made by the first ten thousand.
    come_and_go(10_000 / CROWD);
    let growth = measure(|| come_and_go(90_000 / CROWD)).bytes_current;
    assert!(growth <= 16 * 1024, "{growth} bytes");
}
