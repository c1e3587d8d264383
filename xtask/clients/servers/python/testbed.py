"""What the testbeds on python-socketio have in common: the command line, the namespaces and the words."""

import argparse

from engineio.payload import Payload

# The server ignores POSTs of more than 16 packets, which any busy client may send.
Payload.max_decode_packets = 10_000

NAMESPACES = ("/", "/custom", "/refuse")
REFUSAL = ("not allowed", {"code": 401, "reason": "no token"})

# Reasons as the official server calls them, where this one has other words.
REASONS = {
    "client disconnect": "client namespace disconnect",
    "server disconnect": "server namespace disconnect",
}


def parse_options(about, **more):
    """The command line, and of it what the server takes; `more` are options that others do not have."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ping-interval", type=int, default=25_000, help="milliseconds, at least a second")
    parser.add_argument("--ping-timeout", type=int, default=20_000, help="milliseconds, at least a second")
    parser.add_argument("--max-payload", type=int, default=1_000_000)
    for name, choices in more.items():
        parser.add_argument(f"--{name}", choices=choices, required=True)
    options = parser.parse_args()
    return options, {
        "ping_interval": options.ping_interval / 1000,
        "ping_timeout": options.ping_timeout / 1000,
        "max_http_buffer_size": options.max_payload,
    }


def is_refused(namespace, auth):
    """Whether a client may not join the namespace."""
    return namespace == "/refuse" and (auth or {}).get("token") != "secret"


def announce(port):
    """Says that the server listens."""
    print(f"listening on http://127.0.0.1:{port}", flush=True)
