//! Connection state recovery: one test per rule of the log. What shows on the wire is in `wire`,
//! the log against a model in `model`, servers and clients over links that break in `schedule`.

mod flows;
mod model;
mod schedule;
mod wire;

use socketio_proto::recovery::{self, Config, Log, Offset, Restored};

/// The wall clock of the reference's capture, which spelled a moment of it `Q7uSEwd`.
const EPOCH: u64 = 1_795_169_588_948;

type Texts = Log<&'static str, &'static str>;

fn log() -> Texts {
    Log::new(EPOCH, &Config::default())
}

fn bounded(change: impl FnOnce(&mut Config)) -> Texts {
    let mut config = Config::default();
    change(&mut config);
    Log::new(EPOCH, &config)
}

fn append(log: &mut Texts, now: u64, text: &'static str) -> String {
    log.append(now, text.len(), |_| text).to_string()
}

/// The session and what it missed.
type Found = (&'static str, Vec<&'static str>);

fn restore(log: &mut Texts, now: u64, pid: &str, offset: &str) -> Option<Found> {
    let Restored {
        session, missed, ..
    } = log.restore(now, pid, offset)?;
    Some((session, missed.map(|(_, text)| *text).collect()))
}

fn found(session: &'static str, missed: &[&'static str]) -> Option<Found> {
    Some((session, missed.to_vec()))
}

#[test]
fn offsets_are_spelled_with_a_mark_the_epoch_and_a_count() {
    let mut log = log();
    assert_eq!(log.newest().to_string(), "oQ7uSXRK.0");
    assert_eq!(append(&mut log, 0, "a"), "oQ7uSXRK.1");
    for _ in 2..64 {
        append(&mut log, 0, "b");
    }
    assert_eq!(append(&mut log, 0, "c"), "oQ7uSXRK.10");
    assert_eq!(log.newest().to_string(), "oQ7uSXRK.10");
}

#[test]
fn the_longest_offset_has_24_characters() {
    let log = Log::<(), ()>::new(u64::MAX, &Config::default());
    assert_eq!(log.newest().to_string(), "oF__________.0");
    let longest = "oF__________.F__________";
    let offset = Offset::parse(longest).expect("an offset");
    assert_eq!((offset.to_string().as_str(), longest.len()), (longest, 24));
}

#[test]
fn a_payload_is_made_with_its_own_offset() {
    let mut log = Log::<Offset, ()>::new(EPOCH, &Config::default());
    let start = log.newest();
    log.save(0, "pid", ());
    let offsets: Vec<_> = (0..3)
        .map(|now| log.append(now, 0, |offset| offset))
        .collect();
    assert!(start < offsets[0] && offsets.is_sorted() && offsets[1] < offsets[2]);
    let restored = log.restore(9, "pid", &start.to_string()).expect("saved");
    assert_eq!(restored.missed.len(), 3);
    let again: Vec<_> = restored.missed.clone().map(|(offset, _)| offset).collect();
    assert_eq!(again, offsets);
    for (offset, payload) in restored.missed {
        assert_eq!(offset, *payload);
    }
}

#[test]
fn what_is_not_spelled_like_an_offset_is_none() {
    for text in [
        "",
        "o",
        "o.",
        "o1",
        "o1.",
        "o.1",
        "1.1",
        "O1.1",
        "o1.1.1",
        "o1.1 ",
        " o1.1",
        "o01.1",
        "o1.01",
        "o1.00",
        "o1.+1",
        "o1.-é",
        "o1.G__________",
        "o1.100000000000",
        "oo1.1.",
        "Q7uSEwd",
        "Q7uSExG.0",
        "1795169588948-0",
        "\0",
        "ο1.1",
    ] {
        assert_eq!(Offset::parse(text), None, "{text:?}");
    }
}

#[test]
fn a_client_misses_what_came_after_its_offset() {
    let mut log = log();
    append(&mut log, 0, "before");
    let offset = append(&mut log, 1, "last");
    append(&mut log, 2, "lost on the link");
    log.save(3, "pid", "session");
    append(&mut log, 4, "missed");
    let missed = ["lost on the link", "missed"];
    assert_eq!(
        restore(&mut log, 5, "pid", &offset),
        found("session", &missed)
    );
}

