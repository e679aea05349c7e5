// Events in over HTTP, the state that comes of them, and their records in the database.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { basic, start, track, until } from "./support.mjs";

let engine;
before(async (t) => {
  engine = await start(t);
});

const key = () => ({ authorization: basic(engine.writeKey) });
const of = async (anonymousId) => (await engine.admin("GET", `demo/visitors?anonymousId=${anonymousId}`)).json;
const records = (visitor) => engine.query("SELECT id, kind, name FROM records WHERE visitor = ? ORDER BY at_ms, id", visitor);
const added = (anonymousId, sku, price) =>
  track("Product Added", { anonymousId, properties: { sku, name: sku, price, quantity: 1, currency: "EUR" } });

test("events become state at once and records in the database", async () => {
  const { status, json } = await engine.send(added("state", "a", 10), added("state", "b", 5.5));
  assert.deepEqual([status, json], [200, { success: true, accepted: 2 }]);
  const state = await of("state");
  assert.deepEqual([state.stage, state.cart.value, state.cart.lines.length], ["carting", 15.5, 2]);
  const stored = await until(async () => {
    const rows = await records(state.visitor);
    return rows.filter((row) => row.kind === "event").length === 2 && rows;
  });
  assert.equal(new Set(stored.map((row) => row.id)).size, stored.length);
  assert.ok(stored.some((row) => row.kind === "stage_changed" && row.name === "carting"));
  const { json: shown } = await engine.admin("GET", `demo/visitors/${state.visitor}/records?limit=2`);
  assert.equal(shown.items.length, 2);
});

test("the same events sent twice change nothing", async () => {
  const events = [added("twice", "a", 10), added("twice", "b", 5)];
  await engine.send(...events);
  // A flush that is under way commits as well.
  const before = await until(async () => {
    const state = await of("twice");
    return state.outbox.hot === 0 && state;
  });
  const again = await engine.send(...events);
  assert.deepEqual(again.json, { success: true, accepted: 2 });
  const after = await of("twice");
  assert.equal(after.runtime.commits, before.runtime.commits);
  for (const state of [before, after]) for (const changing of ["runtime", "now_ms", "outbox", "timers"]) delete state[changing];
  assert.deepEqual(after, before);
});

test("one malformed event in a batch of 100 is rejected by itself", async () => {
  const events = Array.from({ length: 100 }, (_, i) => added("hundred", `sku-${i % 5}`, 1));
  events[41] = { type: "track", anonymousId: "hundred" };
  const { status, json } = await engine.send(...events);
  assert.equal(status, 200);
  assert.equal(json.accepted, 99);
  assert.equal(json.rejections.length, 1);
  const [{ index, code, pointer, message }] = json.rejections;
  assert.deepEqual([index, code, pointer], [41, "missing", "/batch/41/event"]);
  assert.ok(message.length > 10);
  assert.equal((await of("hundred")).cart.count, 99);
});

test("a batch may mix visitors, and each gets its own events in order", async () => {
  const events = Array.from({ length: 60 }, (_, i) => added(`mixed-${i % 20}`, `sku-${i}`, i));
  const { json } = await engine.send(...events);
  assert.deepEqual(json, { success: true, accepted: 60 });
  for (const at of [0, 7, 19]) {
    const { cart } = await of(`mixed-${at}`);
    assert.deepEqual(cart.lines.map((line) => line.sku), [`sku-${at}`, `sku-${at + 20}`, `sku-${at + 40}`]);
  }
});

test("every path of the Tracking API takes its kind of event", async () => {
  const to = (path, body) => engine.post(`/v1/${path}`, { anonymousId: "paths", ...body }, key());
  for (const path of ["track", "t"]) assert.equal((await to(path, { event: "Product Viewed", properties: { sku: "a" } })).json.accepted, 1);
  for (const path of ["page", "p", "screen", "s"]) assert.equal((await to(path, { name: "Home" })).json.accepted, 1);
  for (const path of ["identify", "i"]) assert.equal((await to(path, { userId: "u", traits: { plan: "gold" } })).json.accepted, 1);
  for (const path of ["group", "g"]) assert.equal((await to(path, { groupId: "g" })).json.accepted, 1);
  for (const path of ["alias", "a"]) assert.equal((await to(path, { previousId: "p", userId: "u" })).json.accepted, 1);
  for (const path of ["batch", "b", "import"]) assert.equal((await to(path, { batch: [added("paths", "a", 1)] })).json.accepted, 1);
  const { session, profile } = await of("paths");
  assert.deepEqual([session.product_views, session.pages, profile.traits.plan], [2, 4, "gold"]);
});

