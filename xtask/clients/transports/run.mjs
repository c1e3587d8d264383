// Runs the cases of the Engine.IO and Socket.IO clients of both revisions against a running server.

import { createRequire } from "node:module";
import { parseArgs } from "node:util";

import { Socket } from "engine.io-client-6";
import { Manager, io } from "socket.io-client-4";

import { SocketBench, runCase } from "../harness.mjs";
import { EngineBench } from "./bench.mjs";
import { cases } from "./cases.mjs";
import { sockets } from "./sockets.mjs";

const { values } = parseArgs({ options: { url: { type: "string" }, filter: { type: "string", default: "" } } });
if (!values.url) {
  console.error("usage: run.mjs --url URL [--filter TEXT]");
  process.exit(2);
}
const { url } = values;

const require = createRequire(import.meta.url);
const connect3 = require("engine.io-client-3");
const io2 = require("socket.io-client-2");

const SUITES = [
  ["engine.io-client 3", cases, () => new EngineBench({ revision: 3, connect: connect3, url })],
  ["engine.io-client 6", cases, () => new EngineBench({ revision: 4, connect: (...args) => new Socket(...args), url })],
  ["socket.io-client 2", sockets, () => new SocketBench({ io: io2, Manager: io2.Manager, revision: 3, url })],
  ["socket.io-client 4", sockets, () => new SocketBench({ io, Manager, url })],
];

let passed = 0;
let failed = 0;
for (const [client, cases, bench] of SUITES) {
  for (const testCase of cases) {
    const name = `${client}: ${testCase.name}`;
    if (!name.includes(values.filter)) continue;
    const start = performance.now();
    const reason = await runCase(testCase.run, bench());
    const ms = Math.round(performance.now() - start);
    console.log(reason ? `not ok - ${name}: ${reason}` : `ok - ${name} (${ms})`);
    if (reason) failed += 1;
    else passed += 1;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
