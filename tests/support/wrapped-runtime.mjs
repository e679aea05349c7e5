// The runtime with something done to it: its clocks moved, its disk full. Without root, and as it runs.

import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("time-travel.c", import.meta.url));

/** The runtime that Miniflare would start. */
function workerd() {
  const wrangler = createRequire(createRequire(import.meta.url).resolve("wrangler"));
  return createRequire(wrangler.resolve("miniflare"))("workerd").default;
}

function wrapper(t, lines) {
  const directory = mkdtempSync(join(tmpdir(), "footfall-runtime-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "workerd.sh");
  writeFileSync(path, ["#!/bin/sh", ...lines(directory), `exec '${workerd()}' "$@"`, ""].join("\n"), { mode: 0o755 });
  return { directory, env: { MINIFLARE_WORKERD_PATH: path } };
}

/**
 * A runtime whose clocks can be moved: `ahead(ms)` puts them that far before the machine's. `undefined` where there is
 * no C compiler.
 */
export function movableClock(t) {
  if (process.platform !== "linux" || spawnSync("cc", ["--version"]).status !== 0) return undefined;
  const { directory, env } = wrapper(t, (here) => [`export TIME_TRAVEL_FILE='${here}/ahead' LD_PRELOAD='${here}/time-travel.so'`]);
  const built = spawnSync("cc", ["-shared", "-fPIC", "-O1", "-o", join(directory, "time-travel.so"), SOURCE], { encoding: "utf8" });
  if (built.status !== 0) throw new Error(built.stderr);
  const path = join(directory, "ahead");
  writeFileSync(path, new BigInt64Array(1));
  const ahead = (ms) => {
    const file = openSync(path, "r+"); // never emptied: it is mapped
    writeSync(file, new BigInt64Array([BigInt(ms) * 1_000_000n]));
    closeSync(file);
  };
  return { env, ahead };
}

/**
 * A runtime whose disk can be full: `full(pid)` lets no file of that process grow or be written beyond its first byte,
 * `free(pid)` ends it. `undefined` where there is no `prlimit`.
 */
export function fillableDisk(t) {
  if (spawnSync("prlimit", ["--version"]).status !== 0) return undefined;
  const { env } = wrapper(t, () => ["trap '' XFSZ"]); // else the first such write would end the process
  const limit = (pid, size) => {
    const set = spawnSync("prlimit", ["--pid", String(pid), `--fsize=${size}:unlimited`], { encoding: "utf8" });
    if (set.status !== 0) throw new Error(set.stderr);
  };
  return { env, full: (pid) => limit(pid, 1), free: (pid) => limit(pid, "unlimited") };
}
