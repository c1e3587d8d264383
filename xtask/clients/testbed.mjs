// What the testbeds on the official server have in common, whatever its generation: the command line, the handlers that
// need nothing but a socket, and the process.

import { createServer } from "node:http";
import { parseArgs } from "node:util";

const OPTIONS = {
  port: { type: "string", default: "0" },
  "ping-interval": { type: "string", default: "25000" },
  "ping-timeout": { type: "string", default: "20000" },
  "max-payload": { type: "string", default: "1000000" },
};

/** The parsed command line; `more` are options that others do not have. */
export function parseOptions(more = {}) {
  const { values } = parseArgs({ options: { ...OPTIONS, ...more } });
  return {
    values,
    server: {
      pingInterval: Number(values["ping-interval"]),
      pingTimeout: Number(values["ping-timeout"]),
      maxHttpBufferSize: Number(values["max-payload"]),
    },
  };
}

/** Disconnect reasons by tag; a promise, since the question may come before the answer is known. */
const reasons = new Map();

/** Answers a socket's events, apart from those of rooms. */
export function serve(socket) {
  // Echoes and acks.
  socket.on("message", (...args) => socket.emit("message-back", ...args));
  socket.on("écho-🎉", (...args) => socket.emit("écho-🎉", ...args));
  socket.on("message-with-ack", (...args) => {
    const ack = args.pop();
    ack(...args);
  });
  socket.on("ask-me", (...args) => {
    const ack = args.pop();
    socket.emit("question", ...args, (...answer) => ack(...answer));
  });
  socket.on("size", (binary, ack) => ack(binary.length));

  // Order.
  socket.on("seq", (i) => socket.emit("seq-back", i));
  socket.on("burst", (n) => {
    for (let i = 0; i < n; i++) socket.emit("tick", i);
  });
  socket.on("volatile-burst", (n) => {
    for (let i = 0; i < n; i++) socket.volatile.emit("v", i);
    socket.emit("v-end");
  });

  // The socket itself.
  socket.data ??= {};
  socket.on("state-set", (value, ack) => {
    socket.data.state = value;
    ack();
  });
  socket.on("state-get", (ack) => ack(socket.data.state ?? null));
  socket.on("transport", (ack) => ack(socket.conn.transport.name));
  socket.on("tag", (tag, ack) => {
    reasons.set(tag, new Promise((resolve) => socket.on("disconnect", resolve)));
    ack();
  });
  socket.on("reason-of", async (tag, ack) => ack(await reasons.get(tag)));
  socket.on("disconnect-me", (close) => {
    socket.emit("bye");
    socket.disconnect(close);
  });
  socket.on("fail", () => {
    throw new Error("this handler fails on request");
  });
}

/** Listens and says so; ends on a signal. `start` makes the server on top of HTTP. */
export function listen(port, start) {
  const http = createServer((_, response) => response.writeHead(404).end());
  const io = start(http);
  process.on("uncaughtException", (error) => console.error(`handler error: ${error.message}`));
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.once(signal, () => {
      io.close(() => process.exit(0));
      // Some clients never close their end of a connection; they are not waited for.
      setTimeout(() => process.exit(0), 300);
    });
  }
  http.listen(Number(port), "127.0.0.1", () => {
    console.log(`listening on http://127.0.0.1:${http.address().port}`);
  });
}
