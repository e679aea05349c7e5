// What becomes of records while a sink is down, slow or wrong, and when the queue repeats and reorders them. Each fault
// is the origin's; the database goes on at once.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SECRET, startOrigin } from "./origin.mjs";
import { DEMO, start, track, until } from "./support.mjs";

const vars = { ORIGIN_SECRETS: JSON.stringify({ demo: SECRET }) };
/** How soon the database has records, also while the origin fails; a slow machine is given time. */
const AT_ONCE_MS = 5_000;
const LATER_MS = 40_000;

async function begin(t, origin, more = {}) {
  const sites = { demo: { ...DEMO, flush_after: "100ms", sinks: { origin: { url: origin.url, ...more } } } };
  return start(t, { sites, vars, queue: { wait: 0 } });
}

const viewed = (n, anonymousId = "a") => track("Product Viewed", { anonymousId, properties: { sku: `sku-${n}` } });
const events = async (engine) => (await engine.query("SELECT count(*) AS n FROM records WHERE kind = 'event'"))[0].n;
const seen = (origin) => [...origin.records.values()].filter(({ kind }) => kind === "event").length;

/** The database has so many events soon, and the origin none of them yet. */
async function onlyInTheDatabase(engine, origin, n) {
  const began = Date.now();
  await until(async () => (await events(engine)) === n, AT_ONCE_MS);
  assert.equal(seen(origin), 0);
  return Date.now() - began;
}

test("an origin that is down gets everything when it is back, and the database need not wait", async (t) => {
  const origin = await startOrigin(t);
  const engine = await begin(t, origin);
  await origin.stop();
  await engine.send(viewed(1), viewed(2));
  t.diagnostic(`the database had them after ${await onlyInTheDatabase(engine, origin, 2)} ms`);
  await origin.listen(origin.port);
  await until(() => seen(origin) === 2, LATER_MS);
});

test("an origin that does not answer in time is asked again later", async (t) => {
  const origin = await startOrigin(t);
  let hung = 0;
  origin.behave = () => {
    hung += 1;
    return hung > 2 ? "take" : undefined; // the first two are never answered
  };
  const engine = await begin(t, origin, { timeout: "500ms" });
  await engine.send(viewed(1));
  await onlyInTheDatabase(engine, origin, 1);
  await until(() => seen(origin) === 1, LATER_MS);
  assert.ok(hung >= 3 && /no answer within 500 ms/.test(engine.log), engine.log);
});

test("an answer that never ends is cut off", async (t) => {
  const origin = await startOrigin(t);
  let asked = 0;
  origin.behave = (_, response) => {
    asked += 1;
    if (asked > 1) return "take";
    response.writeHead(503);
    const drip = setInterval(() => response.write("x".repeat(64)), 20);
    response.once("close", () => clearInterval(drip));
    return undefined;
  };
  const engine = await begin(t, origin, { timeout: "1s" });
  await engine.send(viewed(1));
  await until(() => seen(origin) === 1, LATER_MS);
});

test("an origin that asks for time is given it", async (t) => {
  const origin = await startOrigin(t);
  let refusedAt;
  origin.behave = (_, response) => {
    if (refusedAt) return "take";
    refusedAt = Date.now();
    response.writeHead(429, { "retry-after": "5" }).end("slow down");
    return undefined;
  };
  const engine = await begin(t, origin);
  await engine.send(viewed(1));
  await onlyInTheDatabase(engine, origin, 1);
  await until(() => seen(origin) === 1, LATER_MS);
  assert.ok(origin.deliveries[1].at - refusedAt >= 5_000, `asked again after ${origin.deliveries[1].at - refusedAt} ms`);
});

test("a record that an origin fails over takes no other with it", async (t) => {
  const origin = await startOrigin(t);
  origin.behave = (_, response, { text }) => (text.includes("sku-poison") ? void response.writeHead(500).end() : "take");
  const sites = { demo: { ...DEMO, flush_after: "100ms", sinks: { origin: { url: origin.url } } } };
  const engine = await start(t, { sites, vars, queue: { wait: 2 } });
  await engine.send(viewed("poison", "a"), viewed(1, "b"), viewed(2, "c"), viewed(3, "d"));
  await until(() => seen(origin) === 3, LATER_MS);
  assert.ok(origin.deliveries.some(({ text }) => text.includes("sku-poison") && text.includes("sku-1")), "they came together");
});

test("connections that end half-way, and what is no HTTP, are faults that pass", async (t) => {
  const origin = await startOrigin(t);
  const engine = await begin(t, origin);
  await origin.stop();
  const answers = [
    (socket) => socket.end(), // nothing said
    (socket) => socket.write("\0\x01 this is no HTTP \xff\r\n\r\n", () => socket.end()),
    (socket) => socket.write("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 500\r\n\r\nhalf", () => socket.resetAndDestroy()),
  ];
  const faulty = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => (answers.shift() ?? (() => socket.destroy()))(socket));
  });
  await new Promise((listening) => faulty.listen(origin.port, "127.0.0.1", listening));
  await engine.send(viewed(1));
  await onlyInTheDatabase(engine, origin, 1);
  await until(() => answers.length === 0, LATER_MS);
  await new Promise((closed) => faulty.close(closed));
  await origin.listen(origin.port);
  await until(() => seen(origin) === 1, LATER_MS);
  assert.deepEqual(await engine.query("SELECT id FROM dead_letters"), []);
});

