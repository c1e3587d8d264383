// What a transport of one's own must get right, as the clients and plain requests see it: the server echoes, pings every
// 300 ms (or wants to be pinged) and waits 1,000 ms for the answer; a message may have 1,000,000 bytes.

import { WebSocket } from "ws";

import { binary, check, same, upTo } from "../harness.mjs";

const LIMIT = 1_000_000;
const COUNT = 1_000;

/** By name, the options of each way to connect. */
const WAYS = {
  polling: { transports: ["polling"] },
  websocket: { transports: ["websocket"] },
  "websocket in base64": { transports: ["websocket"], forceBase64: true },
  "during the upgrade": { transports: ["polling", "websocket"] },
};
const TEXTS = ["", "0", "naïve 漢字 😀", "\u0000\u2028\n\\n\r\n", "x".repeat(125), "y".repeat(126), "€".repeat(100_000)];
const LENGTHS = [0, 1, 125, 126, 65_535, 65_536, 200_000];
/** What is said of a session that is no more. */
const UNKNOWN = { code: 1, message: "Session ID unknown" };

export const cases = [
  ...Object.entries(WAYS).flatMap(([way, options]) => [
    {
      name: `text and binary come back unchanged (${way})`,
      async run(t) {
        const socket = await t.connect(options);
        // The client of revision 3 tells an empty message as one without data.
        for (const text of TEXTS) same((await t.echo(socket, text)) ?? "", text);
        for (const bytes of LENGTHS.map(binary)) same(await t.echo(socket, bytes), bytes);
      },
    },
    {
      name: `${COUNT} messages keep their order (${way})`,
      async run(t) {
        const message = (i) => (i % 3 === 0 ? binary(i % 200) : `${i} 𝒳`);
        const socket = await t.connect(options);
        const back = t.collect(socket, "message", COUNT);
        for (const i of upTo(COUNT)) {
          socket.send(message(i));
          // In portions, so that messages are on their way before, during and after the upgrade.
          if (i % 20 === 19) await t.idle(0);
        }
        same(await back, upTo(COUNT).map(message));
        if (options.transports.length > 1) await t.upgraded(socket);
      },
    },
    {
      name: `a client that says nothing lives on by its heartbeat (${way})`,
      async run(t) {
        const socket = await t.connect(options);
        t.refuse(socket, "close");
        await t.collect(socket, "heartbeat", 6);
        same(await t.echo(socket, "still here"), "still here");
      },
    },
    {
      name: `a client without a heartbeat is closed (${way})`,
      async run(t) {
        const socket = await t.connect(options);
        if (options.transports.length > 1) await t.upgraded(socket);
        const { id } = socket;
        socket.sendPacket = socket._sendPacket = () => {};
        // The client of revision 3 would notice its own silence at the same time.
        for (const timer of [socket.pingIntervalTimer, socket.pingTimeoutTimer]) clearTimeout(timer);
        // The official server never minds the silence of revision 3 behind an upgrade.
        same((await t.next(socket, "close"))[0], "transport close");
        await ended(t, id);
      },
    },
    {
      name: `when the client closes, its session ends (${way})`,
      async run(t) {
        const socket = await t.connect(options);
        const { id } = socket;
        if (options.transports.length > 1) await t.upgraded(socket);
        const gone = t.next(socket, "close");
        socket.close();
        same((await gone)[0], "forced close");
        await ended(t, id);
      },
    },
  ]),
  {
    name: "the websocket of an upgrade has the format it asks for, not that of the polling before",
    async run(t) {
      const sid = await t.open();
      const ws = await websocket(t, sid, "&b64=1");
      ws.send("2probe");
      same(String((await t.next(ws, "message"))[0]), "3probe");
      ws.send("5");
      ws.send(t.revision === 4 ? Buffer.from([1, 2, 3]) : Buffer.from([4, 1, 2, 3]));
      const answer = String((await t.next(ws, "message"))[0]);
      same(answer, t.revision === 4 ? "bAQID" : "b4AQID");
    },
  },
  {
    name: "a poll that waits is released when its session moves",
    async run(t) {
      const sid = await t.open();
      const poll = t.fetch(t.polling(sid));
      const ws = await websocket(t, sid);
      ws.send("2probe");
      same(String((await t.next(ws, "message"))[0]), "3probe");
      same(await (await poll).text(), t.payload("6"));
      ws.send("5");
      ws.send("4on the websocket");
      same(String((await t.next(ws, "message"))[0]), "4on the websocket");
    },
  },
  {
    name: "a websocket of a session that has moved already is closed without a status",
    async run(t) {
      const socket = await t.connect(WAYS["during the upgrade"]);
      await t.upgraded(socket);
      same(await t.echo(socket, "there"), "there");
      const ws = await websocket(t, socket.id);
      same((await t.next(ws, "close"))[0], 1005);
      same(await t.echo(socket, "unharmed"), "unharmed");
    },
  },
  {
    name: "a websocket for no session is refused",
    async run(t) {
      const ws = new WebSocket(t.polling("AAAAAAAAAAAAAAAAAAAA").replace("polling", "websocket"));
      const [, response] = await t.next(ws, "unexpected-response");
      same(response.statusCode, 400);
    },
  },
  {
    name: "a ping of the websocket itself is answered, a close as well",
    async run(t) {
      const ws = await websocket(t);
      ws.ping("are you there");
      same(String((await t.next(ws, "pong"))[0]), "are you there");
      ws.close(1000);
      same((await t.next(ws, "close"))[0], 1000);
    },
  },
  {
    name: "a websocket that breaks the rules is told so",
    async run(t) {
      const ws = await websocket(t);
      // Not masked.
      ws._socket.write("\x81\x014");
      same((await t.next(ws, "close"))[0], 1002);
    },
  },
  {
    name: "a message over the limit ends a websocket with 1009",
    async run(t) {
      const ws = await websocket(t);
      ws.send("4".padEnd(LIMIT, "x"));
      const [echo] = await t.next(ws, "message");
      same(echo.length, LIMIT);
      ws.send("4".padEnd(LIMIT + 1, "x"));
      same((await t.next(ws, "close"))[0], 1009);
    },
  },
  {
    name: "a body over the limit is refused with 413, and the session lives on",
    async run(t) {
      const sid = await t.open();
      const response = await t.fetch(t.polling(sid), { method: "POST", body: "x".repeat(LIMIT + 1) });
      same(response.status, 413);
      t.tcp(post(t, sid, "4unharmed"));
      same(await (await t.fetch(t.polling(sid))).text(), t.payload("4unharmed"));
    },
  },
  {
    name: "a connection is closed behind its answer",
    async run(t) {
      const sid = await t.open();
      const tcp = t.tcp(post(t, sid, "4a"));
      await t.next(tcp, "end");
      check(tcp.back.endsWith("ok"), `got ${tcp.back}`);
      // It was closed at once, not when the session had long ended.
      same(await (await t.fetch(t.polling(sid))).text(), t.payload("4a"));
    },
  },
  {
    name: "a poll that its client gives up ends the session",
    async run(t) {
      const sid = await t.open();
      const tcp = t.tcp(get(t, sid));
      tcp.end();
      // The server has noticed by now, and not by the heartbeat.
      await t.next(tcp, "close");
      same(await (await t.fetch(t.polling(sid))).json(), UNKNOWN);
    },
  },
  {
    name: "a second poll beside one that waits ends the session",
    async run(t) {
      const sid = await t.open();
      const first = t.tcp(get(t, sid));
      // Until the first one has surely arrived.
      await t.idle(100);
      same((await t.fetch(t.polling(sid))).status, 400);
      if (first.back === "") await t.next(first, "data");
      check(first.back.endsWith(t.payload("1")), `the first one got ${first.back}`);
      await ended(t, sid);
    },
  },
  {
    name: "what is no request, or of no use, is refused",
    async run(t) {
      same(await (await t.fetch(`${t.url}/engine.io/`)).json(), { code: 0, message: "Transport unknown" });
      same(await (await t.fetch(t.polling(), { method: "POST" })).json(), { code: 2, message: "Bad handshake method" });
      const nonsense = t.tcp("\x00\x01\x02\r\n\r\n");
      await t.next(nonsense, "end");
      check(nonsense.back.startsWith("HTTP/1.1 400"), `got ${nonsense.back}`);
      const endless = t.tcp("GET / HTTP/1.1\r\n".padEnd(20_000, "x"));
      await t.next(endless, "end");
      check(endless.back.startsWith("HTTP/1.1 431"), `got ${endless.back}`);
    },
  },
  {
    name: "what a POST brings is answered on the poll that waits",
    async run(t) {
      const sid = await t.open();
      const packet = t.payload("4a");
      const poll = t.tcp(get(t, sid));
      // Until it has arrived.
      await t.idle(100);
      const posting = t.tcp(post(t, sid, "4a"));
      await Promise.all([t.next(poll, "data"), t.next(posting, "data")]);
      same([body(posting.back), body(poll.back)], ["ok", packet]);
    },
  },
];

/** A websocket without any client, for the session `sid` if there is one; it is open. */
async function websocket(t, sid, more = "") {
  const ws = new WebSocket(t.polling(sid).replace("polling", "websocket") + more);
  // The handshake of a new session may come with the opening.
  await Promise.all([t.next(ws, "open"), sid ? undefined : t.next(ws, "message")]);
  return ws;
}

/** The head of a request without any client. */
function head(t, method, sid, length) {
  const { host, pathname, search } = new URL(t.polling(sid));
  return `${method} ${pathname}${search} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: ${length}\r\n\r\n`;
}

function get(t, sid) {
  return head(t, "GET", sid, 0);
}

function post(t, sid, packet) {
  const payload = t.payload(packet);
  return head(t, "POST", sid, payload.length) + payload;
}

function body(response) {
  return response.slice(response.indexOf("\r\n\r\n") + 4);
}

/** Resolves once the server does not know the session any more. */
async function ended(t, sid) {
  for (;;) {
    // Of no effect on a session that lives.
    const response = await t.fetch(t.polling(sid), { method: "DELETE" });
    const { code, message } = await response.json().catch(() => ({}));
    if (code === UNKNOWN.code) return same({ code, message }, UNKNOWN);
    await t.idle(10);
  }
}
