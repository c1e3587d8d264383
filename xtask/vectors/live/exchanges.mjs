// Exchanges with the official engine.io server: those that need more than one request, and the options of the others.

import { exchange, openWebSocket, quiet, startEngine, startRequest, until } from "./engine.mjs";

const PATH = "/engine.io/";
const V4 = "EIO=4&transport=polling";
const V3 = "EIO=3&transport=polling";

/** The vector as the server has it now. */
export async function regenerate(vector) {
  const { name } = vector;
  const setting = SETTINGS[name] ?? {};
  const options = { ...(name.startsWith("v3 ") && { allowEIO3: true }), ...setting.options };
  const engine = await startEngine(options);
  try {
    const handshake = setting.handshake ?? (name.startsWith("v3 ") ? V3 : V4);
    const outcome = await (setting.run ?? answer)(engine, vector, handshake);
    return { ...vector, ...outcome };
  } finally {
    await engine.stop();
  }
}

/** The answer to the vector's request, within a session if it names one. */
async function answer(engine, { request }, handshake) {
  const sid = request.url.includes("<sid>") ? await open(engine, handshake) : undefined;
  const filled = { ...request, url: request.url.replace("<sid>", sid) };
  const answered = request.upgrade ? openWebSocket(engine.port, filled.url).answered : exchange(engine.port, filled);
  return { response: anonymous(await answered), ...(await report(engine)) };
}

/** A new session; its id. */
async function open({ port }, handshake) {
  const { body } = await exchange(port, { url: `${PATH}?${handshake}` });
  return body.text.match(/sid\\?":\\?"([\w-]+)/)[1];
}

const urlOf = (sid, query = V4) => `${PATH}?${query}&sid=${sid}`;

/** What the server reported, as far as it did. */
async function report(engine) {
  await quiet();
  const reported = Object.entries(engine.report).map(([kind, list]) => [kind, list.length ? [...list] : undefined]);
  return Object.fromEntries(reported);
}

/** With the session's id left out. */
const anonymous = (value) => JSON.parse(JSON.stringify(value).replace(/(sid(?:\\+)":(?:\\+)")[\w-]{20}/g, "$1<sid>"));

const closes = async (engine) => ({ session_close: (await report(engine)).session_close });

/** Status and body alone. */
const brief = ({ status, body, ...rest }) => ("error" in rest ? rest : { status, body });

// Two requests at once.

async function overlappingGets(engine, _, handshake) {
  const sid = await open(engine, handshake);
  const pending = startRequest(engine.port, { url: urlOf(sid) });
  await until(() => engine.session().transport.writable);
  const second = await exchange(engine.port, { url: urlOf(sid) });
  return { first: brief(await pending.answered), second };
}

async function overlappingPosts(engine, { request }, handshake) {
  const sid = await open(engine, handshake);
  const post = { method: "POST", url: urlOf(sid), headers: { "content-length": 10 }, body: { text: "4a" } };
  const pending = startRequest(engine.port, post, { end: false });
  await until(() => engine.session().transport.dataReq);
  const second = await exchange(engine.port, { method: "POST", url: urlOf(sid), body: request?.body ?? { text: "4b" } });
  return { first: brief(await pending.answered), second };
}

const secondOf = (overlap) => async (engine, vector, handshake) => {
  const { second } = await overlap(engine, vector, handshake);
  return { response: second, ...(await report(engine)) };
};

const firstOf = (overlap) => async (engine, vector, handshake) => {
  const { first } = await overlap(engine, vector, handshake);
  return { response: first };
};

// Polling.

async function abortedPoll(engine, _, handshake) {
  const sid = await open(engine, handshake);
  const pending = startRequest(engine.port, { url: urlOf(sid) });
  await until(() => engine.session().transport.writable);
  pending.abort();
  return closes(engine);
}

async function closeWithPoll(engine, _, handshake) {
  const sid = await open(engine, handshake);
  const pending = startRequest(engine.port, { url: urlOf(sid) });
  await until(() => engine.session().transport.writable);
  engine.session().close();
  return { response: brief(await pending.answered), ...(await closes(engine)) };
}

async function closeWithoutPoll(engine, _, handshake) {
  const sid = await open(engine, handshake);
  engine.session().close();
  const response = await exchange(engine.port, { url: urlOf(sid) });
  return { response: brief(response), ...(await closes(engine)) };
}

/** The poll that fetches what `send` made the session send. */
const fetched = (send, query) => async (engine, _, handshake) => {
  const sid = await open(engine, handshake);
  await send(engine.session(), (body) => exchange(engine.port, { method: "POST", url: urlOf(sid, query), body }));
  return { response: await exchange(engine.port, { url: urlOf(sid, query) }) };
};

