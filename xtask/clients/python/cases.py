"""The cases of `AsyncClient` and `Client`: what python-socketio can say about a server.

Each case is a coroutine taking a `Bench`; `flags` asks for a server of its own, started with them.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Callable

import socketio

CASES = []

VALUES = [1, -7, 1.5, 9007199254740991, "", "text", True, False, None, [], {}, [[1, [2]], {"a": {"b": [None]}}]]
TEXTS = ["naïve café", "漢字かな", "😀 👩‍👩‍👧‍👦 𝒳", "\u2028\u2029\u0000\u001f", "\ud7ff\ue000\uffff"]
TWICE = bytes(range(3))
NESTED = [TWICE, {"a": [TWICE, {"b": bytes(300)}], "text": "between"}, [[b"1"]], 42, b"2"]
EMPTY = [b"", [[b""]], "between", b""]
FAST_HEARTBEAT = ["--ping-interval", "300", "--ping-timeout", "200"]


@dataclass
class Bench:
    """The workplace of one case: makes peers of one kind and transport, and closes them in the end."""

    peer_class: type
    transports: list
    url: str
    restart: Callable
    ended: Callable
    peers: list = field(default_factory=list)

    def peer(self, namespaces=("/",), **options):
        """A peer that is not connected yet."""
        peer = self.peer_class(namespaces, **options)
        self.peers.append(peer)
        return peer

    async def connect(self, namespaces=("/",), query="", **options):
        """A connected peer; `options` are those of its making and of its connection."""
        how = {name: options.pop(name) for name in ("auth", "headers", "socketio_path") if name in options}
        return await self.peer(namespaces, **options).connect(self.url + query, transports=self.transports, **how)

    async def close(self):
        """Closes all peers, whatever they are doing."""
        for peer in self.peers:
            peer.client.reconnection = False
            await peer.disconnect()


@dataclass
class Case:
    """One case.

    `over` lists the transports it runs on, `None` being the client's default of polling and upgrade; `since` is the first
    version of python-socketio that can run it.
    """

    name: str
    run: Callable
    over: list
    flags: list
    since: int


def case(name, over=(None,), flags=(), since=4):
    """Registers a case."""

    def register(run):
        CASES.append(Case(name, run, list(over), list(flags), since))
        return run

    return register


EACH = ("polling", "websocket")


def same(actual, expected):
    """Raises unless both are equal."""
    if actual != expected:
        raise AssertionError(f"got {actual!r:.120} instead of {expected!r:.120}")


async def tagged(peer, namespace="/"):
    """Gives the peer's socket a tag and returns it."""
    tag = f"python-{id(peer)}-{namespace}"
    await peer.ask("tag", tag, namespace=namespace)
    return tag


@case("an event comes back with every kind of value", over=EACH)
async def _(t):
    peer = await t.connect()
    for args in [*([value] for value in VALUES), [], VALUES]:
        await peer.emit("message", *args)
        same(await peer.next("message-back"), args)


@case("text keeps every character", over=EACH, since=5)
async def _(t):
    await keeps_text(t, TEXTS)


async def keeps_text(t, texts):
    """Sends texts there and back."""
    peer = await t.connect()
    for text in texts:
        await peer.emit("message", text, {text: text})
        same(await peer.next("message-back"), [text, {text: text}])


@case("binary comes back from any depth", over=EACH)
async def _(t):
    peer = await t.connect()
    await peer.emit("message", *NESTED)
    same(await peer.next("message-back"), NESTED)


@case("an empty binary comes back, and in an ack as well", over=EACH, since=5)
async def _(t):
    peer = await t.connect()
    await peer.emit("message", *EMPTY)
    same(await peer.next("message-back"), EMPTY)
    same(await peer.ask("message-with-ack", *EMPTY), EMPTY)


@case("an event name may hold any character", over=EACH, since=5)
async def speaks_any_name(t):
    """The name there and back."""
    peer = await t.connect()
    await peer.emit("écho-🎉", "ünï", b"\x00\xff")
    same(await peer.next("écho-🎉"), ["ünï", b"\x00\xff"])


@case("acks go both ways, with and without binary", over=EACH)
async def _(t):
    peer = await t.connect()
    for args in ([], [1], VALUES, NESTED):
        same(await peer.ask("message-with-ack", *args), args)
        same(await peer.ask("ask-me", *args), args)
    same(await peer.ask("size", bytes(70_000)), [70_000])