test("what answers with nonsense but a good status has taken it", async (t) => {
  const origin = await startOrigin(t);
  origin.behave = (_, response) => void response.writeHead(200, { "content-type": "application/json" }).end("\0{{{ \xff");
  const engine = await begin(t, origin);
  await engine.send(viewed(1));
  await until(() => origin.deliveries.length > 0);
  await sleep(3_000);
  assert.equal(origin.deliveries.length, 1);
});

test("while the database is down the origin goes on, and the database has everything afterwards", async (t) => {
  const origin = await startOrigin(t);
  const engine = await begin(t, origin);
  for (const table of ["records", "tombstones"]) await engine.query(`ALTER TABLE ${table} RENAME TO ${table}_away`);
  await engine.send(viewed(1), viewed(2));
  await until(() => seen(origin) === 2, AT_ONCE_MS);
  for (const table of ["records", "tombstones"]) await engine.query(`ALTER TABLE ${table}_away RENAME TO ${table}`);
  await until(async () => (await events(engine)) === 2, LATER_MS);
});

test("while one queue refuses, the others get each record once, and it gets all of them when it is back", async (t) => {
  const origin = await startOrigin(t);
  const sites = { demo: { ...DEMO, flush_after: "100ms", sinks: { origin: { url: origin.url }, archive: true } } };
  const engine = await start(t, { sites, vars, queue: { wait: 0, refuses: "footfall-origin" } });
  const archived = async () => {
    const lines = Object.values(await engine.files()).join("").trim().split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line)).filter(({ kind }) => kind === "event").map(({ id }) => id);
  };
  await engine.send(viewed(1), viewed(2));
  await until(async () => (await archived()).length > 0, LATER_MS);
  const refusals = () => engine.log.split("does not take records").length - 1;
  await until(() => refusals() >= 3, LATER_MS);
  await engine.send(viewed(3));
  await until(async () => (await events(engine)) === 3, LATER_MS);
  await until(async () => new Set(await archived()).size === 3, LATER_MS);
  assert.equal((await archived()).length, 3, "the archive has each line once");
  await engine.stop();
  engine.queue = { wait: 0 };
  await engine.start();
  await until(() => seen(origin) === 3, LATER_MS);
  assert.deepEqual([origin.repeats, (await archived()).length, await events(engine)], [0, 3, 3]);
});

test("a flush that died with its object is begun again when the visitor is back, however long records may wait", async (t) => {
  const origin = await startOrigin(t);
  const sites = { demo: { ...DEMO, flush_after: "1h", sinks: { origin: { url: origin.url } } } };
  const engine = await start(t, { sites, vars, queue: { wait: 0, hangs: "footfall-origin" } });
  const { status, text } = await engine.admin("PUT", "demo/rules/tells", {
    id: "tells",
    name: "tells",
    pattern: { event: { name: "product_viewed" } },
    actions: [{ record: { name: "told" } }],
  });
  assert.ok(status < 300, text);
  await sleep(5_500); // until every copy of the rules knows it
  await engine.send(viewed(1));
  await sleep(1_000); // what the rule has told is under way, and does not arrive
  await engine.kill();
  engine.queue = { wait: 0 };
  await engine.start();
  await engine.send({ ...viewed(2), event: "Search" });
  const told = () => [...origin.records.values()].filter(({ kind }) => kind === "emitted").map(({ name }) => name);
  await until(() => told().length > 0, AT_ONCE_MS);
  assert.deepEqual(told(), ["told"]);
  await until(async () => (await events(engine)) === 2, AT_ONCE_MS);
});

test("messages that come again and out of order leave each record once", async (t) => {
  const origin = await startOrigin(t);
  const seed = Number(process.env.SEED ?? 7);
  const sites = { demo: { ...DEMO, flush_after: "100ms", sinks: { origin: { url: origin.url }, archive: true } } };
  const engine = await start(t, { sites, vars, queue: { wait: 0, seed } });
  const sent = 120;
  for (let n = 0; n < sent; n += 10) {
    await engine.send(...Array.from({ length: 10 }, (_, i) => viewed(n + i, `a${i % 4}`)));
    await sleep(150);
  }
  await until(async () => (await events(engine)) === sent, LATER_MS);
  await until(() => seen(origin) === sent, LATER_MS);
  await until(() => origin.repeats > 0, LATER_MS); // the fault did happen
  const rows = await engine.query("SELECT id, visitor, kind FROM records");
  const skus = await engine.query("SELECT count(DISTINCT data ->> '$.properties.sku') AS n FROM records WHERE kind = 'event'");
  assert.equal(skus[0].n, sent);
  // By the engine's own count as well: each record has its number, without gaps.
  for (const name of ["a0", "a1", "a2", "a3"]) {
    const { json } = await engine.admin("GET", `demo/visitors?anonymousId=${name}`);
    const seqs = rows.filter(({ visitor }) => visitor === json.visitor).map(({ id }) => Number(id.split("-")[1]));
    assert.deepEqual(seqs.sort((a, b) => a - b), Array.from({ length: seqs.length }, (_, n) => n + 1), `seed ${seed}`);
  }
  // The archive keeps repeats, each with the same opaque id.
  const lines = async () => Object.values(await engine.files()).join("").trim().split("\n").map((line) => JSON.parse(line));
  await until(async () => new Set((await lines()).map(({ id }) => id)).size === rows.length, LATER_MS);
  const kept = (await lines()).length;
  t.diagnostic(`seed ${seed}: ${rows.length} records, ${origin.repeats} came again to the origin, ${kept} lines in the archive`);
});
