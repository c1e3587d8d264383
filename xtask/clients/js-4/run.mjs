// Runs the shared cases with socket.io-client 4.x inside Node.

import { Manager, io } from "socket.io-client";
import * as msgpack from "socket.io-msgpack-parser";

import { casesFor } from "../cases.mjs";
import { SocketBench, runCase } from "../harness.mjs";
import { runSuite } from "../suite.mjs";

await runSuite({
  cases: () => casesFor("js-4"),
  run: ({ run }, server) =>
    runCase(run, new SocketBench({ io, Manager, msgpack, url: server.url, restart: () => server.restart() })),
});
