// Two people in the chat example: they talk, type, send a picture, reload and lose the connection.
//
//   node chat.mjs --url http://127.0.0.1:3000 [--screenshots FOLDER] [--chromium PATH]

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { crc32, deflateSync } from "node:zlib";

import { options } from "./chromium.mjs";
import { pageOf, play, step } from "./play.mjs";

const { values } = parseArgs({
  // `--example` is for scripts that know several.
  options: { ...options, example: { type: "string" }, url: { type: "string" }, screenshots: { type: "string" } },
});
if (!values.url) {
  console.error("usage: chat.mjs --url URL [--screenshots FOLDER] [--chromium PATH]");
  process.exit(2);
}
if (values.screenshots) await mkdir(values.screenshots, { recursive: true });

/** By its number: the client does not listen for the loss of the network on a page of `localhost`. */
const URL_OF_PAGE = values.url.replace("//localhost", "//127.0.0.1");
/** A room of its own, so that a server with a history can be driven again. */
const ROOM = `garden ${Date.now() % 10_000}`;

await play(values.chromium, conversation);

async function conversation() {
  const ada = await visitor("Ada", { viewport: { width: 1180, height: 760 }, colorScheme: "light" });
  const grace = await visitor("Grace", {
    viewport: { width: 390, height: 844 },
    colorScheme: "dark",
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  });

  await step("both are there and on websocket", async () => {
    for (const page of [ada, grace]) {
      await page.locator('#badge[data-state="websocket"]').waitFor();
      await page.locator("#badge-latency").filter({ hasText: /^\d+ ms$/ }).waitFor();
      await page.locator("#company").filter({ hasText: "2 people here" }).waitFor();
    }
  });

  await step("markup stays text, addresses become links", async () => {
    const text = '<img src=x onerror="window.broken = true"> <b>bold</b>';
    await say(ada, text);
    await received(grace, text);
    await say(ada, "Roses need this: https://example.org/pruning?in=spring.");
    await grace.locator('.text a[href="https://example.org/pruning?in=spring"]').waitFor();
    if (await grace.evaluate(() => window.broken || document.querySelector(".text b"))) {
      throw new Error("markup was interpreted");
    }
  });

  await step("messages go both ways and are marked as delivered", async () => {
    await say(ada, "Did the first roses open yet?");
    await received(grace, "Did the first roses open yet?");
    await say(grace, "Two of them, this morning. The white one smells of tea.");
    await say(grace, "I took a picture, wait");
    await received(ada, "I took a picture, wait");
    await marked(grace, "I took a picture, wait", "delivered");
  });

  await step("who is typing is shown, and no longer once it has arrived", async () => {
    await ada.locator("#text").pressSequentially("Lovely, show me", { delay: 5 });
    await grace.locator("#typing").filter({ hasText: "Ada is typing" }).waitFor();
    await shoot(grace, "phone-typing");
    await ada.locator("#text").press("Enter");
    await received(grace, "Lovely, show me");
    await grace.locator("#typing").filter({ hasText: /^$/ }).waitFor({ state: "attached" });
  });

  await step("a picture arrives as it was sent", async () => {
    const png = picture(480, 320);
    await grace.locator("#file").setInputFiles({ name: "rose.png", mimeType: "image/png", buffer: png });
    const image = ada.locator('.message img[alt="rose.png"]');
    await image.waitFor();
    const [size, corner] = await image.evaluate(async (img) => {
      await img.decode();
      const { naturalWidth: width, naturalHeight: height } = img;
      const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
      context.drawImage(img, 0, 0);
      return [[width, height], [...context.getImageData(0, 0, 1, 1).data]].map(String);
    });
    if (size !== "480,320" || corner !== "60,104,84,255") throw new Error(`it has ${size} pixels, the first ${corner}`);
  });

  await step("what is not a picture is refused in words", async () => {
    await ada.locator("#file").setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
    await ada.locator("#notice").filter({ hasText: "Only pictures" }).waitFor();
    await ada.evaluate(() => (document.getElementById("notice").hidden = true));
  });

  await step("other rooms count what is unread", async () => {
    await ada.locator("#new-room-name").fill(`${ROOM} shed`);
    await ada.locator("#new-room-name").press("Enter");
    await ada.locator("#room").filter({ hasText: "shed" }).waitFor();
    await ada.locator("#company").filter({ hasText: "only you" }).waitFor();
    await say(grace, "Still there?");
    await ada.locator("#rooms button").filter({ hasText: ROOM }).locator(".unread").filter({ hasText: /^1$/ }).waitFor();
    await shoot(ada, "desktop-unread");
    await ada.locator("#rooms button").filter({ hasText: ROOM }).filter({ hasNotText: "shed" }).click();
    await received(ada, "Still there?");
  });

  await step("a reload returns to the room, its history and one's own messages", async () => {
    await ada.reload();
    await ada.locator("#room").filter({ hasText: ROOM }).waitFor();
    await received(ada, "Still there?");
    await ada.locator(".mine .text").filter({ hasText: "Did the first roses open yet?" }).waitFor();
    await ada.locator('.message img[alt="rose.png"]').waitFor();
    await say(ada, "Back again");
    await received(grace, "Back again");
    // Grace may have it before Ada knows: losing the network now would make it wait as well.
    await marked(ada, "Back again", "delivered");
  });

  await step("what is written while offline arrives once the connection is back", async () => {
    await ada.context().setOffline(true);
    await ada.locator('#badge[data-state="reconnecting"]').waitFor();
    await say(ada, "Written on the train, in a tunnel");
    await marked(ada, "Written on the train, in a tunnel", "waiting");
    await shoot(ada, "desktop-reconnecting");
    await ada.context().setOffline(false);
    await received(grace, "Written on the train, in a tunnel");
    await marked(ada, "Written on the train, in a tunnel", "delivered");
    await ada.locator('#badge[data-state="websocket"]').waitFor();
  });

  await ada.locator("#badge-latency").filter({ hasText: /ms$/ }).waitFor();
  await shoot(ada, "desktop-light");
  await shoot(grace, "phone-dark");
  await grace.locator("#menu").click();
  await grace.waitForTimeout(300);
  await shoot(grace, "phone-rooms");
  await ada.emulateMedia({ colorScheme: "dark" });
  await shoot(ada, "desktop-dark");
  await grace.locator("#shade").click({ position: { x: 370, y: 400 } });
  await grace.emulateMedia({ colorScheme: "light" });
  await grace.waitForTimeout(300);
  await shoot(grace, "phone-light");
}