#[test]
fn what_a_session_missed_can_be_asked_for_after_it_was_taken_out() {
    let mut log = bounded(|config| config.max_entries = 3);
    let offset = append(&mut log, 0, "last");
    log.save(1, "pid", "session");
    append(&mut log, 2, "missed");
    assert!(restore(&mut log, 3, "pid", &offset).is_some());
    append(&mut log, 4, "meanwhile");
    let offset = Offset::parse(&offset).unwrap();
    let since = |log: &mut Texts, now, offset| {
        let missed = log.since(now, offset)?;
        Some(missed.map(|(_, text)| *text).collect::<Vec<_>>())
    };
    assert_eq!(
        since(&mut log, 5, offset),
        Some(vec!["missed", "meanwhile"])
    );
    let newest = log.newest();
    assert_eq!(since(&mut log, 5, newest), Some(vec![]));
    // Another log's, one that is yet to come, and one after which something is forgotten.
    assert_eq!(since(&mut log, 5, Offset::parse("o1.1").unwrap()), None);
    let next = Offset::parse("oQ7uSXRK.4").unwrap();
    assert_eq!(since(&mut log, 5, next), None);
    append(&mut log, 6, "a");
    append(&mut log, 6, "b");
    assert_eq!(since(&mut log, 6, offset), None);
    assert_eq!(since(&mut log, 6, newest), Some(vec!["a", "b"]));
    assert_eq!(since(&mut log, 120_006, newest), None, "for their age");
}

#[test]
fn a_client_with_the_newest_offset_missed_nothing() {
    let mut log = log();
    let offset = append(&mut log, 0, "a");
    log.save(1, "pid", "session");
    assert_eq!(restore(&mut log, 2, "pid", &offset), found("session", &[]));
}

#[test]
fn the_position_before_the_first_packet_is_an_offset_too() {
    let mut log = log();
    let offset = log.newest().to_string();
    append(&mut log, 0, "a");
    log.save(1, "pid", "session");
    assert_eq!(
        restore(&mut log, 2, "pid", &offset),
        found("session", &["a"])
    );
}

#[test]
fn a_session_is_restored_once() {
    let mut log = log();
    let offset = append(&mut log, 0, "a");
    log.save(1, "pid", "session");
    assert!(restore(&mut log, 2, "pid", &offset).is_some());
    assert_eq!(restore(&mut log, 3, "pid", &offset), None);
    assert_eq!(log.handle_timeout(200_000), Vec::<&str>::new());
}

#[test]
fn a_restored_socket_can_be_saved_again() {
    let mut log = log();
    let offset = append(&mut log, 0, "a");
    append(&mut log, 0, "b");
    for now in [1, 3] {
        log.save(now, "pid", "session");
        assert_eq!(
            restore(&mut log, now + 1, "pid", &offset),
            found("session", &["b"])
        );
    }
}

#[test]
fn a_live_socket_cannot_be_restored_and_is_saved_in_vain_afterwards() {
    let mut log = log();
    let offset = append(&mut log, 0, "a");
    assert_eq!(restore(&mut log, 1, "pid", &offset), None);
    log.save(2, "pid", "session");
    assert_eq!(log.handle_timeout(120_002), ["session"]);
}

#[test]
fn ids_of_others_restore_nothing() {
    let mut log = log();
    let offset = append(&mut log, 0, "a");
    log.save(1, "pid", "session");
    for pid in ["", "pi", "pid ", "PID", "\0", "é"] {
        assert_eq!(restore(&mut log, 2, pid, &offset), None, "{pid:?}");
    }
    assert!(restore(&mut log, 2, "pid", &offset).is_some());
}

#[test]
fn a_session_expires_after_the_duration() {
    for (now, is_restored) in [(120_000, true), (120_001, false), (u64::MAX, false)] {
        let mut log = log();
        let offset = log.newest().to_string();
        log.save(1, "pid", "session");
        assert_eq!(log.poll_timeout(), Some(120_001));
        let restored = restore(&mut log, now, "pid", &offset);
        assert_eq!(restored.is_some(), is_restored, "at {now}");
    }
}

#[test]
fn sessions_that_expired_are_handed_back_in_order() {
    let mut log = log();
    log.save(1, "z", "first");
    log.save(2, "a", "second");
    log.save(2, "m", "third");
    assert_eq!(log.handle_timeout(120_000), Vec::<&str>::new());
    assert_eq!(log.handle_timeout(120_001), ["first"]);
    assert_eq!(log.sessions(), 2);
    assert_eq!(log.handle_timeout(120_002), ["second", "third"]);
    assert_eq!(log.handle_timeout(u64::MAX), Vec::<&str>::new());
    assert_eq!((log.sessions(), log.poll_timeout()), (0, None));
}

