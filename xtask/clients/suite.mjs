// The Node side of a suite: the command line, the server's process, the report. It knows no client.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";

const START_MS = 10_000;
const STOP_MS = 5_000;

/**
 * Runs the cases that fit the command line, prints one line each, and ends the process.
 *
 * `cases(values)` are all of them; `run(testCase, server, values)` runs one against a running server and resolves to the
 * reason of its failure, or to nothing. `values` are the parsed arguments, of which a suite may add its own by `options`.
 */
export async function runSuite({ options = {}, cases, run }) {
  const { values } = parseArgs({
    options: { server: { type: "string" }, filter: { type: "string", default: "" }, ...options },
  });
  if (!values.server) {
    console.error('usage: run.mjs --server "COMMAND" [--filter TEXT]');
    process.exit(2);
  }
  const chosen = cases(values).filter(({ name }) => name.includes(values.filter));

  let failed = 0;
  let shared = await Server.start(values.server);
  for (const testCase of chosen) {
    const start = performance.now();
    let reason;
    try {
      if (shared.exited) shared = await Server.start(values.server);
      const server = testCase.flags ? await Server.start(values.server, testCase.flags) : shared;
      reason = await run(testCase, server, values);
      if (testCase.ends && !reason) await server.ended();
      else if (server.exited) reason = `${reason ?? "passed, but"} (the server exited: ${server.exited})`;
      if (server !== shared) await server.stop();
    } catch (error) {
      reason = error.message;
    }
    if (reason) failed += 1;
    const ms = Math.round(performance.now() - start);
    console.log(reason ? `not ok - ${testCase.name}: ${reason}` : `ok - ${testCase.name} (${ms})`);
  }
  await shared.stop();
  console.log(`${chosen.length - failed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
}

/** A running testbed. */
class Server {
  #command;
  #flags;
  #process;
  /** Resolves to how the process ends. */
  #end;

  /** How the process ended, once it has. */
  exited;

  static async start(command, flags = []) {
    const server = new Server();
    server.#command = command;
    server.#flags = flags;
    await server.#spawn(0);
    return server;
  }

  /** Ends the process and starts a new one with the same flags on the same port. */
  async restart() {
    await this.stop();
    await this.#spawn(new URL(this.url).port);
  }

  /** Ends the process gracefully. */
  async stop() {
    if (this.exited) return;
    this.#process.kill("SIGTERM");
    await this.ended();
  }

  /** Waits for the end of the process; one that does not end in time, or not with code 0, is an error. */
  async ended() {
    const end = await Promise.race([this.#end, after(STOP_MS)]);
    if (!end) this.#process.kill("SIGKILL");
    if (end !== "code 0") throw new Error(`within ${STOP_MS} ms the server ended with ${end ?? "nothing"}`);
  }

  async #spawn(port) {
    // `exec`: the signal must reach the server, not a shell around it.
    const script = ["exec", this.#command, "--port", port, ...this.#flags].join(" ");
    const child = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "inherit"] });
    this.#process = child;
    this.exited = undefined;
    this.#end = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve((this.exited = signal ?? `code ${code}`)));
    });
    const listening = (async () => {
      for await (const line of createInterface({ input: child.stdout })) {
        const [, url] = /^listening on (http:\/\/\S+)$/.exec(line) ?? [];
        if (url) return url;
      }
    })();
    this.url = await Promise.race([listening, after(START_MS)]);
    if (!this.url) {
      child.kill("SIGKILL");
      throw new Error(`the server did not say where it listens: ${script}`);
    }
    // Whatever else it prints is drained, or its pipe would fill up.
    child.stdout.resume();
  }
}

function after(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
