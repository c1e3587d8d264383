//! What is said in order arrives in order, and nothing that is said early is lost.

use socketio_server::{Data, Io, RawArgs, Socket, State};
use tokio::sync::Mutex;

use crate::client::Client;
use crate::host::{Door, Host, PIPE, patiently, settle};

// ---- Order of replies -------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_free_does_not_reorder_replies() {
    let host = Host::start(Io::builder().state(Mutex::new(0_u64)));
    host.io.on(
        "count",
        async |Data(n): Data<u64>, count: State<Mutex<u64>>| {
            // Together these exceed the runtime's budget many times, and some need nothing of it.
            for _ in 0..n % 8 {
                *count.lock().await += 1;
            }
            n
        },
    );
    let mut client = host.join("/").await;
    let events = (0..1_000).map(|n| format!(r#"42{n}["count",{n}]"#));
    client.say_all(events).await;
    for n in 0..1_000 {
        client.expect(&format!("43{n}[{n}]")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_no_reply_overtakes_another() {
    const CLIENTS: usize = 64;
    const DEPTH: usize = 16;
    const ROUNDS: usize = 20;

    let host = Host::new();
    host.io
        .on("echo", async |args: RawArgs| args)
        .on("back", async |socket: Socket, args: RawArgs| {
            socket.emit("back", &args).map(drop)
        });
    let clients = (0..CLIENTS).map(|_| {
        let stream = host.connect(PIPE);
        tokio::spawn(async move {
            let mut client = Client::open(stream).await;
            client.join("/").await;
            for round in 0..ROUNDS {
                let numbers = round * DEPTH..(round + 1) * DEPTH;
                let events = numbers.clone().map(|n| match n % 2 {
                    0 => format!(r#"42{n}["echo",{n}]"#),
                    _ => format!(r#"42["back",{n}]"#),
                });
                client.say_all(events).await;
                for n in numbers {
                    match n % 2 {
                        0 => client.expect(&format!("43{n}[{n}]")).await,
                        _ => client.expect(&format!(r#"42["back",{n}]"#)).await,
                    }
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        patiently(client).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_no_broadcast_overtakes_another_of_its_emitter() {
    const EMITTERS: usize = 4;
    const IN_FLIGHT: usize = 4;
    const COUNT: usize = 200;

    let host = Host::new();
    host.io.on(
        "say",
        async |socket: Socket, Data((who, n)): Data<(usize, usize)>| {
            socket.namespace().emit("said", &(who, n)).map(drop)
        },
    );
    let mut listeners = Vec::new();
    for _ in 0..16 {
        let mut listener = host.join("/").await;
        listeners.push(tokio::spawn(async move {
            let mut next = [0; EMITTERS + 1];
            while next != [COUNT; EMITTERS + 1] {
                let packet = listener.text().await;
                let (_, who, n): (String, usize, usize) =
                    serde_json::from_str(packet.strip_prefix("42").unwrap()).unwrap();
                assert_eq!(n, next[who], "of emitter {who}");
                next[who] += 1;
            }
        }));
    }
    // One more emitter is no handler but a thread.
    let io = host.io.clone();
    let thread = std::thread::spawn(move || {
        for n in 0..COUNT {
            io.emit("said", &(EMITTERS, n)).unwrap();
        }
    });
    let mut emitters = Vec::new();
    for who in 0..EMITTERS {
        let mut emitter = host.join("/").await;
        emitters.push(tokio::spawn(async move {
            let mut own = 0;
            let mut sent = 0;
            while own < COUNT {
                while sent < COUNT && sent < own + IN_FLIGHT {
                    emitter.say(&format!(r#"42["say",{who},{sent}]"#)).await;
                    sent += 1;
                }
                let packet = emitter.text().await;
                own += usize::from(packet == format!(r#"42["said",{who},{own}]"#));
            }
        }));
    }
    for task in emitters.into_iter().chain(listeners) {
        patiently(task).await.unwrap();
    }
    thread.join().unwrap();
}

// ---- Joining ----------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn events_sent_ahead_of_the_answer_to_connect_are_not_lost() {
    let host = Host::new();
    let greeted = host.io.of("/greeted");
    greeted.on_connect(async |socket: Socket| drop(socket.emit("welcome", &())));
    let slow = host.io.of("/slow");
    slow.on_connect(async |socket: Socket, door: State<Door>| {
        door.pass().await;
        drop(socket.emit("welcome", &()));
    });
    for nsp in ["/", "/greeted", "/slow"] {
        host.io.of(nsp).on("echo", async |args: RawArgs| args);
        let head = |kind: &str| match nsp {
            "/" => kind.to_owned(),
            _ => format!("{kind}{nsp},"),
        };
        let early = (0..100).map(|n| format!(r#"{}{n}["echo",{n}]"#, head("42")));
        let packets = [head("40")].into_iter().chain(early);
        let packets = packets.collect::<Vec<_>>();

        let mut client = host.open().await;
        client.say_all(&packets).await;
        let poller = host.poll().await;
        poller.say(&packets.join("\u{1e}")).await;
        if nsp == "/slow" {
            assert!(client.is_silent().await);
            client
                .say(&format!(r#"{}100["echo",100]"#, head("42")))
                .await;
            settle().await;
            host.door.open();
        }
        let mut answers = vec![client.text().await];
        let polled = poller.get().await;
        let polled = polled.split('\u{1e}').collect::<Vec<_>>();
        assert!(answers[0].starts_with(&head("40")));
        assert!(polled[0].starts_with(&head("40")));
        let welcome = (nsp != "/").then(|| format!(r#"{}["welcome"]"#, head("42")));
        let echoes = (0..100).map(|n| format!("{}{n}[{n}]", head("43")));
        let expected = welcome.into_iter().chain(echoes).collect::<Vec<_>>();
        for _ in &expected {
            answers.push(client.text().await);
        }
        assert_eq!(answers[1..], expected);
        assert_eq!(polled[1..], expected);
        if nsp == "/slow" {
            client.expect(&format!("{}100[100]", head("43"))).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_right_behind_the_answer_to_connect_is_not_lost() {
    let host = Host::new();
    host.io.on("echo", async |args: RawArgs| args);
    let mut client = host.open().await;
    for n in 0..1_000 {
        client.join("/").await;
        // A broadcast reaches who has been let in.
        assert_eq!(host.io.emit("news", &n).unwrap().queued, 1);
        client.say(&format!(r#"42{n}["echo",{n}]"#)).await;
        client.expect(&format!(r#"42["news",{n}]"#)).await;
        client.expect(&format!("43{n}[{n}]")).await;
        client.say("41").await;
    }
}
