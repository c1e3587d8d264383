//! What messages cost on their way: allocations, calls to the operating system, tasks.

use allocation_counter::measure;
use engineio_proto::ws::Opcode;
use socketio_server::{Binary, Data, Socket};

use super::pipe::Calls;
use super::{Stage, echo};
use crate::client::{Received, fragment, frames};

/// Events that arrive in one read.
const BATCH: usize = 16;

/// Messages that are emitted in one go.
const NEWS: usize = 4;

/// Times that everything is done; the last one counts.
const ROUNDS: usize = 3;

/// Clients to broadcast to.
const CLIENTS: usize = 32;

fn text(text: &str) -> Received {
    Received::Text(text.to_owned())
}

// ---- Allocations --------------------------------------------------------------------------

/// Allocations for so many messages to so many clients, from the first emit to the last write.
fn broadcast(clients: usize, messages: usize) -> u64 {
    let stage = Stage::new();
    let clients = stage.join_all(clients);
    let namespace = stage.io.of("/");
    let expected = vec![text(r#"42["news","it rains"]"#); messages];
    let mut allocations = 0;
    // What is made once, such as room in a queue, is made in the first rounds.
    for _ in 0..ROUNDS {
        let measured = measure(|| {
            for _ in 0..messages {
                namespace.emit("news", "it rains").unwrap();
            }
            stage.settle();
        });
        allocations = measured.count_total;
        for client in &clients {
            assert_eq!(client.received(), expected);
        }
    }
    allocations
}

#[test]
fn a_broadcast_allocates_nothing_per_receiver() {
    for messages in [1, NEWS] {
        let few = broadcast(CLIENTS, messages);
        let many = broadcast(2 * CLIENTS, messages);
        assert_eq!(few, many, "allocations for {messages} messages");
    }
}

#[test]
fn a_broadcast_takes_at_most_two_allocations() {
    for messages in [1, NEWS] {
        let allocations = broadcast(CLIENTS, messages);
        assert!(
            allocations <= 2 * messages as u64,
            "{allocations} allocations for {messages} messages"
        );
    }
}

#[test]
fn events_that_wait_take_at_most_twice_what_is_counted() {
    const COUNT: usize = 2_000;
    for len in [0, 1, 100, 700, 3_000] {
        let stage = Stage::new();
        let _client = stage.join();
        let [socket] = stage.io.of("/").broadcast().sockets().try_into().unwrap();
        let args = "x".repeat(len);
        let before = socket.buffered();
        let measured = measure(|| {
            for _ in 0..COUNT {
                socket.emit("a", &args).unwrap();
            }
        });
        let (taken, counted) = (measured.bytes_max as usize, socket.buffered() - before);
        assert!(counted > COUNT * len);
        assert!(taken <= 2 * counted, "{taken} bytes, {counted} counted");
    }
}

/// Asserts how much a batch of events that arrive at once may allocate, until the answers have been
/// written.
#[track_caller]
fn assert_allocations(stage: &Stage, budget: u64, event: &[u8], answer: &[Received]) {
    let client = stage.join();
    let events = event.repeat(BATCH);
    let mut allocations = 0;
    for _ in 0..ROUNDS {
        client.end.write(&events);
        allocations = measure(|| stage.settle()).count_total;
        let received = client.received();
        assert_eq!(received.len(), BATCH * answer.len());
        assert!(received.chunks(answer.len()).all(|it| it == answer));
    }
    assert!(
        allocations <= budget * BATCH as u64,
        "{allocations} allocations for {BATCH} events"
    );
}

#[test]
fn an_echo_takes_at_most_five_allocations() {
    let stage = Stage::new();
    stage.io.on("echo", echo);
    let event = r#"42["echo","hello"]"#;
    assert_allocations(&stage, 5, &frames([event]), &[text(event)]);
}

#[test]
fn an_acknowledgement_takes_at_most_five_allocations() {
    let stage = Stage::new();
    stage.io.on("ask", async |Data(text): Data<String>| text);
    let event = frames([r#"421["ask","hello"]"#]);
    assert_allocations(&stage, 5, &event, &[text(r#"431["hello"]"#)]);
}

/// Its arguments wait for the attachment, and both are copied out of the read.
#[test]
fn an_echo_with_an_attachment_takes_at_most_eighteen_allocations() {
    let stage = Stage::new();
    stage
        .io
        .on("echo", async |socket: Socket, Data(data): Data<Binary>| {
            socket.emit("echo", &data).map(drop)
        });
    let head = r#"451-["echo",{"_placeholder":true,"num":0}]"#;
    let data = b"\x01\x02\x03";
    let event = [frames([head]), fragment(Opcode::Binary, true, data)].concat();
    let answer = [text(head), Received::Binary(data.to_vec())];
    assert_allocations(&stage, 18, &event, &answer);
}

// ---- Calls and tasks ----------------------------------------------------------------------

/// Bytes of a small message and of one that is not worth copying.
const SIZES: [usize; 2] = [5, 2_000];

#[test]
fn events_that_arrive_in_one_read_are_answered_by_one_write() {
    let stage = Stage::new();
    stage.io.on("echo", echo);
    let client = stage.join();
    for len in SIZES {
        client.end.take_calls();
        client.say(&[&*format!(r#"42["echo","{}"]"#, "x".repeat(len)); BATCH]);
        stage.settle();
        let expected = Calls {
            reads: 1,
            writes: 1,
        };
        assert_eq!(client.end.take_calls(), expected, "{len} bytes each");
        assert_eq!(client.received().len(), BATCH);
    }
}

#[test]
fn messages_emitted_in_one_go_reach_each_receiver_by_one_write() {
    let stage = Stage::new();
    let clients = stage.join_all(CLIENTS);
    for len in SIZES {
        for client in &clients {
            client.end.take_calls();
        }
        for _ in 0..NEWS {
            stage.io.emit("news", &"x".repeat(len)).unwrap();
        }
        stage.settle();
        let expected = Calls {
            reads: 0,
            writes: 1,
        };
        for client in &clients {
            assert_eq!(client.end.take_calls(), expected, "{len} bytes each");
            assert_eq!(client.received().len(), NEWS);
        }
    }
}

#[test]
fn a_handler_that_waits_is_no_task() {
    let stage = Stage::new();
    stage.io.on("wait", async |socket: Socket| {
        let answer = socket.call::<u64>("ask", &()).await;
        answer.ok()
    });
    let client = stage.join();
    let tasks = || stage.runtime.metrics().num_alive_tasks();
    let before = tasks();
    client.say(&[r#"421["wait"]"#; BATCH]);
    stage.settle();
    // Each of them asks, and waits for the answer.
    assert_eq!(client.received().len(), BATCH);
    assert_eq!(tasks(), before);
}
