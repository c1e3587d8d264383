//! The table of targets. Each is a function in a file of its own.

mod engine;
mod socket;

use crate::Target;

/// One line per target: its function, name, description, longest input, heap and dictionary.
macro_rules! targets {
    ($($module:ident::$name:ident, $title:literal, $about:literal, $max_len:literal, $heap:expr, $dictionary:expr;)*) => {
        /// Everything there is to fuzz.
        pub const TARGETS: &[Target] = &[$(Target {
            name: $title,
            about: $about,
            max_len: $max_len,
            heap: $heap,
            dictionary: $dictionary,
            run: $module::$name,
        }),*];
    };
}

targets! {
    engine::packet, "engine-packet", "packets of a link, text and binary", 512, (4096, 16), engine::TOKENS;
    engine::payload, "engine-payload", "bodies of polling", 4096, (4096, 64), engine::TOKENS;
    engine::jsonp, "engine-jsonp", "forms and scripts of clients that can only load scripts", 2048, (16_384, 256), engine::JSONP_TOKENS;
    engine::request, "engine-request", "what an HTTP request wants", 1024, (8192, 32), engine::QUERY_TOKENS;
    engine::http1, "engine-http1", "requests on a connection, cut anywhere", 2048, (16_384, 64), engine::HTTP_TOKENS;
    engine::handshake, "engine-handshake", "the handshake, as a client reads it", 1024, (8192, 64), engine::HANDSHAKE_TOKENS;
    engine::frames, "engine-frames", "WebSocket frames, cut anywhere", 2048, (16_384, 256), engine::FRAME_TOKENS;
    engine::tungstenite, "engine-tungstenite", "WebSocket frames, as tungstenite reads them", 2048, (65_536, 64), engine::FRAME_TOKENS;
    engine::webtransport, "engine-webtransport", "packets on a WebTransport stream, cut anywhere", 2048, (16_384, 256), engine::FRAME_TOKENS;
    engine::server, "engine-server", "a server's session, and a driver that does anything", 384, (65_536, 512), engine::TOKENS;
    engine::client, "engine-client", "a client's session, and a driver that does anything", 384, (65_536, 512), engine::TOKENS;
    engine::pair, "engine-pair", "both sessions, and a network between them", 384, (65_536, 512), engine::TOKENS;
    socket::decoder, "socket-decoder", "packets and their attachments", 2048, (16_384, 256), socket::TOKENS;
    socket::msgpack, "socket-msgpack", "packets in MessagePack", 2048, (16_384, 256), socket::MSGPACK_TOKENS;
    socket::args, "socket-args", "arguments, read as many types", 2048, (16_384, 512), socket::TOKENS;
    socket::server, "socket-server", "a server's connection, and a client that sends anything", 384, (65_536, 512), socket::TOKENS;
    socket::client, "socket-client", "a client's connection, and a server that sends anything", 384, (65_536, 512), socket::TOKENS;
    socket::recovery, "socket-recovery", "the log of recovery, beside a simple one", 512, (65_536, 512), socket::RECOVERY_TOKENS;
    socket::pair, "socket-pair", "both connections, and a link between them", 384, (65_536, 512), socket::TOKENS;
}
