// The testbed of ../../README.md on the official server of Socket.IO 4 and Engine.IO 3, apart from its rooms.

import Server from "socket.io";

import { listen, parseOptions, serve } from "../../testbed.mjs";

const { values, server } = parseOptions();

listen(values.port, (http) => {
  const io = new Server(http, server);
  for (const name of ["/", "/custom", "/refuse"]) {
    io.of(name).on("connection", (socket) => {
      socket.emit("auth", authOf(socket));
      serve(socket);
    });
  }
  io.of("/refuse").use((socket, next) => {
    if (authOf(socket).token === "secret") {
      next();
    } else {
      next(Object.assign(new Error("not allowed"), { data: { code: 401, reason: "no token" } }));
    }
  });
  return io;
});

/** What a client says by the query in the namespace's name, without that of the connection. */
function authOf(socket) {
  const { EIO, transport, b64, t, j, sid, ...auth } = socket.handshake.query;
  return auth;
}
