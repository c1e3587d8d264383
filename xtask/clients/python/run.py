"""Runs the cases with python-socketio: AsyncClient, Client, AsyncSimpleClient and SimpleClient."""

import simple_cases
from cases import CASES
from peers import AsyncPeer, ThreadPeer
from suite import plan_over, run_suite


def plan():
    """Every case as `(name, flags, run)`, `run` taking the server."""
    for peer_class in (AsyncPeer, ThreadPeer):
        yield from plan_over(peer_class, CASES)
    for kind in ("AsyncSimpleClient", "SimpleClient"):
        for transport in ("polling", "websocket"):
            for conversation in (simple_cases.talk, simple_cases.dismissed):
                for namespace in ("/", "/refuse"):
                    name = f"{kind}: {conversation.__name__} in {namespace} ({transport})"
                    yield name, [], simple(kind, conversation, transport, namespace)


def simple(kind, conversation, transport, namespace):
    """A case of the simple clients."""

    async def run(server):
        await conversation(simple_cases.SimplePeer(kind), server.url, [transport], namespace)

    return run


if __name__ == "__main__":
    run_suite(__doc__, plan())
