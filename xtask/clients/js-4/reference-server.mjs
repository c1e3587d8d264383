// The testbed of ../README.md on the official server: the yardstick every client suite must pass against.

import { createServer } from "node:http";
import { parseArgs } from "node:util";

import { Server } from "socket.io";

const { values: options } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    "ping-interval": { type: "string", default: "25000" },
    "ping-timeout": { type: "string", default: "20000" },
    "max-payload": { type: "string", default: "1000000" },
    "refuse-eio3": { type: "boolean", default: false },
    "connect-timeout": { type: "string", default: "45000" },
  },
});

const http = createServer();
const io = new Server(http, {
  allowEIO3: !options["refuse-eio3"],
  pingInterval: Number(options["ping-interval"]),
  pingTimeout: Number(options["ping-timeout"]),
  maxHttpBufferSize: Number(options["max-payload"]),
  connectTimeout: Number(options["connect-timeout"]),
});

/** Disconnect reasons by tag; a promise, since the question may come before the answer is known. */
const reasons = new Map();

for (const name of ["/", "/custom", "/refuse"]) {
  const namespace = io.of(name);
  namespace.on("connection", (socket) => serve(namespace, socket));
}

io.of("/refuse").use((socket, next) => {
  if (socket.handshake.auth.token === "secret") {
    next();
  } else {
    next(Object.assign(new Error("not allowed"), { data: { code: 401, reason: "no token" } }));
  }
});

function serve(namespace, socket) {
  socket.emit("auth", socket.handshake.auth);

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

  // Rooms.
  socket.on("join", (room, ack) => {
    socket.join(room);
    ack();
  });
  socket.on("leave", (room, ack) => {
    socket.leave(room);
    ack();
  });
  socket.on("rooms", (ack) => ack([...socket.rooms].filter((room) => room !== socket.id).sort()));
  socket.on("to-room", (room, payload, ack) => {
    socket.to(room).emit("room-message", payload);
    ack();
  });
  socket.on("in-room", (room, payload, ack) => {
    namespace.in(room).emit("room-message", payload);
    ack();
  });
  socket.on("to-rooms", (rooms, except, payload, ack) => {
    namespace.to(rooms).except(except).emit("room-message", payload);
    ack();
  });
  socket.on("broadcast", (payload, ack) => {
    socket.broadcast.emit("room-message", payload);
    ack();
  });
  socket.on("everyone", (payload, ack) => {
    namespace.emit("room-message", payload);
    ack();
  });
  socket.on("ask-room", (room, payload, ack) => {
    namespace.in(room).timeout(1000).emit("question", payload, (_timeout, answers) => ack(answers));
  });

  // The socket itself.
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

process.on("uncaughtException", (error) => console.error(`handler error: ${error.message}`));

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    io.close(() => process.exit(0));
    // Some clients never close their end of a connection; they are not waited for.
    setTimeout(() => process.exit(0), 300);
  });
}

http.listen(Number(options.port), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${http.address().port}`);
});
