// The measured program on the official client: what it does is said in `xtask/bench/README.md`.

import { createInterface } from "node:readline";

import { io } from "socket.io-client";

const [url, text] = process.argv.slice(2);
const sockets = [];
let depth = 0;
let echoes = 0;

const message = (n) => `${n} ${text}`;

function connect() {
  return new Promise((resolve, reject) => {
    const socket = io(url, { transports: ["websocket"], forceNew: true });
    let due = 0;
    let sent = 1;
    socket.on("echo", (echo) => {
      if (echo !== message(due)) {
        console.error(`wrong answer: ${echo}`);
        process.exit(1);
      }
      echoes += 1;
      due += 1;
      // One for each answer, or two until enough of them are under way.
      for (const end = Math.min(sent + 2, due + depth); sent < end; sent++) socket.emit("echo", message(sent));
    });
    socket.on("connect", resolve);
    socket.on("connect_error", reject);
    sockets.push(socket);
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const [command, number] = line.split(" ");
  if (command === "connect") {
    for (let i = 0; i < Number(number); i++) await connect();
  } else if (command === "echo") {
    depth = Number(number);
    for (const socket of sockets) socket.emit("echo", message(0));
  }
  console.log(`${echoes}`);
}
process.exit(0);
