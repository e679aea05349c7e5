// Rows written and alarms set, by the platform's own counters: what a hundred events of a warm visitor cost.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { DEMO, start, track, until } from "./support.mjs";

const EVENTS = 100;

let engine;
before(async (t) => {
  // As a store in production: sessions of half an hour, records waiting for half a minute.
  engine = await start(t, { sites: { demo: { ...DEMO, flush_after: "30s" } } });
  const lookers = { id: "lookers", name: "Lookers", when: { "session.product_views": { $gte: 3 } } };
  assert.ok((await engine.admin("PUT", "demo/segments/lookers", lookers)).status < 300);
});

const view = (n) => {
  const sku = `sku-${n % 20}`;
  return track("Product Viewed", { properties: { sku, name: `Product ${sku}`, price: 19.99, currency: "EUR", category: "shoes" } });
};

/** A visitor who has been here for a moment: tables, session and alarm are there. */
async function warm() {
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token);
  await socket.events(0, ...Array.from({ length: 5 }, (_, n) => view(n)));
  return { visitor, token, socket };
}

/** The counters, when no flush is on its way. */
async function counters(visitor, at = engine) {
  return until(async () => {
    const { runtime, outbox, session, timers } = await at.inspect(visitor);
    const flush = timers.find(({ reason }) => reason === "flush");
    // A flush that is on its way is due again in a minute, others within half of one.
    const flying = flush && flush.due_at_ms - Date.now() > 31_000;
    return !flying && { ...runtime, events: session.events, pages: outbox.pages, waiting: outbox.hot };
  });
}

const table = [];
/** Sends a hundred events in batches; what that cost. */
async function cost(t, what, visitor, size, send) {
  const batches = EVENTS / size;
  const first = await counters(visitor);
  for (let batch = 0; batch < batches; batch += 1) {
    await send(batch + 1, Array.from({ length: size }, (_, n) => view(batch * size + n)));
  }
  const last = await counters(visitor);
  assert.equal(last.instance, first.instance, "the counters are of one instance");
  const [events, commits, rows, alarms] = ["events", "commits", "rows_written", "alarms_set"].map((name) => last[name] - first[name]);
  assert.equal(events, EVENTS);
  // Each acknowledged batch is one commit and each commit one row. That records were flushed is written with the next of
  // them, but where a flush came by age, which a slow machine may see.
  const flushes = commits - batches;
  assert.ok(flushes === 0 || flushes === 1, `${flushes} commits besides those of ${batches} batches`);
  assert.equal(rows, commits);
  // No deadline moved earlier: sessions end later with each event, and the flush has its alarm.
  assert.equal(alarms, 0);
  assert.equal(last.pages, 0);
  table.push(`| ${what} | ${batches} | ${rows - flushes} | ${flushes} | ${(rows / EVENTS).toFixed(2)} | ${alarms} |`);
  t.diagnostic(`${what}: ${batches} rows for ${batches} batches, ${flushes} for flushes, ${alarms} alarms`);
}

after((t) => {
  const head = "| 100 events | batches | rows for them | rows for flushes | rows per event | alarms set |";
  console.log([head, head.replace(/[^|]+/g, " --- "), ...table].join("\n"));
});

test("events one by one over HTTP: one row each, and no alarm", async (t) => {
  const { visitor, token, socket } = await warm();
  await socket.close();
  await cost(t, "one in a request", visitor, 1, async (_, [event]) => {
    const { status } = await engine.post("/v1/track", event, { authorization: `Bearer ${token}` });
    assert.equal(status, 200);
  });
});

test("events one by one on a socket: one row each, and no alarm", async (t) => {
  const { visitor, socket } = await warm();
  await cost(t, "one in a frame", visitor, 1, (frame, events) => socket.events(frame, ...events));
});

test("events in batches of ten over HTTP: one row a batch, and no alarm", async (t) => {
  const { visitor, token } = await warm();
  await cost(t, "ten in a request", visitor, 10, async (_, batch) => {
    const { json } = await engine.post("/v1/batch", { batch }, { authorization: `Bearer ${token}` });
    assert.equal(json.accepted, 10);
  });
});

test("events in frames of ten: one row a frame, and no alarm", async (t) => {
  const { visitor, socket } = await warm();
  await cost(t, "ten in a frame", visitor, 10, (frame, events) => socket.events(frame, ...events));
});

test("a repeat costs nothing", async () => {
  const { visitor, socket } = await warm();
  const event = view(1);
  await socket.events(1, event);
  const before = await counters(visitor);
  await socket.events(2, event, event);
  assert.deepEqual(await counters(visitor), { ...before, rows_read: before.rows_read });
});

