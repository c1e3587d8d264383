//! Many threads send while links break: the order of a namespace is one, and nobody who goes on
//! loses an event or gets one twice.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use socketio_server::parser::{Body, DecodeError, Limits, MsgPack, Packet, Parser};
use socketio_server::{Binary, EncodeError, Encoded, Io, RecoveryConfig, Socket};

use super::builder;
use super::phone::{self, Phone};
use crate::client::{Client, Received};
use crate::host::Host;

const THREADS: u64 = 3;
const EACH: u64 = 300;
const PHONES: u64 = 3;

/// Greets, so that every client has an offset.
fn host() -> Host {
    let host = Host::start(builder());
    host.io.on_connect(async |socket: Socket| {
        if !socket.recovered() {
            socket.join("room");
            socket.emit("hi", &()).unwrap();
        }
    });
    host
}

/// A client whose links break now and then, up to the end; what it has got.
async fn listen(host: &Host, mut phone: Phone, mut random: u64) -> Vec<Value> {
    let mut events = Vec::new();
    loop {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        for _ in 0..(random >> 33) % 60 {
            let event = phone.event().await;
            if event == json!(["end"]) {
                return events;
            }
            events.push(event);
        }
        let claim = phone.claim();
        // Sometimes the server finds the former link dead, sometimes not.
        if random & (1 << 40) == 0 {
            drop(phone);
            tokio::task::yield_now().await;
        }
        let (new, missed) = Phone::reconnect(host, &claim).await;
        assert_eq!((&new.sid, &new.pid), (&claim.sid, &claim.pid));
        phone = new;
        if phone.offset.is_none() {
            phone.offset = claim.offset;
        }
        events.extend(missed);
        if events.pop_if(|last| *last == json!(["end"])).is_some() {
            return events;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_goes_on_gets_everything_once_in_the_one_order_there_is() {
    let host = host();
    let mut phones = Vec::new();
    for _ in 0..PHONES {
        let mut phone = Phone::connect(&host).await;
        assert_eq!(phone.event().await, json!(["hi"]));
        phones.push(phone);
    }
    let handles: Vec<Socket> = phones.iter().map(|it| it.socket(&host.io)).collect();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (io, handles) = (host.io.clone(), handles.clone());
            std::thread::spawn(move || {
                for n in 0..EACH {
                    match n % 3 {
                        0 => {
                            io.emit("all", &(thread, n)).unwrap();
                        }
                        1 => {
                            io.to("room").emit("room", &(thread, n)).unwrap();
                        }
                        _ => {
                            for socket in &handles {
                                socket.emit("own", &(thread, n)).unwrap();
                            }
                        }
                    }
                    std::thread::yield_now();
                }
            })
        })
        .collect();
    let io = host.io.clone();
    let emitters = tokio::task::spawn_blocking(move || {
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        io.emit("end", &()).unwrap();
    });
    let listeners = phones.into_iter().zip(1_u64..);
    let listeners = listeners.map(|(phone, seed)| listen(&host, phone, seed));
    let heard = futures_util::future::join_all(listeners).await;
    emitters.await.unwrap();

    for events in &heard {
        let mut next = HashMap::new();
        for event in events {
            let (thread, n) = (event[1].as_u64().unwrap(), event[2].as_u64().unwrap());
            let next = next.entry(thread).or_insert(0);
            assert_eq!(n, *next, "of thread {thread}");
            *next += 1;
        }
        assert!(next.values().all(|n| *n == EACH) && next.len() as u64 == THREADS);
        let common = |events: &[Value]| {
            let mut events = events.to_vec();
            events.retain(|event| event[0] != "own");
            events
        };
        assert_eq!(common(events), common(&heard[0]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_emitted_before_a_farewell_arrives_however_busy_the_namespace_is() {
    let host = host();
    let stop = Arc::new(AtomicBool::new(false));
    // They get nothing, but take their time.
    let mut listeners = Vec::new();
    for _ in 0..20 {
        let listener = Phone::connect(&host).await;
        listener.socket(&host.io).join("noise");
        listeners.push(listener);
    }
    let (io, stopped) = (host.io.clone(), Arc::clone(&stop));
    let busy = std::thread::spawn(move || {
        while !stopped.load(Ordering::Relaxed) {
            io.to("noise").volatile().emit("noise", &()).unwrap();
        }
    });
    for _ in 0..50 {
        let mut phone = Phone::connect(&host).await;
        phone.event().await;
        let socket = phone.socket(&host.io);
        let leaving = tokio::task::spawn_blocking(move || {
            for n in 0..20 {
                socket.emit("before", &n).unwrap();
            }
            socket.disconnect();
            socket.emit("behind", &()).unwrap()
        });
        for n in 0..20 {
            assert_eq!(phone.event().await, json!(["before", n]));
        }
        phone.client.expect("41").await;
        assert_eq!(leaving.await.unwrap().dropped, 1);
    }
    stop.store(true, Ordering::Relaxed);
    busy.join().unwrap();
}

/// Bytes whose owner sends when it is dropped, as anything can happen there.
struct Loud(Io);

impl AsRef<[u8]> for Loud {
    fn as_ref(&self) -> &[u8] {
        b"loud"
    }
}

impl Drop for Loud {
    fn drop(&mut self) {
        let _ = self.0.emit("dropped", &()).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_from_the_log_may_send() {
    let config = RecoveryConfig {
        max_entries: 1,
        ..RecoveryConfig::default()
    };
    let host = Host::start(builder().connection_state_recovery(config));
    let mut phone = Phone::connect(&host).await;
    let loud = Binary(Bytes::from_owner(Loud(host.io.clone())));
    let (io, (done, is_done)) = (host.io.clone(), mpsc::channel());
    let emits = move || {
        io.to("elsewhere").emit("loud", &loud).unwrap();
        drop(loud);
        io.emit("displaces it", &()).unwrap();
        done.send(()).unwrap();
    };
    std::thread::spawn(emits);
    is_done
        .recv_timeout(Duration::from_secs(60))
        .expect("nobody waits for itself");
    for event in ["displaces it", "dropped"] {
        assert_eq!(phone.event().await, json!([event]));
    }
}

/// MessagePack, but the second time that the event `bad` is spelled, which is with its offset and for
/// the first of its receivers, it has something else to say and falls over.
#[derive(Debug)]
struct Touchy {
    io: Arc<OnceLock<Io>>,
    spelled: AtomicUsize,
}

impl Parser for Touchy {
    fn encode(&self, packet: &Packet<'_>) -> Result<Encoded, EncodeError> {
        if matches!(&packet.body, Body::Event { name, .. } if *name == "bad")
            && self.spelled.fetch_add(1, Ordering::Relaxed) == 1
        {
            let _ = self.io.get().unwrap().emit("help", &())?;
            panic!("a bad event");
        }
        MsgPack.encode(packet)
    }

    fn decode_text<'a>(&self, text: &'a str, limits: &Limits) -> Result<Packet<'a>, DecodeError> {
        MsgPack.decode_text(text, limits)
    }

    fn decode_binary<'a>(
        &self,
        data: &'a [u8],
        limits: &Limits,
    ) -> Result<Packet<'a>, DecodeError> {
        MsgPack.decode_binary(data, limits)
    }
}

/// The next event begins with this.
async fn expect_event(client: &mut Client, name: &str) {
    let Received::Binary(event) = client.receive().await else {
        panic!("no event");
    };
    phone::after(&event, name.as_bytes());
}

#[tokio::test(start_paused = true)]
async fn a_parser_that_panics_costs_one_receiver_one_event_and_holds_nothing_up() {
    let io = Arc::new(OnceLock::new());
    let parser = Touchy {
        io: Arc::clone(&io),
        spelled: AtomicUsize::new(0),
    };
    let host = Host::start(builder().parser(parser));
    io.set(host.io.clone()).unwrap();
    let mut clients = [host.open().await, host.open().await];
    for client in &mut clients {
        // {"type":0,"nsp":"/"}
        client.say_binary(b"\x82\xa4type\x00\xa3nsp\xa1/").await;
        assert!(matches!(client.receive().await, Received::Binary(_)));
    }
    let report = host.io.emit("bad", &()).unwrap();
    assert_eq!((report.queued, report.dropped), (1, 1));
    let [first, second] = &mut clients;
    expect_event(second, "bad").await;
    for client in [first, second] {
        expect_event(client, "help").await;
    }
}
