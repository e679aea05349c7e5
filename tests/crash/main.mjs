// `make crash KILLS=N SEED=S`: a crash campaign with its report. MINUTES bounds it; BUILDS names the builds that take turns.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Engine } from "../e2e/support.mjs";
import { campaign, SITE } from "./campaign.mjs";
import { check } from "./checker.mjs";
import { keep, report } from "./report.mjs";

const number = (name, usual, most) => {
  const value = Number(process.env[name] ?? usual);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Error(`${name} must be a whole number from 1 to ${most}`);
  return value;
};

const kills = number("KILLS", 200, 10_000);
const seed = number("SEED", 1, 1_000_000);
const minutes = number("MINUTES", 30, 24 * 60);
const builds = (process.env.BUILDS ?? "build").split(" ");
const say = (sentence) => process.stderr.write(`${new Date().toISOString().slice(11, 19)}  ${sentence}\n`);

const began = Date.now();
const engine = new Engine({ sites: { demo: SITE }, build: builds[0], state: mkdtempSync(join(tmpdir(), "footfall-crash-")) });
let faults;
try {
  await engine.start();
  const evidence = await campaign(engine, { kills, seed, builds, passers: kills * 2, end_ms: began + minutes * 60_000, progress: say });
  faults = check(evidence);
  const elapsed_ms = Date.now() - began;
  process.stdout.write(`${report(evidence, { seed, faults, elapsed_ms, file: keep(evidence, seed) })}\n`);
} finally {
  await engine.stop();
  rmSync(engine.state, { recursive: true, force: true });
}
process.exit(faults.length > 0 ? 1 : 0);
