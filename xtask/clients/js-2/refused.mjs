// Clients that are refused for their age.

import { createRequire } from "node:module";

import { check, same } from "../harness.mjs";

const oldest = createRequire(import.meta.url)("socket.io-client-0.9");

export const refused = [
  {
    name: "a server may refuse clients of this generation",
    flags: ["--refuse-eio3"],
    async run(t) {
      const [error] = await t.next(t.socket({ transports: ["polling"] }), "connect_error");
      same(error.description, 400);
    },
  },
  {
    name: "a client of 0.9 is told that it is too old",
    async run(t) {
      const socket = oldest.connect(t.url, { reconnect: false, "force new connection": true });
      const [answer] = await t.next(socket, "error");
      check(answer.includes("Socket.IO 0.9 is not spoken here"), `it is told ${answer}`);
    },
  },
];
