// The measured program on the official server: what it answers is said in `xtask/bench/README.md`.

import { createServer } from "node:http";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { pingInterval: 300_000 });

io.on("connection", (socket) => {
  socket.on("echo", (text) => socket.emit("echo", text));
  socket.on("ask", (text, ack) => ack(text));
  socket.on("binary", (bytes) => socket.emit("binary", bytes));
  socket.on("broadcast", (text) => io.emit("news", text));
});

http.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${http.address().port}`);
});
