"""The testbed of ../../README.md on python-socketio's AsyncServer under uvicorn, apart from its rooms."""

import asyncio
import socket

import socketio
import uvicorn
from testbed import NAMESPACES, REASONS, REFUSAL, announce, is_refused, parse_options

options, settings = parse_options(__doc__)
sio = socketio.AsyncServer(async_mode="asgi", **settings)
state = {}
tags = {}
reasons = {}


def serve(namespace):
    """Registers the handlers of a namespace."""

    def on(event):
        return sio.on(event, namespace=namespace)

    def emit(event, args, sid, **more):
        return sio.emit(event, args, to=sid, namespace=namespace, **more)

    @on("connect")
    async def connect(sid, environ, auth):
        if is_refused(namespace, auth):
            raise socketio.exceptions.ConnectionRefusedError(*REFUSAL)
        # Not before the client knows that it is connected.
        sio.start_background_task(emit, "auth", auth or {}, sid)

    @on("message")
    async def message(sid, *args):
        await emit("message-back", args, sid)

    @on("écho-🎉")
    async def echo(sid, *args):
        await emit("écho-🎉", args, sid)

    @on("message-with-ack")
    async def message_with_ack(sid, *args):
        return args

    @on("ask-me")
    async def ask_me(sid, *args):
        answer = asyncio.get_running_loop().create_future()
        await emit("question", args, sid, callback=lambda *args: answer.set_result(args))
        return await answer

    @on("size")
    async def size(sid, binary):
        return len(binary)

    @on("seq")
    async def seq(sid, i):
        await emit("seq-back", i, sid)

    @on("burst")
    async def burst(sid, n):
        for i in range(n):
            await emit("tick", i, sid)

    @on("state-set")
    async def state_set(sid, value):
        state[sid] = value
        return ()

    @on("state-get")
    async def state_get(sid):
        return (state.get(sid),)

    @on("transport")
    async def transport(sid):
        return sio.transport(sid, namespace)

    @on("tag")
    async def tag(sid, tag):
        tags[sid] = tag
        reasons[tag] = asyncio.get_running_loop().create_future()
        return ()

    @on("reason-of")
    async def reason_of(sid, tag):
        return await reasons[tag]

    @on("disconnect-me")
    async def disconnect_me(sid, close=False):
        await emit("bye", (), sid)
        engine = sio.manager.eio_sid_from_sid(sid, namespace)
        await sio.disconnect(sid, namespace)
        if close:
            await sio.eio.disconnect(engine)

    @on("fail")
    async def fail(sid):
        raise RuntimeError("this handler fails on request")

    @on("disconnect")
    async def disconnect(sid, reason):
        state.pop(sid, None)
        if tag := tags.pop(sid, None):
            reasons[tag].set_result(REASONS.get(reason, reason))


async def main():
    """Listens until a signal comes."""
    for namespace in NAMESPACES:
        serve(namespace)
    listener = socket.create_server(("127.0.0.1", options.port))
    server = uvicorn.Server(
        uvicorn.Config(socketio.ASGIApp(sio), log_level="error", timeout_graceful_shutdown=1, lifespan="off")
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    announce(listener.getsockname()[1])
    await serving


asyncio.run(main())
