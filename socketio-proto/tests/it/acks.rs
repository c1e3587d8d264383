//! Acknowledgements both ways: awaited once, matched by namespace and id, given back when they
//! cannot come any more.

use socketio_proto::{NamespaceId, Revision, client, server};

type Server = server::Connection<&'static str>;
type Client = client::Connection<&'static str>;

fn server() -> (Server, NamespaceId) {
    let mut server = Server::new(Revision::V5, &server::Config::default(), 0);
    let nsp = join(&mut server, "0");
    (server, nsp)
}

fn join(server: &mut Server, message: &str) -> NamespaceId {
    match server.handle_text(0, message) {
        Ok(Some(server::Event::Connect { nsp, .. })) => {
            server.accept(nsp, "sid", None).map(drop).expect("joining");
            nsp
        }
        other => panic!("no CONNECT: {other:?}"),
    }
}

fn client() -> (Client, NamespaceId) {
    let mut client = Client::new(Revision::V5, &client::Config::default(), "link");
    let (nsp, _) = client.connect("/", None).expect("a fine name");
    assert!(matches!(client.handle_text(r#"0{"sid":"x"}"#), Ok(Some(_))));
    (client, nsp)
}

/// The acknowledgement the server takes the message for, with its argument.
fn answered(server: &mut Server, message: &str) -> Option<(&'static str, Option<u8>)> {
    match server.handle_text(0, message).expect("legal") {
        None => None,
        Some(server::Event::Ack { ack, args, .. }) => Some((ack, args.parse().expect("a number"))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_ack_is_matched_once() {
    let (mut server, nsp) = server();
    server.register_ack(nsp, 0, "zero").expect("joined");
    server.register_ack(nsp, 7, "seven").expect("joined");
    assert_eq!(answered(&mut server, "37[1]"), Some(("seven", Some(1))));
    assert_eq!(answered(&mut server, "37[1]"), None, "a duplicate");
    assert_eq!(answered(&mut server, "38[1]"), None, "nobody asked");
    assert_eq!(answered(&mut server, "3[1]"), None, "an answer to nothing");
    assert_eq!(answered(&mut server, "30"), Some(("zero", None)));
}

#[test]
fn namespaces_count_for_themselves() {
    let (mut server, root) = server();
    let admin = join(&mut server, "0/admin,");
    server.register_ack(root, 0, "root").expect("joined");
    server.register_ack(admin, 0, "admin").expect("joined");
    assert_eq!(
        answered(&mut server, "3/admin,0[1]"),
        Some(("admin", Some(1)))
    );
    assert_eq!(answered(&mut server, "30[2]"), Some(("root", Some(2))));
}

#[test]
fn an_id_is_awaited_once() {
    let (mut server, nsp) = server();
    server.register_ack(nsp, 0, "first").expect("joined");
    assert_eq!(server.register_ack(nsp, 0, "second"), Err("second"));
    assert_eq!(server.forget_ack(nsp, 0), Some("first"));
    assert_eq!(server.forget_ack(nsp, 0), None);
    assert_eq!(answered(&mut server, "30[]"), None);
    server.register_ack(nsp, 0, "third").expect("free again");
}

#[test]
fn nothing_is_awaited_before_the_namespace_is_joined() {
    let mut server = Server::new(Revision::V5, &server::Config::default(), 0);
    let Ok(Some(server::Event::Connect { nsp, .. })) = server.handle_text(0, "0") else {
        panic!("no CONNECT")
    };
    assert_eq!(server.register_ack(nsp, 0, "early"), Err("early"));
    let mut client = Client::new(Revision::V5, &client::Config::default(), "link");
    let (nsp, _) = client.connect("/", None).expect("a fine name");
    assert_eq!(client.register_ack(nsp, 0, "early"), Err("early"));
}

#[test]
fn leaving_gives_back_what_was_awaited() {
    let (mut server, root) = server();
    let admin = join(&mut server, "0/admin,");
    server.register_ack(root, 2, "two").expect("joined");
    server.register_ack(root, 1, "one").expect("joined");
    server.register_ack(admin, 1, "admin").expect("joined");
    match server.handle_text(0, "1") {
        Ok(Some(server::Event::Disconnect { nsp, acks })) => {
            assert_eq!((nsp, acks), (root, vec!["one", "two"]))
        }
        other => panic!("{other:?}"),
    }
    let (leave, acks) = server.disconnect(admin).expect("joined");
    assert_eq!((leave.text(), acks), ("1/admin,", vec!["admin"]));
    assert_eq!(server.drain_acks().count(), 0);
}

#[test]
fn the_end_of_the_link_gives_back_everything() {
    let (mut server, root) = server();
    let admin = join(&mut server, "0/admin,");
    server.register_ack(admin, 0, "admin").expect("joined");
    server.register_ack(root, 0, "root").expect("joined");
    assert_eq!(server.drain_acks().collect::<Vec<_>>(), ["root", "admin"]);
    assert_eq!(server.drain_acks().count(), 0);
}

#[test]
fn the_client_awaits_in_the_same_way() {
    let (mut client, nsp) = client();
    client.register_ack(nsp, 0, "zero").expect("joined");
    client.register_ack(nsp, 1, "one").expect("joined");
    client.register_ack(nsp, 2, "two").expect("joined");
    assert_eq!(client.register_ack(nsp, 2, "again"), Err("again"));
    match client.handle_text("31[5]") {
        Ok(Some(client::Event::Ack {
            nsp: from,
            ack,
            args,
        })) => {
            assert_eq!(
                (from, ack, args.parse::<u8>().expect("a number")),
                (nsp, "one", 5)
            );
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(client.handle_text("31[5]"), Ok(None)));
    assert_eq!(client.forget_ack(nsp, 0), Some("zero"));
    match client.handle_text("1") {
        Ok(Some(client::Event::Disconnected { acks, .. })) => assert_eq!(acks, ["two"]),
        other => panic!("{other:?}"),
    }
    assert_eq!(client.register_ack(nsp, 3, "late"), Err("late"));
}

#[test]
fn a_client_that_leaves_gets_back_what_it_awaited() {
    let (mut client, nsp) = client();
    client.register_ack(nsp, 0, "zero").expect("joined");
    assert_eq!(
        client.disconnect(nsp).map(|(_, acks)| acks),
        Some(vec!["zero"])
    );
    assert_eq!(client.drain_acks().count(), 0);
}
