//! After which ends there is something to recover, for how long, and how often.

use std::time::Duration;

use serde_json::json;
use socketio_server::{DisconnectReason, Io, RecoveryConfig, Socket, State};

use super::phone::Phone;
use super::{builder, host, watched};
use crate::host::{Host, Pen, settle};

/// A phone that has got an event.
async fn phone(host: &Host) -> Phone {
    let mut phone = Phone::connect(host).await;
    host.io.emit("event", &()).unwrap();
    phone.event().await;
    phone
}

#[tokio::test(start_paused = true)]
async fn a_socket_comes_back_unless_a_side_has_left_or_broken_the_engine_s_rules() {
    for (end, reason, comes_back) in [
        ("client leaves", "client namespace disconnect", false),
        ("server sends away", "server namespace disconnect", false),
        ("sent away, then cut", "server namespace disconnect", false),
        ("server closes", "server namespace disconnect", false),
        ("cut", "transport close", true),
        ("close frame", "transport close", true),
        ("close packet", "transport close", true),
        ("no pong", "ping timeout", true),
        ("frame without mask", "transport error", true),
        ("unknown type", "forced close", true),
        ("no packet of the engine", "parse error", false),
    ] {
        let mut host = host();
        let mut phone = phone(&host).await;
        let (claim, socket) = (phone.claim(), phone.socket(&host.io));
        match end {
            "client leaves" => phone.client.say("41").await,
            "server sends away" => socket.disconnect(),
            "sent away, then cut" => {
                socket.disconnect();
                drop(phone);
            }
            "server closes" => socket.disconnect_and_close(),
            "cut" => drop(phone),
            "close frame" => phone.client.say_close().await,
            "close packet" => phone.client.say("1").await,
            // Virtual time: the heartbeat is missed.
            "no pong" => tokio::time::sleep(Duration::from_secs(50)).await,
            "frame without mask" => phone.client.write(&[0x81, 0x01, b'3']).await,
            "unknown type" => phone.client.say("4x").await,
            "no packet of the engine" => phone.client.say("x").await,
            _ => unreachable!("{end}"),
        }
        settle().await;
        let mut notes = host.diary.rest();
        assert_eq!(notes.pop().as_deref(), Some(reason), "{end}");
        let (phone, _) = Phone::reconnect(&host, &claim).await;
        assert_eq!(phone.pid == claim.pid, comes_back, "{end}");
        assert_eq!(phone.sid == claim.sid, comes_back, "{end}");
        let note = format!("connected, recovered: {comes_back}");
        host.diary.expect(&note).await;
        assert_eq!(host.io.of("/").len(), 1, "{end}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_is_wrong_or_was_used_brings_a_new_socket() {
    let mut host = host();
    let phone_of_another = phone(&host).await;
    let another = phone_of_another.claim();
    for wrong in ["pid", "offset", "none", "newer", "used"] {
        let phone = phone(&host).await;
        let claim = phone.cut().await;
        host.diary.rest();
        let mut shown = claim.clone();
        match wrong {
            "pid" => shown.pid = "x".repeat(20),
            "offset" => shown.offset = Some("Q7uSEwd".into()),
            "none" => shown.offset = None,
            "newer" => shown.offset = shown.offset.map(|it| it + "0"),
            "used" => {
                let (phone, _) = Phone::reconnect(&host, &claim).await;
                assert_eq!(phone.sid, claim.sid);
                phone.client_leaves().await;
            }
            _ => unreachable!("{wrong}"),
        }
        host.io.emit("missed", &()).unwrap();
        let (phone, missed) = Phone::reconnect(&host, &shown).await;
        assert_ne!(phone.sid, claim.sid, "{wrong}");
        assert_ne!(phone.pid, claim.pid, "{wrong}");
        assert!(missed.is_empty(), "{wrong}");
        // Whoever guesses at the offset has no second guess.
        let expired = host.diary.rest().contains(&"/ has expired".to_owned());
        assert_eq!(expired, wrong == "offset" || wrong == "newer", "{wrong}");
        let (phone, _) = Phone::reconnect(&host, &claim).await;
        let goes_on = wrong == "pid" || wrong == "none";
        assert_eq!(phone.sid == claim.sid, goes_on, "{wrong}");
    }
    assert_eq!(phone_of_another.sid, another.sid);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_come_back_in_time_is_gone_and_somebody_hears_of_it() {
    let mut host = host();
    let late = phone(&host).await.cut().await;
    let in_time = phone(&host).await.cut().await;
    host.diary.rest();
    // Virtual time: almost too late.
    tokio::time::sleep(Duration::from_secs(119)).await;
    assert!(host.diary.rest().is_empty());
    host.io.emit("missed", &()).unwrap();
    let (phone, missed) = Phone::reconnect(&host, &in_time).await;
    assert_eq!((&phone.sid, missed.len()), (&in_time.sid, 1));
    host.diary.expect("connected, recovered: true").await;
    // Virtual time: too late.
    tokio::time::sleep(Duration::from_secs(3)).await;
    host.diary.expect("/ has expired").await;
    let (phone, missed) = Phone::reconnect(&host, &late).await;
    assert_ne!(phone.sid, late.sid);
    assert!(missed.is_empty());
    host.diary.expect("connected, recovered: false").await;
}

/// Notes who has expired, and panics for those who have something to lose.
fn touchy(config: RecoveryConfig) -> Host {
    let hook = |socket: &Socket| {
        let pen = socket.get::<Pen>().unwrap();
        pen.note("expired");
        assert!(socket.get::<String>().is_none(), "lost");
    };
    let builder = Io::builder().connection_state_recovery(config);
    watched(builder.on_recovery_expired(hook))
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_is_told_of_the_next_all_the_same() {
    let mut host = touchy(RecoveryConfig::default());
    for is_precious in [true, false] {
        let phone = phone(&host).await;
        if is_precious {
            let socket = phone.socket(&host.io);
            socket.insert(String::from("precious"));
        }
        phone.cut().await;
        host.diary.rest();
        // Virtual time: it does not come back, and something is still kept then.
        tokio::time::sleep(Duration::from_secs(60)).await;
        host.io.emit("later", &()).unwrap();
        tokio::time::sleep(Duration::from_secs(62)).await;
        assert_eq!(host.diary.rest(), ["expired"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_harms_no_client_that_displaces_another() {
    let mut host = touchy(RecoveryConfig {
        max_sessions: 1,
        ..RecoveryConfig::default()
    });
    let phones = [phone(&host).await, phone(&host).await];
    for phone in &phones {
        let socket = phone.socket(&host.io);
        socket.insert(String::from("precious"));
    }
    let [first, second] = phones;
    first.cut().await;
    host.diary.rest();
    let claim = second.cut().await;
    let mut notes = host.diary.rest();
    notes.sort();
    assert_eq!(notes, ["expired", "transport close"]);
    assert!(host.io.of("/").is_empty());
    // Nor one that comes back and cannot go on.
    let mut wrong = claim.clone();
    wrong.offset = Some("Q7uSEwd".into());
    let (phone, _) = Phone::reconnect(&host, &wrong).await;
    assert_ne!(phone.sid, claim.sid);
    settle().await;
    assert_eq!(
        host.diary.rest(),
        ["connected, recovered: false", "expired"]
    );
}

#[tokio::test(start_paused = true)]
async fn bounds_end_what_is_oldest() {
    let config = RecoveryConfig {
        max_entries: 3,
        max_sessions: 2,
        ..RecoveryConfig::default()
    };
    let mut host = watched(builder().connection_state_recovery(config));
    let mut claims = Vec::new();
    let phones = [phone(&host).await, phone(&host).await, phone(&host).await];
    for mut phone in phones {
        while phone.offset != phone.newest(&host.io) {
            phone.event().await;
        }
        claims.push(phone.cut().await);
    }
    assert!(host.diary.rest().contains(&"/ has expired".to_owned()));
    for n in 0..3 {
        host.io.emit("missed", &n).unwrap();
    }
    let (phone, _) = Phone::reconnect(&host, &claims[0]).await;
    assert_ne!(phone.sid, claims[0].sid, "displaced");
    let (phone, missed) = Phone::reconnect(&host, &claims[1]).await;
    assert_eq!((&phone.sid, missed.len()), (&claims[1].sid, 3));
    host.io.emit("one too many", &()).unwrap();
    let (phone, missed) = Phone::reconnect(&host, &claims[2]).await;
    assert_ne!(phone.sid, claims[2].sid, "the log has forgotten");
    assert!(missed.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_claimed_while_it_lives_moves_to_the_new_link() {
    let mut host = host();
    let mut former = phone(&host).await;
    let (claim, socket) = (former.claim(), former.socket(&host.io));
    host.diary.expect("connected, recovered: false").await;
    // On their way to nobody.
    host.io.emit("missed", &1).unwrap();
    socket.emit("missed", &2).unwrap();
    let (mut phone, missed) = Phone::reconnect(&host, &claim).await;
    assert_eq!(missed, [json!(["missed", 1]), json!(["missed", 2])]);
    assert_eq!((&phone.sid, &phone.pid), (&claim.sid, &claim.pid));
    // In this order, so that who counts those present counts right.
    host.diary.expect("transport close").await;
    host.diary.expect("connected, recovered: true").await;
    assert_eq!(host.io.of("/").len(), 1);
    assert!(!socket.is_connected());
    host.io.emit("news", &()).unwrap();
    assert_eq!(phone.event().await, json!(["news"]));
    for n in 1..=2 {
        assert_eq!(former.event().await, json!(["missed", n]));
    }
    former.client.expect_close().await;
    drop(former);
    settle().await;
    // One goodbye, and nothing is left of the former link that could be claimed.
    assert!(host.diary.rest().is_empty());
    assert_eq!(host.io.of("/").len(), 1);
    let claim = phone.cut().await;
    let (phone, _) = Phone::reconnect(&host, &claim).await;
    assert_eq!(phone.sid, claim.sid);
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_lives_is_given_up_for_a_claim_that_is_wrong() {
    let mut host = host();
    let mut former = phone(&host).await;
    let mut claim = former.claim();
    claim.offset = Some("Q7uSEwd".into());
    let (phone, missed) = Phone::reconnect(&host, &claim).await;
    assert_ne!(phone.sid, claim.sid);
    assert!(missed.is_empty());
    former.client.expect_close().await;
    let notes = [
        "connected, recovered: false",
        "transport close",
        "connected, recovered: false",
        "/ has expired",
    ];
    assert_eq!(host.diary.rest(), notes);
    assert_eq!(host.io.of("/").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_namespace_is_recovered_by_itself() {
    let host = Host::start(builder());
    for nsp in ["/", "/chat"] {
        let namespace = host.io.of(nsp);
        namespace.on_connect(async |socket: Socket| {
            socket.emit("hi", &()).unwrap();
        });
        namespace.on_disconnect(
            async |socket: Socket, reason: DisconnectReason, pen: State<Pen>| {
                pen.note(format!("{} {reason}", socket.namespace().name()));
            },
        );
    }
    let mut phone = Phone::connect(&host).await;
    phone.event().await;
    phone.client.say("40/chat,").await;
    let chat = phone.client.text().await;
    phone.client.text().await;
    phone.client.say("41/chat,").await;
    settle().await;
    let claim = phone.cut().await;
    let (mut phone, _) = Phone::reconnect(&host, &claim).await;
    assert_eq!(phone.sid, claim.sid);
    phone.event().await;
    // A pid of one namespace is nothing in another.
    let auth = json!({ "pid": claim.pid, "offset": claim.offset });
    phone.client.say(&format!("40/chat,{auth}")).await;
    let answer = phone.client.text().await;
    assert!(answer.starts_with("40/chat,") && answer != chat);
    assert!(!answer.contains(&claim.sid) && !answer.contains(&claim.pid));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_shut_down_keeps_nothing() {
    struct Watched(Pen);
    impl Drop for Watched {
        fn drop(&mut self) {
            self.0.note("let go");
        }
    }
    let mut host = host();
    let saved = phone(&host).await;
    let socket = saved.socket(&host.io);
    socket.insert(Watched(Pen::clone(&socket.get::<Pen>().unwrap())));
    drop(socket);
    let claim = saved.cut().await;
    assert!(!claim.pid.is_empty());
    host.diary.rest();
    let patience = Duration::from_secs(10);
    assert!(host.io.shutdown(patience).await.is_complete());
    host.diary.expect("let go").await;
    assert!(host.diary.rest().is_empty(), "nobody expires");
}

impl Phone {
    /// Leaves for good.
    async fn client_leaves(mut self) {
        self.client.say("41").await;
        settle().await;
    }

    /// What the last event of the namespace ended with.
    fn newest(&self, io: &Io) -> Option<String> {
        assert!(!io.of("/").is_empty());
        Some(format!("{}.3", self.offset.as_ref()?.split_once('.')?.0))
    }
}
