// The Engine.IO codecs: engine.io-parser 2 and the server's copy of it, engine.io-parser 5 with its stream framing.

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";

import eiop3 from "eiop3";
import * as eiop4 from "eiop4";

const require = createRequire(import.meta.url);
/** The package does not export it. */
const serverCopy = require(join(dirname(require.resolve("engine.io")), "parser-v3/index.js"));

const errorOf = (packets) => [packets].flat().find((packet) => packet.type === "error")?.data ?? null;

/** What was decoded, as an outcome. */
const outcome = (decoded) => ({ decoded, error: errorOf(decoded) });

/** The frame that an encoder handed to its callback, if it ever did. */
function written(encode) {
  let frames;
  encode((frame) => {
    frames = [frame];
  });
  return frames;
}

const v3 = (parser) => ({
  encode(packet, { level, options }) {
    const { supportsBinary } = options;
    return level === "payload"
      ? written((done) => parser.encodePayload(packet, supportsBinary, done))
      : written((done) => parser.encodePacket(packet, supportsBinary, false, done));
  },
  decode([frame], { level }) {
    if (level !== "payload") return outcome(parser.decodePacket(frame));
    const packets = [];
    parser.decodePayload(frame, (packet) => void packets.push(packet));
    return outcome(packets);
  },
});

const client3 = v3(eiop3);
const server3 = v3(serverCopy);

/** Revision 3. The server's copy must agree; where it does not, the outcome says so. */
export const engineioV3 = {
  encode(packet, vector) {
    return client3.encode(packet, vector);
  },
  decode(frames, vector) {
    const client = client3.decode(frames, vector);
    const server = server3.decode(frames, vector);
    return isDeepStrictEqual(client, server) ? client : { ...client, server_copy: server };
  },
};

/** Revision 4; `stream` is the framing of WebTransport. */
export const engineioV4 = {
  async encode(packet, { level, transport }) {
    if (level === "stream") return [Buffer.concat(await through(eiop4.createPacketEncoderStream(), [packet]))];
    if (level === "payload") return written((done) => eiop4.encodePayload(packet, done));
    return written((done) => eiop4.encodePacket(packet, transport === "websocket", done));
  },
  async decode(frames, { level, options }) {
    if (level === "packet") return outcome(eiop4.decodePacket(frames[0]));
    if (level === "payload") return outcome(eiop4.decodePayload(frames[0]));
    const maxPayload = options?.maxPayload ?? 1e6;
    return outcome(await through(eiop4.createPacketDecoderStream(maxPayload, "nodebuffer"), frames));
  },
};

/** Everything a stream makes of these chunks. */
async function through(stream, chunks) {
  const reading = collect(stream.readable);
  const writer = stream.writable.getWriter();
  for (const chunk of chunks) await writer.write(chunk);
  await writer.close();
  return reading;
}

async function collect(readable) {
  const all = [];
  for await (const item of readable) all.push(item);
  return all;
}
