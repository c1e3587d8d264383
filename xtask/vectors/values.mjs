// JavaScript values as the vector files describe them, and back.
//
// JSON has no bytes, no `undefined`, no NaN, no dates and no lone surrogates: `{"$hex": "…"}` and its like stand for
// them.

/** A plain object; everything else that is an object has a description of its own. */
const isPlain = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

const bytes = (hex) => Buffer.from(hex, "hex");

/** What a description stands for. */
export function realOf(described) {
  if (Array.isArray(described)) return described.map(realOf);
  if (!isPlain(described)) return described;
  if ("$hex" in described) return bytes(described.$hex);
  if ("$undefined" in described) return undefined;
  if ("$number" in described) return Number(described.$number);
  if ("$date" in described) return new Date(described.$date);
  if ("$utf16" in described) return String.fromCharCode(...described.$utf16.split(" ").map((unit) => parseInt(unit, 16)));
  if ("$repeat" in described) return repeated(realOf(described.$repeat), described.count);
  return mapValues(described, realOf);
}

/** The description of a value. An undefined property counts as none; an undefined element is described. */
export function describe(value) {
  if (value === undefined) return { $undefined: true };
  if (typeof value === "string") return value.isWellFormed() ? value : { $utf16: units(value) };
  if (typeof value === "number") return Number.isFinite(value) ? value : { $number: String(value) };
  if (value instanceof Date) return { $date: value.toISOString() };
  if (isBytes(value)) return { $hex: hex(value) };
  if (Array.isArray(value)) return value.map(describe);
  if (!isPlain(value)) return value;
  const present = Object.fromEntries(Object.entries(value).filter(([, property]) => property !== undefined));
  return mapValues(present, describe);
}

/** Frames of a wire, `{text}` or `{hex}`, as the packages take them. */
export const realFrames = (wire) => wire.map((frame) => frame.text ?? bytes(frame.hex));

/** What a package wrote or got, as a frame of a wire. */
export const describeFrame = (frame) => (typeof frame === "string" ? { text: frame } : { hex: hex(frame) });

export function hex(value) {
  const view = ArrayBuffer.isView(value) ? [value.buffer, value.byteOffset, value.byteLength] : [value];
  return Buffer.from(...view).toString("hex");
}

const isBytes = (value) => value instanceof ArrayBuffer || ArrayBuffer.isView(value);

const units = (text) =>
  Array.from({ length: text.length }, (_, i) => text.charCodeAt(i).toString(16).padStart(4, "0")).join(" ");

const repeated = (value, count) =>
  typeof value === "string" ? value.repeat(count) : Buffer.concat(Array.from({ length: count }, () => value));

/** Keeps `__proto__` an ordinary property, as JSON.parse does. */
const mapValues = (object, map) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]));
