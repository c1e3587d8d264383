//! The recording of connection state recovery: a link that is lost, one that brings its socket back,
//! one that claims it again, and one that claims what never was. All packets are the recorded ones,
//! but for the spelling of offsets.

use serde_json::Value;
use socketio_server::{Binary, Io, RecoveryConfig, Socket};

use super::FLOWS;
use crate::client::{Client, Received};
use crate::host::{Host, settle};

#[tokio::test(start_paused = true)]
async fn recovery_goes_as_it_went() {
    let file: Value = serde_json::from_str(FLOWS).unwrap();
    let mut flows = file["flows"].as_array().unwrap().iter();
    let flow = flows.find(|flow| flow["name"] == "connection state recovery");
    let flow = flow.unwrap();
    let host = Host::start(Io::builder().connection_state_recovery(RecoveryConfig::default()));
    host.io.on_connect(async |socket: Socket| {
        socket.join("room");
        let rooms = socket.rooms().len() + 1;
        let _ = socket.emit("rec", &(socket.recovered(), rooms)).unwrap();
    });

    let mut first = host.open().await;
    first.say("40").await;
    let (answer, greeting) = (next(&mut first).await, next(&mut first).await);
    host.io.emit("a", &1).unwrap();
    host.io.emit("b", &2).unwrap();
    drop(host.io.call::<()>("withack", &()).unwrap());
    let mut lines = vec![answer.clone(), greeting];
    for _ in 0..3 {
        lines.push(next(&mut first).await);
    }
    let identity: Value = serde_json::from_str(&answer[4..]).unwrap();
    let ids = ["sid", "pid"].map(|key| identity[key].as_str().unwrap().to_owned());
    let offset = offset(&lines[3]).unwrap().to_owned();
    assert_is(&lines, &flow["log_first"], Some(&ids));
    drop(first);
    settle().await;

    let bytes = Binary(vec![1].into());
    host.io.to("room").emit("missed1", &bytes).unwrap();
    host.io.emit("missed2", &()).unwrap();
    let claim = |pid: &str| format!(r#"40{{"pid":"{pid}","offset":"{offset}"}}"#);
    let (second, mut link) = answers(&host, &claim(&ids[1])).await;
    assert_is(&second, &flow["log_second"], Some(&ids));
    let (third, _other) = answers(&host, &claim(&ids[1])).await;
    assert_is(&third, &flow["log_third_same_pid"], Some(&ids));
    // There the socket is twice now; here it has moved.
    link.expect_close().await;
    assert_eq!(host.io.of("/").len(), 1);
    let (stranger, _other) = answers(&host, &claim("unknown")).await;
    assert_is(&stranger, &flow["log_unknown_pid"], None);
}

/// Opens a link, says this and takes all that comes.
async fn answers(host: &Host, connect: &str) -> (Vec<String>, Client) {
    let mut client = host.open().await;
    client.say(connect).await;
    let mut lines = vec![next(&mut client).await];
    while !lines.last().unwrap().contains("rec") || !lines.iter().any(|it| it.starts_with("< 40")) {
        lines.push(next(&mut client).await);
    }
    if !lines.last().unwrap().starts_with("< 42") {
        lines.push(next(&mut client).await);
    }
    assert!(client.is_silent().await, "{lines:?}");
    (lines, client)
}

async fn next(client: &mut Client) -> String {
    match client.receive().await {
        Received::Text(text) => format!("< {text}"),
        Received::Binary(data) => {
            let digits = data.iter().map(|byte| format!("{byte:02x}"));
            format!("< <hex {}>", digits.collect::<String>())
        }
        other => panic!("unexpected {other:?}"),
    }
}

/// The last string in an event, which is its offset.
fn offset(line: &str) -> Option<&str> {
    let (before, offset) = line.strip_suffix(r#""]"#)?.rsplit_once('"')?;
    before.ends_with(',').then_some(offset)
}

/// Compares what came with what was recorded behind the handshake; without `ids`, those are any.
fn assert_is(lines: &[String], recorded: &Value, ids: Option<&[String; 2]>) {
    let recorded = recorded.as_array().unwrap()[1..].iter();
    let recorded = recorded.map(|line| line.as_str().unwrap());
    let recorded: Vec<_> = recorded.filter(|line| line.starts_with("< ")).collect();
    assert_eq!(lines.len(), recorded.len(), "{lines:?} for {recorded:?}");
    for (line, recorded) in lines.iter().zip(recorded) {
        let mut expected = recorded.to_owned();
        match (offset(line), offset(recorded), ids) {
            (Some(ours), Some(theirs), _) => expected = expected.replace(theirs, ours),
            (None, None, Some([sid, pid])) => {
                expected = expected.replace("<sid>", sid).replace("<pid>", pid);
            }
            (None, None, None) => {
                assert_eq!(line.len(), recorded.len(), "{line} for {recorded}");
                continue;
            }
            _ => {}
        }
        assert_eq!(*line, expected);
    }
}
