//! The flight recorder: what a program records of a client runs through the core again, and costs
//! the client nothing if it cannot be written.

use std::io::{self, Write};
use std::sync::Arc;

use engineio_proto::record as engine;
use parking_lot::Mutex;
use socketio_proto::record as socket;
use socketio_server::parser::MsgPack;
use socketio_server::{Binary, Builder, ConnectError, Data, Io, Socket, Tape};

use crate::client::{Client, sid};
use crate::host::{Host, PIPE, settle};

/// What all sessions of a test have written, which happens when they are flushed.
#[derive(Clone, Default)]
pub(crate) struct Files(Arc<Mutex<Vec<String>>>);

struct File {
    files: Files,
    unwritten: Vec<u8>,
}

impl Write for File {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.unwritten.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = std::mem::take(&mut self.unwritten);
        self.files.0.lock().push(String::from_utf8(text).unwrap());
        Ok(())
    }
}

impl Files {
    pub(crate) fn tape(&self) -> Tape {
        Tape::new(File {
            files: self.clone(),
            unwritten: Vec::new(),
        })
    }

    /// Records every client of a server.
    pub(crate) fn record(&self, builder: Builder, payloads: bool) -> Builder {
        let files = self.clone();
        builder.record(move |_| {
            Some(match payloads {
                true => files.tape().with_payloads(),
                false => files.tape(),
            })
        })
    }

    /// Takes the only file there is.
    #[track_caller]
    pub(crate) fn take(&self) -> String {
        let files = std::mem::take(&mut *self.0.lock());
        let [file] = &files[..] else {
            panic!("{} files", files.len());
        };
        file.clone()
    }
}

/// Both layers of a file do the same again, and nothing else is in there.
#[track_caller]
pub(crate) fn assert_replays(file: &str) {
    let below = engine::replay(file.lines()).unwrap_or_else(|error| panic!("{error}\n{file}"));
    let above = socket::replay(file.lines()).unwrap_or_else(|error| panic!("{error}\n{file}"));
    let outputs = file
        .lines()
        .filter(|line| line.contains("\"out\":"))
        .count();
    assert_eq!(below + above, outputs);
    assert!(below > 2 && above > 0, "{below} and {above}");
}

/// A server whose clients are recorded.
fn recorded(builder: Builder, files: &Files, payloads: bool) -> Host {
    let host = Host::start(files.record(builder, payloads));
    host.io
        .on("echo", async |socket: Socket, Data(text): Data<String>| {
            socket.emit("echo", &text).map(drop)
        });
    host.io
        .on("len", async |Data(bytes): Data<Binary>| bytes.0.len());
    host.io.on("ask", async |socket: Socket| {
        let answer: Result<String, _> = socket.call("question", &"hidden").await;
        answer.unwrap_or_default()
    });
    host.io
        .on("away", async |socket: Socket| socket.disconnect());
    let private = host.io.of("/private");
    private.on_connect(async || Err::<(), _>(ConnectError::new("hidden words")));
    host
}

