// Clients of both generations on one server.

import { io as newer } from "socket.io-client-4";

import { binary, same, upTo } from "../harness.mjs";

const COUNT = 200;

export const mixed = ["polling", "websocket"].map((transport) => ({
  name: `a room of old and new clients receives the same, in the same order (${transport})`,
  async run(t) {
    const options = { transports: [transport] };
    const members = await Promise.all([t.io, newer, t.io, newer].map((io) => t.connect(options, "/custom", io)));
    const received = members.map((member) => t.collect(member, "room-message", COUNT));
    for (const member of members) await t.ask(member, "join", "room");
    const [old, young] = members;
    const payloads = upTo(COUNT).map((i) => (i % 3 === 0 ? { i, bytes: [binary(i), { deep: binary(1) }] } : { i }));
    for (const payload of payloads.slice(0, COUNT / 2)) old.emit("in-room", "room", payload, () => {});
    await t.ask(old, "message-with-ack");
    for (const payload of payloads.slice(COUNT / 2)) young.emit("in-room", "room", payload, () => {});
    for (const got of await Promise.all(received)) same(got, payloads);
  },
}));

mixed.push({
  name: "old and new clients of a room answer one question",
  async run(t) {
    const members = await Promise.all([t.io, newer].map((io) => t.connect({}, "/", io)));
    for (const [i, member] of members.entries()) {
      await t.ask(member, "join", "asked");
      member.on("question", (payload, ack) => ack({ i, payload }));
    }
    const [answers] = await t.ask(members[0], "ask-room", "asked", binary(3));
    same(answers.sort((one, two) => one.i - two.i), upTo(2).map((i) => ({ i, payload: binary(3) })));
  },
});
