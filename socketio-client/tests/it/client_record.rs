//! The flight recorder of a client: what it writes can be run again, and keeps secrets.

use std::io::{self, Write};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;
use socketio_client::{Binary, Config, RawArgs, Socket, Tape};

use crate::host::{Host, config, patiently, settle, websocket};

/// A file that can be read while it is written.
#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl Write for File {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.lock().write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl File {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).unwrap()
    }
}

/// A client's life with events and bytes in both directions, on each link into a file of its own.
async fn live(mut config: Config, tape: fn(File) -> Tape) -> Vec<String> {
    let host = Host::new();
    host.io.of("/chat");
    host.io.on("mirror", async |args: RawArgs| args);
    let files = Arc::new(Mutex::new(Vec::new()));
    let made = Arc::clone(&files);
    config.record(move || {
        let file = File::default();
        made.lock().push(file.clone());
        Some(tape(file))
    });
    let client = host.client_with(config);
    client.auth(json!({ "token": "a secret" }));
    client.on("mirror", |args: RawArgs| args);
    client
        .of("/chat")
        .on_connect(|socket: Socket| _ = socket.emit("hello", &()));
    patiently(client.connect()).await.unwrap();
    for link in 0..2 {
        let bytes = Binary::from(vec![link; 5]);
        let answer: (Binary, String) = client.call("mirror", &(bytes, "whisper")).await.unwrap();
        assert_eq!(answer.1, "whisper");
        let acks = host
            .io
            .of("/")
            .call::<RawArgs>("mirror", &"murmur")
            .unwrap();
        assert_eq!(acks.all().await.len(), 1);
        host.network.cut();
        settle().await;
        patiently(client.connect()).await.unwrap();
    }
    client.close().await;
    let files: Vec<File> = std::mem::take(&mut *files.lock());
    files.iter().map(File::text).collect()
}

#[tokio::test(start_paused = true)]
async fn a_record_can_be_run_again_and_keeps_secrets() {
    for config in [config(), websocket()] {
        let records = live(config, Tape::new).await;
        assert_eq!(records.len(), 3, "one for each link");
        for record in records {
            let engine = engineio_proto::record::replay(record.lines()).unwrap();
            let socket = socketio_proto::record::replay(record.lines()).unwrap();
            assert!(engine > 10 && socket > 5, "{engine} {socket}");
            for word in ["secret", "whisper", "murmur"] {
                assert!(!record.contains(word), "{word} in {record}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_with_payloads_says_everything() {
    let records = live(config(), |file| Tape::new(file).with_payloads()).await;
    for word in ["secret", "whisper", "murmur"] {
        assert!(records[0].contains(word), "{word}");
    }
    for record in records {
        engineio_proto::record::replay(record.lines()).unwrap();
        socketio_proto::record::replay(record.lines()).unwrap();
    }
}
