// Runs the shared cases with socket.io-client 3.x inside Node.

import { Manager, io } from "socket.io-client";

import { runCase } from "../harness.mjs";
import { runSuite } from "../suite.mjs";

await runSuite({
  suite: "js-3",
  run: ({ run }, server) => runCase(run, { io, Manager, url: server.url, restart: () => server.restart() }),
});
