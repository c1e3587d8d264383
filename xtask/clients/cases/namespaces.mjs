// Namespaces: many over one connection, refused or accepted one by one.

import { binary, same } from "../harness.mjs";

/** Those whose clients have an auth payload, ids of their own and `connect_error`. */
const SINCE_3 = ["js-3", "js-4", "browser"];

export const namespaces = [
  {
    name: "the auth payload reaches the server",
    suites: SINCE_3,
    async run(t) {
      for (const [auth, seen] of [[undefined, {}], [{ token: "ünï", deep: [{ n: 1 }] }, { token: "ünï", deep: [{ n: 1 }] }]]) {
        for (const namespace of ["/", "/custom"]) {
          same(await t.next(t.socket({ auth }, namespace), "auth"), [seen]);
        }
      }
    },
  },
  {
    name: "the auth payload may be made by a function",
    suites: SINCE_3,
    async run(t) {
      same(await t.next(t.socket({ auth: (ready) => ready({ token: 1 }) }), "auth"), [{ token: 1 }]);
    },
  },
  {
    name: "a socket id is never used twice",
    suites: SINCE_3,
    async run(t) {
      const root = await t.connect();
      const custom = await t.join(root, "/custom");
      const ids = [root.id, custom.id, root.io.engine.id];
      const tag = await t.tag(custom);
      custom.disconnect();
      await t.ask(root, "reason-of", tag);
      custom.connect();
      await t.connected(custom);
      ids.push(custom.id);
      same(new Set(ids).size, 4, "different ids");
    },
  },
  {
    name: "two namespaces share a connection and nothing else",
    async run(t) {
      const root = await t.connect();
      const custom = await t.join(root, "/custom");
      t.refuse(root, "message-back");
      const back = t.next(custom, "message-back");
      custom.emit("message", "custom", { bytes: binary(9) });
      same(await back, ["custom", { bytes: binary(9) }]);
      await t.ask(custom, "state-set", "custom");
      same(await t.ask(root, "state-get"), [null]);
      custom.on("question", (ack) => ack("custom"));
      root.on("question", (ack) => ack("root"));
      same(await t.ask(root, "ask-me"), ["root"]);
      same(await t.ask(custom, "ask-me"), ["custom"]);
    },
  },
  {
    name: "the default namespace is not needed",
    async run(t) {
      const custom = await t.connect({}, "/custom");
      same(await t.ask(custom, "message-with-ack", 1), [1]);
    },
  },
  {
    name: "leaving one namespace leaves the others alone",
    async run(t) {
      const root = await t.connect();
      const custom = await t.join(root, "/custom");
      const tag = await t.tag(custom);
      custom.disconnect();
      same(await t.ask(root, "reason-of", tag), ["client namespace disconnect"]);
      same(await t.ask(root, "message-with-ack", 1), [1]);
    },
  },
  {
    name: "a namespace left is joined again as a new socket",
    async run(t) {
      const root = await t.connect();
      const custom = await t.join(root, "/custom");
      await t.ask(custom, "state-set", "old");
      const tag = await t.tag(custom);
      custom.disconnect();
      // The official server takes a CONNECT in the same read for a second one and closes the connection.
      await t.ask(root, "reason-of", tag);
      const back = t.connected(custom);
      custom.connect();
      await back;
      same(await t.ask(custom, "state-get"), [null]);
    },
  },
  {
    name: "a namespace of a pattern is there for whoever asks, and apart from its like",
    async run(t) {
      const seven = await t.connect({}, "/game/7");
      const other = await t.connect({}, "/game/7");
      const eight = await t.join(seven, "/game/8");
      same(await t.ask(seven, "where"), ["/game/7"]);
      same(await t.ask(eight, "where"), ["/game/8"]);
      await t.ask(seven, "join", "players");
      await t.ask(other, "join", "players");
      await t.ask(eight, "join", "players");
      same(await t.ask(seven, "members", "players"), [2]);
      same(await t.ask(eight, "members", "players"), [1]);
      t.refuse(eight, "room-message");
      const heard = t.next(other, "room-message");
      await t.ask(seven, "everyone", { bytes: binary(3) });
      same(await heard, [{ bytes: binary(3) }]);
      same(await t.ask(eight, "message-with-ack", 1), [1]);
    },
  },
  {
    name: "a namespace of a pattern may refuse, as names that do not match are",
    suites: SINCE_3,
    async run(t) {
      const root = await t.connect();
      for (const [name, message] of [["/game/0", "no such game"], ["/game/x", "Invalid namespace"], ["/game/", "Invalid namespace"]]) {
        const [error] = await t.next(root.io.socket(name), "connect_error");
        same(error.message, message, name);
      }
      same(await t.ask(root, "message-with-ack", 1), [1]);
    },
  },
  {
    name: "an unknown namespace is refused, the connection stays",
    suites: SINCE_3,
    async run(t) {
      const root = await t.connect();
      const unknown = root.io.socket("/unknown");
      const [error] = await t.next(unknown, "connect_error");
      same([error.message, error.data], ["Invalid namespace", undefined]);
      same(unknown.connected, false);
      same(await t.ask(root, "message-with-ack", 1), [1]);
    },
  },
  {
    name: "a refusal tells why",
    suites: SINCE_3,
    async run(t) {
      for (const auth of [undefined, { token: "wrong" }]) {
        const [error] = await t.next(t.socket({ auth }, "/refuse"), "connect_error");
        same([error.message, error.data], ["not allowed", { code: 401, reason: "no token" }]);
      }
    },
  },
  {
    name: "a refused socket may try again with better auth",
    suites: SINCE_3,
    async run(t) {
      const root = await t.connect();
      const socket = root.io.socket("/refuse");
      await t.next(socket, "connect_error");
      socket.auth = { token: "secret" };
      const [connected, auth] = [t.connected(socket), t.next(socket, "auth")];
      socket.connect();
      await connected;
      same(await auth, [{ token: "secret" }]);
      same(await t.ask(socket, "message-with-ack", 1), [1]);
    },
  },
];
