// Records on their way to the sinks: the database, the store's own origin, the archive.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SECRET, startOrigin } from "./origin.mjs";
import { DEMO, basic, start, track, until } from "./support.mjs";

const withOrigin = (url, more = {}) => ({ demo: { ...DEMO, sinks: { origin: { url, ...more } } } });
const vars = { ORIGIN_SECRETS: JSON.stringify({ demo: SECRET }) };
const stored = async (engine, where = "1") => {
  const [{ n }] = await engine.query(`SELECT count(*) AS n FROM records WHERE ${where}`);
  return n;
};

test("a site's origin gets each record, signed, compressed, and the same as the database has", async (t) => {
  const origin = await startOrigin(t);
  const engine = await start(t, { sites: withOrigin(origin.url), vars, queue: { wait: 1 } });
  await engine.send(...Array.from({ length: 30 }, (_, n) => track("Product Viewed", { anonymousId: `a${n % 3}`, properties: { sku: "tent", n } })));
  await until(async () => (await stored(engine, "kind = 'event'")) === 30);
  await until(async () => origin.records.size === (await stored(engine)));
  const rows = await engine.query("SELECT id, visitor, at_ms, kind, name, session, data FROM records");
  for (const { id, data, ...row } of rows) {
    const { id: _, v, site, incarnation, seq, data: told, ...line } = origin.records.get(id);
    assert.deepEqual({ ...line, data: told }, { ...row, data: JSON.parse(data) });
    assert.deepEqual([v, site, `${incarnation.replaceAll("-", "")}-${seq}`], [1, "demo", id]);
  }
  const { headers, text, bytes } = origin.deliveries[0];
  assert.equal(headers["content-type"], "application/x-ndjson");
  assert.equal(headers["footfall-site"], "demo");
  assert.equal(headers["idempotency-key"], createHash("sha256").update(text).digest("hex"));
  assert.ok(bytes * 3 < text.length, `${bytes} bytes for ${text.length}`);
  assert.ok(origin.deliveries.length <= 6, "records go in batches");
});

test("events as large as they may be, and many of them at once, reach the database", async (t) => {
  const engine = await start(t, { sites: { demo: { ...DEMO, flush_after: "100ms" } }, queue: { wait: 0 } });
  // Nothing takes more room where it is stored than numbers of one digit.
  const dense = (count) => track("dense", { anonymousId: "a", properties: { list: Array(count).fill(1) } });
  const most = Math.floor(((56 << 10) - 200) / 9);
  const { json } = await engine.send(...Array.from({ length: 36 }, () => dense(most)), dense(16_000));
  assert.deepEqual([json.accepted, json.rejections.map(({ code }) => code)], [36, ["event_too_large"]]);
  await engine.send(track("after", { anonymousId: "a" }));
  await until(async () => (await stored(engine, "name = 'after'")) === 1, 30_000);
  assert.equal(await stored(engine, "name = 'dense'"), 36);
});

test("an origin may have JSON in one piece, uncompressed", async (t) => {
  const origin = await startOrigin(t);
  const engine = await start(t, { sites: withOrigin(origin.url, { format: "json", gzip: false }), vars, queue: { wait: 0 } });
  await engine.send(track("Product Viewed", { anonymousId: "a", properties: { sku: "tent" } }));
  await until(() => origin.records.size >= 2);
  const { headers, text } = origin.deliveries[0];
  assert.deepEqual([headers["content-type"], headers["content-encoding"]], ["application/json", undefined]);
  assert.equal(JSON.parse(text).site, "demo");
});

test("what a rule emits is at the origin at once, on a visitor who says nothing more, however long records may wait", async (t) => {
  const origin = await startOrigin(t);
  const demo = { ...withOrigin(origin.url).demo, flush_after: "1h", session_idle: "1h" };
  const engine = await start(t, { sites: { demo }, vars, queue: { wait: 0 } });
  const { status, text } = await engine.admin("PUT", "demo/rules/left-alone", {
    id: "left-alone",
    name: "left alone",
    pattern: { absence: { after: { event: { name: "product_added" } }, of: { event: { name: "order_completed" } }, for: "2s" } },
    actions: [{ record: { name: "cart_abandoned", data: { value: "{{cart.value}}" } } }],
  });
  assert.ok(status < 300, text);
  await sleep(5_500); // until every copy of the rules knows it
  await engine.send(track("Product Added", { anonymousId: "a", properties: { sku: "tent", price: 30 } }));
  const emitted = () => [...origin.records.values()].filter(({ kind }) => kind === "emitted");
  await until(() => emitted().length > 0, 10_000);
  assert.deepEqual(emitted().map(({ name, data }) => [name, data]), [["cart_abandoned", { value: "30" }]]);
});

test("of sites with and without an origin each has its own, and no other's records", async (t) => {
  const origin = await startOrigin(t);
  const sites = { ...withOrigin(origin.url), other: { ...DEMO } };
  const engine = await start(t, { sites, vars, queue: { wait: 0 } });
  // The state's keys are for `demo` only, so that the other site's record is put into its queue.
  const visitor = "00000000-0000-4000-8000-00000000000a";
  const record = { seq: 1, at_ms: Date.now(), kind: "event", name: "search", session: 1, data: {} };
  await engine.enqueue("RECORDS", JSON.stringify({ v: 1, site: "other", visitor, incarnation: visitor, records: [record] }));
  await engine.send(track("Product Viewed", { anonymousId: "a", properties: { sku: "tent" } }));
  await until(() => origin.records.size >= 2);
  await until(async () => (await stored(engine, "site = 'other'")) === 1);
  assert.ok([...origin.records.values()].every(({ site }) => site === "demo"));
});

test("visitors are spread over several queues of a sink, and nothing is lost between them", async (t) => {
  const engine = await start(t, { sites: { demo: { ...DEMO, flush_after: "100ms" } }, queue: { wait: 0, shards: 3 } });
  await engine.send(...Array.from({ length: 60 }, (_, n) => track("Product Viewed", { anonymousId: `a${n}`, properties: { sku: "tent" } })));
  await until(async () => (await stored(engine, "kind = 'event'")) === 60);
  // A queue has a file once something was sent to it.
  const folder = join(engine.state, "v3/queues");
  const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".sqlite") && !name.includes("metadata"));
  assert.equal(files.length, 3, files.join());
});

test("a deployment whose sinks are not complete says so", async (t) => {
  const engine = await start(t, { sites: withOrigin("https://shop.example/in") });
  const { status, json } = await engine.call("/health/ready");
  assert.equal(status, 503);
  assert.match(json.faults.join(), /ORIGIN_SECRETS: has no secret for `demo`/);
  assert.equal((await engine.post("/v1/batch", { batch: [] }, { authorization: basic("x") })).status, 503);
});
