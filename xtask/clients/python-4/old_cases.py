"""The cases of python-socketio 4: the shared ones, and what was different before 5.

Left out for good: an empty binary, which this client takes for no data.
"""

from cases import CASES, EACH, FAST_HEARTBEAT, TEXTS, case, keeps_text, same, speaks_any_name, tagged


@case("text keeps every character", over=("websocket",))
async def _(t):
    await keeps_text(t, TEXTS)


# Over polling the client counts characters where the official servers count UTF-16 code units, so that nothing beyond
# the basic plane comes through.
@case("text of the basic plane keeps every character", over=("polling",))
async def _(t):
    await keeps_text(t, [text for text in TEXTS if max(text) <= "\uffff"])


case("an event name may hold any character", over=("websocket",))(speaks_any_name)


@case("the default namespace is joined first, and greets")
async def _(t):
    peer = await t.connect(("/custom",))
    for namespace in ("/", "/custom"):
        same(await peer.next("auth", namespace), [{}])
    same(await peer.ask("message-with-ack", b"1", namespace="/custom"), [b"1"])


@case("the query of a namespace is its auth payload", over=EACH)
async def _(t):
    peer = await t.connect(("/custom?token=a%20b&other=1",))
    same(await peer.next("auth", "/custom"), [{"token": "a b", "other": "1"}])


@case("an unknown namespace is refused, the connection stays", over=EACH)
async def _(t):
    peer = await refused(t, "/unknown")
    same(await peer.next("connect_error", "/unknown"), [{"message": "Invalid namespace"}])
    same(await peer.ask("message-with-ack", 1), [1])


@case("a refusal tells why, a better query is accepted")
async def _(t):
    peer = await refused(t, "/refuse")
    same(await peer.next("connect_error", "/refuse"), [{"code": 401, "reason": "no token"}])
    accepted = await t.connect(("/refuse?token=secret",))
    same(await accepted.ask("message-with-ack", 1, namespace="/refuse"), [1])


async def refused(t, namespace):
    """A peer that stays in the default namespace alone, since the other one is refused."""
    peer = t.peer((namespace,))
    await peer.open(t.url, t.transports)
    await peer.next("connect")
    return peer


# Over polling the asynchronous client abandons its GET as it goes, and the other one forgets its farewell if a POST is
# under way; over websocket the farewell may come too late.
@case("the client disconnects", over=EACH)
async def _(t):
    watcher, peer = [await t.connect() for _ in range(2)]
    tag = await tagged(peer)
    await peer.flush()
    await peer.disconnect()
    [reason] = await watcher.ask("reason-of", tag)
    assert reason in ("client namespace disconnect", "transport close", "transport error"), reason


# After a 413 the client gives up without a word: the server misses its pings, or sees an abandoned GET.
@case("a payload over the limit silences a polling client", over=("polling",), flags=["--max-payload", "10000", *FAST_HEARTBEAT])
async def _(t):
    watcher, peer = [await t.connect() for _ in range(2)]
    tag = await tagged(peer)
    await peer.emit("message", "x" * 10_000)
    [reason] = await watcher.ask("reason-of", tag)
    assert reason in ("ping timeout", "transport error"), reason


OLD_CASES = [old for old in CASES if old.since <= 4]
