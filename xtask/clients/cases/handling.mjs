// How events are handled: one after the other, behind a middleware, by a class, by whoever takes all of them; and
// clients that are let in before it is decided whether they may.

import { binary, same } from "../harness.mjs";

export const handling = [
  {
    name: "events are handled side by side, in an ordered namespace one after the other",
    async run(t) {
      const root = await t.connect();
      const ordered = await t.join(root, "/ordered");
      for (const [socket, atOnce] of [[root, [0, 1]], [ordered, [0]]]) {
        const asked = [];
        const answers = [];
        socket.on("question", (i, ack) => {
          asked.push(i);
          answers.push(() => ack(i));
        });
        const done = Promise.all([0, 1].map((i) => t.ask(socket, "ask-me", i)));
        // Both handlers have had their chance by the end of a round trip.
        await t.ask(root, "message-with-ack");
        same(asked, atOnce, `asked at once in ${socket.nsp}`);
        for (let i = 0; i < 2; i++) {
          while (answers.length === i) await t.next(socket, "question");
          answers[i]();
        }
        same(await done, [[0], [1]]);
      }
    },
  },
  {
    name: "a middleware answers, changes and drops events, an error hook answers for what fails",
    async run(t) {
      const socket = await t.connect({}, "/wrapped");
      const back = t.next(socket, "message-back");
      t.refuse(socket, "seq-back");
      socket.emit("seq", 1);
      socket.emit("renamed", "as it was sent");
      same(await t.ask(socket, "answered", 1), ["by the middleware"]);
      same(await t.ask(socket, "fail"), ["asked to fail"]);
      same(await t.ask(socket, "message-with-ack", binary(3)), [binary(3)]);
      same(await back, ["by the middleware"]);
    },
  },
  {
    name: "what nobody handles, what does not answer and what fails is not acked, and harms nobody",
    async run(t) {
      const [socket, other] = [await t.connect(), await t.connect()];
      const acked = [];
      for (const event of ["no such event", "seq", "fail"]) socket.emit(event, 1, () => acked.push(event));
      same(await t.ask(socket, "message-with-ack", 1), [1]);
      same(await t.ask(other, "message-with-ack", 2), [2]);
      same(acked, []);
    },
  },
  {
    name: "who is let in at once may speak, and stays or is sent away later",
    async run(t) {
      for (const [answer, stays] of [["a balloon", false], ["smoke", true]]) {
        const socket = t.socket({}, "/early");
        const question = new Promise((resolve) => socket.once("question", (...args) => resolve(args)));
        await t.connected(socket);
        same(await t.ask(socket, "message-with-ack", 1), [1]);
        const [riddle, ack] = await question;
        same(riddle, "what goes up?");
        const verdict = t.next(socket, stays ? "auth" : "disconnect");
        ack(answer);
        same((await verdict)[0], stays ? {} : "io server disconnect");
      }
    },
  },
  {
    name: "a class is one for all its clients, and its events have types",
    async run(t) {
      const [one, two] = [await t.connect({}, "/calculator"), await t.connect({}, "/calculator")];
      const [before] = await t.ask(one, "divisions");
      for (const socket of [one, two]) {
        const told = [one, two].map((each) => t.next(each, "divided"));
        same(await t.ask(socket, "divide", 17, 5), [3, 2]);
        for (const each of told) same(await each, [{ by: 5, remainder: 2 }]);
      }
      same(await t.ask(one, "divide", 1, 0), ["division by zero"]);
      same(await t.ask(one, "fly"), ["cannot fly"]);
      same(await t.ask(two, "divisions"), [before + 2]);
    },
  },
  {
    name: "any namespace and any event may have somebody who handles them",
    flags: ["--any-namespace"],
    async run(t) {
      const root = await t.connect();
      const some = await t.join(root, "/some where/else");
      for (const socket of [root, some]) {
        same(await t.ask(socket, "any event", [binary(2)]), [socket.nsp, "any event", [binary(2)]]);
      }
      // What is handled by name is not theirs.
      same(await t.ask(root, "message-with-ack", 1), [1]);
    },
  },
];
