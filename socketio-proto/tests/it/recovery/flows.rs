//! Recovery as it was recorded from the reference's server (`tests/vectors/flows.json`), packet by
//! packet: the same ones are sent here, but for the spelling of offsets and what is said below. The
//! other flows are replayed by the tests of socketio-server.

use std::collections::HashMap;

use serde_json::{Value, json};
use socketio_proto::{
    Decoder, Encoded, Limits, Revision,
    recovery::{self, Claim, Config, Log},
    server,
};

use super::EPOCH;
use crate::data::{Data, Plain, Spread, bytes_of};

const SID: &str = "<sid>";
const PID: &str = "<pid>";

fn flow(name: &str) -> Value {
    let file: Value = serde_json::from_str(include_str!("../../vectors/flows.json")).unwrap();
    let mut flows = file["flows"].as_array().unwrap().iter();
    flows.find(|flow| flow["name"] == name).unwrap().clone()
}

/// A packet of the recording: its text, without Engine.IO's type, and its attachments.
struct Recorded {
    text: String,
    attachments: Vec<Vec<u8>>,
}

/// What the recorded server sent on a link behind the handshake of Engine.IO.
fn sent(log: &Value) -> Vec<Recorded> {
    let mut packets = Vec::<Recorded>::new();
    for line in log.as_array().unwrap().iter().skip(1) {
        let Some(packet) = line.as_str().unwrap().strip_prefix("< ") else {
            continue;
        };
        match packet.strip_prefix("<hex ") {
            Some(hex) => {
                let bytes = bytes_of(hex.strip_suffix('>').unwrap());
                packets.last_mut().unwrap().attachments.push(bytes);
            }
            None => packets.push(Recorded {
                text: packet.strip_prefix('4').unwrap().to_owned(),
                attachments: Vec::new(),
            }),
        }
    }
    packets
}

impl Recorded {
    fn plain(&self) -> Plain {
        let mut decoder = Decoder::new(Revision::V5, Limits::default());
        let mut packet = decoder
            .decode_text(&self.text)
            .unwrap()
            .map(|it| Plain::of(&it));
        for bytes in &self.attachments {
            packet = decoder
                .decode_binary(bytes)
                .unwrap()
                .map(|it| Plain::of(&it));
        }
        packet.unwrap()
    }

    #[track_caller]
    fn assert_is(&self, encoded: &Encoded) {
        assert_eq!(encoded.text(), self.text);
        assert_eq!(encoded.attachments, self.attachments);
    }
}

/// The server's side, across links.
struct Server {
    now: u64,
    log: Log<Encoded, &'static str>,
    connection: server::Connection<()>,
    /// Recorded offsets, and what is in their places here.
    offsets: HashMap<String, String>,
}

impl Server {
    fn new() -> Self {
        Self {
            now: 0,
            log: Log::new(EPOCH, &Config::default()),
            connection: server::Connection::new(Revision::V5, &server::Config::default(), 0),
            offsets: HashMap::new(),
        }
    }

    /// Sends the event again, its offset included.
    fn emit(&mut self, recorded: &Recorded) {
        self.now += 10;
        let Some(Data::Array(mut items)) = recorded.plain().data else {
            panic!("no event");
        };
        let (Data::String(name), Some(Data::String(theirs))) = (items.remove(0), items.pop())
        else {
            panic!("no name, or no offset");
        };
        let encoder = self.connection.encoder();
        let mut event = encoder.event("/", None, &name, &Spread(&items)).unwrap();
        let ours = self.log.append(self.now, event.text().len(), |offset| {
            recovery::append_offset(&mut event, offset);
            event.clone()
        });
        self.offsets.insert(theirs, ours.to_string());
        self.own(recorded).assert_is(&event);
    }

    /// The packet as recorded, but with the offset of ours that its own stands for.
    fn own(&self, recorded: &Recorded) -> Recorded {
        let mut text = recorded.text.clone();
        for (theirs, ours) in &self.offsets {
            text = text.replace(&format!("\"{theirs}\"]"), &format!("\"{ours}\"]"));
        }
        let attachments = recorded.attachments.clone();
        Recorded { text, attachments }
    }

