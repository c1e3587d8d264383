// Runs the shared cases with socket.io-client 4.x inside Node.

import { Manager, io } from "socket.io-client";

import { runCase } from "../harness.mjs";
import { runSuite } from "../suite.mjs";

await runSuite({
  suite: "js-4",
  run: ({ run }, server) => runCase(run, { io, Manager, url: server.url, restart: () => server.restart() }),
});