/** A person with a browser profile of their own, in the room. */
async function visitor(name, device) {
  const page = await pageOf(name, device);
  await page.goto(`${URL_OF_PAGE}/#${encodeURIComponent(ROOM)}`);
  await page.locator("#name").fill(name);
  if (name === "Ada") await shoot(page, "desktop-welcome");
  await page.locator("#name").press("Enter");
  return page;
}

async function say(page, text) {
  await page.locator("#text").fill(text);
  await page.locator("#text").press("Enter");
}

function received(page, text) {
  return page.locator(".message:not(.mine) .text").getByText(text, { exact: true }).waitFor();
}

/** One's own message with that text carries that mark. */
function marked(page, text, kind) {
  return page.locator(".mine").filter({ hasText: text }).locator(`.mark[data-kind="${kind}"]`).waitFor();
}

async function shoot(page, name) {
  if (values.screenshots) await page.screenshot({ path: join(values.screenshots, `${name}.png`) });
}

/** A PNG: rings of a rose on a green ground. */
function picture(width, height) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x - width / 2, y - height / 2];
      const radius = Math.hypot(dx, dy);
      const petal = radius < 120 + 14 * Math.sin(5 * Math.atan2(dy, dx));
      const ring = Math.sin(radius / 7 + 2 * Math.atan2(dy, dx));
      const colour = petal ? [214 + 24 * ring, 120 + 60 * ring, 130 + 50 * ring] : [60, 104 - y / 8, 84 - y / 10];
      rows.set(colour, y * (width * 3 + 1) + 1 + x * 3);
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4);
  const sum = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
