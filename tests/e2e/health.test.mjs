// What /health looks at, and how often: anybody may ask it, also in a flood.

import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { showOn, start, until } from "./support.mjs";

const RULEBOOK = ["Rulebook", "v1:demo:rulebook"];
/** Longer than what was found is told again for. */
const FORGOTTEN_MS = 2_200;

let engine;
before(async (t) => {
  engine = await start(t);
});

const ready = () => engine.call("/health/ready");
/** Puts the rulebook to sleep, and says whether it had been woken. */
const wasAwake = async () => (await engine.evictObject(...RULEBOOK)).evicted;

test("a flood of questions for readiness wakes the rulebook once in two seconds", async () => {
  await until(async () => (await ready()).status === 200 && wasAwake());
  for (let asked = 0; asked < 5; asked += 1) {
    assert.deepEqual((await ready()).json, { status: "ok", faults: [], database: "ok" });
  }
  assert.equal(await wasAwake(), false, "what was found is told again");
  await sleep(FORGOTTEN_MS);
  assert.equal((await ready()).status, 200);
  assert.equal(await wasAwake(), true, "and looked at anew after a while");
});

test("what does not answer is named, and why is for the log only", async () => {
  assert.equal((await engine.admin("PUT", "demo/rules/hello", showOn("hello", "wave"))).status, 201);
  const { file } = await engine.objectStorage(...RULEBOOK);
  await engine.stop();
  for (const beside of ["-wal", "-shm"]) rmSync(`${file}${beside}`, { force: true });
  writeFileSync(file, "no database".repeat(1_000));
  await engine.start();
  const { status, json } = await ready();
  assert.deepEqual([status, json.faults], [503, ["the rulebook of `demo` does not answer"]]);
});
