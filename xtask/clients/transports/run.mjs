// Runs the cases of engine.io-client 3 and 6 against a running server that echoes.

import { parseArgs } from "node:util";

import connect3 from "engine.io-client-3";
import { Socket } from "engine.io-client-6";

import { runCase } from "../harness.mjs";
import { EngineBench } from "./bench.mjs";
import { cases } from "./cases.mjs";

const CLIENTS = [
  { client: "engine.io-client 3", revision: 3, connect: connect3 },
  { client: "engine.io-client 6", revision: 4, connect: (url, options) => new Socket(url, options) },
];

const { values } = parseArgs({ options: { url: { type: "string" }, filter: { type: "string", default: "" } } });
if (!values.url) {
  console.error("usage: run.mjs --url URL [--filter TEXT]");
  process.exit(2);
}

let passed = 0;
let failed = 0;
for (const { client, ...environment } of CLIENTS) {
  for (const testCase of cases) {
    const name = `${client}: ${testCase.name}`;
    if (!name.includes(values.filter)) continue;
    const start = performance.now();
    const reason = await runCase(testCase.run, new EngineBench({ ...environment, url: values.url }));
    const ms = Math.round(performance.now() - start);
    console.log(reason ? `not ok - ${name}: ${reason}` : `ok - ${name} (${ms})`);
    if (reason) failed += 1;
    else passed += 1;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
