// What Socket.IO on top of a transport of one's own must do: every namespace is open, every event comes back, and
// acknowledgements bring back the arguments.

import { binary, same, upTo } from "../harness.mjs";

const COUNT = 300;
const WAYS = {
  polling: { transports: ["polling"] },
  websocket: { transports: ["websocket"] },
  "during the upgrade": { transports: ["polling", "websocket"] },
};

export const sockets = Object.entries(WAYS).flatMap(([way, options]) => [
  {
    name: `events come back in order, with their attachments (${way})`,
    async run(t) {
      const socket = await t.connect(options);
      const back = [];
      const all = t.wait("the events", (resolve) => {
        socket.on("event", (...args) => back.push(args) === COUNT && resolve());
      });
      const sent = upTo(COUNT).map((i) => (i % 3 === 0 ? [i, binary(i), { deep: [binary(1)] }] : [i, "naïve 😀", null]));
      for (const [i, args] of sent.entries()) {
        socket.emit("event", ...args);
        // In portions, so that events are on their way before, during and after the upgrade.
        if (i % 20 === 19) await t.idle(0);
      }
      await all;
      same(back, sent);
    },
  },
  {
    name: `namespaces share a connection, and each acknowledges (${way})`,
    async run(t) {
      const root = await t.connect(options);
      const custom = await t.join(root, "/custom");
      same(await Promise.all([t.ask(root, "ask", 1, binary(10)), t.ask(custom, "ask"), t.ask(root, "ask", "")]), [
        [1, binary(10)],
        [],
        [""],
      ]);
    },
  },
  {
    name: `a client that breaks the rules is sent away (${way})`,
    async run(t) {
      const socket = await t.connect(options);
      if (options.transports.length > 1) await t.upgraded(socket);
      const gone = t.next(socket, "disconnect");
      socket.io.engine.send("9");
      same((await gone)[0], "transport close");
    },
  },
]);
