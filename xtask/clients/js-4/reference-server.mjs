// The testbed of ../README.md on the official server: the yardstick every client suite must pass against.

import { Server } from "socket.io";
import * as msgpack from "socket.io-msgpack-parser";

import { listen, parseOptions, serve } from "../testbed.mjs";

const { values, server } = parseOptions({
  "refuse-eio3": { type: "boolean", default: false },
  "connect-timeout": { type: "string", default: "45000" },
  parser: { type: "string", default: "text" },
  "recovery-ms": { type: "string", default: "0" },
});
const recovery = Number(values["recovery-ms"]);

listen(values.port, (http) => {
  const io = new Server(http, {
    ...server,
    allowEIO3: !values["refuse-eio3"],
    connectTimeout: Number(values["connect-timeout"]),
    ...(values.parser === "msgpack" && { parser: msgpack }),
    ...(recovery && { connectionStateRecovery: { maxDisconnectionDuration: recovery } }),
  });
  const games = io.of(/^\/game\/\d+$/);
  games.use((socket, next) => next(socket.nsp.name === "/game/0" ? new Error("no such game") : undefined));
  for (const some of [io.of("/"), io.of("/custom"), io.of("/refuse"), games]) {
    some.on("connection", (socket) => {
      // A recovered socket was greeted before.
      if (!socket.recovered) socket.emit("auth", socket.handshake.auth);
      serve(socket);
      serveRooms(socket.nsp, socket);
    });
  }
  io.of("/refuse").use((socket, next) => {
    if (socket.handshake.auth.token === "secret") {
      next();
    } else {
      next(Object.assign(new Error("not allowed"), { data: { code: 401, reason: "no token" } }));
    }
  });
  return io;
});

function serveRooms(namespace, socket) {
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
  socket.on("members", async (room, ack) => ack((await namespace.in(room).fetchSockets()).length));
  socket.on("move-room", (from, to, ack) => {
    namespace.in(from).socketsJoin(to);
    namespace.in(from).socketsLeave(from);
    ack();
  });
  socket.on("send-away", (room, ack) => {
    ack();
    namespace.in(room).disconnectSockets();
  });
  socket.once("only-once", (i) => socket.emit("only-once-back", i));
  socket.on("where", (ack) => ack(namespace.name));
  socket.on("ask-room", (room, payload, ack) => {
    namespace.in(room).timeout(1000).emit("question", payload, (_timeout, answers) => ack(answers));
  });
}
