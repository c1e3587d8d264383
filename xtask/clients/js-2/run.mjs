// Runs the cases with socket.io-client 1.x and 2.x inside Node.

import { createRequire } from "node:module";

import { SocketBench, runCase } from "../harness.mjs";
import { runSuite } from "../suite.mjs";
import { casesIn } from "./cases.mjs";
import { mixed } from "./mixed.mjs";
import { refused } from "./refused.mjs";

const require = createRequire(import.meta.url);

await runSuite({
  options: { client: { type: "string", multiple: true, default: ["1.7", "2.0", "2.5"] } },
  cases: ({ client }) => client.flatMap(casesWith),
  run: ({ run, io }, server) =>
    runCase(
      run,
      new SocketBench({ io, Manager: io.Manager, revision: 3, url: server.url, restart: () => server.restart() }),
    ),
});

/** The cases of one version of the client, which each of them brings along. */
function casesWith(version) {
  const io = require(`socket.io-client-${version}`);
  const cases = [...casesIn("js-2", parseInt(version)), ...mixed, ...refused];
  return cases.map((testCase) => ({ ...testCase, name: `${version}: ${testCase.name}`, io }));
}