    /// A link opens and a CONNECT with these credentials arrives. The socket that is claimed, or a
    /// new one of these ids, and what goes out.
    fn connect(&mut self, auth: &Value, new: [&str; 2]) -> Vec<Encoded> {
        let config = server::Config::default();
        self.connection = server::Connection::new(Revision::V5, &config, self.now);
        let connect = format!("0{auth}");
        let event = self.connection.handle_text(self.now, &connect);
        let Ok(Some(server::Event::Connect { nsp, auth, .. })) = event else {
            panic!("{event:?}");
        };
        let claim = Claim::of(Revision::V5, auth.as_deref());
        let claim = claim.map(|it| (it.pid.into_owned(), it.offset.into_owned()));
        let restored = claim.and_then(|(pid, offset)| self.log.restore(self.now, &pid, &offset));
        let (sid, pid, mut packets) = match restored {
            Some(restored) => {
                let missed = restored.missed.map(|(_, event)| event.clone());
                (restored.session, PID, missed.collect())
            }
            None => (new[0], new[1], Vec::new()),
        };
        packets.extend(self.connection.accept(nsp, sid, Some(pid)));
        packets
    }
}

#[test]
fn a_socket_is_recovered_as_recorded() {
    let flow = flow("connection state recovery");
    let mut server = Server::new();

    let [connected, rec, a, b, with_ack] = &sent(&flow["log_first"])[..] else {
        panic!("five packets");
    };
    let [answer] = &server.connect(&json!({}), [SID, PID])[..] else {
        panic!("nothing was missed");
    };
    connected.assert_is(answer);
    for event in [rec, a, b] {
        server.emit(event);
    }
    // With an id there is no offset, for it is not logged.
    let encoder = server.connection.encoder();
    with_ack.assert_is(&encoder.event("/", Some(0), "withack", &()).unwrap());
    let reason = flow["server_disconnects"][0][1].as_str().unwrap();
    assert!(recovery::is_recoverable(reason));
    server.log.save(server.now, PID, SID);

    let [missed1, missed2, connected, rec] = &sent(&flow["log_second"])[..] else {
        panic!("four packets");
    };
    server.emit(missed1);
    server.emit(missed2);
    let [.., Data::String(last)] = &b.plain().data.map(items).unwrap()[..] else {
        panic!("no offset");
    };
    let claim = json!({ "pid": PID, "offset": server.offsets[last] });
    let packets = server.connect(&claim, ["new", "new"]);
    assert_eq!(packets.len(), 3);
    for (packet, recorded) in packets.iter().zip([missed1, missed2, connected]) {
        server.own(recorded).assert_is(packet);
    }
    server.emit(rec);

    // The reference restores as often as it is asked to; here a `pid` counts once.
    let again = &sent(&flow["log_third_same_pid"]);
    server.own(&again[0]).assert_is(&packets[0]);
    let [answer] = &server.connect(&claim, ["new-sid", "new-pid"])[..] else {
        panic!("nothing is sent again");
    };
    assert_eq!(answer.text(), r#"0{"sid":"new-sid","pid":"new-pid"}"#);
}

#[test]
fn an_unknown_pid_gets_a_new_socket_as_recorded() {
    let flow = flow("connection state recovery");
    let [connected, rec] = &sent(&flow["log_unknown_pid"])[..] else {
        panic!("two packets");
    };
    let Some(Data::Object(granted)) = connected.plain().data else {
        panic!("no ids");
    };
    let [Data::String(sid), Data::String(pid)] = [&granted["sid"], &granted["pid"]] else {
        panic!("no texts");
    };
    let mut server = Server::new();
    let unknown = json!({ "pid": "unknown", "offset": "o0.1" });
    let [answer] = &server.connect(&unknown, [sid, pid])[..] else {
        panic!("nothing was missed");
    };
    connected.assert_is(answer);
    server.emit(rec);
}

#[test]
fn clients_of_revision_4_get_no_offset_which_the_reference_sends() {
    let flow = flow("EIO3 connection state recovery enabled");
    let [connected, hi] = &sent(&flow["log"])[..] else {
        panic!("two packets");
    };
    let config = server::Config::default();
    let mut connection = server::Connection::<()>::new(Revision::V4, &config, 0);
    let Some(server::Event::Connect { nsp, .. }) = connection.poll_event() else {
        panic!("no CONNECT");
    };
    connected.assert_is(&connection.accept(nsp, SID, Some(PID)).unwrap());
    assert_eq!(items(hi.plain().data.unwrap()).len(), 2);
    let event = connection.encoder().event("/", None, "hi", &()).unwrap();
    assert_eq!(event.text(), r#"2["hi"]"#);
}

fn items(data: Data) -> Vec<Data> {
    match data {
        Data::Array(items) => items,
        other => panic!("no list: {other:?}"),
    }
}
