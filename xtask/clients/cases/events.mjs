// Events and acks: what is sent arrives, unchanged, in order, in both directions, over either transport.

import { binary, same, upTo } from "../harness.mjs";

const VALUES = [
  1,
  -7,
  1.5,
  9007199254740991,
  1e300,
  "",
  "text",
  true,
  false,
  null,
  [],
  {},
  [[1, [2]], { a: { b: [null] } }],
  { "key with \"quotes\"": "back\\slash\n" },
];

const TEXTS = ["naïve café", "漢字かな", "😀 👩‍👩‍👧‍👦 𝒳", "\u2028\u2029\u0000\u001f", "\ud7ff\ue000\uffff"];

/** The same buffer twice, empty buffers, buffers at every depth. */
function nestedBinary() {
  const twice = binary(3);
  return [twice, { a: [twice, { b: binary(300) }], text: "between" }, [[binary(0)]], 42, binary(0)];
}

/**
 * The cases that every way to connect must pass; `options` are the client's, or made of the bench. `values` are those that
 * pass unchanged, `forAll` is what all of these cases have in common.
 */
export function eventsOver(way, options, { values = VALUES, ...forAll } = {}) {
  const over = (name, run, more) => ({
    name: `${name} (${way})`,
    run: async (t) => run(t, await t.connect(typeof options === "function" ? options(t) : options)),
    ...forAll,
    ...more,
  });
  return [
    over("an event comes back with every kind of value", async (t, socket) => {
      for (const value of values) {
        const back = t.next(socket, "message-back");
        socket.emit("message", value);
        same(await back, [value]);
      }
    }),
    over("an event may have no argument or many", async (t, socket) => {
      for (const args of [[], values]) {
        const back = t.next(socket, "message-back");
        socket.emit("message", ...args);
        same(await back, args);
      }
    }),
    over("binary comes back from any depth", async (t, socket) => {
      const back = t.next(socket, "message-back");
      socket.emit("message", ...nestedBinary());
      same(await back, nestedBinary());
    }),
    over("text keeps every character", async (t, socket) => {
      for (const text of TEXTS) {
        same(await t.ask(socket, "message-with-ack", text, { [text]: [text] }), [text, { [text]: [text] }]);
      }
    }, { unicode: true }),
    over("an event name may hold any character", async (t, socket) => {
      const back = t.next(socket, "écho-🎉");
      socket.emit("écho-🎉", "ünï", binary(2));
      same(await back, ["ünï", binary(2)]);
    }, { unicode: true }),
    over("the server acks with no argument or many", async (t, socket) => {
      same(await t.ask(socket, "message-with-ack"), []);
      same(await t.ask(socket, "message-with-ack", ...values), values);
    }),
    over("the server acks with binary", async (t, socket) => {
      same(await t.ask(socket, "message-with-ack", ...nestedBinary()), nestedBinary());
      same(await t.ask(socket, "size", binary(70_000)), [70_000]);
    }),
    over("the client acks with no argument or many", async (t, socket) => {
      socket.on("question", (...args) => args.pop()(...args));
      same(await t.ask(socket, "ask-me"), []);
      same(await t.ask(socket, "ask-me", ...values), values);
    }),
    over("the client acks with binary", async (t, socket) => {
      socket.on("question", (...args) => args.pop()(...args));
      same(await t.ask(socket, "ask-me", ...nestedBinary()), nestedBinary());
    }),
    over("2,000 acks arrive in the order of their events", async (t, socket) => {
      const arrived = [];
      const ask = (i) => t.ask(socket, "message-with-ack", i).then(([answer]) => arrived.push(answer));
      await Promise.all(upTo(2000).map(ask));
      same(arrived, upTo(2000));
    }),
    over("text and binary events keep their order", async (t, socket) => {
      const order = [];
      socket.on("seq-back", (i) => order.push(i));
      socket.on("message-back", (i, bytes) => order.push(i + bytes.byteLength));
      for (let i = 0; i < 300; i += 2) {
        socket.emit("seq", i);
        socket.emit("message", i, binary(1));
      }
      await t.ask(socket, "message-with-ack");
      same(order, upTo(300));
    }),
    over("an unnamed event goes both ways", async (t, socket) => {
      const back = t.next(socket, "message-back");
      socket.send("text", binary(2));
      same(await back, ["text", binary(2)]);
      const sent = t.next(socket, "message");
      socket.emit("send-me", [1], binary(1));
      same(await sent, [[1], binary(1)]);
    }),
    over("a question that nobody answers in time is given up", async (t, socket) => {
      const late = new Promise((resolve) => socket.once("question", (_, ack) => resolve(ack)));
      same(await t.ask(socket, "ask-me-within", 20, 1), ["no answer"]);
      (await late)("late");
      socket.on("question", (i, ack) => ack({ i, bytes: binary(3) }));
      same(await t.ask(socket, "ask-me-within", 5000, 2), [{ i: 2, bytes: binary(3) }]);
    }),
    over("what several tasks emit arrives, that of each in order", async (t, socket) => {
      const laps = [[], [], [], []];
      socket.on("lap", (task, lap) => laps[task].push(lap));
      await t.ask(socket, "race", 4, 250);
      for (const each of laps) same(each, upTo(250));
    }),
    over("a volatile event is dropped rather than queued", async (t, socket) => {
      const seen = [];
      socket.on("v", (i) => seen.push(i));
      const end = t.next(socket, "v-end");
      socket.emit("volatile-burst", 1000);
      await end;
      same(seen, [...new Set(seen)].sort((a, b) => a - b), "order of volatile events");
      same(seen.length < 1000, true, "some were dropped");
    }),
  ];
}

