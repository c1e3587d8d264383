// Starts the system's Chromium, quiet and with a profile of its own.

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** The command-line option every script here understands. */
export const options = { chromium: { type: "string", default: "/usr/bin/chromium" } };

/** A headless browser; playwright gives it a fresh user data folder and removes it in the end. */
export function launch(executablePath) {
  return chromium.launch({ executablePath, args: FLAGS });
}
