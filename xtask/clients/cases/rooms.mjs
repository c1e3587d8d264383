// Rooms and broadcasts: who receives, who does not, and that nobody receives twice.

import { binary, same } from "../harness.mjs";

export const rooms = [
  {
    name: "rooms are joined and left",
    async run(t) {
      const socket = await t.connect();
      same(await t.ask(socket, "rooms"), [[]]);
      await t.ask(socket, "join", "b");
      await t.ask(socket, "join", "a");
      await t.ask(socket, "join", "a");
      same(await t.ask(socket, "rooms"), [["a", "b"]]);
      await t.ask(socket, "leave", "a");
      await t.ask(socket, "leave", "never joined");
      same(await t.ask(socket, "rooms"), [["b"]]);
    },
  },
  {
    name: "a room receives, its sender does not",
    async run(t) {
      const [one, two, outside] = await audience(t, ["r"], ["r"], []);
      await t.ask(one.socket, "to-room", "r", { n: 1, bytes: binary(5) });
      await settle(t, one, two, outside);
      same([one.got, two.got, outside.got], [[], [{ n: 1, bytes: binary(5) }], []]);
    },
  },
  {
    name: "a room receives, its sender too",
    async run(t) {
      const [one, two, outside] = await audience(t, ["r"], ["r"], []);
      await t.ask(one.socket, "in-room", "r", "payload");
      await t.ask(outside.socket, "in-room", "r", "from outside");
      await settle(t, one, two, outside);
      same([one.got, two.got, outside.got], [["payload", "from outside"], ["payload", "from outside"], []]);
    },
  },
  {
    name: "who has left a room receives no more",
    async run(t) {
      const [one, two] = await audience(t, ["r"], ["r"]);
      await t.ask(two.socket, "leave", "r");
      await t.ask(one.socket, "in-room", "r", "payload");
      await settle(t, one, two);
      same([one.got, two.got], [["payload"], []]);
    },
  },
  {
    name: "several rooms reach each member once",
    async run(t) {
      const [one, both, two, outside] = await audience(t, ["a"], ["a", "b"], ["b"], ["c"]);
      await t.ask(outside.socket, "to-rooms", ["a", "b"], [], "payload");
      await settle(t, one, both, two, outside);
      same([one.got, both.got, two.got, outside.got], [["payload"], ["payload"], ["payload"], []]);
    },
  },
  {
    name: "excepted rooms receive nothing",
    async run(t) {
      const [one, both, two] = await audience(t, ["a"], ["a", "b"], ["b"]);
      await t.ask(one.socket, "to-rooms", ["a", "b"], ["b"], "to a without b");
      await t.ask(one.socket, "to-rooms", [], ["b"], "to all without b");
      await t.ask(one.socket, "to-rooms", ["b"], [both.socket.id], "to b without one of them");
      await settle(t, one, both, two);
      same([one.got, both.got, two.got], [["to a without b", "to all without b"], [], ["to b without one of them"]]);
    },
  },
  {
    name: "a socket is reached by its id as a room",
    async run(t) {
      const [one, two] = await audience(t, [], []);
      await t.ask(one.socket, "to-room", two.socket.id, "for two");
      await settle(t, one, two);
      same([one.got, two.got], [[], ["for two"]]);
    },
  },
  {
    name: "a broadcast reaches all but its sender, within the namespace",
    async run(t) {
      const [one, two] = await audience(t, [], []);
      const custom = listen(await t.join(two.socket, "/custom"));
      await t.ask(one.socket, "broadcast", "payload");
      await t.ask(custom.socket, "everyone", "within /custom");
      await settle(t, one, two, custom);
      same([one.got, two.got, custom.got], [[], ["payload"], ["within /custom"]]);
    },
  },
  {
    name: "everyone is reached, over polling and websocket",
    async run(t) {
      const one = listen(await t.connect({ transports: ["polling"] }));
      const two = listen(await t.connect({ transports: ["websocket"] }));
      await t.ask(one.socket, "everyone", [binary(2)]);
      await settle(t, one, two);
      same([one.got, two.got], [[[binary(2)]], [[binary(2)]]]);
    },
  },
  {
    name: "a room is counted, moved and sent away as a whole",
    async run(t) {
      const [one, two, outside] = await audience(t, ["r"], ["r"], ["other"]);
      same(await t.ask(outside.socket, "members", "r"), [2]);
      await t.ask(outside.socket, "move-room", "r", "moved");
      same(await t.ask(outside.socket, "members", "r"), [0]);
      same(await t.ask(one.socket, "rooms"), [["moved"]]);
      await t.ask(outside.socket, "in-room", "moved", "payload");
      await settle(t, one, two, outside);
      same([one.got, two.got, outside.got], [["payload"], ["payload"], []]);
      const ends = [one, two].map(({ socket }) => t.next(socket, "disconnect"));
      await t.ask(outside.socket, "send-away", "moved", false);
      for (const end of ends) same((await end)[0], "io server disconnect");
      same(await t.ask(outside.socket, "members", "moved"), [0]);
      same(await t.ask(outside.socket, "rooms"), [["other"]]);
    },
  },
  {
    name: "a room is closed, and its members stay",
    async run(t) {
      const [one, two] = await audience(t, ["r", "other"], ["r"]);
      await t.ask(one.socket, "close-room", "r");
      await t.ask(one.socket, "in-room", "r", "to nobody");
      await settle(t, one, two);
      same([one.got, two.got], [[], []]);
      same([await t.ask(one.socket, "rooms"), await t.ask(two.socket, "rooms")], [[["other"]], [[]]]);
    },
  },
  {
    name: "a room is sent away with its connections",
    async run(t) {
      const [one, outside] = await audience(t, ["r"], []);
      const custom = await t.join(one.socket, "/custom");
      const ends = [one.socket, custom].map((socket) => t.next(socket, "disconnect"));
      await t.ask(outside.socket, "send-away", "r", true);
      for (const end of ends) same((await end)[0], "io server disconnect");
      same(await t.ask(outside.socket, "message-with-ack", 1), [1]);
    },
  },
  {
    name: "a room is told who leaves the server",
    async run(t) {
      const [one, two, outside] = await audience(t, ["a", "b"], ["b"], ["c"]);
      t.refuse(outside.socket, "left");
      const told = t.next(two.socket, "left");
      one.socket.disconnect();
      await told;
      await settle(t, outside);
    },
  },
  {
    name: "a volatile broadcast reaches those who are ready",
    async run(t) {
      const options = { transports: ["websocket"] };
      const [one, two] = [listen(await t.connect(options)), listen(await t.connect(options))];
      await settle(t, one, two);
      await t.ask(one.socket, "everyone-ready", { bytes: binary(2) });
      await settle(t, one, two);
      same([one.got, two.got], [[{ bytes: binary(2) }], [{ bytes: binary(2) }]]);
    },
  },
  {
    name: "a room answers",
    async run(t) {
      const [one, two, outside] = await audience(t, ["r"], ["r"], []);
      one.socket.on("question", (payload, ack) => ack({ one: payload }));
      two.socket.on("question", (payload, ack) => ack({ two: payload, bytes: binary(4) }));
      outside.socket.on("question", (_payload, ack) => ack("not asked"));
      const [answers, complete] = await t.ask(one.socket, "ask-room", "r", binary(3));
      same(complete, true);
      answers.sort((a, b) => ("two" in a) - ("two" in b));
      same(answers, [{ one: binary(3) }, { two: binary(3), bytes: binary(4) }]);
    },
  },
  {
    name: "an empty room answers nothing, at once",
    async run(t) {
      const socket = await t.connect();
      same(await t.ask(socket, "ask-room", "nobody", 1), [[], true]);
    },
  },
  {
    name: "the answers of a room do not wait for the silent for ever",
    async run(t) {
      const [one] = await audience(t, ["r"], ["r"]);
      one.socket.on("question", (payload, ack) => ack(payload));
      same(await t.ask(one.socket, "ask-room", "r", "only one"), [["only one"], false]);
    },
  },
];

/** A socket for each list of rooms, having joined them and listening. */
function audience(t, ...memberships) {
  return Promise.all(
    memberships.map(async (rooms) => {
      const member = listen(await t.connect());
      for (const room of rooms) await t.ask(member.socket, "join", room);
      return member;
    }),
  );
}

function listen(socket) {
  const got = [];
  socket.on("room-message", (payload) => got.push(payload));
  return { socket, got };
}

/** One round trip each: whatever was broadcast before has arrived by then. */
function settle(t, ...members) {
  return Promise.all(members.map(({ socket }) => t.ask(socket, "message-with-ack")));
}