@case("call returns the ack or gives up in time")
async def _(t):
    peer = await t.connect()
    same(await peer.call("message-with-ack", "one"), "one")
    same(await peer.call("message-with-ack", "one", 2), ("one", 2))
    try:
        await peer.call("seq", 1, timeout=0.1)
    except socketio.exceptions.TimeoutError:
        return
    raise AssertionError("an event without ack was answered")


@case("a message without a name goes both ways", over=EACH)
async def _(t):
    peer = await t.connect()
    await peer.send(["text", b"12"])
    same(await peer.next("message-back"), [["text", b"12"]])
    await peer.emit("send-me", "text", b"12")
    same(await peer.next("message"), ["text", b"12"])


@case("what nobody handles, what does not answer and what fails is not acked")
async def _(t):
    peer = await t.connect()
    answers = [asyncio.ensure_future(peer.ask(event, 1)) for event in ("no such event", "seq", "fail")]
    await asyncio.sleep(0)
    same(await peer.ask("message-with-ack", 1), [1])
    for answer in answers:
        same(answer.done(), False)
        answer.cancel()


@case("what several tasks emit arrives, that of each in order", over=EACH)
async def _(t):
    peer = await t.connect()
    await peer.ask("race", 4, 100)
    laps = [await peer.next("lap") for _ in range(400)]
    expected = [[task, lap] for task in range(4) for lap in range(100)]
    # Sorted by task alone: sorting keeps the order of equals.
    same(sorted(laps, key=lambda lap: lap[:1] if t.peer_class.ordered else lap), expected)


@case("a volatile event is dropped rather than queued", over=EACH)
async def _(t):
    peer = await t.connect()
    await peer.emit("volatile-burst", 1000)
    await peer.next("v-end")
    seen = [i for [i] in await peer.settle("v")]
    same(len(set(seen)), len(seen))
    assert len(seen) < 1000, "none was dropped"


@case("a handler for once takes the first event of each socket")
async def _(t):
    for peer in [await t.connect() for _ in range(2)]:
        await peer.emit("only-once", 0)
        await peer.emit("only-once", 1)
        same(await peer.settle("only-once-back"), [[0]])


@case("MessagePack carries every kind of value, binary and acks", over=EACH, flags=["--parser", "msgpack"], since=5)
async def _(t):
    peer = await t.connect(serializer="msgpack")
    for args in ([], VALUES, NESTED):
        await peer.emit("message", *args)
        same(await peer.next("message-back"), args)
        same(await peer.ask("message-with-ack", *args), args)
        same(await peer.ask("ask-me", *args), args)


@case("a burst there and back arrives in order", over=(*EACH, None))
async def _(t):
    peer = await t.connect()
    await peer.emit("burst", 500)
    for i in range(500):
        await peer.emit("seq", i)
    for event in ("tick", "seq-back"):
        arrived = await peer.collect(event, 500)
        same(arrived if t.peer_class.ordered else sorted(arrived), list(range(500)))


@case("900 KB of text and 700 KB of binary pass both ways", over=EACH)
async def _(t):
    peer = await t.connect()
    for payload in ("0123456789" * 90_000, bytes(700_000)):
        same(await peer.ask("message-with-ack", payload), [payload])


@case("the transport is the one asked for", over=(*EACH, None))
async def _(t):
    peer = await t.connect()
    [expected] = t.transports or ["websocket"]
    same(await peer.ask("transport"), [expected])
    same(peer.client.transport(), expected)


@case("rooms receive, leavers and senders do not")
async def _(t):
    one, two, outside = [await t.connect() for _ in range(3)]
    for peer in (one, two):
        await peer.ask("join", "room")
    same(await one.ask("rooms"), [["room"]])
    await one.ask("to-room", "room", {"bytes": b"12"})
    await one.ask("to-room", two.sid(), "by its id")
    await outside.ask("to-rooms", ["room", "other"], [], "once")
    await outside.ask("to-rooms", [], ["room"], "not to the room")
    await outside.ask("to-rooms", ["room"], [one.sid()], "not to one")
    await one.ask("leave", "room")
    await two.ask("in-room", "room", "two alone")
    await two.ask("broadcast", "not two")
    await two.ask("everyone", "all")
    same(await one.settle("room-message"), [["once"], ["not two"], ["all"]])
    await two.ask("close-room", "room")
    await two.ask("in-room", "room", "nobody")
    expected = [{"bytes": b"12"}, "by its id", "once", "not to one", "two alone", "all"]
    same(await two.settle("room-message"), [[payload] for payload in expected])
    same(await outside.settle("room-message"), [["not to the room"], ["not two"], ["all"]])


