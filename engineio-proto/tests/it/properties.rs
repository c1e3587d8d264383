//! What must hold for packets, payloads and streams that nobody has written down.

use bytes::Bytes;
use engineio_proto::strategies::{self, OwnedPacket};
use engineio_proto::{Content, Format, Message, Payload, Request, Revision, webtransport};
use engineio_proto::{Head, server};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use crate::trace::{messages, server_lines, server_speaking, show};

/// The packets of a payload, and whether it ended well.
fn decode(revision: Revision, content: Content, body: Vec<u8>) -> (Vec<OwnedPacket>, bool) {
    let Ok(mut payload) = Payload::new(revision, content, body.into()) else {
        return (Vec::new(), false);
    };
    let mut packets = Vec::new();
    loop {
        match payload.next_packet() {
            Ok(Some(packet)) => packets.push(packet.into()),
            Ok(None) => return (packets, true),
            Err(_) => return (packets, false),
        }
    }
}

/// A stream as it arrives: lengths of pieces, each read on its own.
fn decode_stream(
    stream: &[u8],
    pieces: &[usize],
    limit: usize,
) -> Result<Vec<webtransport::Frame<'static>>, webtransport::Error> {
    use webtransport::Frame;

    let mut decoder = webtransport::Decoder::new(limit);
    let mut frames = Vec::new();
    let mut rest = stream;
    for &len in pieces {
        let mut piece = rest.split_off(..len).unwrap();
        while let Some(frame) = decoder.decode(&mut piece)? {
            frames.push(match frame {
                Frame::Text(text) => Frame::Text(text.into_owned().into()),
                Frame::Binary(data) => Frame::Binary(data.into_owned().into()),
            });
        }
        assert!(piece.is_empty(), "what is not needed yet is kept");
    }
    Ok(frames)
}

fn on_link(format: Format, message: Message<'_>) -> Option<OwnedPacket> {
    let packet = match &message {
        Message::Text(text) => format.revision.decode_text(text),
        Message::Binary(data) => format.revision.decode_binary(data),
    };
    packet.ok().map(Into::into)
}

