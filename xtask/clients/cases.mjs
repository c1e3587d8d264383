// All cases of the JavaScript clients, in the order they run.
//
// A case is `{ name, run(bench), flags?, ends?, suites?, unicode? }`: `flags` asks for a server of its own, started with
// them, and `ends` tells that it has to end by itself; `suites` names those it applies to (`js-2`, `js-3`, `js-4`,
// `browser`, `browser-2`), all of them by default; `unicode` tells that it sends text beyond ASCII.

import { events } from "./cases/events.mjs";
import { handling } from "./cases/handling.mjs";
import { lifecycle } from "./cases/lifecycle.mjs";
import { namespaces } from "./cases/namespaces.mjs";
import { recovery } from "./cases/recovery.mjs";
import { requests } from "./cases/requests.mjs";
import { rooms } from "./cases/rooms.mjs";
import { transports } from "./cases/transports.mjs";

export const cases = [
  ...events,
  ...rooms,
  ...namespaces,
  ...handling,
  ...requests,
  ...transports,
  ...lifecycle,
  ...recovery,
];

/** Those that apply to a suite. */
export function casesFor(suite) {
  return cases.filter(({ suites }) => !suites || suites.includes(suite));
}
