// An official engine.io server in this process, what it reports, and raw clients to talk to it.

import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

import { Server } from "engine.io";
import WebSocket from "ws";

import { hex } from "../values.mjs";

/** How long nothing may happen before an exchange counts as over. */
const QUIET = 60;

/** Headers that say nothing about the protocol. */
const OF_NODE = ["connection", "date", "keep-alive", "transfer-encoding"];

/** The order in which headers are told; others come after them. */
const HEADERS = [
  "connection",
  "content-type",
  "content-length",
  "set-cookie",
  "cache-control",
  "content-encoding",
  "access-control-allow-origin",
  "access-control-allow-credentials",
  "access-control-allow-methods",
  "access-control-allow-headers",
  "vary",
];

/** A server with these options that records errors, the ends of sessions, and messages. */
export async function startEngine({ use, generateId, ...options } = {}) {
  const http = createServer((_, response) => response.writeHead(404).end());
  const engine = new Server(options);
  if (use) engine.use(use);
  if (generateId) engine.generateId = generateId;
  engine.attach(http);

  const report = { connection_error: [], session_close: [], messages: [] };
  engine.on("connection_error", ({ code, message, context }) => {
    report.connection_error.push({ code, message, context: plain(context) });
  });
  engine.on("connection", (socket) => {
    socket.on("message", (message) => report.messages.push(frame(message)));
    socket.on("close", (reason, description) => report.session_close.push([reason, reasonWhy(description)]));
  });

  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address();
  return {
    port,
    report,
    /** The only session there is. */
    session: () => Object.values(engine.clients)[0],
    async stop() {
      engine.close();
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
}

/** Sends one HTTP request; `end` false leaves its body unfinished. */
export function startRequest(port, { method = "GET", url, headers, body }, { end = true } = {}) {
  const request = httpRequest({ port, host: "127.0.0.1", method, path: url, headers, agent: false });
  const answered = answerTo(request);
  if (body) request.write("hex" in body ? Buffer.from(body.hex, "hex") : body.text);
  if (end) request.end();
  return { answered, abort: () => request.destroy() };
}

/** One HTTP exchange. */
export const exchange = (port, request) => startRequest(port, request).answered;

async function answerTo(request) {
  try {
    const [response] = await once(request, "response");
    const chunks = await response.toArray();
    return { status: response.statusCode, headers: headersOf(response, OF_NODE), body: bodyOf(response, chunks) };
  } catch (error) {
    return { error: error.code };
  }
}

/** A websocket that keeps what it gets. `answered` is the answer to the request, with what came until it was quiet. */
export function openWebSocket(port, url) {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${url}`, { perMessageDeflate: false });
  const frames = [];
  ws.on("message", (data, isBinary) => frames.push(isBinary ? { hex: hex(data) } : data.toString()));
  const opened = once(ws, "open");
  let closed;
  const ended = new Promise((resolve) => {
    ws.once("close", (code, reason) => {
      closed = [code, reason.toString()];
      resolve(closed);
    });
  });
  const answered = new Promise((resolve) => {
    ws.once("open", async () => {
      await quiet();
      resolve({ status: 101, frames, ...(closed && { closed }) });
    });
    ws.once("unexpected-response", async (_, response) => {
      const body = bodyOf(response, await response.toArray());
      resolve({ status: response.statusCode, headers: headersOf(response, []), body });
    });
    // Once it is open, an error shows in how it ended.
    opened.catch((error) => resolve({ error: error.message }));
    ws.on("error", () => {});
  });
  return { ws, frames, opened, ended, answered };
}

/** Long enough for whatever follows at once to have happened. */
export const quiet = () => delay(QUIET);

/** Ends when `condition` holds; the steps of an exchange wait for each other with it. */
export async function until(condition, deadline = 5000) {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > deadline) throw new Error(`still not: ${condition}`);
    await delay(5);
  }
}

export const frame = (data) => (typeof data === "string" ? data : { hex: hex(data) });

/** A context without what JSON cannot say. */
const plain = (context) =>
  JSON.parse(JSON.stringify(context ?? {}, (_, value) => (value instanceof Error ? value.message : value)));

/** The description of a close: what caused the error, if something did, or what it says. */
const reasonWhy = (description) => (description ? String(description.description ?? description.message) : null);

/** The headers in a fixed order, since their own says nothing. */
function headersOf(response, left) {
  const names = Object.keys(response.headers).filter((name) => !left.includes(name));
  const known = HEADERS.filter((name) => names.includes(name));
  const others = names.filter((name) => !HEADERS.includes(name)).sort();
  return Object.fromEntries([...known, ...others].map((name) => [name, response.headers[name]]));
}

function bodyOf(response, chunks) {
  const body = Buffer.concat(chunks);
  const isBinary = response.headers["content-type"] === "application/octet-stream";
  return isBinary ? { hex: hex(body) } : { text: body.toString() };
}
