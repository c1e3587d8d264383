"""The clients of the old line behind the face of the new ones: no catch-all, no auth payload, no reasons."""

import asyncio

from peers import AsyncPeer, ThreadPeer

EVENTS = (
    *("connect", "connect_error", "disconnect"),
    *("auth", "bye", "divided", "lap", "left", "message", "message-back", "only-once-back", "question"),
    *("room-message", "seq-back", "tick", "v", "v-end", "écho-🎉"),
)


def plain(namespace):
    """The name without the query that a CONNECT may carry."""
    return namespace.partition("?")[0]


class OldPeer:
    """What both clients of the old line do differently."""

    client_options = {}

    async def connect(self, url, auth=None, transports=None, **how):
        """Connects the default namespace, then all others; a name may bring a query along."""
        if auth is not None:
            raise ValueError("the old line knows no auth payload")
        await self.open(url, transports, **how)
        for namespace in {"/", *map(plain, self._namespaces)}:
            await self.next("connect", namespace)
            # The client tells of it before it lets anything be sent there.
            while namespace not in ("/", *self.client.namespaces):
                await asyncio.sleep(0)
        return self

    async def open(self, url, transports, **how):
        """Connects, and waits for no namespace."""
        await self._call(self.client.connect, url, transports=transports, namespaces=list(self._namespaces), **how)

    async def gone(self, reason, namespace="/"):
        """Waits for the end of a namespace, unless the client itself ended it: then it does not tell."""
        if reason != "client disconnect":
            await self.next("disconnect", namespace)

    def sid(self):
        """The id of the socket in the default namespace."""
        return self.client.sid

    def _listen(self, namespace):
        for name in {"/", plain(namespace)}:
            for event in EVENTS:
                self.client.on(event, self._recorder(name, event), namespace=name)

    def _recorder(self, namespace, event):
        def record(*args):
            self._record(namespace, event, args)
            return self.answer(*args) if event == "question" else None

        return record


class OldAsyncPeer(OldPeer, AsyncPeer):
    """`AsyncClient` on aiohttp."""


class OldThreadPeer(OldPeer, ThreadPeer):
    """`Client` on requests and websocket-client."""

    ordered = True

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        # The client gives each message a thread of its own, in which an attachment may overtake its event: no server can
        # make up for that. Here they take turns.
        self.client.eio.start_background_task = self._start_task

    def _start_task(self, target, *args, **options):
        if target == self.client._handle_eio_message:
            return target(*args, **options)
        return type(self.client.eio).start_background_task(self.client.eio, target, *args, **options)
