// What an event costs, by the platform's own counters: rows are the bill.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DEMO, start, track } from "./support.mjs";

const quiet = { demo: { ...DEMO, flush_after: "10m" } };
const view = () => track("Product Viewed", { properties: { sku: "a", price: 1 } });

test("an acknowledged batch writes one row, and no alarm unless the deadline moved earlier", async (t) => {
  const engine = await start(t, { sites: quiet });
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token);
  await socket.events(0, view());
  const cost = async (frame, ...events) => {
    const before = (await engine.inspect(visitor)).runtime;
    await socket.events(frame, ...events);
    const after = (await engine.inspect(visitor)).runtime;
    assert.equal(after.instance, before.instance);
    return ["commits", "rows_written", "alarms_set"].map((counter) => after[counter] - before[counter]);
  };
  assert.deepEqual(await cost(1, view()), [1, 1, 0]);
  assert.deepEqual(await cost(2, view(), view(), view(), view(), view()), [1, 1, 0]);
  assert.deepEqual(await cost(3, track("Product Added", { properties: { sku: "a", price: 1 } })), [1, 1, 0]);
  const repeated = view();
  await socket.events(4, repeated);
  assert.deepEqual(await cost(5, repeated), [0, 0, 0]);
});
