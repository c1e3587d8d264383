// The testbed of ../README.md on the official server: the yardstick every client suite must pass against.

import { Server } from "socket.io";
import * as msgpack from "socket.io-msgpack-parser";

import { listen, parseOptions, serve } from "../testbed.mjs";

const { values, server } = parseOptions({
  "refuse-eio3": { type: "boolean", default: false },
  "connect-timeout": { type: "string", default: "45000" },
  parser: { type: "string", default: "text" },
  "recovery-ms": { type: "string", default: "0" },
  path: { type: "string", default: "/socket.io/" },
  cookie: { type: "boolean", default: false },
  cors: { type: "boolean", default: false },
  "http-compression": { type: "boolean", default: false },
  "any-namespace": { type: "boolean", default: false },
});
const recovery = Number(values["recovery-ms"]);
const OURS = /^http:\/\/127\.0\.0\.1:/;

listen(values.port, (http) => {
  const io = new Server(http, {
    ...server,
    path: values.path,
    allowEIO3: !values["refuse-eio3"],
    connectTimeout: Number(values["connect-timeout"]),
    cookie: values.cookie,
    httpCompression: values["http-compression"],
    allowRequest,
    ...(values.cors && { cors: { origin: OURS, credentials: true } }),
    ...(values.parser === "msgpack" && { parser: msgpack }),
    ...(recovery && { connectionStateRecovery: { maxDisconnectionDuration: recovery } }),
  });
  const games = io.of(/^\/game\/\d+$/);
  games.use((socket, next) => next(socket.nsp.name === "/game/0" ? new Error("no such game") : undefined));
  for (const some of [io.of("/"), io.of("/custom"), io.of("/refuse"), games]) {
    some.on("connection", (socket) => {
      greet(socket);
      serveAll(socket);
    });
  }
  io.of("/refuse").use((socket, next) => {
    if (socket.handshake.auth.token === "secret") {
      next();
    } else {
      next(Object.assign(new Error("not allowed"), { data: { code: 401, reason: "no token" } }));
    }
  });
  io.of("/ordered").on("connection", (socket) => {
    serveAll(socket);
    serveInOrder(socket);
  });
  io.of("/early").on("connection", (socket) => {
    serveAll(socket);
    socket.emit("question", "what goes up?", (answer) => (answer === "smoke" ? greet(socket) : socket.disconnect()));
  });
  io.of("/wrapped").on("connection", (socket) => {
    serveAll(socket);
    serveWrapped(socket);
  });
  io.of("/calculator").on("connection", (socket) => {
    greet(socket);
    serveCalculator(socket);
  });
  if (values["any-namespace"]) serveAny(io);
  return io;
});

function allowRequest(request, decide) {
  const { origin } = request.headers;
  if (values.cors && origin && !OURS.test(origin)) decide("Not an accepted origin", false);
  else if (request.url.includes("mood=bad")) decide("not in this mood", false);
  else decide(null, true);
}

function greet(socket) {
  // A recovered socket was greeted before.
  if (!socket.recovered) socket.emit("auth", socket.handshake.auth);
}

function serveAll(socket) {
  serve(socket);
  serveRooms(socket.nsp, socket);
  socket.on("send-me", (...args) => socket.send(...args));
  socket.on("ask-me-within", (ms, payload, ack) => {
    socket.timeout(ms).emit("question", payload, (error, answer) => ack(error ? "no answer" : answer));
  });
  socket.on("race", async (tasks, laps, ack) => {
    const run = async (task) => {
      for (let lap = 0; lap < laps; lap++) {
        socket.emit("lap", task, lap);
        await undefined;
      }
    };
    await Promise.all(Array.from({ length: tasks }, (_, task) => run(task)));
    ack();
  });
  socket.on("stop", (n) => {
    for (let i = 0; i < n; i++) socket.emit("tick", i);
    stopOnceSent(socket.conn);
  });
  socket.on("mood", (ack) => {
    const { query, headers } = socket.handshake;
    const [, cookie] = /\bmood=([^;]*)/.exec(headers.cookie) ?? [];
    ack([query.mood ?? null, headers["x-mood"] ?? null, cookie ?? null]);
  });
  socket.on("tell-moves", (ack) => {
    socket.conn.on("upgrade", ({ name }) => socket.emit("upgraded", name));
    ack();
  });
}

/** Stops the server when nothing waits for the next poll any more: it would be forgotten. */
function stopOnceSent(engine) {
  if (engine.writeBuffer.length === 0) process.kill(process.pid, "SIGTERM");
  else engine.once("drain", () => stopOnceSent(engine));
}

/** The one event that takes time, each time after the last. */
function serveInOrder(socket) {
  const waiting = [];
  const ask = () => {
    const [args, ack] = waiting[0];
    socket.emit("question", ...args, (...answer) => {
      ack(...answer);
      waiting.shift();
      if (waiting.length > 0) ask();
    });
  };
  socket.removeAllListeners("ask-me");
  socket.on("ask-me", (...args) => {
    const ack = args.pop();
    if (waiting.push([args, ack]) === 1) ask();
  });
}

function serveWrapped(socket) {
  socket.removeAllListeners("fail");
  socket.on("fail", (ack) => ack("asked to fail"));
  socket.use((event, next) => {
    const [name] = event;
    if (name === "renamed") event.splice(0, event.length, "message", "by the middleware");
    if (name === "answered") event.at(-1)("by the middleware");
    else if (name !== "seq") next();
  });
}

let divisions = 0;

function serveCalculator(socket) {
  socket.on("divide", (number, by, ack) => {
    if (by === 0) return ack("division by zero");
    divisions += 1;
    socket.nsp.emit("divided", { by, remainder: number % by });
    ack(Math.floor(number / by), number % by);
  });
  socket.on("divisions", (ack) => ack(divisions));
  socket.onAny((name, ...args) => {
    if (socket.listenerCount(name) === 0) args.pop()(`cannot ${name}`);
  });
}

/** Namespaces of any name, and in all of them events of any name. */
function serveAny(io) {
  io.of((_name, _auth, next) => next(null, true)).on("connection", greet);
  io.on("new_namespace", (namespace) => namespace.on("connection", answerAny));
  io.of("/").on("connection", answerAny);
}

function answerAny(socket) {
  socket.onAny((name, payload, ack) => {
    if (socket.listenerCount(name) === 0) ack(socket.nsp.name, name, payload);
  });
}

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
  socket.on("everyone-ready", (payload, ack) => {
    namespace.volatile.emit("room-message", payload);
    ack();
  });
  socket.on("members", async (room, ack) => ack((await namespace.in(room).fetchSockets()).length));
  socket.on("move-room", (from, to, ack) => {
    namespace.in(from).socketsJoin(to);
    namespace.in(from).socketsLeave(from);
    ack();
  });
  socket.on("close-room", (room, ack) => {
    namespace.in(room).socketsLeave(room);
    ack();
  });
  socket.on("send-away", (room, close, ack) => {
    ack();
    namespace.in(room).disconnectSockets(close);
  });
  socket.on("disconnecting", () => socket.to([...socket.rooms]).emit("left"));
  socket.once("only-once", (i) => socket.emit("only-once-back", i));
  socket.on("where", (ack) => ack(namespace.name));
  socket.on("ask-room", (room, payload, ack) => {
    namespace.in(room).timeout(1000).emit("question", payload, (timeout, answers) => ack(answers, !timeout));
  });
}
