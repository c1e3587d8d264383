// Loaded before an official suite, which awaits one WebSocket message after the other.
//
// In browsers each message is a task of its own. The `ws` package which the suites pin emits all messages of one read in
// the same turn, and whatever comes between two awaits is lost. This gives them the order of browsers, whoever the server.

let adapted;

Object.defineProperty(globalThis, "WebSocket", {
  configurable: true,
  get: () => adapted,
  set(WebSocket) {
    adapted = class extends WebSocket {
      #turn = Promise.resolve();

      emit(name, ...values) {
        if (name !== "message" && name !== "close") return super.emit(name, ...values);
        this.#turn = this.#turn.then(() => new Promise(setImmediate)).then(() => super.emit(name, ...values));
        return true;
      }
    };
  },
});
