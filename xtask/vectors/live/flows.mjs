// Sessions with the official socket.io server: a recorded flow's own frames are sent, and everything is recorded anew.

import { once } from "node:events";
import { createServer } from "node:http";

import client2 from "sioc2";
import { Server } from "socket.io";
import { io as client4 } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";

import { quiet, until } from "./engine.mjs";
import { connect } from "./raw-client.mjs";
import { fromPolling, msgpackClient } from "./real-clients.mjs";
import { greet, recover } from "./recovery.mjs";

/** The flow as the server has it now. */
export async function regenerate(flow) {
  const { options, handlers, run = replay } = { options: flow.options, ...SETTINGS[flow.name] };
  const server = await startServer(options, handlers);
  let outcome;
  try {
    outcome = await run(server, flow);
  } finally {
    await server.stop();
  }
  const { disconnects } = server;
  return { ...flow, server_disconnects: disconnects.length ? disconnects : undefined, ...outcome };
}

/** A server with these options; `handlers` adds to what all flows share. */
async function startServer(options, handlers = () => {}) {
  const http = createServer();
  const io = new Server(http, { ...options, serveClient: false });
  const disconnects = [];
  const share = (socket) => {
    const { name } = socket.nsp;
    socket.on("echo", (...args) => {
      const ack = typeof args.at(-1) === "function" ? args.pop() : (...echo) => socket.emit("echo", ...echo);
      ack(...args);
    });
    socket.on("error", (error) => disconnects.push([name, "error event", error.message]));
    socket.on("disconnect", (reason, why) => disconnects.push([name, reason, why ? String(why.message ?? why) : null]));
  };
  io.on("new_namespace", (namespace) => namespace.on("connection", share));
  io.of("/").on("connection", share);
  io.of("/admin");
  handlers(io);

  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return {
    io,
    disconnects,
    port: http.address().port,
    async stop() {
      await io.close();
      http.closeAllConnections();
    },
  };
}

/** Sends the flow's frames one after another, each when what came before it in the log has come. */
async function replay({ port }, { eio, log: recorded }) {
  const { log, answers, send, settled } = await connect(port, eio);
  let expected = 0;
  for (const line of recorded) {
    if (line.startsWith("> ")) {
      send(frameOf(line));
      await settled();
    } else {
      expected += 1;
      await until(() => answers() >= expected, 1000).catch(() => {});
    }
  }
  await quiet();
  return { log: anonymous(log) };
}

/** The frame of a `>` line. */
function frameOf(line) {
  const binary = line.match(/^> <hex ([0-9a-f]*)>$/);
  return binary ? Buffer.from(binary[1], "hex") : line.slice(2);
}

/** With session and socket ids numbered. */
function anonymous(log) {
  const ids = [];
  return log.map((line) =>
    line.replace(/(?<="sid":")[\w-]{20}/, (id) => {
      if (!ids.includes(id)) ids.push(id);
      return `<sid${ids.indexOf(id) + 1}>`;
    }),
  );
}

const refuse = (message, data) => (io) => io.use((_, next) => next(Object.assign(new Error(message), data && { data })));

const onConnection = (handle) => (io) => io.on("connection", handle);

/** By the name of the flow: options it does not tell, what the server does beyond echoing, what is done but a replay. */
const SETTINGS = {
  "middleware error": { handlers: refuse("Not authorized", { code: "E1" }) },
  "middleware error without data": { handlers: refuse("nope") },
  "server disconnects namespace": { handlers: onConnection((socket) => socket.disconnect()) },
  "server disconnects and closes": { handlers: onConnection((socket) => socket.disconnect(true)) },
  "ack: unknown id and duplicate": {
    handlers: onConnection((socket) => socket.emit("q", (...args) => socket.emit("got", args))),
  },
  "emit in connection handler is sent after CONNECT": {
    handlers: onConnection((socket) => {
      socket.emit("hi");
      socket.emit("bin", Buffer.from([1, 2, 3]));
    }),
  },
  "dynamic namespace": {
    handlers: (io) => io.of(/^\/dyn-\d+$/).on("connection", (socket) => socket.emit("hi", socket.nsp.name)),
  },
  "EIO3 custom namespace with query": {
    handlers: (io) =>
      io.of("/admin").on("connection", (socket) => {
        const { auth, query } = socket.handshake;
        socket.emit("auth", auth, query, socket.id === `/admin#${socket.conn.id}`);
      }),
  },
  "EIO3 middleware error on default namespace": { handlers: refuse("nope") },
  "EIO3 middleware error with data": { handlers: refuse("nope", { a: 1 }) },
  "EIO3 binary": { handlers: onConnection((socket) => socket.emit("bin", Buffer.from([1, 2]))) },
  "EIO3 connection state recovery enabled": { handlers: onConnection((socket) => socket.emit("hi")) },
  "connection state recovery": { options: { connectionStateRecovery: {} }, handlers: greet, run: recover },
  "msgpack session from the JS client": { options: { parser: msgpack }, run: msgpackClient },
  "real JS client 4.8.4, polling then websocket": { run: fromPolling(client4) },
  "real JS client 2.5.0, polling then websocket": { options: { allowEIO3: true }, run: fromPolling(client2) },
};
