// Connection state recovery: a first connection is lost, two others ask for its session, and a last one for one unknown.

import { quiet, until } from "./engine.mjs";
import { connect } from "./raw-client.mjs";

/** What the four connections saw. */
export async function recover({ io, port, disconnects }) {
  const first = await connect(port, 4);
  await answerTo(first, "40");
  const greeting = received(first);
  const { sid, pid } = JSON.parse(first.log.find((line) => line.startsWith("< 40")).slice(4));
  await nextMillisecond();
  io.emit("a", 1);
  io.emit("b", 2);
  io.timeout(1000).emit("withack", () => {});
  await until(() => first.log.some((line) => line.includes("withack")));
  const burst = received(first).slice(greeting.length);
  const offset = burst.find((line) => line.includes('"b"')).match(/"([^"]+)"\]$/)[1];
  first.ws.terminate();
  await until(() => disconnects.length > 0);

  io.to("room").emit("missed1", Buffer.from([1]));
  await nextMillisecond();
  io.emit("missed2");
  const again = `40${JSON.stringify({ pid, offset })}`;
  const second = await connect(port, 4);
  await answerTo(second, again);
  const third = await connect(port, 4);
  await answerTo(third, again);
  const stranger = await connect(port, 4);
  await answerTo(stranger, `40${JSON.stringify({ pid: "unknown", offset })}`);

  const known = (line) => line.replaceAll(sid, "<sid>").replaceAll(pid, "<pid>");
  return {
    // What is sent counts as sent once it is answered.
    log_first: [...greeting, "> 40", ...burst].map(known),
    log_second: received(second).map(known),
    log_third_same_pid: received(third).map(known),
    log_unknown_pid: received(stranger).map(known),
  };
}

const received = ({ log }) => log.filter((line) => line.startsWith("< "));

/** Sends a CONNECT; ends once the connection handler has said hello. */
async function answerTo({ log, send }, packet) {
  send(packet);
  await until(() => log.some((line) => line.startsWith("< 40")));
  await quiet();
}

/** Offsets are milliseconds with a number for those that share one: a burst begins in a fresh one. */
async function nextMillisecond() {
  const now = Date.now();
  await until(() => Date.now() > now);
  // The timer that found out may have come late in it.
  const fresh = Date.now();
  while (Date.now() === fresh);
}

/** The handlers for it: every socket joins a room and is told whether it was recovered. */
export const greet = (io) =>
  io.on("connection", (socket) => {
    socket.join("room");
    socket.emit("rec", socket.recovered, socket.rooms.size);
  });
