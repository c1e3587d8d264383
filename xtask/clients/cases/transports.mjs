// Transports: each alone, the upgrade between them under load, and the limit on payloads.

import { binary, check, same, upTo } from "../harness.mjs";

const LIMIT = 10_000;
const COUNT = 1_000;
const BOTH = ["polling", "websocket"];

/** How an event and its echo look, by its number. */
const PLAIN = {
  emit: (socket, i) => socket.emit("seq", i),
  number: (i) => i,
};
const MIXED = {
  emit: (socket, i) => (i % 3 === 0 ? socket.emit("message", i, binary(i)) : socket.emit("seq", i)),
  number: (i, bytes) => (bytes === undefined || bytes.byteLength === i ? i : `${i} with ${bytes.byteLength} bytes`),
};

/** Sends and receives 1,000 events each way; `before` is called with each number before it is sent. */
async function upgradeUnderLoad(t, socket, { emit, number }, before = () => {}) {
  const ticks = t.collect(socket, "tick", COUNT);
  const order = [];
  for (const event of ["seq-back", "message-back"]) {
    socket.on(event, (...args) => order.push(number(...args)));
  }
  await new Promise((resolve) => {
    socket.on("connect", async () => {
      socket.emit("burst", COUNT);
      for (let i = 0; i < COUNT; i++) {
        before(i);
        emit(socket, i);
        // In portions, so that events are on their way before, during and after the upgrade.
        if (i % 20 === 19) await t.idle(0);
      }
      resolve();
    });
  });
  await t.upgraded(socket);
  await t.ask(socket, "message-with-ack");
  same(await ticks, upTo(COUNT), "events from the server");
  same(order, upTo(COUNT), "events there and back");
  same(await t.ask(socket, "transport"), ["websocket"]);
}

export const transports = [
  ...BOTH.flatMap((transport) => [
    {
      name: `${transport} alone stays ${transport}`,
      async run(t) {
        const socket = await t.connect({ transports: [transport] });
        await t.idle(100);
        same(socket.io.engine.transport.name, transport);
        same(await t.ask(socket, "transport"), [transport]);
      },
    },
    {
      name: `900 KB of text pass both ways (${transport})`,
      async run(t) {
        const socket = await t.connect({ transports: [transport] });
        const text = "0123456789".repeat(90_000);
        const [answer] = await t.ask(socket, "message-with-ack", text);
        check(answer === text, "the text came back changed");
      },
    },
    {
      // Polling carries binary as base64, a third longer: 700 KB just fit under the default limit of 1 MB.
      name: `${transport === "polling" ? 700 : 900} KB of binary pass both ways (${transport})`,
      async run(t) {
        const socket = await t.connect({ transports: [transport] });
        const bytes = binary(transport === "polling" ? 700_000 : 900_000);
        same(await t.ask(socket, "size", bytes), [bytes.byteLength]);
        same(await t.ask(socket, "message-with-ack", bytes), [bytes]);
      },
    },
    {
      name: `a payload as long as the limit passes (${transport})`,
      flags: ["--max-payload", String(LIMIT)],
      async run(t) {
        const socket = await t.connect({ transports: [transport] });
        // In revision 3 a packet in a payload comes after its own length.
        const head = t.revision === 3 && transport === "polling" ? "9995:".length : 0;
        const text = filling(LIMIT - head);
        const back = t.next(socket, "message-back");
        socket.emit("message", text);
        same(await back, [text]);
      },
    },
  ]),
  {
    name: "a payload over the limit ends a websocket connection",
    flags: ["--max-payload", String(LIMIT)],
    async run(t) {
      const watcher = await t.connect();
      const socket = await t.connect({ transports: ["websocket"] });
      const tag = await t.tag(socket);
      const gone = t.next(socket, "disconnect");
      socket.emit("message", filling(LIMIT + 1));
      same((await gone)[0], "transport close", "the client's reason");
      same(await t.ask(watcher, "reason-of", tag), ["transport error"], "the server's reason");
    },
  },
  {
    // The server answers 413 and keeps the session; it is the client that gives up, closing it as it goes.
    name: "a payload over the limit makes a polling client give up",
    flags: ["--max-payload", String(LIMIT)],
    async run(t) {
      const watcher = await t.connect();
      const socket = await t.connect({ transports: ["polling"] });
      const tag = await t.tag(socket);
      const gone = t.next(socket, "disconnect");
      socket.emit("message", filling(LIMIT + 1));
      same((await gone)[0], "transport error", "the client's reason");
      same(await t.ask(watcher, "reason-of", tag), ["transport close"], "the server's reason");
    },
  },
  {
    name: "a polling client splits its payloads at the advertised limit",
    suites: ["js-4", "browser"],
    flags: ["--max-payload", String(LIMIT)],
    async run(t) {
      const socket = await t.connect({ transports: ["polling"] });
      const text = "x".repeat(1000);
      const answers = await Promise.all(upTo(50).map((i) => t.ask(socket, "message-with-ack", i, text)));
      same(answers, upTo(50).map((i) => [i, text]));
    },
  },
  ...[
    ["text", PLAIN],
    ["text and binary", MIXED],
  ].flatMap(([kind, events]) => [
    {
      name: `an upgrade at once loses and reorders nothing of 1,000 events each way (${kind})`,
      run: (t) => upgradeUnderLoad(t, t.socket({ transports: BOTH }), events),
    },
    {
      name: `an upgrade in mid-flow loses and reorders nothing of 1,000 events each way (${kind})`,
      run: (t) =>
        Promise.all(
          [1, 30, 300, 700].map((moment) => {
            const socket = t.socket({ transports: BOTH, upgrade: false });
            return upgradeUnderLoad(t, socket, events, (i) => i === moment && probe(socket.io.engine));
          }),
        ),
    },
  ]),
  {
    name: "a socket is told of its move to websocket, once",
    async run(t) {
      const socket = await t.connect({ transports: BOTH, upgrade: false });
      const moves = [];
      socket.on("upgraded", (name) => moves.push(name));
      await t.ask(socket, "tell-moves");
      same(await t.ask(socket, "transport"), ["polling"]);
      probe(socket.io.engine);
      await t.upgraded(socket);
      same(await t.ask(socket, "transport"), ["websocket"]);
      same(moves, ["websocket"]);
    },
  },
  {
    name: "acks cross the upgrade both ways",
    async run(t) {
      const socket = await t.connect({ transports: BOTH });
      socket.on("question", (i, ack) => ack(i));
      const answers = [];
      for (let i = 0; socket.io.engine.transport.name === "polling" || i < 20; i++) {
        answers.push((await t.ask(socket, "ask-me", i))[0]);
      }
      same(answers, upTo(answers.length));
    },
  },
];

/** Starts the upgrade the client was told not to start by itself. */
function probe(engine) {
  (engine._probe ?? engine.probe).call(engine, "websocket");
}

/** Text that makes the packet of a `message` event in `/` exactly `length` bytes long. */
function filling(length) {
  return "x".repeat(length - '42["message",""]'.length);
}