async function compressed(engine, _, handshake) {
  const sid = await open(engine, handshake);
  engine.session().send("a".repeat(2000), { compress: true });
  const headers = { "accept-encoding": "gzip, deflate, br" };
  const { status, headers: answered } = await exchange(engine.port, { url: urlOf(sid), headers });
  return { response: { status, headers: answered } };
}

// WebSocket sessions.

const wsUrl = (protocol, sid) => `${PATH}?EIO=${protocol}&transport=websocket${sid ? `&sid=${sid}` : ""}`;

/** A session that starts over WebSocket: what it got and how it ended after `talk`. */
async function overWebSocket(engine, protocol, talk) {
  const { ws, frames, opened, ended } = openWebSocket(engine.port, wsUrl(protocol));
  await opened;
  await until(() => frames.length > 0);
  await talk(ws, frames);
  return { frames, ended };
}

async function noPong(engine) {
  const { frames, ended } = await overWebSocket(engine, 4, () => {});
  const closed = await ended;
  return { response: anonymous({ frames, closed }), ...(await closes(engine)) };
}

const endedBy = (frame) => async (engine) => {
  const { ended } = await overWebSocket(engine, 4, (ws) => ws.send(frame));
  return { response: { closed: await ended }, ...(await closes(engine)) };
};

async function webSocketV3(engine) {
  const { frames } = await overWebSocket(engine, 3, async (ws, frames) => {
    ws.send("2probe");
    await until(() => frames.length > 1);
    ws.send(Buffer.from([4, 1, 2, 3]));
    await until(() => engine.report.messages.length > 0);
    engine.session().send(Buffer.from([9, 8]));
    await until(() => frames.length > 2);
  });
  const { messages } = await report(engine);
  return { response: anonymous({ frames }), messages };
}

// Upgrades: a polling session with a pending GET, and a websocket that wants to take over.

/** Runs `script` on an upgrade and returns the log of what it and the server did. */
const upgrade = (script) => async (engine, _, handshake) => {
  const sid = await open(engine, handshake);
  const session = engine.session();
  const protocol = handshake === V3 ? 3 : 4;
  const log = [];
  let over = false;
  const note = (...line) => over || log.push(line);
  const poll = startRequest(engine.port, { url: urlOf(sid, handshake) });
  void poll.answered.then(({ status, body, error }) => error ?? note("< GET response", status, body.text));
  await until(() => session.transport.writable);

  const { ws, opened, ended } = openWebSocket(engine.port, wsUrl(protocol, sid));
  ws.on("message", (data) => note("< ws", data.toString()));
  const stopped = ended.then(([code]) => note("< ws close", code));
  await opened;
  const send = (text) => {
    note("> ws", text);
    ws.send(text);
  };
  const got = (...entry) => until(() => log.some((line) => JSON.stringify(line) === JSON.stringify(entry)));
  /** Until the probe is answered. */
  const probe = async () => {
    send("2probe");
    await got("< ws", "3probe");
  };
  const polled = () => until(() => log.some(([what]) => what === "< GET response"));
  const change = async () => {
    const upgraded = new Promise((resolve) => session.once("upgrade", resolve));
    send("5");
    await upgraded;
  };
  const second = () => openWebSocket(engine.port, wsUrl(protocol, sid));
  await script({ engine, session, sid, note, send, probe, polled, change, got, second, stopped });
  await quiet();
  over = true;
  return { log, transport_after: session.transport.name, readyState: session.readyState };
};

const completeUpgrade = upgrade(async ({ session, probe, polled, change, got }) => {
  await probe();
  await polled();
  await change();
  session.send("after");
  await got("< ws", "4after");
});

const upgradeWithMessages = upgrade(async ({ session, probe, polled, change, got }) => {
  await probe();
  session.send("x");
  session.send("y");
  await polled();
  await change();
  await got("< ws", "4y");
});

const upgradeWithoutProbe = upgrade(async ({ change, polled }) => {
  await change();
  await polled();
});

const refusedUpgrade = (first) =>
  upgrade(async ({ send, stopped }) => {
    send(first);
    await stopped;
  });

const secondDuringUpgrade = upgrade(async ({ note, probe, polled, second }) => {
  await probe();
  const { ended } = second();
  const end = await ended;
  note("second ws closed", end[0]);
  await polled();
  note("second ws", end);
});

const secondAfterUpgrade = upgrade(async ({ note, probe, polled, change, second }) => {
  await probe();
  await polled();
  await change();
  note("second ws", await second().ended);
});

