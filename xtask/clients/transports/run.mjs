// Runs the cases of the Engine.IO clients of both revisions against a running server.

import { createRequire } from "node:module";
import { parseArgs } from "node:util";

import { Socket } from "engine.io-client-6";

import { runCase } from "../harness.mjs";
import { EngineBench } from "./bench.mjs";
import { cases } from "./cases.mjs";

const { values } = parseArgs({ options: { url: { type: "string" }, filter: { type: "string", default: "" } } });
if (!values.url) {
  console.error("usage: run.mjs --url URL [--filter TEXT]");
  process.exit(2);
}
const { url } = values;

const require = createRequire(import.meta.url);
const connect3 = require("engine.io-client-3");

const SUITES = [
  ["engine.io-client 3", () => new EngineBench({ revision: 3, connect: connect3, url })],
  ["engine.io-client 6", () => new EngineBench({ revision: 4, connect: (...args) => new Socket(...args), url })],
];

let passed = 0;
let failed = 0;
for (const [client, bench] of SUITES) {
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