test("a deadline that moves earlier sets the alarm, one that moves later does not", async () => {
  const { visitor, socket } = await warm();
  const dwell = { id: "dwell", name: "dwell", pattern: { dwell: { for: "20s", where: { "page.path": "/dwell" } } }, actions: [{ push: { slot: "s", content: { text: "x" } } }] };
  assert.ok((await engine.admin("PUT", "demo/rules/dwell", dwell)).status < 300);
  await until(async () => (await engine.inspect(visitor)).rules_version > 1 || (await socket.events(1, view(1)), false), 6_000, 500);
  const page = (path, frame) => socket.events(frame, { type: "page", messageId: `${path}-${frame}`, context: { tab: "tab-1", page: { path } } });
  const before = await counters(visitor);
  await page("/dwell", 2);
  const begun = await counters(visitor);
  assert.equal(begun.alarms_set - before.alarms_set, 1);
  await page("/other", 3);
  await page("/dwell", 4);
  const again = await counters(visitor);
  assert.deepEqual([again.alarms_set - begun.alarms_set, again.rows_written - begun.rows_written], [0, 2]);
});

/** Sends frames until the queues have taken what waits, and nothing since; gives what still waits then. */
async function flushed(visitor, send) {
  for (let before = 0, frame = 1; frame < 20; frame += 1) {
    await send(frame, Array.from({ length: 10 }, (_, n) => track("Product Viewed", { properties: { sku: `${frame}-${n}`, name: "x".repeat(400), price: 1 } })));
    await counters(visitor);
    const { outbox } = await engine.inspect(visitor);
    if (outbox.hot < before + 10) return outbox;
    before = outbox.hot;
  }
  assert.fail("nothing was flushed");
}

test("what the queues have taken is known after a sleep too, and costs no row while a page is there", async () => {
  const { visitor, socket } = await warm();
  const before = await counters(visitor);
  let frames = 0;
  const waiting = await flushed(visitor, (frame, events) => {
    frames = frame;
    return socket.events(frame, ...events);
  });
  assert.equal((await counters(visitor)).rows_written - before.rows_written, frames);
  await engine.evict(visitor);
  assert.deepEqual((await engine.inspect(visitor)).outbox, waiting);
  await socket.close();
  const alone = await engine.visitor();
  const rest = await flushed(alone.visitor, async (_, batch) => {
    const { json } = await engine.post("/v1/batch", { batch }, { authorization: `Bearer ${alone.token}` });
    assert.equal(json.accepted, batch.length);
  });
  await engine.evict(alone.visitor);
  assert.deepEqual((await engine.inspect(alone.visitor)).outbox, rest);
});

/** How long the hot row is on disk. */
function lengthOf({ file }) {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database.prepare("SELECT length(value) AS bytes FROM _cf_KV WHERE key = 'hot'").get().bytes;
  } finally {
    database.close();
  }
}

test("a row keeps its length while somebody is there, and is as short as it can be when nobody is", async (t) => {
  const brief = await start(t, { sites: { demo: { ...DEMO, session_idle: "8s", flush_after: "30s" } } });
  const { visitor, token } = await brief.visitor();
  const socket = await brief.connect(token);
  // What is known of a visitor without its records takes more than a quarter of the row.
  const traits = Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`trait-${n}`, "x".repeat(700)]));
  const { accepted } = await socket.events(0, { type: "identify", messageId: "traits", traits });
  assert.equal(accepted, 1);
  const lengths = [];
  const waiting = [];
  for (let frame = 1; frame <= 12; frame += 1) {
    await socket.events(frame, ...Array.from({ length: 10 }, (_, n) => track("Product Viewed", { properties: { sku: `${frame}-${n}`, name: "x".repeat(400), price: 1 } })));
    lengths.push(lengthOf(await brief.storage(visitor)));
    // A flush reports before the next frame.
    waiting.push((await counters(visitor, brief)).waiting);
  }
  const flushes = waiting.filter((count, at) => count < waiting[at - 1] + 10).length;
  const changes = lengths.filter((bytes, at) => at > 0 && bytes !== lengths[at - 1]).length;
  assert.ok(flushes >= 2, `waiting records: ${waiting}`);
  assert.ok(changes <= 3, `it became longer with the first records, and stayed so: ${lengths}`);
  await socket.close();
  const left = await until(async () => {
    const bytes = lengthOf(await brief.storage(visitor));
    return bytes < 10_000 && bytes;
  }, 20_000, 200);
  // Short because the session has ended, not because its records had gone.
  const { last_activity_ms } = await brief.inspect(visitor);
  assert.ok(Date.now() - last_activity_ms >= 8_000, "it has become shorter while somebody might have come back");
  t.diagnostic(`${lengths.at(-1)} bytes while ${flushes} flushes went out, ${left} after the session's end`);
});