const pollAfterUpgrade = upgrade(async ({ engine, sid, note, probe, polled, change }) => {
  await probe();
  await polled();
  await change();
  const { status, body } = await exchange(engine.port, { url: urlOf(sid) });
  note("GET", status, body.text);
});

const upgradeInVain = upgrade(async ({ probe, polled, stopped }) => {
  await probe();
  await polled();
  await stopped;
});

const cors = {
  cors: { origin: ["https://example.com"], credentials: true, methods: ["GET", "POST"] },
  cookie: true,
};
const refuse = (message) => ({ allowRequest: (_, done) => done(message, false) });
const tenBytes = { options: { maxHttpBufferSize: 10 } };

/** By the name of the vector: the server's options, the query of the handshake, and what is done if not one request. */
const SETTINGS = {
  "overlapping GET": { run: secondOf(overlappingGets) },
  "overlapping GET: first pending poll result": { run: firstOf(overlappingGets) },
  "overlapping POST": { run: secondOf(overlappingPosts) },
  "overlapping POST: first POST result": { run: firstOf(overlappingPosts) },
  "client aborts a pending GET": { run: abortedPoll },
  "server closes while a GET is pending": { run: closeWithPoll },
  "server closes without pending GET: next GET": { run: closeWithoutPoll },
  "three buffered packets flushed in one payload": {
    run: fetched((session) => {
      for (const message of ["a", Buffer.from([1, 2]), "b"]) session.send(message);
    }),
  },
  "upgrade happy path": { run: completeUpgrade },
  "upgrade: messages sent by the server between probe and upgrade": { run: upgradeWithMessages },
  "upgrade without probe": { run: upgradeWithoutProbe },
  "upgrade: first frame is a message": { run: refusedUpgrade("4hello") },
  "upgrade: ping without probe data": { run: refusedUpgrade("2") },
  "upgrade: second websocket during upgrade": { run: secondDuringUpgrade },
  "upgrade: second websocket after upgrade": { run: secondAfterUpgrade },
  "GET after upgrade": { run: pollAfterUpgrade },
  "upgrade timeout": { options: { upgradeTimeout: 200 }, run: upgradeInVain },
  "allowRequest refused with message": { options: refuse("thou shall not pass") },
  "ws allowRequest refused": { options: refuse("thou shall not pass") },
  "allowRequest refused without message": { options: refuse(null) },
  "POST exactly maxHttpBufferSize": tenBytes,
  "POST over maxHttpBufferSize": tenBytes,
  "POST multi-byte over limit": tenBytes,
  "ws frame over maxHttpBufferSize": { ...tenBytes, run: endedBy("4" + "a".repeat(10)) },
  "CORS + cookie handshake": { options: cors },
  "CORS preflight": { options: cors },
  "CORS disallowed origin": { options: cors },
  "CORS second disallowed origin": { options: cors },
  "custom cookie": {
    options: { cookie: { name: "sess", path: "/x", httpOnly: false, secure: true, sameSite: "strict", maxAge: 86400 } },
  },
  "allowUpgrades false": { options: { allowUpgrades: false } },
  "polling only": { options: { transports: ["polling"] } },
  "websocket disabled": { options: { transports: ["polling"] } },
  "webtransport enabled": { options: { transports: ["polling", "websocket", "webtransport"] } },
  initialPacket: { options: { initialPacket: "welcome" } },
  "httpCompression above 1024 bytes": { run: compressed },
  "middleware failure": { options: { use: (_request, _response, next) => next(new Error("no")) } },
  "generateId failure": { options: { generateId: () => Promise.reject(new Error("no")) } },
  "v4 heartbeat: no pong": { options: { pingInterval: 100, pingTimeout: 100 }, run: noPong },
  "v4 client sends ping": { run: endedBy("2") },
  "v3 GET after ping gives pong": { run: fetched((_, post) => post({ text: "1:2" }), V3) },
  "v3 GET mixed payload is binary": { run: fetched(sendMixed, V3) },
  "v3 GET mixed payload with b64": { handshake: `${V3}&b64=1`, run: fetched(sendMixed, V3) },
  "v3 JSONP POST": { handshake: `${V3}&j=0` },
  "v3 JSONP GET data": { handshake: `${V3}&j=0`, run: fetched((session) => session.send('a"b\u2028c€'), `${V3}&j=1`) },
  "v3 websocket session": { run: webSocketV3 },
  "v3 upgrade happy path": { run: completeUpgrade },
};

function sendMixed(session) {
  session.send("€");
  session.send(Buffer.from([1, 2, 3, 4]));
}
