// The cases of socket.io-client 1.x and 2.x: the shared ones, and what was different before 3.

import { casesFor } from "../cases.mjs";
import { eventsOver } from "../cases/events.mjs";
import { same, upTo } from "../harness.mjs";

/** All cases of a client of that major version in `js-2`, which is Node, or in `browser-2`. */
export function casesIn(suite, major) {
  const all = [...casesFor(suite), ...ways(suite), ...namespaces];
  return major > 1 ? all : all.filter((testCase) => !isBeyondVersion1(testCase, suite));
}

/**
 * Over polling, clients of version 1 expect text encoded twice, which no server does any more: what is beyond ASCII
 * arrives as something else. In browsers they also fail on a large response that is text.
 */
function isBeyondVersion1({ name, unicode }, suite) {
  return (unicode && /polling|JSONP|upgrade/.test(name)) || (suite === "browser-2" && /^900 KB of text .*polling/.test(name));
}

/** Ways to connect that the shared cases do not know. */
function ways(suite) {
  return [
    ...eventsOver("polling in base64", { transports: ["polling"], forceBase64: true }),
    ...eventsOver("websocket in base64", { transports: ["websocket"], forceBase64: true }),
    ...eventsOver("during the upgrade", { transports: ["polling", "websocket"] }),
    // It needs a document.
    ...(suite === "browser-2" ? eventsOver("JSONP", { transports: ["polling"], forceJSONP: true }) : []),
  ];
}

const namespaces = [
  {
    name: "the default namespace is joined without being asked for",
    async run(t) {
      const custom = t.socket({}, "/custom");
      const root = custom.io.socket("/");
      same(await Promise.all([root, custom].map((socket) => t.next(socket, "auth"))), [[{}], [{}]]);
    },
  },
  {
    name: "the query of a namespace is its auth payload (websocket)",
    unicode: true,
    async run(t) {
      const options = { transports: ["websocket"], query: { token: "ünï, a&b", other: 1 } };
      same(await t.next(t.socket(options, "/custom"), "auth"), [{ token: "ünï, a&b", other: "1" }]);
    },
  },
  {
    name: "a query in the address is the namespace's",
    async run(t) {
      const socket = t.socket({}, "/refuse?token=secret");
      same(await t.next(socket, "auth"), [{ token: "secret" }]);
      same([socket.nsp, await t.ask(socket, "message-with-ack", 1)], ["/refuse", [1]]);
    },
  },
  {
    name: "a socket id is the connection's, after the namespace",
    async run(t) {
      const [asking, root] = [await t.connect(), await t.connect()];
      const custom = await t.join(root, "/custom");
      const { id } = root.io.engine;
      same(root.id, id);
      // Version 1 itself knows the latter part alone.
      same([`/custom#${id}`, id].includes(custom.id), true);
      const got = [t.next(root, "room-message"), t.next(custom, "room-message")];
      await t.ask(asking, "to-room", id, "to the root");
      await t.ask(await t.join(asking, "/custom"), "to-room", `/custom#${id}`, "to the custom one");
      same(await Promise.all(got), [["to the root"], ["to the custom one"]]);
    },
  },
  {
    name: "an unknown namespace is refused, the connection stays",
    async run(t) {
      const root = await t.connect();
      const unknown = root.io.socket("/unknown");
      same(await t.next(unknown, "error"), [{ message: "Invalid namespace" }]);
      same(unknown.connected, false);
      same(await t.ask(root, "message-with-ack", 1), [1]);
    },
  },
  {
    name: "a refusal tells why",
    async run(t) {
      for (const query of ["", "?token=wrong"]) {
        const socket = t.socket({}, `/refuse${query}`);
        same(await t.next(socket, "error"), [{ code: 401, reason: "no token" }]);
      }
    },
  },
  {
    name: "a refused socket may try again with a better query",
    async run(t) {
      const root = await t.connect();
      const socket = root.io.socket("/refuse");
      await t.next(socket, "error");
      socket.query = "token=secret";
      const auth = t.next(socket, "auth");
      socket.connect();
      same(await auth, [{ token: "secret" }]);
      same(await t.ask(socket, "message-with-ack", 1), [1]);
    },
  },
  {
    name: "namespaces come and go while the transport is upgraded",
    async run(t) {
      const root = await t.connect();
      const answers = [];
      for (let i = 0; root.io.engine.transport.name === "polling" || i < 10; i++) {
        const custom = await t.join(root, "/custom");
        answers.push(...(await t.ask(custom, "message-with-ack", i)));
        const tag = await t.tag(custom);
        custom.disconnect();
        await t.ask(root, "reason-of", tag);
        // The client keeps one socket for each namespace, which would be connected a second time.
        delete root.io.nsps["/custom"];
      }
      same(answers, upTo(answers.length));
    },
  },
];
