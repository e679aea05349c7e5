// `make soak MINUTES=10 VISITORS=1000 SEED=1`: a hibernation soak with its report.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Engine } from "../e2e/support.mjs";
import { SITE, soak } from "./soak.mjs";

const number = (name, usual, most) => {
  const value = Number(process.env[name] ?? usual);
  if (!Number.isInteger(value) || value < 1 || value > most) throw new Error(`${name} must be a whole number from 1 to ${most}`);
  return value;
};

const minutes = number("MINUTES", 10, 24 * 60);
const visitors = number("VISITORS", 1_000, 20_000);
const seed = number("SEED", 1, 1_000_000);
const say = (sentence) => process.stderr.write(`${new Date().toISOString().slice(11, 19)}  ${sentence}\n`);

const engine = new Engine({ sites: { demo: SITE }, state: mkdtempSync(join(tmpdir(), "footfall-soak-")) });
let result;
try {
  await engine.start();
  result = await soak(engine, { visitors, ms: minutes * 60_000, seed, progress: say });
} catch (error) {
  say(`the end of the engine's log: ${engine.log?.slice(-2_000)}`);
  throw error;
} finally {
  await engine.stop();
  rmSync(engine.state, { recursive: true, force: true });
}
const { faults, late_ms, pages, fired, evicted, asleep } = result;
process.stdout.write(`seed ${seed}: ${visitors} visitors for ${minutes} minutes; ${pages} page views, ${fired} timers fired
${evicted} evictions; ${asleep} times the object was asleep already
fired, counted from the sending of the page, ${late_ms.median} ms (median), ${late_ms.p95} ms (95 %), ${late_ms.p99} ms (99 %), ${late_ms.most} ms at most after the time
${faults.length === 0 ? "none missed, none early, none twice" : `${faults.length} faults:\n${faults.slice(0, 20).join("\n")}`}
`);
process.exit(faults.length > 0 ? 1 : 0);