/// A client that does a bit of everything, and the ids that must stay between it and the server.
async fn live(host: &Host) -> [String; 2] {
    let polling = host.poll().await;
    polling.say(r#"40{"token":"hidden credentials"}"#).await;
    let own = sid(&polling.get().await, "40");
    polling
        .say("42[\"echo\",\"hidden é\"]\u{1e}42[\"none\"]")
        .await;
    polling.expect("42[\"echo\",\"hidden é\"]").await;
    let mut client = Client::upgrade(host.connect(PIPE), &polling.sid).await;
    client.say_all(["2probe", "5"]).await;
    client.expect("3probe").await;
    client.say(r#"40/private,{"token":"hidden"}"#).await;
    client
        .expect(r#"44/private,{"message":"hidden words"}"#)
        .await;
    client.say(r#"40/nowhere,"#).await;
    client
        .expect(r#"44/nowhere,{"message":"Invalid namespace"}"#)
        .await;
    client
        .say(r#"451-7["len",{"_placeholder":true,"num":0}]"#)
        .await;
    client.say_binary(b"hidden bytes").await;
    client.expect("437[12]").await;
    client.say(r#"428["ask"]"#).await;
    let question = client.text().await;
    let id = question.trim_start_matches("42").split('[').next().unwrap();
    client.say(&format!(r#"43{id}["hidden answer"]"#)).await;
    client.expect(r#"438["hidden answer"]"#).await;
    client.idle(std::time::Duration::from_secs(30)).await;
    client.say(r#"42["away"]"#).await;
    client.expect("41").await;
    client.say("hidden garbage").await;
    drop(client);
    settle().await;
    [polling.sid, own]
}

#[tokio::test(start_paused = true)]
async fn a_recorded_client_does_the_same_again_and_keeps_its_secrets() {
    let files = Files::default();
    let host = recorded(Io::builder(), &files, false);
    let ids = live(&host).await;
    let file = files.take();
    assert_replays(&file);
    for secret in ["hidden", "token", &ids[0], &ids[1]] {
        assert!(!file.contains(secret), "{secret}");
    }
    for word in ["echo", "/private", "\"upgraded\"", "\"closed\"", "\"acks\""] {
        assert!(file.contains(word), "{word}");
    }
}

#[tokio::test(start_paused = true)]
async fn payloads_are_recorded_where_the_program_asks_for_them() {
    let files = Files::default();
    let host = recorded(Io::builder(), &files, true);
    let [session, _] = live(&host).await;
    let file = files.take();
    assert_replays(&file);
    assert!(file.contains("hidden é") && file.contains("hidden credentials"));
    assert!(
        !file.contains(&session),
        "whoever has it can take the session over"
    );
}

#[tokio::test(start_paused = true)]
async fn clients_of_old_and_other_parsers_are_recorded_too() {
    let files = Files::default();
    let host = recorded(Io::builder(), &files, false);
    let mut client = Client::upgrade_in(host.connect(PIPE), 3, "").await;
    assert!(client.text().await.starts_with('0'));
    client.expect("40").await;
    client.say("40/private?token=hidden,").await;
    client.expect(r#"44/private,"hidden words""#).await;
    client.say(r#"42["echo","hidden"]"#).await;
    client.expect(r#"42["echo","hidden"]"#).await;
    drop(client);
    settle().await;
    let file = files.take();
    assert_replays(&file);
    assert!(!file.contains("hidden") && !file.contains("token"));

    let host = recorded(Io::builder().parser(MsgPack), &files, false);
    let mut client = host.open().await;
    client.say_binary(b"\x82\xa4type\x00\xa3nsp\xa1/").await;
    client.receive().await;
    let event = b"\x83\xa4type\x02\xa4data\x92\xa4echo\xa6hidden\xa3nsp\xa1/";
    client.say_binary(event).await;
    client.receive().await;
    client.say_binary(b"hidden").await;
    drop(client);
    settle().await;
    let file = files.take();
    assert_replays(&file);
    assert!(
        file.contains(r#"2[\"echo\",\"xxxxxx\"]"#) && !file.contains("hidden"),
        "{file}"
    );
}

#[tokio::test(start_paused = true)]
async fn only_clients_that_are_asked_for_are_recorded() {
    let files = Files::default();
    let tapes = files.clone();
    let host = Host::start(Io::builder().record(move |request| {
        let wanted = request.uri.query()?.contains("EIO=3");
        wanted.then(|| tapes.tape())
    }));
    drop(host.join("/").await);
    settle().await;
    assert!(files.0.lock().is_empty());
    drop(Client::upgrade_in(host.connect(PIPE), 3, "").await);
    settle().await;
    assert_replays(&files.take());
}

/// Takes so many bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0 = self
            .0
            .checked_sub(data.len())
            .ok_or(io::ErrorKind::StorageFull)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_ends_the_record_and_no_session() {
    for room in [0, 1000, usize::MAX] {
        let host = Host::start(Io::builder().record(move |_| Some(Tape::new(Full(room)))));
        host.io
            .on("len", async |Data(text): Data<String>| text.len());
        let mut client = host.join("/").await;
        for _ in 0..10 {
            client.say(r#"421["len","four"]"#).await;
            client.expect("431[4]").await;
        }
        drop(client);
        settle().await;
        host.assert_deserted("/");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_was_cut_off_says_so() {
    let files = Files::default();
    let host = recorded(Io::builder(), &files, false);
    live(&host).await;
    let file = files.take();
    let cut = &file[..file.trim_end().rfind('"').unwrap()];
    let divergence = engine::replay(cut.lines()).unwrap_err();
    assert_eq!(divergence.line, cut.lines().count());
    assert!(divergence.replayed.contains("cut off"));
    // What was written whole is a record.
    let whole = &cut[..=cut.rfind('\n').unwrap()];
    assert!(engine::replay(whole.lines()).is_ok() && socket::replay(whole.lines()).is_ok());
}
