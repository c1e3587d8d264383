// The cases of each client, here and in the page.

import { casesFor } from "../cases.mjs";
import { casesIn } from "../js-2/cases.mjs";

/** All cases of a client, by its version. */
export function casesOf(client) {
  return client === "4" ? casesFor("browser") : casesIn("browser-2", parseInt(client));
}
