// Runs the cases with socket.io-client inside Chromium, the page loaded anew for each: 4.x, or older ones by `--client`.
//
// The modules of the suite are served to the page under `/suite/` of the testbed's own origin, by the browser's request
// interception: the testbed knows nothing of them and needs no CORS.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { runSuite } from "../suite.mjs";
import { casesOf } from "./cases.mjs";
import { launch, options } from "./chromium.mjs";

const SUITE = dirname(dirname(fileURLToPath(import.meta.url)));
// Not the minified bundles: a few cases reach for internals, whose names they shorten.
const BUNDLES = {
  1.7: ["socket.io-client-1.7", "dist/socket.io.js"],
  2.5: ["socket.io-client-2.5", "dist/socket.io.dev.js"],
  4: ["socket.io-client", "dist/socket.io.js"],
};
const PAGE = '<!doctype html><meta charset="utf-8"><title>suite</title><body><script src="client.js"></script>';

let page;
let current;
let bundle;

await runSuite({
  options: { ...options, client: { type: "string", multiple: true, default: ["4"] } },
  cases: ({ client }) => client.flatMap(casesWith),
  async run({ client, title }, server, { chromium }) {
    page ??= await openPage(chromium);
    current = server;
    bundle = bundleOf(client);
    await page.goto(`${server.url}/suite/`);
    return page.evaluate(runInPage, { client, title });
  },
});

/** The cases of one version of the client; what they run is looked up in the page. */
function casesWith(client) {
  return casesOf(client).map(({ name, flags, ends }) => ({ name: `${client}: ${name}`, title: name, flags, ends, client }));
}

function bundleOf(client) {
  const [name, file] = BUNDLES[client];
  return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), file);
}

async function openPage(chromium) {
  const browser = await launch(chromium);
  // An intercepted document has no address, so Chromium asks whether it may talk to this machine.
  const context = await browser.newContext({ permissions: ["local-network-access"] });
  const page = await context.newPage();
  await page.route("**/suite/**", serve);
  await page.exposeFunction("restart", () => current.restart());
  return page;
}

async function serve(route) {
  const path = new URL(route.request().url()).pathname.replace("/suite/", "");
  if (path === "") {
    await route.fulfill({ contentType: "text/html", body: PAGE });
  } else {
    const file = path === "client.js" ? bundle : join(SUITE, path);
    await route.fulfill({ contentType: "text/javascript", body: await readFile(file, "utf8") });
  }
}

async function runInPage({ client, title }) {
  const { io } = window;
  const { SocketBench, runCase } = await import("/suite/harness.mjs");
  const { casesOf } = await import("/suite/browser/cases.mjs");
  const { run } = casesOf(client).find(({ name }) => name === title);
  const revision = client === "4" ? 4 : 3;
  const { restart } = window;
  return runCase(run, new SocketBench({ io, Manager: io.Manager, revision, url: location.origin, restart }));
}
