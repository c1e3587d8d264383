"""The cases of `SimpleClient` and `AsyncSimpleClient`: receive in a loop, no callbacks."""

import asyncio

import socketio

from cases import NESTED, VALUES, same
from peers import written


class SimplePeer:
    """One face for both simple clients."""

    def __init__(self, kind):
        self.kind = kind
        self.client = getattr(socketio, kind)(reconnection=False, handle_sigint=False)

    async def __call__(self, method, *args, **options):
        if self.kind == "SimpleClient":
            return await asyncio.to_thread(getattr(self.client, method), *args, **options)
        return await getattr(self.client, method)(*args, **options)

    async def disconnect(self):
        """Leaves when nothing is under way."""
        if self.kind == "SimpleClient":
            await written(self.client.client)
        await self("disconnect")


async def talk(peer, url, transports, namespace):
    """Everything a simple client can do, as one conversation."""
    await peer("connect", url, transports=transports, namespace=namespace, auth={"token": "secret"})
    same(await peer("receive", timeout=5), ["auth", {"token": "secret"}])
    await peer("emit", "message", tuple(NESTED))
    same(await peer("receive", timeout=5), ["message-back", *NESTED])
    same(await peer("call", "message-with-ack", tuple(VALUES)), tuple(VALUES))
    same(await peer("call", "message-with-ack", b"12"), b"12")
    await peer("emit", "burst", 3)
    arrived = [await peer("receive", timeout=5) for _ in range(3)]
    same(sorted(arrived), [["tick", i] for i in range(3)])
    await peer.disconnect()


async def dismissed(peer, url, transports, namespace):
    """The server's farewell reaches a simple client as an exception."""
    await peer("connect", url, transports=transports, namespace=namespace, auth={"token": "secret"})
    await peer("emit", "disconnect-me", False)
    # A simple client that is already waiting for an event sleeps through the end, so it must not be waiting yet.
    while peer.client.connected:
        await asyncio.sleep(0.01)
    try:
        while True:
            await peer("receive", timeout=5)
    except socketio.exceptions.DisconnectedError:
        pass
