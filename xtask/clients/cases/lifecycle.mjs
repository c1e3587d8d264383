// How connections end and begin again: reasons on both sides, heartbeats, deadlines, a restarted server.

import { check, same, upTo } from "../harness.mjs";

const FAST_HEARTBEAT = ["--ping-interval", "300", "--ping-timeout", "200"];

export const lifecycle = [
  {
    name: "the server ends a namespace",
    async run(t) {
      const socket = await t.connect();
      const custom = await t.join(socket, "/custom");
      const tag = await t.tag(custom);
      const [bye, gone] = [t.next(custom, "bye"), t.next(custom, "disconnect")];
      custom.emit("disconnect-me", false);
      await bye;
      same((await gone)[0], "io server disconnect", "the client's reason");
      same(await t.ask(socket, "reason-of", tag), ["server namespace disconnect"], "the server's reason");
    },
  },
  ...["polling", "websocket"].map((transport) => ({
    name: `the server ends a connection (${transport})`,
    async run(t) {
      const watcher = await t.connect();
      const socket = await t.connect({ transports: [transport] });
      const custom = await t.join(socket, "/custom");
      const tags = [await t.tag(socket), await t.tag(custom)];
      const bye = t.next(socket, "bye");
      const gone = [t.next(socket, "disconnect"), t.next(custom, "disconnect"), t.next(socket.io, "close")];
      socket.emit("disconnect-me", true);
      await bye;
      const reasons = (await Promise.all(gone)).map(([reason]) => reason);
      same(reasons.slice(0, 2), ["io server disconnect", "io server disconnect"], "the client's reasons");
      for (const tag of tags) {
        same(await t.ask(watcher, "reason-of", tag), ["server namespace disconnect"], "the server's reason");
      }
    },
  })),
  ...["polling", "websocket"].flatMap((transport) => [
    {
      name: `the client disconnects (${transport})`,
      async run(t) {
        const watcher = await t.connect();
        const socket = await t.connect({ transports: [transport] });
        const tag = await t.tag(socket);
        const gone = t.next(socket, "disconnect");
        socket.disconnect();
        same((await gone)[0], "io client disconnect", "the client's reason");
        same(await t.ask(watcher, "reason-of", tag), ["client namespace disconnect"], "the server's reason");
      },
    },
    {
      name: `the client closes the connection beneath (${transport})`,
      async run(t) {
        const watcher = await t.connect();
        const socket = await t.connect({ transports: [transport] });
        const tag = await t.tag(socket);
        socket.io.engine.close();
        same(await t.ask(watcher, "reason-of", tag), ["transport close"], "the server's reason");
      },
    },
    {
      name: `an idle connection outlives many heartbeats (${transport})`,
      flags: FAST_HEARTBEAT,
      async run(t) {
        const socket = await t.connect({ transports: [transport] });
        t.refuse(socket, "disconnect");
        const { id } = socket;
        await t.idle(1200);
        same([socket.connected, socket.id], [true, id]);
        same(await t.ask(socket, "message-with-ack", 1), [1]);
      },
    },
    {
      name: `a client that falls silent is dropped (${transport})`,
      flags: FAST_HEARTBEAT,
      async run(t) {
        const watcher = await t.connect();
        const socket = await t.connect({ transports: [transport] });
        const tag = await t.tag(socket);
        const { engine } = socket.io;
        engine.transport.send = () => {};
        // Clients before 3 ping themselves, and would go as soon as they missed the answer.
        clearTimeout(engine.pingIntervalTimer);
        clearTimeout(engine.pingTimeoutTimer);
        same(await t.ask(watcher, "reason-of", tag), ["ping timeout"], "the server's reason");
      },
    },
  ]),
  ...["polling", "websocket"].map((transport) => ({
    name: `a server that stops delivers first what it has emitted (${transport})`,
    flags: ["--ping-interval", "5000"],
    ends: true,
    async run(t) {
      const options = { transports: [transport] };
      const [socket, other] = [await t.connect(options), await t.connect(options, "/custom")];
      const ticks = t.collect(socket, "tick", 1000);
      const ends = [socket, other].map((each) => t.next(each, "disconnect"));
      socket.emit("stop", 1000);
      same(await ticks, upTo(1000));
      for (const end of ends) same((await end)[0], "transport close");
    },
  })),
  {
    name: "a connection that joins no namespace is closed",
    // Older clients are in the default namespace from the start.
    suites: ["js-3", "js-4", "browser"],
    flags: ["--connect-timeout", "200"],
    async run(t) {
      const socket = await t.connect();
      const manager = t.manager();
      await t.next(manager, "open");
      await t.next(manager, "close");
      same(await t.ask(socket, "message-with-ack", 1), [1]);
    },
  },
  {
    name: "the client reconnects to a restarted server",
    flags: ["--ping-interval", "5000"],
    async run(t) {
      const options = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 100 };
      const sockets = [
        await t.connect({ ...options, transports: ["polling"] }),
        await t.connect({ ...options, transports: ["websocket"] }),
        await t.connect(options),
      ];
      await t.upgraded(sockets[2]);
      const ids = sockets.map(({ id }) => id);
      for (const socket of sockets) {
        await t.ask(socket, "state-set", "before");
        await t.ask(socket, "join", "room");
      }
      const gone = Promise.all(sockets.map((socket) => t.next(socket, "disconnect")));
      const back = Promise.all(sockets.map((socket) => t.next(socket, "connect")));
      await t.restart();
      for (const [reason] of await gone) {
        check(["transport close", "transport error"].includes(reason), `the client's reason was ${reason}`);
      }
      sockets.forEach((socket, i) => socket.emit("state-set", i, () => {}));
      await back;
      for (const [i, socket] of sockets.entries()) {
        check(!ids.includes(socket.id), "the id is new");
        same(await t.ask(socket, "state-get"), [i], "what was emitted meanwhile has arrived");
        same(await t.ask(socket, "rooms"), [[]]);
      }
    },
  },
];
