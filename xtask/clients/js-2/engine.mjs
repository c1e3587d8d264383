// Runs the Engine.IO cases with engine.io-client 3.x inside Node.

import connect from "engine.io-client-3";

import { Bench, runCase } from "../harness.mjs";
import { runSuite } from "../suite.mjs";
import { cases } from "./engine-cases.mjs";

/** The workplace of a case of an Engine.IO client. */
class EngineBench extends Bench {
  #server;
  #sockets = [];

  constructor(server) {
    super();
    this.#server = server;
  }

  /** An open connection; `options` are the client's. */
  async connect(options) {
    const socket = connect(this.#server.url, options);
    this.#sockets.push(socket);
    await this.wait("the open connection", (resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return socket;
  }

  /** Sends a message and resolves to the next one that comes. */
  async echo(socket, message) {
    const back = this.next(socket, "message");
    socket.send(message);
    return (await back)[0];
  }

  /** Restarts the server on the same port. */
  restart() {
    return this.#server.restart();
  }

  /** Closes every connection. */
  close() {
    super.close();
    for (const socket of this.#sockets) socket.close();
  }
}

await runSuite({
  cases: () => cases,
  run: ({ run }, server) => runCase(run, new EngineBench(server)),
});
