// What a case may use, in Node and in a browser alike: sockets that close themselves, waits that can be named when
// the deadline strikes, and comparison. It knows neither processes nor files.

const DEADLINE_MS = 10_000;

/** Runs one case at a bench and resolves to the reason of its failure, or to undefined when it passed. */
export async function runCase(run, bench) {
  let reason;
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${DEADLINE_MS} ms; ${bench.pending()}`)), DEADLINE_MS);
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

/** The workplace of one case: waits. A client's own is made of it. */
export class Bench {
  #waits = new Set();
  #refuse;

  /** Rejects when an event arrives that must not. */
  refused = new Promise((_, reject) => (this.#refuse = reject));

  /** The arguments of the next `event` of a socket, manager or engine. */
  next(emitter, event) {
    return this.wait(event, (resolve) => emitter.once(event, (...args) => resolve(args)));
  }

  /** Lets the case fail if `event` ever arrives. */
  refuse(emitter, event) {
    emitter.on(event, (...args) => this.#refuse(new Error(`unexpected ${event} ${brief(canonical(args))}`)));
  }

  /** The first arguments of the next `count` occurrences of `event`. */
  collect(emitter, event, count) {
    const seen = [];
    return this.wait(`${count} times ${event}`, (resolve) => {
      emitter.on(event, (first) => {
        seen.push(first);
        if (seen.length === count) resolve(seen);
      });
    });
  }

  /** Lets `ms` milliseconds pass. */
  idle(ms) {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /** A promise with a name, should the deadline strike. */
  wait(what, executor) {
    this.#waits.add(what);
    return new Promise(executor).finally(() => this.#waits.delete(what));
  }

  /** What the case still waits for, in words. */
  pending() {
    return this.#waits.size === 0 ? "nothing was waited for" : `waiting for ${[...this.#waits].join(", ")}`;
  }

  /** Ends the case: from now on nothing is unexpected. */
  close() {
    this.#refuse = () => {};
  }
}

/** The workplace of a case of a Socket.IO client. */
export class SocketBench extends Bench {
  #managers = new Set();

  /**
   * `io` and `Manager` are the client under test, `revision` the one of Engine.IO it speaks, `msgpack` its parser of that
   * name, if it has one; `restart` restarts the server on the same port.
   */
  constructor({ io, Manager, revision = 4, msgpack, url, restart }) {
    super();
    this.io = io;
    this.Manager = Manager;
    this.revision = revision;
    this.msgpack = msgpack;
    this.url = url;
    this.restart = restart;
  }

  /**
   * A socket on a connection of its own, not waited for. `options` are the client's, and `url` if the server is called
   * by another name; it does not reconnect by default. `io` may be another client than the one under test.
   */
  socket({ url = this.url, ...options } = {}, namespace = "/", io = this.io) {
    const socket = io(url + namespace, { forceNew: true, reconnection: false, ...options });
    this.#managers.add(socket.io);
    return socket;
  }

  /** A connected socket on a connection of its own. */
  async connect(options, namespace, io) {
    const socket = this.socket(options, namespace, io);
    await this.connected(socket);
    return socket;
  }

  /** A further namespace on the connection of `socket`, connected. */
  async join(socket, namespace) {
    const other = socket.io.socket(namespace);
    await this.connected(other);
    return other;
  }

  /** A connection without any socket. */
  manager(options = {}) {
    const manager = new this.Manager(this.url, { reconnection: false, ...options });
    this.#managers.add(manager);
    return manager;
  }

  /** Resolves once `socket` is connected, rejects when the server refuses it. */
  connected(socket) {
    return this.wait(`connect to ${socket.nsp}`, (resolve, reject) => {
      socket.once("connect", resolve);
      // Clients before 3 tell a refusal by `error`.
      for (const event of ["connect_error", "error"]) {
        socket.once(event, (error) => reject(new Error(`${event}: ${error.message ?? canonical(error)}`)));
      }
    });
  }

  /** Resolves once the engine of `socket` has left polling for websocket. */
  upgraded(socket) {
    const { engine } = socket.io;
    if (engine.transport.name === "websocket") return Promise.resolve();
    return this.wait("the upgrade", (resolve) => engine.once("upgrade", () => resolve()));
  }

  /** Emits and resolves to the arguments of the ack. */
  ask(socket, event, ...args) {
    return this.wait(`the ack of ${event}`, (resolve) => {
      socket.emit(event, ...args, (...answer) => resolve(answer));
    });
  }

  /** Gives `socket` a tag and returns it: the server tells its disconnect reason to whoever asks by that tag. */
  async tag(socket) {
    const tag = `tag-${Math.random()}`;
    await this.ask(socket, "tag", tag);
    return tag;
  }

  /** Closes every connection, whatever its sockets are doing. */
  close() {
    super.close();
    for (const manager of this.#managers) {
      manager.reconnection(false);
      // Clients before 3 have no other name for it.
      (manager._close ?? manager.close).call(manager);
    }
  }
}

/** Throws unless the two values are the same to a Socket.IO peer: key order and the type of a binary do not matter. */
export function same(actual, expected, what = "value") {
  const [left, right] = [canonical(actual), canonical(expected)];
  if (left !== right) throw new Error(`${what}: got ${brief(left)} instead of ${brief(right)}`);
}

/** Throws unless `condition` holds. */
export function check(condition, what) {
  if (!condition) throw new Error(what);
}

/** `length` bytes counting up, in a type that all generations of clients take for binary here. */
export function binary(length) {
  const { buffer } = new Uint8Array(length).map((_, i) => i);
  return globalThis.Buffer?.from(buffer) ?? buffer;
}

/** The numbers from 0 up to `count`. */
export function upTo(count) {
  return Array.from({ length: count }, (_, i) => i);
}

function canonical(value) {
  return JSON.stringify(plain(value)) ?? "undefined";
}

function plain(value) {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof ArrayBuffer) return `binary ${new Uint8Array(value).join()}`;
  if (ArrayBuffer.isView(value)) return `binary ${new Uint8Array(value.buffer, value.byteOffset, value.byteLength).join()}`;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, plain(value[key])]));
}

function brief(text) {
  return text.length > 120 ? `${text.slice(0, 120)}… (${text.length} characters)` : text;
}
