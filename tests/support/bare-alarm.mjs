// Starts bare-alarm.js on the runtime that the engine runs on.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import WebSocket from "ws";

process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false"; // nothing here uses the network
// The Miniflare that wrangler itself uses, wherever npm has put it: the one that scripts/serve.mjs takes.
const wranglersOwn = createRequire(createRequire(import.meta.url).resolve("wrangler"));
const { Miniflare, convertV4MiniflareOptions } = wranglersOwn("miniflare");

/** Starts them, with their state on disk, as the engine's is: their address, and what stops them. */
export async function startBare() {
  const directory = mkdtempSync(join(tmpdir(), "footfall-bare-"));
  const script = readFileSync(new URL("./bare-alarm.js", import.meta.url), "utf8");
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      resourcePersistencePath: directory,
      telemetry: { enabled: false },
      workers: [{
        name: "bare",
        modules: [{ type: "ESModule", path: "bare-alarm.js", contents: script }],
        compatibilityDate: "2026-11-17",
        durableObjects: { ALARM: { className: "Alarm", useSQLite: true } },
      }],
    }),
  );
  const stop = async () => {
    await miniflare.dispose();
    rmSync(directory, { recursive: true, force: true });
  };
  return { address: String(await miniflare.ready).replace("http", "ws"), stop };
}

/** Alarms on disk, as the engine's are; stopped when the test `t` ends. */
export async function bareAlarms(t) {
  const { address, stop } = await startBare();
  t.after(stop);
  /** Sets one alarm so many milliseconds ahead; how late its socket heard of it, in milliseconds. */
  return async (name, after_ms) => {
    const socket = new WebSocket(new URL(name, address));
    await new Promise((opened, failed) => socket.once("open", opened).once("error", failed));
    const late_ms = new Promise((heard) => {
      socket.on("message", (text) => {
        const { type, due_ms } = JSON.parse(text);
        if (type === "rang") heard(Date.now() - due_ms);
      });
    });
    socket.send(String(after_ms));
    const result = await late_ms;
    socket.terminate();
    return result;
  };
}
