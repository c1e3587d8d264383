// Runs the shared cases with socket.io-client 4.x inside Chromium, the page loaded anew for each.
//
// The modules of the suite are served to the page under `/suite/` of the testbed's own origin, by the browser's request
// interception: the testbed knows nothing of them and needs no CORS.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { casesFor } from "../cases.mjs";
import { runSuite } from "../suite.mjs";
import { launch, options } from "./chromium.mjs";

const SUITE = dirname(dirname(fileURLToPath(import.meta.url)));
const PACKAGE = createRequire(import.meta.url).resolve("socket.io-client/package.json");
// Not the minified bundle: a few cases reach for internals, whose names it shortens.
const CLIENT = join(dirname(PACKAGE), "dist/socket.io.js");
const PAGE = '<!doctype html><title>suite</title><script src="client.js"></script>';

let page;
let current;

await runSuite({
  options,
  cases: () => casesFor("browser"),
  async run(testCase, server, { chromium }) {
    page ??= await openPage(chromium);
    current = server;
    await page.goto(`${server.url}/suite/`);
    return page.evaluate(runInPage, testCase.name);
  },
});

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
    const file = path === "client.js" ? CLIENT : join(SUITE, path);
    await route.fulfill({ contentType: "text/javascript", body: await readFile(file, "utf8") });
  }
}

async function runInPage(name) {
  const { io } = window;
  const { SocketBench, runCase } = await import("/suite/harness.mjs");
  const { cases } = await import("/suite/cases.mjs");
  const { run } = cases.find((testCase) => testCase.name === name);
  return runCase(run, new SocketBench({ io, Manager: io.Manager, url: location.origin, restart: window.restart }));
}
