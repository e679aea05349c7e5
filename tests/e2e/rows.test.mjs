// Rows written and alarms set, by the platform's own counters: what a hundred events of a warm visitor cost.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { DEMO, start, track } from "./support.mjs";

const EVENTS = 100;
const FRAME = 10;

let engine;
before(async (t) => {
  // As a store in production: sessions of half an hour, records waiting for half a minute.
  engine = await start(t, { sites: { demo: { ...DEMO, flush_after: "30s" } } });
  await engine.admin("PUT", "demo/segments/lookers", { id: "lookers", name: "Lookers", when: { "session.product_views": { $gte: 3 } } });
});

const view = (n) => track("Product Viewed", { properties: { sku: `sku-${n % 20}`, name: `Product ${n % 20}`, price: 19.99, currency: "EUR", category: "shoes" } });

/** A visitor who has been here for a moment: tables, session and alarm are there. */
async function warm() {
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token);
  await socket.events(0, ...Array.from({ length: 5 }, (_, n) => view(n)));
  return { visitor, token, socket };
}

/** What `send` cost, and how often the engine gave records to the queue meanwhile. */
async function cost(visitor, send) {
  const before = await engine.inspect(visitor);
  await send();
  const after = await engine.inspect(visitor);
  assert.equal(after.runtime.instance, before.runtime.instance, "the counters are of one instance");
  assert.equal(after.session.events - before.session.events, EVENTS);
  const of = (counter) => after.runtime[counter] - before.runtime[counter];
  return { rows: of("rows_written"), commits: of("commits"), alarms: of("alarms_set"), records: after.outbox.last_seq - before.outbox.last_seq, waiting: after.outbox };
}

const table = [];
function note(t, what, batches, { rows, commits, alarms }) {
  table.push(`| ${what} | ${batches} | ${rows} | ${(rows / EVENTS).toFixed(2)} | ${commits} | ${alarms} |`);
  t.diagnostic(`${what}: ${batches} batches, ${rows} rows, ${commits} commits, ${alarms} alarms`);
}

test("a hundred events one by one over HTTP", async (t) => {
  const { visitor, token, socket } = await warm();
  await socket.close();
  const spent = await cost(visitor, async () => {
    for (let n = 0; n < EVENTS; n += 1) {
      const { status } = await engine.post("/v1/track", view(n), { authorization: `Bearer ${token}` });
      assert.equal(status, 200);
    }
  });
  note(t, "one event in a request", EVENTS, spent);
  console.log(spent);
});

test("a hundred events in frames of ten", async (t) => {
  const { visitor, socket } = await warm();
  const spent = await cost(visitor, async () => {
    for (let frame = 1; frame <= EVENTS / FRAME; frame += 1) {
      await socket.events(frame, ...Array.from({ length: FRAME }, (_, n) => view(n)));
    }
  });
  note(t, "ten events in a frame", EVENTS / FRAME, spent);
  console.log(spent);
});
