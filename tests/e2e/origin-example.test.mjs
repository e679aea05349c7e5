// The example of a store's origin, with a real PostgreSQL behind the real engine: each record once, also when the service
// is killed; only what is signed; the store's questions answered; and who was erased is forgotten.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import pg from "pg";
import { installPostgres, startPostgres } from "../../examples/origin/postgres.mjs";
import { DEMO, showOn, start, track, until } from "./support.mjs";

const [OLD, NEW] = ["the-old-secret-of-the-store-0123456789", "the-new-secret-of-the-store-0123456789"];
const here = installPostgres(() => {});
if (!here) console.log("examples/origin is not checked here: PostgreSQL is not on this machine and cannot be installed");
const check = (name, body) => test(name, { skip: !here }, body);

let postgres;
let pool;
const directory = mkdtempSync(join(tmpdir(), "footfall-pg-"));
before(async () => {
  if (!here) return;
  postgres = await startPostgres(directory, { fsync: "off" });
  pool = new pg.Pool({ connectionString: postgres.url });
  // A connection that is ending may still be told that the server stops. Queries have their own errors.
  pool.on("error", () => {});
});
after(async () => {
  await pool?.end();
  await postgres?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const rows = async (sql, ...values) => (await pool.query(sql, values)).rows;
const count = async () => (await rows("SELECT count(*)::int AS n FROM records"))[0].n;

/** The service with empty tables on a port that it keeps; `restart` after `kill`. */
async function begin(t) {
  await pool.query("DROP TABLE IF EXISTS records, erased");
  const port = await new Promise((found) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });
  const service = { url: `http://127.0.0.1:${port}` };
  service.restart = async () => {
    const env = { ...process.env, DATABASE_URL: postgres.url, SECRETS: `${NEW},${OLD}`, PORT: String(port) };
    service.process = spawn(process.execPath, ["examples/origin/serve.mjs"], { env, stdio: ["ignore", "pipe", "inherit"] });
    service.exited = new Promise((done) => service.process.once("exit", done));
    await new Promise((ready) => createInterface({ input: service.process.stdout }).once("line", ready));
  };
  service.kill = async (signal = "SIGKILL") => {
    service.process.kill(signal);
    await service.exited;
  };
  service.report = async (name, query = "") => (await fetch(`${service.url}/reports/${name}${query}`)).json();
  await service.restart();
  t.after(() => service.kill("SIGTERM"));
  return service;
}

const withOrigin = (service, secret = OLD) => ({
  sites: { demo: { ...DEMO, flush_after: "100ms", sinks: { origin: { url: `${service.url}/footfall` } } } },
  vars: { ORIGIN_SECRETS: JSON.stringify({ demo: secret }) },
  queue: { wait: 0 },
});

const did = (anonymousId, event, properties = {}) => track(event, { anonymousId, properties });

const nowS = () => Math.floor(Date.now() / 1000);
const sign = (body, { secret = NEW, t = nowS() } = {}) => `t=${t},v1=${createHmac("sha256", secret).update(`${t}.${body}`).digest("hex")}`;
/** Delivers a body as the engine would; gives the answer's status. */
async function post(service, body, signature = sign(body), headers = {}) {
  const all = { "content-type": "application/x-ndjson", ...(signature && { "footfall-signature": signature }), ...headers };
  return (await fetch(`${service.url}/footfall`, { method: "POST", body, headers: all, signal: AbortSignal.timeout(30_000) })).status;
}

const LIFE = "00000000-0000-4000-8000-00000000000a";
/** A line of a delivery. */
const line = (seq, more = {}) =>
  JSON.stringify({ v: 1, id: `0000000000004000800000000000000a-${seq}`, site: "demo", visitor: LIFE, incarnation: LIFE, seq, at_ms: Date.now(), kind: "event", name: "search", session: 1, data: {}, ...more });

check("each record is there once, as in the database, although the service is killed and messages come again", async (t) => {
  const service = await begin(t);
  const engine = await start(t, { ...withOrigin(service), queue: { wait: 0, seed: 11 } });
  for (let round = 0; round < 6; round += 1) {
    await engine.send(...Array.from({ length: 10 }, (_, n) => did(`a${n % 4}`, "Product Viewed", { sku: `s${round}-${n}`, note: "a\u0000b" })));
    await service.kill();
    await service.restart();
  }
  const stored = async () => engine.query("SELECT id, visitor, kind, name, session FROM records ORDER BY id");
  await until(async () => (await stored()).filter(({ kind }) => kind === "event").length === 60, 30_000);
  const expected = await stored();
  await until(async () => (await count()) === expected.length, 60_000);
  assert.deepEqual(await rows('SELECT id, visitor, kind, name, session FROM records ORDER BY id COLLATE "C"'), expected);
});

check("a connection to the database that is lost in the middle of a delivery ends neither the service nor a record", async (t) => {
  const service = await begin(t);
  const engine = await start(t, withOrigin(service));
  const waiting = () => rows("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'advisory'");
  const holder = await pool.connect();
  await holder.query("SELECT pg_advisory_lock(7305016)"); // as an erasure does, which goes alone
  try {
    await engine.send(did("stays", "Product Viewed", { sku: "tent" }));
    await until(async () => (await waiting()).length > 0);
    for (const { pid } of await waiting()) await rows("SELECT pg_terminate_backend($1)", pid);
    await until(async () => (await waiting()).length > 0, 60_000); // it is delivered again
  } finally {
    await holder.query("SELECT pg_advisory_unlock(7305016)");
    holder.release();
  }
  const stored = await engine.query("SELECT id FROM records ORDER BY id");
  await until(async () => (await count()) === stored.length, 60_000);
  assert.deepEqual(await rows('SELECT id FROM records ORDER BY id COLLATE "C"'), stored);
  assert.equal(service.process.exitCode, null);
});

check("a transaction that somebody left open holds up neither an erasure nor what comes after it for long", async (t) => {
  const service = await begin(t);
  const erasure = line(1, { id: "an-erasure", kind: "visitor_erased", incarnations: [LIFE.replace("a", "b")] });
  const holder = await pool.connect();
  await holder.query("BEGIN");
  await holder.query("SELECT pg_advisory_xact_lock_shared(7305016)"); // as the delivery of a machine that is gone
  try {
    const from_ms = Date.now();
    const refused = post(service, erasure);
    await until(async () => (await rows("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory'")).length > 0);
    const taken = post(service, line(2)); // waits behind the erasure
    assert.equal(await refused, 503);
    assert.ok(Date.now() - from_ms < 10_000, "Footfall waits no longer");
    assert.equal(await taken, 204);
    assert.ok(Date.now() - from_ms < 20_000);
    assert.equal(await count(), 1);
  } finally {
    await holder.query("ROLLBACK");
    holder.release();
  }
  assert.equal(await post(service, erasure), 204);
});

check("a store's questions are answered", async (t) => {
  const service = await begin(t);
  const engine = await start(t, withOrigin(service, NEW));
  await engine.admin("PUT", "demo/rules/upsell", showOn("upsell", "product_added"));
  const tent = { sku: "tent", price: 200, quantity: 1, currency: "EUR" };
  await engine.send(did("looks", "Product Viewed", tent));
  await engine.send(did("leaves", "Product Viewed", tent), did("leaves", "Product Added", { ...tent, quantity: 2 }), did("leaves", "Product Added", { sku: "rope", price: "9.50" }), did("leaves", "Product Removed", { sku: "rope" }));
  await engine.send(did("buys", "Product Viewed", tent), did("buys", "Product Added", tent), did("buys", "Order Completed", { order_id: "1", revenue: 200, currency: "EUR" }));
  await until(async () => (await rows("SELECT 1 FROM records WHERE name = 'order_completed'")).length === 1);
  await until(async () => (await rows("SELECT DISTINCT visitor FROM records")).length === 3);
  const visitor = async (name) => (await engine.admin("GET", `demo/visitors?anonymousId=${name}`)).json.visitor;

  const funnel = Object.fromEntries((await service.report("funnel")).map(({ stage, visitors, percent }) => [stage, [visitors, percent]]));
  assert.deepEqual([funnel.considering, funnel.carting, funnel.purchased], [[3, 100], [2, 66.7], [1, 33.3]]);
  const [fired] = await service.report("triggers");
  assert.deepEqual(fired, { rule: "upsell", held_out: false, times: 3, visitors: 2, ordered_after: 1 });
  const carts = await service.report("abandoned-carts", "?minutes=0");
  assert.deepEqual(carts.map(({ last_seen: _, ...cart }) => cart), [
    { visitor: await visitor("leaves"), items: 2, value: 400, products: [{ sku: "tent", quantity: 2 }] },
  ]);
  assert.deepEqual(await service.report("abandoned-carts"), []); // not so soon
  assert.deepEqual(await service.report("funnel", "?site=other"), []);
  await pool.query("ALTER TABLE records RENAME TO away");
  assert.equal((await fetch(`${service.url}/reports/funnel`)).status, 503);
  await pool.query("ALTER TABLE away RENAME TO records");
  const page = await (await fetch(`${service.url}/`)).text();
  assert.match(page, /Funnel by stage.*carting.*upsell/s);
  assert.equal((await fetch(`${service.url}/reports/constructor`)).status, 404);
});

check("the carts of the report are those of the engine, in whatever words they are told", async (t) => {
  const service = await begin(t);
  const engine = await start(t, withOrigin(service));
  const [tent, rope] = [{ sku: "tent", price: 200, currency: "EUR" }, { product_id: "rope", price: "9.50", currency: "EUR" }];
  const shopify = (price) => ({ price: { amount: price, currencyCode: "EUR" } });
  const stories = {
    "the cart is cleared": [["Product Added", tent], ["cart_cleared"]],
    "cleared, then something": [["Product Added", tent], ["cart_cleared"], ["Product Added", rope]],
    "a line goes whole": [["Product Added", { ...tent, quantity: 3 }], ["Product Added", rope], ["Product Removed", { sku: "tent" }]],
    "some of a line goes": [["Product Added", { ...tent, quantity: 3 }], ["Product Removed", { sku: "tent", quantity: 2 }]],
    "more goes than was there": [["Product Added", tent], ["Product Removed", { ...tent, quantity: 5 }], ["Product Added", { ...tent, price: 180, quantity: 2 }]],
    "twice taken out": [["Product Removed", tent], ["Product Added", { ...tent, quantity: 2 }], ["Product Removed", tent], ["Product Added", tent]],
    "GA4": [["add_to_cart", { currency: "EUR", items: [{ item_id: "mug", price: 12, quantity: 2 }, { item_id: "pan", price: 30 }] }], ["remove_from_cart", { items: [{ item_id: "mug", quantity: 1 }] }]],
    "a list of products": [["Product Added", { products: [tent, { ...rope, quantity: 4 }] }]],
    "Shopify": [
      ["product_added_to_cart", { data: { cartLine: { quantity: 2, merchandise: { id: "v1", sku: "hat", ...shopify(25) } } } }],
      ["product_added_to_cart", { data: { cartLine: { quantity: 1, merchandise: { id: "v2", ...shopify(5.5) } } } }],
    ],
    "Shopify's checkout": [["Product Added", tent], ["checkout_started", { data: { checkout: { lineItems: [{ quantity: 3, variant: { id: "v1", sku: "hat", ...shopify(25) } }] } } }]],
    "the cart is shown": [["Product Added", tent], ["Cart Viewed", { products: [{ ...rope, quantity: 2 }] }], ["Product Added", rope]],
    "the cart is shown without its products": [["Product Added", tent], ["Cart Viewed"]],
    "an empty cart is shown": [["Product Added", tent], ["Cart Viewed", { products: [] }]],
    "a checkout": [["Product Added", tent], ["Checkout Started", { order_id: "7", products: [{ ...tent, quantity: 2 }, rope] }]],
    "bought, and bought again": [["Product Added", tent], ["Order Completed", { order_id: "8", revenue: 200 }], ["Product Added", rope], ["Order Completed", { order_id: "8", revenue: 200 }]],
    "bought without a number": [["Product Added", tent], ["Order Completed", { revenue: 200 }], ["Product Added", tent], ["Order Completed", { revenue: 200 }]],
    "a price that is said later, and nulls": [["Product Added", { sku: "tent", products: null, quantity: null }], ["Product Added", tent], ["Product Added", { sku: "tent", price: null }]],
  };
  const names = Object.keys(stories);
  for (const name of names) await engine.send(...stories[name].map((step) => did(name, ...step)));
  const events = names.reduce((sum, name) => sum + stories[name].length, 0);
  await until(async () => (await rows("SELECT count(*)::int AS n FROM records WHERE kind = 'event'"))[0].n === events, 30_000);
  const carts = await service.report("abandoned-carts", "?minutes=0");
  const bySku = (a, b) => (a.sku < b.sku ? -1 : 1);
  for (const name of names) {
    const { visitor, cart } = (await engine.admin("GET", `demo/visitors?anonymousId=${encodeURIComponent(name)}`)).json;
    const { items = 0, value = 0, products = [] } = carts.find((one) => one.visitor === visitor) ?? {};
    const lines = cart.lines.map(({ sku, quantity }) => ({ sku, quantity })).sort(bySku);
    assert.deepEqual({ items, value, products }, { items: cart.count, value: cart.value, products: lines }, name);
  }
  assert.equal(carts.length, names.length - 3, "nobody is there whose cart is empty");
});

check("only what is signed with a secret of ours, lately, and as it was sent is taken", async (t) => {
  const service = await begin(t);
  const one = line(1);
  for (const [what, signature] of [
    ["nothing", ""],
    ["another form", "v1=00"],
    ["another secret", sign(one, { secret: "somebody-else's-secret-0123456789012345" })],
    ["another body", sign(`${one} `)],
    ["an old one", sign(one, { t: nowS() - 3_600 })],
    ["one of the future", sign(one, { t: nowS() + 3_600 })],
    ["another time than was signed", sign(one).replace(/\d+/, (t) => Number(t) + 1)],
  ]) {
    assert.equal(await post(service, one, signature), 401, what);
  }
  assert.equal(await count(), 0);
  for (const [body, status, headers] of [
    ["{", 400], ["{}", 400], ['{"v":2}', 400], [one, 415, { "content-type": "text/plain" }], [one, 415, { "content-encoding": "br" }],
    [one, 400, { "content-encoding": "gzip" }], ["x".repeat(1_200_000), 413],
    [one.replace('"seq":1', '"seq":"many"'), 422],
  ]) {
    assert.equal(await post(service, body, sign(body), headers), status, body.slice(0, 40));
  }
  assert.equal(await count(), 0);
  assert.equal(await post(service, one, sign(one)), 204);
  assert.equal(await post(service, one, sign(one, { secret: OLD })), 204, "while secrets change, both are good");
  assert.equal(await count(), 1);
});

check("who was erased is forgotten, and nothing of that life is taken any more", async (t) => {
  const service = await begin(t);
  const engine = await start(t, withOrigin(service));
  await engine.send(did("stays", "Product Viewed", { sku: "tent" }), did("goes", "Product Viewed", { sku: "tent" }));
  await until(async () => (await rows("SELECT DISTINCT visitor FROM records")).length === 2);
  const { json } = await engine.admin("GET", "demo/visitors?anonymousId=goes");
  const [{ incarnation }] = await rows("SELECT DISTINCT incarnation FROM records WHERE visitor = $1", json.visitor);
  const record = (seq) => ({ seq, at_ms: Date.now(), kind: "event", name: "search", session: 1, data: {} });
  const late = (incarnation, seq) => JSON.stringify({ v: 1, site: "demo", visitor: json.visitor, incarnation, records: [record(seq)] });
  await engine.enqueue("ORIGIN", JSON.stringify({ v: 1, site: "demo", visitor: json.visitor, incarnations: [incarnation], at_ms: Date.now() }));
  await until(async () => (await rows("SELECT 1 FROM records WHERE visitor = $1", json.visitor)).length === 0);
  await engine.enqueue("ORIGIN", late(incarnation, 99));
  await engine.enqueue("ORIGIN", late("00000000-0000-4000-8000-00000000000b", 1)); // back in another life
  await until(async () => (await rows("SELECT 1 FROM records WHERE visitor = $1", json.visitor)).length === 1);
  const left = await rows("SELECT id FROM records WHERE visitor = $1", json.visitor);
  assert.deepEqual(left, [{ id: "0000000000004000800000000000000b-1" }]);
  assert.equal((await rows("SELECT DISTINCT visitor FROM records")).length, 2);
  assert.deepEqual(Object.keys((await rows("SELECT * FROM erased"))[0]), ["subject", "at"]);
});
