// What the requests of a client say and are answered with: what the server knows of them, whom it lets in, where it is,
// and what it adds.

import { check, same } from "../harness.mjs";

const IN_BROWSER = globalThis.document !== undefined;

/** Resolves to the error of a connection that does not come about. */
async function refused(t, options) {
  const [error] = await t.next(t.socket(options), "connect_error");
  return error;
}

export const requests = [
  ...["polling", "websocket"].map((transport) => ({
    name: `the query, headers and cookies of a client are known (${transport})`,
    // In browsers a websocket has no headers of its own, and an old client none at all.
    suites: ["js-2", "js-3", "js-4", ...(transport === "polling" ? ["browser"] : [])],
    async run(t) {
      const options = { transports: [transport], query: { mood: "fine & well" } };
      if (IN_BROWSER) document.cookie = "mood=blue; path=/";
      const cookie = IN_BROWSER ? {} : { cookie: "other=1; mood=blue" };
      const told = await t.connect({ ...options, extraHeaders: { "x-mood": "bright", ...cookie } });
      same(await t.ask(told, "mood"), [["fine & well", "bright", "blue"]]);
    },
  })),
  {
    name: "a handshake may be refused, others are not concerned",
    async run(t) {
      const error = await refused(t, { transports: ["polling"], query: { mood: "bad" } });
      same(error.description, 403);
      const body = error.context?.responseText;
      if (body) same(JSON.parse(body), { code: 4, message: "not in this mood" });
      await refused(t, { transports: ["websocket"], query: { mood: "bad" } });
      await t.connect();
    },
  },
  {
    name: "a server may have another path, and is nowhere else",
    flags: ["--path", "/else/where/"],
    async run(t) {
      for (const transport of ["polling", "websocket"]) {
        const options = { transports: [transport] };
        const socket = await t.connect({ ...options, path: "/else/where" });
        same(await t.ask(socket, "message-with-ack", 1), [1]);
        await refused(t, options);
      }
    },
  },
  {
    name: "a session may be named in a cookie",
    // No other client can be asked for its cookies.
    suites: ["js-4"],
    flags: ["--cookie"],
    async run(t) {
      const { engine } = (await t.connect({ transports: ["polling"], withCredentials: true })).io;
      const cookies = [...engine._cookieJar.cookies].map(([name, { value }]) => [name, value]);
      same(cookies, [["io", engine.id]]);
    },
  },
  {
    name: "pages of some origins are let in, of others refused",
    suites: ["js-2", "js-3", "js-4"],
    flags: ["--cors"],
    async run(t) {
      for (const transport of ["polling", "websocket"]) {
        const from = (origin) => ({ transports: [transport], extraHeaders: { origin } });
        const socket = await t.connect(from("http://127.0.0.1:1"));
        same(await t.ask(socket, "message-with-ack", 1), [1]);
        await refused(t, from("http://elsewhere.example"));
      }
    },
  },
  {
    name: "a page of another origin is let in if it may be",
    suites: ["browser", "browser-2"],
    flags: ["--cors"],
    async run(t) {
      const url = t.url.replace("127.0.0.1", "localhost");
      const socket = await t.connect({ url, withCredentials: true });
      await t.upgraded(socket);
      same(await t.ask(socket, "message-with-ack", 1), [1]);
    },
  },
  {
    name: "a page of another origin is kept out by its browser unless it may be there",
    suites: ["browser", "browser-2"],
    async run(t) {
      await refused(t, { url: t.url.replace("127.0.0.1", "localhost"), transports: ["polling"] });
    },
  },
  {
    name: "answers to polls may be compressed",
    // In Node only Python's clients ask for it.
    suites: ["browser", "browser-2"],
    flags: ["--http-compression"],
    async run(t) {
      const socket = await t.connect({ transports: ["polling"] });
      const text = "0123456789".repeat(5000);
      const [answer] = await t.ask(socket, "message-with-ack", text);
      check(answer === text, "the text came back changed");
      const { encodedBodySize } = await t.wait("the account of the poll", (resolve) => {
        const isLarge = ({ name, decodedBodySize }) => name.includes("transport=polling") && decodedBodySize > 50_000;
        const look = (list) => list.getEntries().filter(isLarge).forEach(resolve);
        new PerformanceObserver(look).observe({ type: "resource", buffered: true });
      });
      check(encodedBodySize < 5000, `${encodedBodySize} bytes were sent`);
    },
  },
];
