// What the scripts about pages share: people with pages, steps, and the account at the end.

import { launch } from "./chromium.mjs";

const WAIT_MS = 8_000;

let browser;
let passed = 0;
let failed = 0;

/** Plays a scene in a browser of its own, prints the account, and ends the process. */
export async function play(chromium, scene) {
  browser = await launch(chromium);
  try {
    await scene();
  } catch (error) {
    fail(error.message);
  }
  await browser.close();
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

/** A page in a browser profile of its own; an error in it fails the scene. */
export async function pageOf(name, device) {
  const context = await browser.newContext(device);
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  page.on("pageerror", (error) => fail(`error in the page of ${name}: ${error.message}`));
  return page;
}

/** A part of the scene; one that fails is the last one. */
export async function step(name, run) {
  const start = performance.now();
  try {
    await run();
  } catch (error) {
    throw new Error(`${name}: ${error.message}`);
  }
  passed += 1;
  console.log(`ok - ${name} (${Math.round(performance.now() - start)})`);
}

function fail(why) {
  failed += 1;
  console.log(`not ok - ${why}`);
}