@case("a room is counted, moved and sent away as a whole")
async def _(t):
    one, two, outside = [await t.connect() for _ in range(3)]
    for peer in (one, two):
        await peer.ask("join", "old")
    same(await outside.ask("members", "old"), [2])
    await outside.ask("move-room", "old", "new")
    same(await one.ask("rooms"), [["new"]])
    same(await outside.ask("members", "old"), [0])
    one_tag, two_tag = [await tagged(peer) for peer in (one, two)]
    await outside.ask("send-away", "new", True)
    for tag in (one_tag, two_tag):
        same(await outside.ask("reason-of", tag), ["server namespace disconnect"])
    same(await outside.ask("members", "new"), [0])


@case("a namespace of a pattern is there for whoever asks, and apart from its like")
async def _(t):
    one, two = [await t.connect(("/game/7",)) for _ in range(2)]
    eight = await t.connect(("/game/8",))
    for peer, namespace in ((one, "/game/7"), (two, "/game/7"), (eight, "/game/8")):
        same(await peer.ask("where", namespace=namespace), [namespace])
        await peer.ask("join", "players", namespace=namespace)
    same(await one.ask("members", "players", namespace="/game/7"), [2])
    same(await eight.ask("members", "players", namespace="/game/8"), [1])


@case("a namespace of a pattern may refuse", since=5)
async def _(t):
    peer = t.peer(("/game/0",))
    try:
        await peer.connect(t.url, transports=t.transports)
    except socketio.exceptions.ConnectionError:
        same(await peer.next("connect_error", "/game/0"), [{"message": "no such game"}])
        return
    raise AssertionError("the namespace was not refused")


@case("a room answers")
async def _(t):
    one, two = [await t.connect() for _ in range(2)]
    for peer in (one, two):
        await peer.ask("join", "asked")
    one.answer = lambda payload: {"one": payload}
    two.answer = lambda payload: {"two": payload}
    answers, complete = await one.ask("ask-room", "asked", b"?")
    same(sorted(answers, key=str), [{"one": b"?"}, {"two": b"?"}])
    same(complete, True)


@case("the answers of a room do not wait for the silent for ever", since=5)
async def _(t):
    one, two = [await t.connect() for _ in range(2)]
    for peer in (one, two):
        await peer.ask("join", "asked")
    release = two.hold()
    same(await one.ask("ask-room", "asked", b"?"), [[b"?"], False])
    release()


@case("a question that nobody answers in time is given up", over=EACH, since=5)
async def _(t):
    peer = await t.connect()
    release = peer.hold()
    same(await peer.ask("ask-me-within", 20, 1), ["no answer"])
    # The late answer is nobody's.
    release()
    same(await peer.ask("ask-me-within", 5000, {"bytes": b"12"}), [{"bytes": b"12"}])


@case("events are handled side by side, in an ordered namespace one after the other", over=EACH, since=5)
async def _(t):
    peer = await t.connect(("/", "/ordered"))
    for namespace, at_once in (("/", 2), ("/ordered", 1)):
        release = peer.hold()
        asked = [asyncio.ensure_future(peer.ask("ask-me", i, namespace=namespace)) for i in range(2)]
        for _ in range(at_once):
            await peer.next("question", namespace)
        # Both handlers have had their chance by the end of a round trip.
        await peer.ask("message-with-ack")
        same(peer.arrived("question", namespace), [])
        release()
        same(sorted(await asyncio.gather(*asked)), [[0], [1]])


@case("a room is told who leaves the server")
async def _(t):
    one, two = [await t.connect() for _ in range(2)]
    for peer in (one, two):
        await peer.ask("join", "told")
    await one.flush()
    await one.disconnect()
    same(await two.next("left"), [])


@case("the auth payload reaches every namespace", since=5)
async def _(t):
    for auth, seen in ((None, {}), ({"token": "ünï"}, {"token": "ünï"}), (lambda: {"made": 1}, {"made": 1})):
        peer = await t.connect(("/", "/custom"), auth=auth)
        for namespace in ("/", "/custom"):
            same(await peer.next("auth", namespace), [seen])


@case("namespaces share a connection and nothing else")
async def _(t):
    peer = await t.connect(("/", "/custom"))
    await peer.ask("state-set", "custom", namespace="/custom")
    same(await peer.ask("state-get"), [None])
    await peer.emit("message", b"1", namespace="/custom")
    same(await peer.next("message-back", "/custom"), [b"1"])
    same(await peer.settle("message-back"), [])


