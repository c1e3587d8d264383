// The pages of the examples, as people use them.
//
//   node examples.mjs --example NAME --url http://127.0.0.1:3000 [--screenshots FOLDER] [--chromium PATH]

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { options } from "./chromium.mjs";
import { pageOf, play, step } from "./play.mjs";

const { values } = parseArgs({
  options: { ...options, example: { type: "string" }, url: { type: "string" }, screenshots: { type: "string" } },
});

const EXAMPLES = { counter, rooms, poll, latency, private: privately };
const run = EXAMPLES[values.example];
if (!run || !values.url) {
  console.error(`usage: examples.mjs --example ${Object.keys(EXAMPLES).join("|")} --url URL [--screenshots FOLDER]`);
  process.exit(2);
}
if (values.screenshots) await mkdir(values.screenshots, { recursive: true });

await play(values.chromium, run);

async function counter() {
  const [one, other] = [await visitor(), await visitor()];
  await step("everybody sees the same number", async () => {
    await shows(one, "#count", /^\d+$/);
    await one.locator("#run").click();
    const stopped = await settled(one, "#count");
    await shows(other, "#count", stopped);
  });
  await step("a page starts over for all, and lets it run again", async () => {
    await other.locator("#reset").click();
    await shows(one, "#count", /^0$/);
    await one.locator("#run").click();
    await shows(other, "#count", /^[12]$/);
  });
  await shoot(one);
}

async function rooms() {
  const [one, other] = [await visitor(), await visitor()];
  await step("an echo is heard by who has called", async () => {
    await send(one, "#echo", "hello?");
    await says(one, "to you: hello?");
    await send(one, "#broadcast", "hello all");
    await says(other, "to everyone: hello all");
    await silent(other, "hello?");
  });
  await step("a room hears what is said to it, and nobody else does", async () => {
    await send(one, "#join", "tea");
    await shows(one, "#rooms", "tea");
    await send(one, "#join", "cake");
    await shows(one, "#rooms", /cake/);
    await other.locator("#where").fill("tea");
    await send(other, "#say", "who is there?");
    await says(one, "tea: who is there?");
    await silent(other, "who is there?");
  });
  await step("a room that is closed is left by all", async () => {
    await send(other, "#close", "tea");
    await says(one, "tea is closed");
    await shows(one, "#rooms", /^cake$/);
    await send(other, "#say", "anybody?");
    await send(other, "#broadcast", "nobody");
    await says(one, "to everyone: nobody");
    await silent(one, "anybody?");
  });
  await shoot(one);
  await step("whom the server sends away learns it", async () => {
    await one.locator("#goodbye").click();
    await says(one, "disconnected: io server disconnect");
  });
}

async function poll() {
  const [one, other] = [await visitor(), await visitor()];
  const votes = (page, text) => page.locator("#choices button").filter({ hasText: text });
  await step("votes are counted for everybody", async () => {
    await votes(one, "tea: 0").click();
    await votes(other, "tea: 1").click();
    await votes(one, "tea: 2").waitFor();
    await votes(one, "water: 0").click();
    await votes(other, "water: 1").waitFor();
    await shows(other, "#voters", /^2$/);
  });
  await step("another poll is another namespace", async () => {
    const third = await visitor("#lunch");
    await votes(third, "tea: 0").click();
    await votes(third, "tea: 1").waitFor();
    await votes(one, "tea: 1").waitFor();
    await shows(one, "#voters", /^2$/);
  });
  await step("what is not to be had is refused in words", async () => {
    await one.locator("#wrong").click();
    await shows(one, "#notice", "there is no gravel");
  });
  await shoot(other);
  await step("who takes a vote back, or leaves, no longer counts", async () => {
    await one.locator("#retract").click();
    await shows(other, "#voters", /^1$/);
    await other.close();
    await votes(one, "tea: 0").waitFor();
  });
}

async function latency() {
  const page = await visitor();
  await step("both ends measure", async () => {
    await shows(page, "#page", /^\d+\.\d ms$/);
    await shows(page, "#server", /^\d+\.\d ms$/);
    await shows(page, "#state", "websocket");
  });
  await shoot(page);
}

async function privately() {
  const ada = await visitor();
  const grace = await visitor();
  const eve = await visitor();
  for (const [page, name] of [[ada, "Ada"], [grace, "Grace"], [eve, "Eve"]]) await send(page, "#name", name);
  const user = (page, name) => page.locator("#users button").filter({ hasText: name });
  await step("messages reach whom they are for", async () => {
    await user(ada, "Grace").click();
    await send(ada, "#write", "a secret");
    await says(grace, "Ada: a secret");
    await send(grace, "#write", "I can keep it");
    await says(ada, "Grace: I can keep it");
    await user(eve, "Grace").click();
    await silent(eve, "a secret");
  });
  await step("what was missed arrives once the connection is back", async () => {
    await grace.locator("#lose").click();
    await user(ada, "Grace").waitFor({ state: "detached" });
    await send(ada, "#write", "are you there?");
    await send(ada, "#write", "I wait");
    await says(grace, "Ada: are you there?");
    await says(grace, "Ada: I wait");
    await shows(grace, "#past", "went on where it was");
    await user(ada, "Grace").waitFor();
    await silent(eve, "are you there?");
  });
  await shoot(grace);
  await step("who has no name is sent away with words", async () => {
    const nobody = await visitor();
    await send(nobody, "#name", " ");
    await shows(nobody, "#state", "what is your name?");
  });
}

/** A person with a browser profile of their own. */
async function visitor(hash = "") {
  const page = await pageOf("a visitor", { viewport: { width: 760, height: 700 } });
  await page.goto(`${values.url}/${hash}`);
  return page;
}

async function send(page, form, text) {
  await page.locator(`${form} input`).first().fill(text);
  await page.locator(`${form} button`).click();
}

function shows(page, where, text) {
  return page.locator(where).filter({ hasText: text }).waitFor();
}

function says(page, text) {
  return page.locator("#log li").getByText(text, { exact: true }).waitFor();
}

async function silent(page, text) {
  const heard = await page.locator("#log li").filter({ hasText: text }).count();
  if (heard > 0) throw new Error(`"${text}" was heard`);
}

/** The text of an element once it no longer changes. */
async function settled(page, where) {
  let text;
  do {
    text = await page.locator(where).textContent();
    await page.waitForTimeout(1_500);
  } while (text !== (await page.locator(where).textContent()));
  return text;
}

async function shoot(page) {
  if (values.screenshots) await page.screenshot({ path: join(values.screenshots, `${values.example}.png`) });
}
