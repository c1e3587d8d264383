// The Socket.IO codecs: socket.io-parser 3.3 (with 3.4 beside it), socket.io-parser 4, socket.io-msgpack-parser.

import { isDeepStrictEqual } from "node:util";

import hasBinary from "has-binary2";
import siop4 from "siop4";
import siop4b from "siop4b";
import * as siop5 from "siop5";
import msgpack from "socket.io-msgpack-parser";

/** Hands frames to a decoder until one of them throws. */
function feed(decoder, frames) {
  let decoded;
  decoder.on("decoded", (packet) => {
    decoded = packet;
  });
  for (const [index, frame] of frames.entries()) {
    try {
      decoder.add(frame);
    } catch (error) {
      return { decoded, error: error.message, failing_frame: index };
    }
  }
  return { decoded };
}

/** `attachments` counts what the decoder still waits for, or waited for: not part of the packet. */
function withoutCount(packet) {
  if (!packet) return packet;
  const { attachments, ...rest } = packet;
  return rest;
}

const v4 = (parser) => ({
  encode(packet) {
    let frames;
    new parser.Encoder().encode(packet, (encoded) => {
      frames = encoded;
    });
    return frames;
  },
  decode(frames) {
    const { decoded, ...outcome } = feed(new parser.Decoder(), frames);
    // The decoder does not throw at an unknown type: it makes an ERROR packet without a namespace of it.
    const error = decoded?.type === parser.ERROR && decoded.nsp === undefined ? { error: decoded.data } : {};
    return { decoded: withoutCount(decoded), ...error, ...outcome };
  },
});

const parser33 = v4(siop4);
const parser34 = v4(siop4b);

/** Protocol 4. Version 3.4 must agree; where it does not, the outcome says so. */
export const socketioV4 = {
  encode: (packet) => parser33.encode(packet),
  decode(frames) {
    const outcome = parser33.decode(frames);
    const other = parser34.decode(frames);
    return isDeepStrictEqual(outcome, other) ? outcome : { ...outcome, siop4b: other };
  },
  predicate: ({ packet }) => hasBinary(PREDICATES[packet]),
};

/** Protocol 5. */
export const socketioV5 = {
  encode: (packet) => new siop5.Encoder().encode(packet),
  decode(frames, { options }) {
    const decoder = new siop5.Decoder(options);
    const { decoded, ...outcome } = feed(decoder, frames);
    const waits = decoder.reconstructor ? { pending: true } : {};
    const incomplete = waits.pending && !outcome.error ? { error: "incomplete" } : {};
    return { decoded: withoutCount(decoded), ...outcome, ...incomplete, ...waits };
  },
};

/** Protocol 5 in MessagePack: one binary frame a packet. */
export const socketioMsgpack = {
  encode: (packet) => new msgpack.Encoder().encode(packet),
  decode(frames) {
    const { decoded, error } = feed(new msgpack.Decoder(), frames);
    return { decoded, error };
  },
};

const cycle = {};
cycle.self = cycle;

/** What to encode where JSON cannot tell it, by the name of the vector. */
export const INPUTS_V4 = {
  "unserializable payload": { type: 2, nsp: "/admin", data: ["a", cycle] },
};

export const INPUTS_V5 = {
  "binary event ArrayBuffer and typed array": {
    type: 2,
    nsp: "/",
    data: ["a", new Uint8Array([1, 2]).buffer, new Uint16Array([1])],
  },
  "binary inside toJSON": { type: 2, nsp: "/", data: ["a", { toJSON: () => ({ b: Buffer.from([1]) }) }] },
  "undefined property next to binary": { type: 2, nsp: "/", data: ["a", { b: Buffer.from([1]), u: undefined }] },
};

/** What the predicate vectors ask has-binary2 about. */
const PREDICATES = {
  plain: { a: 1 },
  Buffer: Buffer.from([1]),
  ArrayBuffer: new ArrayBuffer(1),
  "Uint8Array (not a Buffer)": new Uint8Array([1]),
  nested: { a: [{ b: Buffer.from([1]) }] },
  null: null,
  "toJSON returning buffer": { toJSON: () => Buffer.from([1]) },
};