@case("a namespace has an id of its own", since=5)
async def _(t):
    peer = await t.connect(("/", "/custom"))
    assert peer.client.get_sid("/") != peer.client.get_sid("/custom")


@case("an unknown namespace is refused", since=5)
async def _(t):
    peer = t.peer(("/unknown",))
    try:
        await peer.connect(t.url, transports=t.transports)
    except socketio.exceptions.ConnectionError:
        same(await peer.next("connect_error", "/unknown"), [{"message": "Invalid namespace"}])
        return
    raise AssertionError("the namespace was not refused")


@case("a refusal tells why, better auth is accepted", since=5)
async def _(t):
    peer = t.peer(("/refuse",))
    try:
        await peer.connect(t.url, transports=t.transports)
        raise AssertionError("the namespace was not refused")
    except socketio.exceptions.ConnectionError:
        refusal = {"message": "not allowed", "data": {"code": 401, "reason": "no token"}}
        same(await peer.next("connect_error", "/refuse"), [refusal])
    accepted = await t.connect(("/refuse",), auth={"token": "secret"})
    same(await accepted.ask("message-with-ack", 1, namespace="/refuse"), [1])


@case("the server ends a namespace")
async def _(t):
    peer = await t.connect(("/", "/custom"))
    tag = await tagged(peer, "/custom")
    await peer.emit("disconnect-me", False, namespace="/custom")
    same(await peer.next("bye", "/custom"), [])
    await peer.gone("server disconnect", "/custom")
    same(await peer.ask("reason-of", tag), ["server namespace disconnect"])


@case("the server ends a connection", over=EACH)
async def _(t):
    watcher, peer = [await t.connect() for _ in range(2)]
    tag = await tagged(peer)
    await peer.emit("disconnect-me", True)
    same(await peer.next("bye"), [])
    await peer.gone("server disconnect")
    same(await watcher.ask("reason-of", tag), ["server namespace disconnect"])


@case("the client disconnects", over=EACH, since=5)
async def _(t):
    watcher, peer = [await t.connect() for _ in range(2)]
    tag = await tagged(peer)
    await peer.flush()
    await peer.disconnect()
    await peer.gone("client disconnect")
    # The farewell and the end of the connection travel together; the official server may act on the latter first.
    [reason] = await watcher.ask("reason-of", tag)
    assert reason in ("client namespace disconnect", "transport close"), reason


@case("an idle connection outlives many heartbeats", over=EACH, flags=FAST_HEARTBEAT)
async def _(t):
    peer = await t.connect()
    sid = peer.sid()
    await asyncio.sleep(1.2)
    same(await peer.settle("disconnect"), [])
    same(peer.sid(), sid)


@case("a payload over the limit ends a websocket connection", over=("websocket",), flags=["--max-payload", "10000"])
async def _(t):
    watcher, peer = [await t.connect() for _ in range(2)]
    tag = await tagged(peer)
    await peer.emit("message", "x" * 10_000)
    await peer.gone("transport error")
    same(await watcher.ask("reason-of", tag), ["transport error"])


# After a 413 the client stops sending, its pongs included, until the server misses them.
@case("a payload over the limit silences a polling client", over=("polling",), flags=["--max-payload", "10000", *FAST_HEARTBEAT], since=5)
async def _(t):
    watcher, peer = [await t.connect() for _ in range(2)]
    tag = await tagged(peer)
    await peer.emit("message", "x" * 10_000)
    same(await watcher.ask("reason-of", tag), ["ping timeout"])
    # It depends on whether its next poll finds the close packet or no session any more.
    [reason] = await peer.next("disconnect")
    assert reason in ("server disconnect", "transport error"), reason


async def reconnects(t, crash):
    """Loses the server and finds the new one: the state is gone, events flow again."""
    peer = await t.connect(reconnection=True, reconnection_delay=0.05, reconnection_delay_max=0.1)
    await peer.ask("state-set", "before")
    await t.restart(crash)
    await peer.next("disconnect")
    await peer.next("connect")
    same(await peer.ask("state-get"), [None])
    same(await peer.ask("message-with-ack", b"again"), [b"again"])


# Not over polling: there the client takes the close packet of a graceful shutdown for a farewell and stays away.
@case("the client reconnects to a restarted server", over=("websocket", None), flags=["--ping-interval", "5000"])
async def _(t):
    await reconnects(t, crash=False)


@case("the client reconnects to a server that crashed", over=EACH, flags=["--ping-interval", "5000"])
async def _(t):
    await reconnects(t, crash=True)