#[test]
fn a_session_that_expired_unnoticed_is_still_handed_back() {
    let mut log = log();
    let offset = log.newest().to_string();
    log.save(0, "pid", "session");
    assert_eq!(restore(&mut log, 120_000, "pid", &offset), None);
    assert_eq!(log.poll_timeout(), Some(120_000));
    assert_eq!(log.handle_timeout(120_000), ["session"]);
}

#[test]
fn a_wrong_offset_ends_the_session() {
    let mut other = Texts::new(EPOCH + 1, &Config::default());
    for wrong in [append(&mut other, 0, "a"), "hello".into(), String::new()] {
        let mut log = log();
        let offset = append(&mut log, 0, "a");
        log.save(1, "pid", "session");
        assert_eq!(restore(&mut log, 2, "pid", &wrong), None, "{wrong:?}");
        assert_eq!(restore(&mut log, 2, "pid", &offset), None, "a second guess");
        assert_eq!(log.poll_timeout(), Some(2));
        assert_eq!(log.handle_timeout(2), ["session"]);
    }
}

#[test]
fn an_offset_that_cannot_have_reached_the_client_is_wrong() {
    let mut log = log();
    append(&mut log, 0, "a");
    log.save(1, "early", "session");
    let later = append(&mut log, 2, "b");
    log.save(3, "late", "session");
    assert_eq!(restore(&mut log, 4, "early", &later), None);
    assert!(restore(&mut log, 4, "late", &later).is_some());
    log.save(5, "future", "session");
    assert_eq!(restore(&mut log, 6, "future", "oQ7uSXRK.3"), None);
}

#[test]
fn a_gap_left_by_age_is_no_silent_hole() {
    let mut log = log();
    let offset = append(&mut log, 0, "got");
    append(&mut log, 1, "lost");
    log.save(2, "in time", "session");
    log.save(2, "too late", "session");
    assert_eq!(
        restore(&mut log, 120_000, "in time", &offset),
        found("session", &["lost"])
    );
    assert_eq!(restore(&mut log, 120_001, "too late", &offset), None);
}

#[test]
fn a_packet_need_not_be_held_for_its_offset_to_be_good() {
    let mut log = log();
    let offset = append(&mut log, 0, "got");
    assert!(log.handle_timeout(500_000).is_empty());
    assert_eq!(log.entries(), 0);
    log.save(500_000, "pid", "session");
    append(&mut log, 500_001, "missed");
    assert_eq!(
        restore(&mut log, 500_002, "pid", &offset),
        found("session", &["missed"])
    );
}

#[test]
fn a_gap_left_by_the_bound_on_packets_is_no_silent_hole() {
    let mut log = bounded(|config| config.max_entries = 2);
    let offset = append(&mut log, 0, "got");
    log.save(1, "enough", "session");
    log.save(1, "too much", "session");
    append(&mut log, 2, "a");
    append(&mut log, 2, "b");
    assert_eq!(
        restore(&mut log, 3, "enough", &offset),
        found("session", &["a", "b"])
    );
    append(&mut log, 4, "c");
    assert_eq!(log.entries(), 2);
    assert_eq!(restore(&mut log, 5, "too much", &offset), None);
}

#[test]
fn a_gap_left_by_the_bound_on_bytes_is_no_silent_hole() {
    let mut log = bounded(|config| config.max_bytes = 1000);
    let offset = log.append(0, 100, |_| "got").to_string();
    log.save(1, "enough", "session");
    log.save(1, "too much", "session");
    log.append(2, 400, |_| "a");
    assert_eq!(
        restore(&mut log, 3, "enough", &offset),
        found("session", &["a"])
    );
    log.append(4, 600, |_| "b");
    assert_eq!(log.entries(), 1);
    assert!((600..=1000).contains(&log.bytes()), "{}", log.bytes());
    assert_eq!(restore(&mut log, 5, "too much", &offset), None);
}

