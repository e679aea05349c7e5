// Opens a state directory: makes it, and makes sure that one engine only uses it.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

// Held for as long as the process lives.
let lock;

export function openState(directory) {
  mkdirSync(directory, { recursive: true });
  // Two runtimes on the same databases would damage them. SQLite's lock belongs to the process, so that,
  // unlike a file with a pid in it, it is never left over by a kill.
  lock = new DatabaseSync(join(directory, "lock.sqlite"));
  try {
    lock.exec("PRAGMA busy_timeout = 3000; BEGIN EXCLUSIVE");
  } catch {
    throw new Error(`${directory} is in use by another engine; stop that one or take another --state`);
  }
  // Miniflare's temporary files would be left in the system's directory when this process is killed.
  process.env.TMPDIR = join(directory, "tmp");
  rmSync(process.env.TMPDIR, { recursive: true, force: true });
  mkdirSync(process.env.TMPDIR);
}