test("a body may be gzipped, and never unpacks beyond the bound", async () => {
  const packed = { ...key(), "content-encoding": "gzip", "content-type": "application/json" };
  const good = await engine.post("/v1/batch", gzipSync(JSON.stringify({ batch: [added("gzip", "a", 1)] })), packed);
  assert.deepEqual(good.json, { success: true, accepted: 1 });
  const bomb = await engine.post("/v1/batch", gzipSync(Buffer.alloc(50_000_000)), packed);
  assert.deepEqual([bomb.status, bomb.json.code], [413, "body_too_large"]);
  const large = await engine.post("/v1/batch", Buffer.alloc(600_000, " "), key());
  assert.deepEqual([large.status, large.json.code], [413, "body_too_large"]);
  const long = await engine.send(...Array.from({ length: 501 }, () => added("gzip", "a", 1)));
  assert.deepEqual([long.status, long.json.code], [413, "batch_too_long"]);
  assert.equal((await engine.post("/v1/batch", "not gzip", packed)).status, 400);
  assert.equal((await engine.post("/v1/batch", "[", key())).status, 400);
});

test("a beacon brings its credentials inside, as plain text", async () => {
  const { visitor, token } = await engine.visitor();
  const body = JSON.stringify({ batch: [track("Product Viewed", { properties: { sku: "a" } })], writeKey: engine.publicKey, token });
  const plain = { "content-type": "text/plain;charset=UTF-8", origin: engine.address };
  assert.equal((await engine.post("/v1/beacon", body, plain)).json.accepted, 1);
  assert.equal((await engine.inspect(visitor)).session.product_views, 1);
  const byQuery = JSON.stringify({ batch: [track("Product Viewed", { anonymousId: "query", properties: { sku: "a" } })] });
  const path = `/v1/beacon?writeKey=${engine.publicKey}`;
  assert.equal((await engine.post(path, byQuery, plain)).json.accepted, 1);
  assert.equal((await engine.post(path.replace("beacon", "batch"), byQuery, plain)).status, 401);
});

test("crawlers leave nothing behind", async () => {
  const agent = { "user-agent": "Mozilla/5.0 (compatible; bingbot/2.0)" };
  const event = track("Product Viewed", { anonymousId: "crawler", properties: { sku: "a" } });
  const { status, json } = await engine.post("/v1/track", { ...event, writeKey: engine.publicKey }, agent);
  assert.deepEqual([status, json.accepted, json.rejections[0].code], [200, 0, "bot"]);
  const relayed = { ...event, context: { userAgent: agent["user-agent"] } };
  assert.equal((await engine.send(relayed, event)).json.rejections[0].index, 0);
});

test("what the request says of geography and device counts for browsers only", async () => {
  const { visitor, token } = await engine.visitor();
  const agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1";
  const headers = { authorization: `Bearer ${token}`, "user-agent": agent, "accept-language": "de-CH,de;q=0.9", "sec-gpc": "1" };
  await engine.post("/v1/track", track("Product Viewed", { properties: { sku: "a" } }), headers);
  const { device, gpc } = await engine.inspect(visitor);
  assert.deepEqual(device, { kind: "mobile", os: "ios", browser: "safari", language: "de-CH" });
  assert.equal(gpc, true);
  await engine.post("/v1/track", track("Product Viewed", { anonymousId: "server", properties: { sku: "a" } }), { ...headers, ...key() });
  assert.equal((await of("server")).device, undefined);
});

test("records wait while the database is down, and each arrives once", async () => {
  await engine.query("ALTER TABLE records RENAME TO away");
  const { status } = await engine.send(added("patient", "a", 1), added("patient", "b", 1));
  assert.equal(status, 200);
  const { visitor, outbox } = await until(async () => {
    const state = await of("patient");
    return state.outbox.hot === 0 && state;
  });
  await engine.query("ALTER TABLE away RENAME TO records");
  const rows = await until(async () => {
    const found = await records(visitor);
    return found.length === outbox.last_seq && found;
  }, 30_000);
  assert.equal(rows.filter((row) => row.kind === "event").length, 2);
});
