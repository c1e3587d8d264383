// The example `echo` of the Engine.IO server on the official server: the yardstick of the Engine.IO clients.

import { createServer } from "node:http";
import { parseArgs } from "node:util";

import { Server } from "engine.io";

const { values: options } = parseArgs({
  options: {
    port: { type: "string", default: "3000" },
    path: { type: "string", default: "/engine.io/" },
    "ping-interval": { type: "string", default: "25000" },
    "ping-timeout": { type: "string", default: "20000" },
    "max-payload": { type: "string", default: "1000000" },
    "refuse-eio3": { type: "boolean", default: false },
  },
});

const http = createServer();
const engine = new Server({
  allowEIO3: !options["refuse-eio3"],
  pingInterval: Number(options["ping-interval"]),
  pingTimeout: Number(options["ping-timeout"]),
  maxHttpBufferSize: Number(options["max-payload"]),
});
engine.attach(http, { path: options.path });
engine.on("connection", (socket) => socket.on("message", (message) => socket.send(message)));

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    engine.close();
    http.close(() => process.exit(0));
    // Some clients never close their end of a connection; they are not waited for.
    setTimeout(() => process.exit(0), 300);
  });
}

http.listen(Number(options.port), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${http.address().port}`);
});
