// What differs from run to run by design: ids, and offsets, which are times.

/**
 * Ids of sessions, sockets and recovery, as text and as the `sid` of a MessagePack map in hex; offsets, which are the
 * time in base 64 (they begin so from 2020 to 2040).
 */
const RANDOM = /(?<![\w-])(?:[\w-]{20}|[M-W][\w-]{6}(?=\\*"|\.\d))(?![\w-])|(?<=a3736964b4)[0-9a-f]{40}/g;

/** `fresh` with its ids replaced, in their order of appearance, by those of `committed`. */
export function withIdsOf(committed, fresh) {
  const kept = idsOf(JSON.stringify(committed));
  const found = idsOf(JSON.stringify(fresh));
  const renamed = new Map(found.map((id, i) => [id, kept[i] ?? id]));
  return JSON.parse(JSON.stringify(fresh).replace(RANDOM, (id) => renamed.get(id)));
}

const idsOf = (text) => [...new Set(text.match(RANDOM))];