export const events = [
  ...["polling", "websocket"].flatMap((transport) => eventsOver(transport, { transports: [transport] })),
  ...["polling", "websocket"].flatMap((transport) =>
    eventsOver(`MessagePack on ${transport}`, ({ msgpack }) => ({ transports: [transport], parser: msgpack }), {
      suites: ["js-4"],
      flags: ["--parser", "msgpack"],
      // The client's parser takes all whole numbers for 64 bits wide.
      values: VALUES.filter((value) => value !== 1e300),
    }),
  ),
  {
    name: "what the connect callback emits is not lost",
    async run(t) {
      const socket = t.socket();
      const back = t.collect(socket, "seq-back", 100);
      socket.on("connect", () => upTo(100).forEach((i) => socket.emit("seq", i)));
      same(await back, upTo(100));
    },
  },
  {
    name: "what is emitted before the connection stands is sent afterwards",
    async run(t) {
      const socket = t.socket();
      const back = t.collect(socket, "seq-back", 100);
      upTo(100).forEach((i) => socket.emit("seq", i));
      same(await back, upTo(100));
    },
  },
  {
    name: "a handler for once takes the first event of each socket",
    async run(t) {
      for (const socket of [await t.connect(), await t.connect()]) {
        const seen = [];
        socket.on("only-once-back", (i) => seen.push(i));
        upTo(3).forEach((i) => socket.emit("only-once", i));
        await t.ask(socket, "message-with-ack");
        same(seen, [0]);
      }
    },
  },
  {
    name: "state belongs to its socket",
    async run(t) {
      const [one, two] = [await t.connect(), await t.connect()];
      same(await t.ask(one, "state-get"), [null]);
      await t.ask(one, "state-set", { a: [1] });
      await t.ask(two, "state-set", "two");
      same(await t.ask(one, "state-get"), [{ a: [1] }]);
      same(await t.ask(two, "state-get"), ["two"]);
    },
  },
  ...["polling", "websocket"].flatMap((transport) => [
    {
      name: `a Blob arrives as binary (${transport})`,
      suites: ["browser", "browser-2"],
      async run(t) {
        const socket = await t.connect({ transports: [transport] });
        const blob = new Blob([binary(300)]);
        same(await t.ask(socket, "message-with-ack", "before", { blob }), ["before", { blob: binary(300) }]);
      },
    },
    {
      name: `a view of a buffer arrives as binary (${transport})`,
      suites: ["browser"],
      async run(t) {
        const socket = await t.connect({ transports: [transport] });
        const view = new Uint8Array(binary(300), 100, 50);
        same(await t.ask(socket, "message-with-ack", "before", { view }), ["before", { view }]);
      },
    },
  ]),
];
