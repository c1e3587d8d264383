// The workplace of a case: connections that close themselves, plain requests, and waits with a deadline.

import { connect as dial } from "node:net";

const DEADLINE_MS = 20_000;

/** Runs one case and resolves to the reason of its failure, or to undefined when it passed. */
export async function runCase({ run }, environment) {
  const bench = new Bench(environment);
  let reason;
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  try {
    await Promise.race([run(bench), bench.refused, deadline]);
  } catch (error) {
    reason = error?.message ?? String(error);
  }
  clearTimeout(timer);
  bench.close();
  return reason;
}

class Bench {
  #connect;
  #sockets = new Set();
  #refuse;

  /** Rejects when an event arrives that must not. */
  refused = new Promise((_, reject) => (this.#refuse = reject));

  /** `connect` is the client under test, `revision` what it speaks, `url` where the server is. */
  constructor({ connect, revision, url }) {
    this.#connect = connect;
    this.revision = revision;
    this.url = url;
  }

  /** An open connection; `options` are the client's. */
  async connect(options) {
    const socket = this.#connect(this.url, options);
    this.#sockets.add(socket);
    await new Promise((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", (error) => reject(new Error(`not open: ${error.message}`)));
    });
    return socket;
  }

  /** The arguments of the next `event`. */
  next(emitter, event) {
    return new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));
  }

  /** The first arguments of the next `count` occurrences of `event`. */
  collect(emitter, event, count) {
    const seen = [];
    return new Promise((resolve) => {
      emitter.on(event, (first) => {
        seen.push(first);
        if (seen.length === count) resolve(seen);
      });
    });
  }

  /** Lets the case fail if `event` ever arrives. */
  refuse(emitter, event) {
    emitter.once(event, (reason) => this.#refuse(new Error(`unexpected ${event}: ${reason}`)));
  }

  /** Resolves once `socket` has left polling for websocket. */
  async upgraded(socket) {
    if (socket.transport.name === "polling") await this.next(socket, "upgrade");
  }

  /** Sends a message and resolves to the next one that comes. */
  async echo(socket, message) {
    const back = this.next(socket, "message");
    socket.send(message);
    return (await back)[0];
  }

  /** Lets `ms` milliseconds pass. */
  idle(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** Where requests for polling go, of the session `sid` if there is one. */
  polling(sid) {
    const session = sid ? `&sid=${sid}` : "";
    return `${this.url}/engine.io/?EIO=${this.revision}&transport=polling${session}`;
  }

  /** A session on polling without any client; resolves to its id. */
  async open() {
    const body = await (await fetch(this.polling())).text();
    return JSON.parse(body.slice(body.indexOf("{"))).sid;
  }

  /** How many a payload holds `packets`, in this revision's words. */
  payload(...packets) {
    if (this.revision === 4) return packets.join("\x1e");
    return packets.map((packet) => `${packet.length}:${packet}`).join("");
  }

  /** Sends requests one by one over a TCP connection; resolves to that connection, which keeps what has come `back`. */
  async tcp(text) {
    const { hostname, port } = new URL(this.url);
    const tcp = dial(Number(port), hostname);
    this.#sockets.add({ close: () => tcp.destroy() });
    tcp.back = "";
    tcp.on("data", (data) => (tcp.back += data));
    tcp.on("error", () => {});
    tcp.write(text);
    return tcp;
  }

  /** Closes every connection. */
  close() {
    this.#refuse = () => {};
    for (const socket of this.#sockets) socket.close();
  }
}
