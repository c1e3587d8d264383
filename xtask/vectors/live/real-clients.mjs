// Sessions of the JavaScript clients with the official server.

import { once } from "node:events";
import { connect as dial, createServer } from "node:net";

import { io as client4 } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";

import { until } from "./engine.mjs";
import { bytes } from "./raw-client.mjs";

/** A session in MessagePack, as the client's engine saw it. */
export async function msgpackClient({ port }) {
  const socket = client4(`http://127.0.0.1:${port}`, { parser: msgpack, transports: ["websocket"], autoConnect: false });
  const log = [];
  const { io: manager } = socket;
  socket.connect();
  const { engine } = manager;
  const show = ({ type, data }) => (type === "message" ? bytes(data) : `${type}:${data}`);
  engine.on("packet", (packet) => log.push(`< ${show(packet)}`));
  engine.on("packetCreate", (packet) => log.push(`> ${show(packet)}`));
  await once(socket, "connect");
  await new Promise((resolve) => socket.emit("echo", Buffer.from([1, 2]), resolve));
  socket.disconnect();
  const numbered = log.slice(0, -1).map((line) => line.replace(/(?<="sid":")[\w-]{20}/, "<sid1>"));
  return { log: numbered, server_disconnects: undefined };
}

/** A client that goes from polling to WebSocket, seen on the wire. */
export const fromPolling = (client) => async ({ port }, flow) => {
  const wire = await tap(port);
  const socket = client(`http://127.0.0.1:${wire.port}`, { forceNew: true });
  await new Promise((resolve) => socket.on("connect", resolve));
  await new Promise((resolve) => socket.emit("echo", "hé", resolve));
  const upgraded = (line) => line.startsWith("> <bytes 8181");
  await until(() => wire.log.some(upgraded));
  const log = wire.log.map((line) => withKnownMask(line, flow.log));
  socket.disconnect();
  wire.stop();
  return { log, server_disconnects: undefined };
};

/** The same frame as a line of `recorded`, if there is one: clients mask at random. */
const withKnownMask = (line, recorded) => recorded.find((known) => unmasked(known) === unmasked(line)) ?? line;

/** A short frame of a client without its mask. */
function unmasked(line) {
  const frame = line.match(/^> <bytes (8.)[89a-f].([0-9a-f]{8})([0-9a-f]*)>$/);
  if (!frame) return line;
  const [, head, mask, payload] = frame;
  const key = Buffer.from(mask, "hex");
  return `${head} ${Buffer.from(payload, "hex").map((byte, i) => byte ^ key[i % 4])}`;
}

/** Stands between client and server and logs what passes. */
async function tap(port) {
  const log = [];
  let ask;
  const asked = new Promise((resolve) => (ask = resolve));
  const proxy = createServer((near) => {
    const far = dial(port, "127.0.0.1");
    near.pipe(far);
    near.on("data", (chunk) => {
      log.push(`> ${seen(chunk)}`);
      if (chunk.includes("echo")) ask();
    });
    far.on("data", async (chunk) => {
      log.push(`< ${seen(chunk)}`);
      // The answer to the probe waits for the question, so that this always goes over polling.
      if (chunk.includes("3probe")) await asked;
      near.write(chunk);
    });
    far.on("end", () => near.end());
    for (const end of [near, far]) end.on("error", () => {});
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return { port: proxy.address().port, log, stop: () => proxy.close() };
}

/** First line and body of an HTTP message, or the bytes of a frame. */
function seen(chunk) {
  const text = chunk.toString();
  if (!/^(GET|POST|HTTP)/.test(text)) return `<bytes ${chunk.toString("hex")}>`;
  const [head, body] = text.split("\r\n\r\n");
  const line = head.split("\r\n")[0].replace(/([?&]t=)[^& ]+/, "$1<t>");
  return body ? `${line} | ${body}` : line;
}
