// Objects that are evicted and woken again and again, with timers in flight: none missed, none early, none twice. The short
// form of `make soak`.

import assert from "node:assert/strict";
import { test } from "node:test";
import { SITE, soak } from "../soak/soak.mjs";
import { start } from "./support.mjs";

const VISITORS = 100;
const FOR_MS = 20_000;
const SEED = 5;

test("evicted and woken again and again, a hundred visitors miss no timer, have none early and none twice", { timeout: 180_000 }, async (t) => {
  const engine = await start(t, { sites: { demo: SITE } });
  const { faults, late_ms, fired, pages, evicted, asleep } = await soak(engine, { visitors: VISITORS, ms: FOR_MS, seed: SEED });
  t.diagnostic(`${fired} timers, ${evicted} evictions, ${asleep} times asleep already; late by ${late_ms.median} ms (median), ${late_ms.most} ms at most`);
  assert.deepEqual(faults, []);
  assert.equal(fired, pages);
  assert.ok(fired >= VISITORS && evicted >= VISITORS, `${fired} timers, ${evicted} evictions`);
});
