// The workplace of a case of an Engine.IO client: connections that close themselves, and requests without any client.

import { connect as dial } from "node:net";

import { Bench } from "../harness.mjs";

export class EngineBench extends Bench {
  #connect;
  #open = new Set();

  /** `connect` is the client under test, `revision` what it speaks, `url` where the server is. */
  constructor({ connect, revision, url }) {
    super();
    this.#connect = connect;
    this.revision = revision;
    this.url = url;
  }

  /** An open connection; `options` are the client's. */
  async connect(options) {
    const socket = this.#connect(this.url, options);
    this.#open.add(socket);
    await this.wait("the open connection", (resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return socket;
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

  /** Where the requests of a polling session go, or those for a new one. */
  polling(sid) {
    const session = sid ? `&sid=${sid}` : "";
    return `${this.url}/engine.io/?EIO=${this.revision}&transport=polling${session}`;
  }

  /** A request on a connection of its own: the server may close one that is idle just when it is to be used again. */
  fetch(url, options) {
    return fetch(url, { ...options, headers: { connection: "close" } });
  }

  /** Opens a session on polling and resolves to its id. */
  async open() {
    const body = await (await this.fetch(this.polling())).text();
    return JSON.parse(body.slice(body.indexOf("{"))).sid;
  }

  /** The payload of these packets of ASCII. */
  payload(...packets) {
    if (this.revision === 4) return packets.join("\x1e");
    return packets.map((packet) => `${packet.length}:${packet}`).join("");
  }

  /** A TCP connection on which `text` is sent first; it keeps what comes `back`. */
  tcp(text) {
    const { hostname, port } = new URL(this.url);
    const tcp = dial(Number(port), hostname);
    this.#open.add({ close: () => tcp.destroy() });
    tcp.back = "";
    tcp.on("data", (data) => (tcp.back += data));
    // Whatever ends it is seen by what is missing.
    tcp.on("error", () => {});
    tcp.write(text);
    return tcp;
  }

  /** Closes every connection. */
  close() {
    super.close();
    for (const it of this.#open) it.close();
  }
}