@case("a server that stops delivers first what it has emitted", over=EACH, flags=["--ping-interval", "5000"])
async def _(t):
    peer = await t.connect()
    await peer.emit("stop", 500)
    arrived = await peer.collect("tick", 500)
    same(arrived if t.peer_class.ordered else sorted(arrived), list(range(500)))
    await peer.next("disconnect")
    await t.ended()


@case("a middleware answers, changes and drops events, an error hook answers for what fails")
async def _(t):
    nsp = "/wrapped"
    peer = await t.connect((nsp,))
    await peer.emit("seq", 1, namespace=nsp)
    await peer.emit("renamed", "as it was sent", namespace=nsp)
    same(await peer.next("message-back", nsp), ["by the middleware"])
    same(await peer.ask("answered", 1, namespace=nsp), ["by the middleware"])
    same(await peer.ask("fail", namespace=nsp), ["asked to fail"])
    same(await peer.ask("message-with-ack", b"12", namespace=nsp), [b"12"])
    same(await peer.settle("seq-back", namespace=nsp), [])


@case("who is let in at once stays or is sent away later")
async def _(t):
    for answer in ("smoke", "a balloon"):
        peer = t.peer(("/early",))
        peer.answer = lambda _, answer=answer: answer
        await peer.connect(t.url, transports=t.transports)
        same(await peer.next("question", "/early"), ["what goes up?"])
        if answer == "smoke":
            same(await peer.next("auth", "/early"), [{}])
        else:
            await peer.gone("server disconnect", "/early")


@case("a class is one for all its clients, and its events have types")
async def _(t):
    nsp = "/calculator"
    one, two = [await t.connect((nsp,)) for _ in range(2)]
    [before] = await one.ask("divisions", namespace=nsp)
    for peer in (one, two):
        same(await peer.call("divide", 17, 5, namespace=nsp), (3, 2))
        for told in (one, two):
            same(await told.next("divided", nsp), [{"by": 5, "remainder": 2}])
    same(await one.ask("divide", 1, 0, namespace=nsp), ["division by zero"])
    same(await one.ask("fly", namespace=nsp), ["cannot fly"])
    same(await two.ask("divisions", namespace=nsp), [before + 2])


@case("any namespace and any event may have somebody who handles them", flags=["--any-namespace"])
async def _(t):
    peer = await t.connect(("/", "/some where/else"))
    for namespace in ("/", "/some where/else"):
        same(await peer.ask("any event", [b"12"], namespace=namespace), [namespace, "any event", [b"12"]])


@case("the query, headers and cookies of a client are known", over=EACH)
async def _(t):
    headers = {"x-mood": "bright", "cookie": "other=1; mood=blue"}
    peer = await t.connect(query="?mood=fine+%26+well", headers=headers)
    same(await peer.ask("mood"), [["fine & well", "bright", "blue"]])


@case("a handshake may be refused in the server's words", over=("polling",))
async def _(t):
    peer = await unreachable(t, query="?mood=bad")
    same(await peer.next("connect_error"), [{"code": 4, "message": "not in this mood"}])


@case("a server may have another path, and is nowhere else", over=EACH, flags=["--path", "/else/where/"])
async def _(t):
    peer = await t.connect(socketio_path="else/where")
    same(await peer.ask("message-with-ack", 1), [1])
    await unreachable(t)


# Over websocket one of the clients names an origin of its own, that of the server.
@case("pages of some origins are let in, of others refused", over=("polling",), flags=["--cors"])
async def _(t):
    await t.connect(headers={"origin": "http://127.0.0.1:1"})
    await unreachable(t, headers={"origin": "http://elsewhere.example"})


async def unreachable(t, query="", **how):
    """A peer that is not let in."""
    peer = t.peer()
    try:
        await peer.connect(t.url + query, transports=t.transports, **how)
    except socketio.exceptions.ConnectionError:
        return peer
    raise AssertionError("the connection was not refused")


@case("answers to polls are compressed, a session is named in a cookie", over=("polling",), flags=["--http-compression", "--cookie"], since=5)
async def _(t):
    answers = []
    session = t.peer_class.http_session(answers.append)
    peer = await t.connect(http_session=session)
    text = "0123456789" * 5000
    same(await peer.ask("message-with-ack", text), [text])
    [cookie] = [headers["set-cookie"] for headers in answers if "set-cookie" in headers]
    same(cookie.split(";")[0], f"io={peer.client.eio.sid}")
    assert "gzip" in [headers.get("content-encoding") for headers in answers], answers
