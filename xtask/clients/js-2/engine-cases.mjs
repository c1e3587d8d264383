// The cases of engine.io-client 3 against a server that echoes.

import { binary, check, same, upTo } from "../harness.mjs";

const LIMIT = 1_000_000;
const COUNT = 3_000;

const TEXTS = [
  "",
  "0",
  "10:4hello",
  "b4AQIDBA==",
  "naïve café",
  "漢字かな",
  "😀 👩‍👩‍👧‍👦 𝒳",
  "\u0000\u001e\u001f\u2028\u2029\n\\n\r\n",
  "\ud7ff\ue000\uffff",
  "€".repeat(10_000),
  "𝒳".repeat(10_000),
];
// Around the lengths at which a frame's or a payload's head grows.
const LENGTHS = [0, 1, 2, 3, 8, 9, 98, 99, 124, 125, 126, 254, 255, 256, 65_534, 65_535, 65_536, 100_000];

/** By name, the options of each way to connect. */
const WAYS = {
  polling: { transports: ["polling"] },
  "polling in base64": { transports: ["polling"], forceBase64: true },
  websocket: { transports: ["websocket"] },
  "websocket in base64": { transports: ["websocket"], forceBase64: true },
  "during the upgrade": { transports: ["polling", "websocket"] },
};
const FAST_HEARTBEAT = ["--ping-interval", "300", "--ping-timeout", "200"];

/** The longest text that fits the limit: the packet's type comes before it, and in a payload its length as well. */
function longest(transport) {
  return LIMIT - (transport === "polling" ? "999992:4" : "4").length;
}

export const cases = [
  ...Object.entries(WAYS).flatMap(([way, options]) => [
    {
      name: `text comes back unchanged (${way})`,
      async run(t) {
        const socket = await t.connect(options);
        // The client tells an empty message as one without data.
        for (const text of TEXTS) same((await t.echo(socket, text)) ?? "", text);
      },
    },
    {
      name: `binary of each length and kind comes back (${way})`,
      async run(t) {
        const socket = await t.connect(options);
        for (const bytes of LENGTHS.map(binary)) {
          same(await t.echo(socket, bytes), bytes);
        }
        for (const bytes of [binary(9).buffer, new Uint8Array(binary(9)), new DataView(binary(9).buffer, 2, 4)]) {
          same(await t.echo(socket, bytes), bytes);
        }
      },
    },
    {
      name: `text and binary keep their order, many to a payload (${way})`,
      async run(t) {
        const socket = await t.connect(options);
        const sent = upTo(600).map((i) => [`text ${i}`, `ünï 𝒳 ${i}`, binary(i)][i % 3]);
        const back = t.collect(socket, "message", sent.length);
        for (const message of sent) socket.send(message);
        same(await back, sent);
      },
    },
    {
      name: `the client pings and lives on (${way})`,
      flags: FAST_HEARTBEAT,
      async run(t) {
        const socket = await t.connect(options);
        t.refuse(socket, "close");
        await t.collect(socket, "pong", 4);
        same(await t.echo(socket, "still here"), "still here");
      },
    },
    {
      name: `the client closes once all is sent (${way})`,
      async run(t) {
        const socket = await t.connect(options);
        const gone = t.next(socket, "close");
        const flushed = t.next(socket, "drain");
        for (const i of upTo(100)) socket.send(`${i}`);
        socket.close();
        await flushed;
        same((await gone)[0], "forced close");
      },
    },
    {
      name: `the server closes (${way})`,
      async run(t) {
        const socket = await t.connect(options);
        if (socket.upgrades.length > 0) await t.next(socket, "upgrade");
        const gone = t.next(socket, "close");
        await t.restart();
        check(["transport close", "transport error"].includes((await gone)[0]), "the transport has ended");
      },
    },
  ]),
  ...["polling", "websocket"].flatMap((transport) => [
    {
      name: `a text as long as the limit comes back (${transport})`,
      async run(t) {
        const socket = await t.connect(WAYS[transport]);
        const text = "x".repeat(longest(transport));
        check((await t.echo(socket, text)) === text, "the text came back changed");
      },
    },
    {
      name: `a text over the limit ends the connection (${transport})`,
      async run(t) {
        const socket = await t.connect(WAYS[transport]);
        const gone = t.next(socket, "close");
        socket.send("x".repeat(longest(transport) + 1));
        check(["transport close", "transport error"].includes((await gone)[0]), "the transport has ended");
      },
    },
    {
      name: `what counts is the text's length in bytes (${transport})`,
      async run(t) {
        const [small, large] = [await t.connect(WAYS[transport]), await t.connect(WAYS[transport])];
        const text = "€".repeat(330_000);
        check((await t.echo(small, text)) === text, "the text came back changed");
        const gone = t.next(large, "close");
        large.send("€".repeat(340_000));
        await gone;
      },
    },
    {
      // In base64 the former is a third longer.
      name: `large binary comes back (${transport})`,
      async run(t) {
        const socket = await t.connect(WAYS[transport]);
        const bytes = binary(transport === "polling" ? 749_000 : 999_000);
        same(await t.echo(socket, bytes), bytes);
      },
    },
  ]),
  {
    name: "an upgrade loses and reorders nothing of 3,000 messages each way",
    async run(t) {
      const socket = await t.connect({ transports: ["polling", "websocket"] });
      await flood(t, socket);
    },
  },
  {
    name: "an upgrade in mid-flow loses and reorders nothing of 3,000 messages each way",
    run: (t) =>
      Promise.all(
        [1, 500, 1_500, 2_500].map(async (moment) => {
          const socket = await t.connect({ transports: ["polling", "websocket"], upgrade: false });
          await flood(t, socket, (i) => i === moment && socket.probe("websocket"));
        }),
      ),
  },
  {
    name: "fifty clients upgrade side by side",
    async run(t) {
      const upgraded = async (i) => {
        const socket = await t.connect({ transports: ["polling", "websocket"] });
        const messages = upTo(20).map((n) => `${i} ${n}`);
        const back = t.collect(socket, "message", messages.length);
        for (const message of messages) socket.send(message);
        if (socket.transport.name === "polling") await t.next(socket, "upgrade");
        same(await back, messages);
      };
      await Promise.all(upTo(50).map(upgraded));
    },
  },
  {
    name: "a client that remembers its upgrade begins with websocket",
    async run(t) {
      const options = { transports: ["polling", "websocket"], rememberUpgrade: true };
      const first = await t.connect(options);
      // All clients of a process remember it together.
      if (first.transport.name === "polling") await t.next(first, "upgrade");
      const second = await t.connect(options);
      same([second.transport.name, await t.echo(second, "ünï")], ["websocket", "ünï"]);
    },
  },
];

/** Sends 3,000 messages and awaits their echoes; `before` is called with each number before it is sent. */
async function flood(t, socket, before = () => {}) {
  const message = (i) => (i % 3 === 0 ? binary(i % 200) : `${i} 𝒳`);
  const back = t.collect(socket, "message", COUNT);
  for (let i = 0; i < COUNT; i++) {
    before(i);
    socket.send(message(i));
    // In portions, so that messages are on their way before, during and after the upgrade.
    if (i % 20 === 19) await t.idle(0);
  }
  if (socket.transport.name === "polling") await t.next(socket, "upgrade");
  same(await back, upTo(COUNT).map(message));
}
