// One vector of a codec: the codec is run on the vector's inputs, and what comes out replaces the recorded outcome.
//
// A codec is `{ encode(packet, vector), decode(frames, vector) }`, both possibly asynchronous. `encode` returns the
// frames, or nothing if the package never answers. `decode` returns `{ decoded, error, … }`: the keys below, as far as
// there are any, and whatever else it has to say.

import { describe, describeFrame, realFrames, realOf } from "../values.mjs";

/** What an outcome need not have. A vector loses those that its codec no longer gives. */
const OPTIONAL = { decoded: undefined, failing_frame: undefined, pending: undefined };

/** The vector as the codec has it now. `input` overrides the packet to encode, where JSON cannot tell it. */
export async function regenerate(vector, codec, input) {
  if (vector.direction === "predicate") {
    return { ...vector, ...OPTIONAL, wire: [], valid: codec.predicate(vector), error: null };
  }
  if (vector.direction === "decode") {
    const { decoded, ...outcome } = await decode(vector, realFrames(vector.wire), codec);
    const again = "decoded" in vector ? { decoded } : {};
    return { ...vector, ...OPTIONAL, packet: decoded ?? null, ...outcome, ...again };
  }
  return { ...vector, ...OPTIONAL, ...(await encode(vector, codec, input)) };
}

async function encode(vector, codec, input) {
  const packet = input === undefined ? realOf(vector.packet) : input;
  const frames = await codec.encode(packet, vector);
  if (!frames) return { wire: [], valid: false, error: "callback never invoked" };

  const onlyEncodes = vector.direction === "encode";
  // Streams that are only encoded are long: their beginning and their length stand for them.
  if (onlyEncodes && vector.level === "stream") return { wire: frames.map(beginning), valid: true, error: null };

  const { decoded = { $undefined: true }, ...outcome } = await decode(vector, frames, codec);
  const wire = frames.map(describeFrame);
  // Whether the peer takes what need only be written is told by `decoded` alone.
  return onlyEncodes ? { wire, valid: true, error: null, decoded } : { wire, decoded, ...outcome };
}

async function decode(vector, frames, codec) {
  const { decoded, error = null, ...more } = await codec.decode(frames, vector);
  return { decoded: decoded === undefined ? undefined : describe(decoded), valid: error === null, error, ...more };
}

const beginning = (frame) => ({ hex_prefix: frame.subarray(0, 12).toString("hex"), total_length: frame.length });
