// Reads a vector file, runs the reference packages on the inputs of its vectors and writes the file with what came out.
//
//   node generate.mjs KIND COMMITTED FRESH
//
// What cannot be regenerated keeps its committed outcome and is named on standard output.

import { readFile, writeFile } from "node:fs/promises";
import { isDeepStrictEqual, parseArgs } from "node:util";

import { engineioV3, engineioV4 } from "./codecs/engineio.mjs";
import { INPUTS_V4, INPUTS_V5, socketioMsgpack, socketioV4, socketioV5 } from "./codecs/socketio.mjs";
import { regenerate } from "./codecs/vector.mjs";
import { regenerate as exchange } from "./live/exchanges.mjs";
import { regenerate as flow } from "./live/flows.mjs";
import { withIdsOf } from "./live/ids.mjs";

/** How often a live capture must differ from what was committed: what happens at once has no order. */
const ATTEMPTS = 3;

/** The codec, run on a vector. */
const codec =
  (codec, inputs = {}) =>
  (vector) =>
    regenerate(vector, codec, inputs[vector.name]);

/** A live capture, with the ids that were committed. */
const live = (capture) => async (vector) => {
  let captured;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    captured = withIdsOf(vector, await capture(vector));
    if (isDeepStrictEqual(captured, vector)) break;
  }
  return captured;
};

/** How the vectors of each kind of file are regenerated, and the versions that its `meta` names. */
const KINDS = {
  "engineio-v3": { run: codec(engineioV3), packages: { version: "eiop3" } },
  "engineio-v4": { run: codec(engineioV4), packages: { version: "eiop4" } },
  "socketio-v4": { run: codec(socketioV4, INPUTS_V4), packages: { version: "siop4", also_checked: "siop4b" } },
  "socketio-v5": { run: codec(socketioV5, INPUTS_V5), packages: { version: "siop5" } },
  "socketio-msgpack": { run: codec(socketioMsgpack), packages: { version: "socket.io-msgpack-parser" } },
  "engineio-http": { run: live(exchange), packages: { version: "engine.io" } },
  "socketio-flows": { run: live(flow), packages: { version: "socket.io" } },
};

const { positionals } = parseArgs({ allowPositionals: true });
const [kind, committed, fresh] = positionals;
const { run, packages } = KINDS[kind];

const file = JSON.parse(await readFile(committed, "utf8"));
const list = "flows" in file ? "flows" : "vectors";
const vectors = [];
for (const vector of file[list]) {
  try {
    vectors.push(await run(vector));
  } catch (error) {
    console.log(`not regenerated: ${vector.name}: ${error.message}`);
    vectors.push(vector);
  }
}

for (const [key, name] of Object.entries(packages)) {
  file.meta[key] = await installedVersion(name);
}
if (!isDeepStrictEqual(vectors.map(plain), file[list])) {
  file.meta.generated_by = file.meta.generated_by.replace(/Node v[\d.]+/, `Node ${process.version}`);
}
await writeFile(fresh, JSON.stringify({ ...file, [list]: vectors }, null, 1));
// Servers that were stopped leave timers behind.
process.exit();

/** As it comes back from a file. */
function plain(vector) {
  return JSON.parse(JSON.stringify(vector));
}

async function installedVersion(name) {
  const manifest = new URL(`node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(await readFile(manifest, "utf8")).version;
}
