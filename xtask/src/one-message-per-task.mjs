// Loaded before an official suite, which awaits one WebSocket message after the other.
//
// In browsers each event is a task of its own. The `ws` package which the suites pin emits all messages of one read in the
// same turn, even with `open`, and whatever comes between two awaits is lost. This gives them the order of browsers,
// whoever the server.

let adapted;

Object.defineProperty(globalThis, "WebSocket", {
  configurable: true,
  get: () => adapted,
  set(WebSocket) {
    adapted = class extends WebSocket {
      #waiting = [];
      #turn;

      emit(name, ...values) {
        if (!["open", "message", "close"].includes(name)) return super.emit(name, ...values);
        // The first one is not held up: what comes by another connection meanwhile would overtake it.
        if (this.#turn) return this.#waiting.push([name, values]) > 0;
        this.#turn = setImmediate(() => this.#next());
        return super.emit(name, ...values);
      }

      #next() {
        this.#turn = undefined;
        const next = this.#waiting.shift();
        if (!next) return;
        this.#turn = setImmediate(() => this.#next());
        super.emit(next[0], ...next[1]);
      }
    };
  },
});
