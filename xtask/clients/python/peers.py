"""One face for the asynchronous and the threaded client, so that both run the same cases.

Owns the translation between callbacks and awaitable calls. It knows neither the testbed nor the cases.
"""

import asyncio
import inspect
import threading

import aiohttp
import requests
import socketio
from engineio.payload import Payload

# The client refuses polling responses of more than 16 packets, which any server may send to a busy client.
Payload.max_decode_packets = 10_000


class Peer:
    """A client and what has happened to it, as a queue per namespace and event."""

    # The suite itself ends on a signal.
    client_options = {"handle_sigint": False}

    def __init__(self, namespaces=("/",), **options):
        self._loop = asyncio.get_running_loop()
        self._arrived = {}
        self._namespaces = namespaces
        self.answer = lambda *args: args
        self.client = self.client_class(**{"reconnection": False, **self.client_options, **options})
        for namespace in namespaces:
            self._listen(namespace)

    async def connect(self, url, **options):
        """Connects all namespaces the peer was made for."""
        await self._call(self.client.connect, url, **{"wait_timeout": 5, **options})
        for namespace in self._namespaces:
            await self.next("connect", namespace)
        return self

    async def emit(self, event, *args, namespace="/"):
        """Emits an event without ack."""
        await self._call(self.client.emit, event, args, namespace=namespace)

    async def ask(self, event, *args, namespace="/"):
        """Emits an event and returns the arguments of its ack."""
        answer = self._loop.create_future()

        def settle(*args):
            self._loop.call_soon_threadsafe(answer.set_result, list(args))

        await self._call(self.client.emit, event, args, namespace=namespace, callback=settle)
        return await answer

    async def send(self, data):
        """Emits an event without a name."""
        await self._call(self.client.send, data)

    async def call(self, event, *args, **options):
        """The client's own `call`."""
        return await self._call(self.client.call, event, args, **options)

    async def next(self, event, namespace="/"):
        """The arguments of the next `event` not yet taken."""
        return await self._queue(namespace, event).get()

    async def collect(self, event, count, namespace="/"):
        """The first arguments of the next `count` occurrences of `event`."""
        return [(await self.next(event, namespace))[0] for _ in range(count)]

    async def settle(self, *events, namespace="/"):
        """Makes a round trip and returns the arguments of all `events` that arrived until then."""
        await self.ask("message-with-ack", namespace=namespace)
        return [args for event in events for args in self.arrived(event, namespace)]

    def arrived(self, event, namespace="/"):
        """The arguments of each `event` that has arrived and is not yet taken."""
        queue = self._queue(namespace, event)
        return [queue.get_nowait() for _ in range(queue.qsize())]

    async def gone(self, reason, namespace="/"):
        """Waits for the end of a namespace and compares what the client says of it."""
        told = await self.next("disconnect", namespace)
        if told != [reason]:
            raise AssertionError(f"the reason was {told} instead of {reason}")

    def sid(self):
        """The id of the socket in the default namespace."""
        return self.client.get_sid()

    async def disconnect(self):
        """Leaves all namespaces and closes the connection."""
        await self._call(self.client.disconnect)

    async def flush(self):
        """Waits until nothing is on its way to the server."""

    def _listen(self, namespace):
        for event in ("connect", "connect_error", "disconnect"):
            self.client.on(event, self._recorder(namespace, event), namespace=namespace)
        self.client.on("*", self._any_recorder(namespace), namespace=namespace)

    def _recorder(self, namespace, event):
        def record(*args):
            self._record(namespace, event, args)

        return record

    def _any_recorder(self, namespace):
        def record(event, *args):
            self._record(namespace, event, args)
            return self.answer(*args) if event == "question" else None

        return record

    def _record(self, namespace, event, args):
        queue = self._queue(namespace, event)
        self._loop.call_soon_threadsafe(queue.put_nowait, list(args))

    def _queue(self, namespace, event):
        return self._arrived.setdefault((namespace, event), asyncio.Queue())


class AsyncPeer(Peer):
    """`AsyncClient`: aiohttp, one event loop, handlers start in order."""

    kind = "AsyncClient"
    client_class = socketio.AsyncClient
    ordered = True

    def hold(self):
        """Answers questions only when what this returns has been called."""
        gate = asyncio.Event()

        async def answer(*args):
            await gate.wait()
            return args

        self.answer = answer
        return gate.set

    def _any_recorder(self, namespace):
        record = super()._any_recorder(namespace)

        async def record_and_wait(*args):
            answer = record(*args)
            return await answer if inspect.isawaitable(answer) else answer

        return record_and_wait

    @staticmethod
    def http_session(note):
        """A session that tells `note` the headers of each answer."""

        async def end(_session, _context, request):
            note(request.response.headers)

        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(end)
        return aiohttp.ClientSession(trace_configs=[trace])

    async def _call(self, function, *args, **options):
        return await function(*args, **options)


class ThreadPeer(Peer):
    """`Client`: requests and websocket-client, a thread per arriving message, hence no order among handlers."""

    kind = "Client"
    client_class = socketio.Client
    ordered = False

    def hold(self):
        """Answers questions only when what this returns has been called."""
        gate = threading.Event()

        def answer(*args):
            gate.wait()
            return args

        self.answer = answer
        return gate.set

    @staticmethod
    def http_session(note):
        """A session that tells `note` the headers of each answer."""
        session = requests.Session()
        session.hooks["response"].append(lambda response, *_, **__: note(response.headers))
        return session

    async def flush(self):
        """Waits until nothing is on its way to the server."""
        await written(self.client)

    async def _call(self, function, *args, **options):
        return await asyncio.to_thread(function, *args, **options)


async def written(client):
    """Waits until a `Client` has nothing on its way to the server, and can disconnect.

    Earlier, over polling, its farewell may be lost in it, whatever the server does: its write loop ends with the first POST
    that comes back after `disconnect()` was called, whatever is queued, and `disconnect()` waits for its read loop, which
    waits for the next ping. What a POST asked for can have arrived before the thread that sent it knows of its receipt.
    """
    while client.eio.queue.unfinished_tasks:
        await asyncio.sleep(0)
