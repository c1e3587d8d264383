// A raw Engine.IO client over WebSocket, and the log of its frames as the flows have it.

import { once } from "node:events";

import WebSocket from "ws";

import { hex } from "../values.mjs";

/** Opens a connection. Its log grows as frames come and go. */
export async function connect(port, eio) {
  const ws = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=${eio}&transport=websocket`);
  const log = [];
  const ended = new Promise((resolve) => ws.once("close", resolve));
  ws.on("message", (data, isBinary) => log.push(`< ${isBinary ? bytes(data) : data}`));
  ws.on("close", (code) => log.push(`< ws close ${code}`));
  // An error shows in how the connection ended.
  ws.on("error", () => {});
  await once(ws, "open");
  return {
    ws,
    log,
    answers: () => log.filter((line) => line.startsWith("< ")).length,
    send(frame) {
      log.push(`> ${typeof frame === "string" ? frame : bytes(frame)}`);
      if (ws.readyState === WebSocket.OPEN) ws.send(frame);
    },
    /** Until the server has read what was sent: two packets in one read may end otherwise than one after the other. */
    async settled() {
      if (ws.readyState !== WebSocket.OPEN) return;
      const answered = once(ws, "pong");
      ws.ping();
      await Promise.race([answered, ended]);
    },
  };
}

/** Bytes as a log shows them. */
export const bytes = (data) => `<hex ${hex(data)}>`;
