// Connection state recovery: what a client gets that comes back, and when it is a stranger.

import { check, same } from "../harness.mjs";

const RECOVERY = ["--recovery-ms", "10000"];

/** A socket that has been in `room`, with a state, and whose link is gone, and its id; the server has noticed. */
async function lost(t, watcher, transport) {
  const socket = await t.connect({ transports: [transport] });
  const { id } = socket;
  await t.ask(socket, "join", "room");
  await t.ask(socket, "state-set", "kept");
  const tag = await t.tag(socket);
  // The last event it gets: the offset in it is what it will show.
  const last = t.next(socket, "room-message");
  await t.ask(watcher, "in-room", "room", "last");
  same((await last)[0], "last");
  const gone = t.next(socket, "disconnect");
  socket.io.engine.close();
  await gone;
  await t.ask(watcher, "reason-of", tag);
  return [socket, id];
}

/** Connects again. */
async function back(t, socket) {
  const connected = t.connected(socket);
  socket.connect();
  await connected;
}

export const recovery = [
  ...["polling", "websocket"].flatMap((transport) => [
    {
      name: `a lost connection goes on with what it missed (${transport})`,
      suites: ["js-4", "browser"],
      flags: RECOVERY,
      async run(t) {
        const watcher = await t.connect();
        const [socket, id] = await lost(t, watcher, transport);
        check(!socket.recovered, "recovered at first");
        const binary = new Uint8Array([1, 2, 3]);
        await t.ask(watcher, "in-room", "room", "missed");
        await t.ask(watcher, "in-room", "elsewhere", "not for it");
        await t.ask(watcher, "in-room", "room", binary);
        await t.ask(watcher, "to-rooms", [], ["room"], "but not to it");
        await t.ask(watcher, "everyone-ready", "but not when it comes back");
        await t.ask(watcher, "everyone", "to all");
        const missed = t.collect(socket, "room-message", 3);
        t.refuse(socket, "auth");
        await back(t, socket);
        same(await missed, ["missed", binary, "to all"]);
        same([socket.recovered, socket.id], [true, id]);
        same(await t.ask(socket, "state-get"), ["kept"]);
        same(await t.ask(socket, "rooms"), [["room"]]);
        const news = t.next(socket, "room-message");
        await t.ask(watcher, "in-room", "room", "news");
        same((await news)[0], "news");
      },
    },
    {
      name: `a connection that is lost again and again goes on (${transport})`,
      suites: ["js-4", "browser"],
      flags: RECOVERY,
      async run(t) {
        const watcher = await t.connect();
        const [socket, id] = await lost(t, watcher, transport);
        const all = t.collect(socket, "room-message", 10);
        for (let round = 0; round < 5; round++) {
          await t.ask(watcher, "in-room", "room", `${round} while it is away`);
          await back(t, socket);
          same([socket.recovered, socket.id], [true, id], `round ${round}`);
          const tag = await t.tag(socket);
          const there = t.next(socket, "room-message");
          await t.ask(watcher, "in-room", "room", `${round} while it is there`);
          await there;
          const gone = t.next(socket, "disconnect");
          socket.io.engine.close();
          await gone;
          await t.ask(watcher, "reason-of", tag);
        }
        const rounds = [0, 1, 2, 3, 4];
        same(await all, rounds.flatMap((round) => [`${round} while it is away`, `${round} while it is there`]));
      },
    },
  ]),
  {
    name: "who has left is a stranger when coming back",
    suites: ["js-4", "browser"],
    flags: RECOVERY,
    async run(t) {
      const watcher = await t.connect();
      const socket = await t.connect();
      const { id } = socket;
      await t.ask(socket, "join", "room");
      const tag = await t.tag(socket);
      const last = t.next(socket, "room-message");
      await t.ask(watcher, "in-room", "room", "last");
      await last;
      socket.disconnect();
      await t.ask(watcher, "reason-of", tag);
      await t.ask(watcher, "in-room", "room", "missed");
      t.refuse(socket, "room-message");
      const greeted = t.next(socket, "auth");
      await back(t, socket);
      await greeted;
      check(!socket.recovered && socket.id !== id, "recovered");
      same(await t.ask(socket, "rooms"), [[]]);
    },
  },
  {
    name: "who comes back too late is a stranger",
    suites: ["js-4", "browser"],
    flags: ["--recovery-ms", "50"],
    async run(t) {
      const watcher = await t.connect();
      const [socket, id] = await lost(t, watcher, "websocket");
      await t.idle(100);
      t.refuse(socket, "room-message");
      await back(t, socket);
      check(!socket.recovered && socket.id !== id, "recovered");
      same(await t.ask(socket, "state-get"), [null]);
    },
  },
];