proptest! {
    #![proptest_config(Config {
        rng_seed: RngSeed::Fixed(34),
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn payloads_survive_the_way(
        format in strategies::format(),
        packets in vec(strategies::packet(), 1..20),
    ) {
        let (content, body) = Payload::encode(format, packets.iter().map(OwnedPacket::as_packet));
        prop_assert_eq!(decode(format.revision, content, body), (packets, true));
    }

    #[test]
    fn packets_survive_the_way_on_a_link(
        format in strategies::format(),
        packet in strategies::packet(),
    ) {
        let text;
        let data;
        let message = match &packet {
            OwnedPacket::Text(kind, data) => {
                text = format.revision.encode_text(*kind, data);
                Message::Text(&text)
            }
            OwnedPacket::Binary(data) if format.base64 => {
                text = format.revision.encode_base64(data);
                Message::Text(&text)
            }
            OwnedPacket::Binary(bytes) => {
                data = format.revision.encode_binary(bytes);
                Message::Binary(data.into())
            }
        };
        prop_assert_eq!(on_link(format, message), Some(packet));
    }

    #[test]
    fn prepared_messages_are_the_same_in_all_their_forms(
        format in strategies::format(),
        prepared in strategies::prepared(),
    ) {
        let canonical = Format::new(Revision::V4);
        let plain: Vec<_> = prepared.packets(canonical).map(|it| on_link(canonical, it)).collect();
        let packets: Vec<_> = prepared.packets(format).map(|it| on_link(format, it)).collect();
        prop_assert_eq!(&packets, &plain);
        prop_assert!(packets.iter().all(Option::is_some));
        let frames: usize = prepared.frames(format).map(<[u8]>::len).sum();
        prop_assert_eq!(prepared.frames_len(format), frames);
    }

    #[test]
    fn posts_of_a_client_are_read_by_a_server_in_every_format(
        format in strategies::format(),
        sent in vec(strategies::prepared(), 1..6),
        limit in 1..400_usize,
    ) {
        let mut client = engineio_proto::client::Session::new(Default::default(), format, 0);
        let handshake = format!(
            r#"{{"sid":"a","upgrades":[],"pingInterval":1,"pingTimeout":1,"maxPayload":{limit}}}"#
        );
        let opened = Payload::encode(
            format,
            [engineio_proto::Packet::Text(engineio_proto::PacketType::Open, &handshake)],
        );
        prop_assert!(client.poll_output().is_some());
        let response = match format.jsonp {
            Some(index) => {
                let text = serde_json::Value::from(str::from_utf8(&opened.1).unwrap());
                format!("___eio[{index}]({text});").into()
            }
            None => Bytes::from(opened.1),
        };
        client.handle_response(0, server::RequestId(0), 200, opened.0, response);
        prop_assert_eq!(client.next_message(0), None);
        for message in &sent {
            client.send(message.clone());
        }

        let mut server = server_speaking(format, server::Config::default());
        let mut received = Vec::new();
        let mut now = 0;
        while let Some(output) = client.poll_output() {
            use engineio_proto::client::Output;
            if let Output::Post { request, content, body } = output {
                now += 1;
                let len = body.len();
                server.handle_post(now, request, content, body.into());
                let posted = messages(&mut server, now);
                prop_assert!(len <= limit || posted.len() == 1, "{len} bytes");
                received.extend(posted);
                prop_assert_eq!(server_lines(&mut server).len(), 1, "the receipt");
                client.handle_response(0, request, 200, Content::Text, "ok".into());
            }
        }
        let expected = sent.iter().flat_map(|it| it.packets(Revision::V4.into()));
        let expected = expected.map(|packet| match packet {
            Message::Text(text) => text[1..].to_owned(),
            binary => show(binary),
        });
        let expected: Vec<_> = expected.collect();
        prop_assert_eq!(received, expected);
    }

    #[test]
    fn any_text_decodes_or_fails(
        revision in strategies::revision(),
        body in "([0-9b:]|\u{1e}|=|\\PC){0,60}",
    ) {
        let (packets, _) = decode(revision, Content::Text, body.clone().into());
        prop_assert!(packets.len() <= body.len() + 1);
        let _ = revision.decode_text(&body);
    }

    #[test]
    fn any_bytes_decode_or_fail(
        revision in strategies::revision(),
        body in vec(prop_oneof![any::<u8>(), 0..10_u8, Just(255)], 0..60),
    ) {
        let (packets, _) = decode(revision, Content::Binary, body.clone());
        prop_assert!(packets.len() <= body.len());
        let _ = revision.decode_binary(&body);
    }

    #[test]
    fn any_query_is_read_or_refused(query in "([a-z0-9EIO=&%+]|\\PC){0,60}", upgrade: bool) {
        let head = Head { method: "GET", subpath: "", query: &query, origin: None, upgrade };
        let _ = Request::read(&head, &server::Config::default());
    }

    #[test]
    fn streams_say_the_same_however_they_are_cut(
        (stream, cuts, sent) in streams(),
    ) {
        let frames = decode_stream(&stream, &cuts, 1000).unwrap();
        prop_assert_eq!(frames, sent);
    }

    #[test]
    fn damaged_streams_fail_alike_however_they_are_cut(
        (mut stream, cuts, _) in streams(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        limit in 1..200_usize,
    ) {
        for (place, byte) in damage {
            if !stream.is_empty() {
                let place = place.index(stream.len());
                stream[place] = byte;
            }
        }
        let whole = decode_stream(&stream, &[stream.len()], limit);
        prop_assert_eq!(decode_stream(&stream, &cuts, limit), whole);
    }
}

/// A stream of WebTransport, how it is cut, and what it says.
fn streams() -> impl Strategy<Value = (Vec<u8>, Vec<usize>, Vec<webtransport::Frame<'static>>)> {
    use webtransport::Frame;

    let frame = prop_oneof![
        "\\PC{1,150}".prop_map(|text| Frame::Text(text.into())),
        vec(any::<u8>(), 1..300).prop_map(|data| Frame::Binary(data.into())),
    ];
    let stream = vec(frame, 0..6).prop_map(|frames| {
        let mut stream = Vec::new();
        for frame in &frames {
            let (is_binary, packet) = match frame {
                Frame::Text(text) => (false, text.as_bytes()),
                Frame::Binary(data) => (true, &**data),
            };
            stream.extend_from_slice(webtransport::header(is_binary, packet.len()).as_ref());
            stream.extend_from_slice(packet);
        }
        (stream, frames)
    });
    stream.prop_flat_map(|(stream, frames)| {
        let cuts = strategies::pieces(stream.len());
        (Just(stream), cuts, Just(frames))
    })
}
