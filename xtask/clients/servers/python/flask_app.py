"""The testbed of ../../README.md on Flask-SocketIO, under gevent or in threads, apart from its rooms."""

# ruff: noqa: E402
from testbed import NAMESPACES, REASONS, REFUSAL, announce, is_refused, parse_options

options, settings = parse_options(__doc__, mode=("gevent", "threading"))
if options.mode == "gevent":
    from gevent import monkey

    monkey.patch_all()

import logging
import queue
import signal
import sys

from flask import Flask, request
from flask_socketio import ConnectionRefusedError, SocketIO, disconnect, emit

app = Flask(__name__)
sio = SocketIO(app, async_mode=options.mode, **settings)
state = {}
tags = {}
reasons = {}


def serve(namespace):
    """Registers the handlers of a namespace."""

    def on(event):
        return sio.on(event, namespace=namespace)

    @on("connect")
    def connect(auth=None):
        if is_refused(namespace, auth):
            raise ConnectionRefusedError(*REFUSAL)
        # Not before the client knows that it is connected.
        sio.start_background_task(sio.emit, "auth", auth or {}, to=request.sid, namespace=namespace)

    @on("message")
    def message(*args):
        emit("message-back", args)

    @on("écho-🎉")
    def echo(*args):
        emit("écho-🎉", args)

    @on("message-with-ack")
    def message_with_ack(*args):
        return args

    @on("ask-me")
    def ask_me(*args):
        answers = queue.Queue()
        emit("question", args, callback=lambda *args: answers.put(args))
        return answers.get()

    @on("size")
    def size(binary):
        return len(binary)

    @on("seq")
    def seq(i):
        emit("seq-back", i)

    @on("burst")
    def burst(n):
        for i in range(n):
            emit("tick", i)

    @on("state-set")
    def state_set(value):
        state[request.sid] = value
        return ()

    @on("state-get")
    def state_get():
        return (state.get(request.sid),)

    @on("transport")
    def transport():
        return sio.server.transport(request.sid, namespace)

    @on("tag")
    def tag(tag):
        tags[request.sid] = tag
        reasons[tag] = queue.Queue()
        return ()

    @on("reason-of")
    def reason_of(tag):
        return reasons[tag].get()

    @on("disconnect-me")
    def disconnect_me(close=False):
        emit("bye", ())
        engine = sio.server.manager.eio_sid_from_sid(request.sid, namespace)
        disconnect()
        if close:
            sio.server.eio.disconnect(engine)

    @on("fail")
    def fail():
        raise RuntimeError("this handler fails on request")

    @on("disconnect")
    def gone(reason):
        state.pop(request.sid, None)
        if tag := tags.pop(request.sid, None):
            reasons[tag].put(REASONS.get(reason, reason))


def make_server():
    """The server of the mode, and its port."""
    if options.mode == "gevent":
        from gevent.pywsgi import WSGIServer
        from geventwebsocket.handler import WebSocketHandler

        server = WSGIServer(("127.0.0.1", options.port), app, handler_class=WebSocketHandler, log=None)
        server.start()
        return server, server.server_port
    from werkzeug.serving import make_server as make

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make("127.0.0.1", options.port, app, threaded=True)
    # Nobody waits for a thread that polls.
    server.daemon_threads = True
    return server, server.port


for name in NAMESPACES:
    serve(name)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server, port = make_server()
announce(port)
server.serve_forever()