#[test]
fn a_packet_beyond_all_bounds_is_not_held() {
    for bytes in [1000, usize::MAX] {
        let mut log = bounded(|config| config.max_bytes = 1000);
        append(&mut log, 0, "a");
        let before = log.newest().to_string();
        let offset = log.append(1, bytes, |_| "huge").to_string();
        assert_eq!((log.entries(), log.bytes()), (0, 0));
        log.save(2, "got it", "session");
        log.save(2, "missed it", "session");
        append(&mut log, 3, "b");
        assert_eq!(
            restore(&mut log, 4, "got it", &offset),
            found("session", &["b"])
        );
        assert_eq!(restore(&mut log, 4, "missed it", &before), None);
    }
}

#[test]
fn a_log_without_room_for_packets_still_recovers_who_missed_none() {
    let mut log = bounded(|config| config.max_entries = 0);
    let offset = append(&mut log, 0, "a");
    assert_eq!((log.entries(), log.bytes()), (0, 0));
    log.save(1, "pid", "session");
    assert_eq!(restore(&mut log, 2, "pid", &offset), found("session", &[]));
}

#[test]
fn the_oldest_session_makes_room() {
    let mut log = bounded(|config| config.max_sessions = 2);
    let offset = log.newest().to_string();
    log.save(1, "z", "first");
    log.save(2, "a", "second");
    log.save(3, "m", "third");
    assert_eq!(log.sessions(), 2);
    assert_eq!(log.poll_timeout(), Some(3));
    assert_eq!(log.handle_timeout(3), ["first"]);
    assert_eq!(restore(&mut log, 4, "z", &offset), None);
    assert!(restore(&mut log, 4, "a", &offset).is_some());
    assert!(restore(&mut log, 4, "m", &offset).is_some());
}

#[test]
fn a_second_save_replaces_the_first() {
    let mut log = log();
    let offset = append(&mut log, 0, "a");
    log.save(1, "pid", "older");
    log.save(60_000, "pid", "newer");
    assert_eq!(log.sessions(), 1);
    assert_eq!(log.handle_timeout(60_000), ["older"]);
    assert_eq!(log.poll_timeout(), Some(120_000), "of the packet");
    assert!(log.handle_timeout(179_999).is_empty());
    assert_eq!(
        restore(&mut log, 179_999, "pid", &offset),
        found("newer", &[])
    );
}

#[test]
fn the_timeout_is_that_of_what_expires_first() {
    let mut log = log();
    assert_eq!(log.poll_timeout(), None);
    append(&mut log, 10, "a");
    assert_eq!(log.poll_timeout(), Some(120_010));
    log.save(20, "pid", "session");
    append(&mut log, 30, "b");
    assert!(log.handle_timeout(120_010).is_empty());
    assert_eq!(log.poll_timeout(), Some(120_020));
    assert_eq!(log.handle_timeout(120_020), ["session"]);
    assert_eq!(log.poll_timeout(), Some(120_030));
    assert!(log.handle_timeout(120_030).is_empty());
    assert_eq!(log.poll_timeout(), None);
    assert_eq!((log.entries(), log.bytes(), log.sessions()), (0, 0, 0));
}

#[test]
fn time_that_steps_back_stands_still() {
    let mut log = log();
    append(&mut log, 1000, "a");
    let offset = append(&mut log, 0, "b");
    log.save(500, "pid", "session");
    assert_eq!(log.poll_timeout(), Some(121_000));
    assert!(log.handle_timeout(120_999).is_empty());
    assert_eq!(log.entries(), 2);
    assert_eq!(restore(&mut log, 0, "pid", &offset), found("session", &[]));
}

#[test]
fn sockets_that_were_not_meant_to_end_are_recoverable() {
    for (reason, expected) in [
        ("transport error", true),
        ("transport close", true),
        ("forced close", true),
        ("ping timeout", true),
        ("server shutting down", true),
        ("forced server close", true),
        ("server namespace disconnect", false),
        ("client namespace disconnect", false),
        ("parse error", false),
        ("", false),
    ] {
        assert_eq!(recovery::is_recoverable(reason), expected, "{reason}");
    }
}

#[test]
fn secrets_and_data_are_not_shown() {
    let mut log = log();
    let offset = append(&mut log, 0, "hush");
    log.save(1, "hush", "hush");
    assert!(!format!("{log:?}").contains("hush"));
    let restored = log.restore(2, "hush", &offset).expect("saved");
    assert!(!format!("{restored:?}").contains("hush"));
}
