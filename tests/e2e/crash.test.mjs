// kill -9 under mixed load: nothing that was acknowledged is missing or counted twice, triggers fire once, pushes arrive
// once and in order, no timer is lost. The short form of `make crash`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { campaign, SITE } from "../crash/campaign.mjs";
import { check } from "../crash/checker.mjs";
import { MUTATIONS } from "../crash/mutations.mjs";
import { keep, report } from "../crash/report.mjs";
import { start } from "./support.mjs";

const KILLS = 12;
const SEED = 9;
const MOST_MS = 150_000;
const IN_ALL_MS = 420_000;

test("kill -9 under load loses nothing, repeats nothing and puts nothing out of order", { timeout: IN_ALL_MS }, async (t) => {
  const engine = await start(t, { sites: { demo: SITE } });
  const began = Date.now();
  const evidence = await campaign(engine, { kills: KILLS, seed: SEED, end_ms: began + MOST_MS });
  const faults = check(evidence);
  t.diagnostic(report(evidence, { seed: SEED, faults, elapsed_ms: Date.now() - began, file: keep(evidence, SEED) }));
  assert.deepEqual(faults, []);
  assert.ok(evidence.down.length >= KILLS / 2, `only ${evidence.down.length} kills in the time`);
  assert.ok(evidence.repeats >= evidence.down.length, `only ${evidence.repeats} events were in flight at a kill`);
  for (const [what, spoil] of Object.entries(MUTATIONS)) {
    await t.test(`the checker finds it when ${what}`, () => {
      const spoilt = structuredClone(evidence);
      spoil(spoilt);
      assert.notDeepEqual(check(spoilt), []);
    });
  }
});
