// The event log: every record once, in order, by type and time, while records move from the object to the database.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DEMO, showOn, start, track, until } from "./support.mjs";

let engine;
before(async (t) => {
  engine = await start(t, { sites: { demo: { ...DEMO, flush_after: "2s" }, other: { ...DEMO } } });
  const looked = { id: "looked", name: "looked", pattern: { dwell: { for: "1s", where: { "page.kind": "product" } } }, actions: [{ set_trait: { name: "looked", value: "yes" } }] };
  for (const rule of [showOn("hello", "wave"), looked]) {
    const { status, text } = await engine.admin("PUT", `demo/rules/${rule.id}`, rule);
    assert.ok(status < 300, text);
  }
});

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const send = (token, ...batch) => engine.post("/v1/batch", { batch }, bearer(token));
const stored = (visitor) => engine.query("SELECT id FROM records WHERE visitor = ?", visitor);

async function page(visitor, query = "") {
  const { status, json, text } = await engine.admin("GET", `demo/visitors/${visitor}/events${query}`);
  assert.equal(status, 200, text);
  return json;
}

/** All pages of a query, one after another. */
async function follow(visitor, query, limit) {
  const found = [];
  for (let cursor = ""; ; ) {
    const { items, next } = await page(visitor, `?limit=${limit}${query}${cursor}`);
    found.push(...items);
    if (next === null) return found;
    assert.ok(items.length > 0, "a page that says that there is more has something");
    cursor = `&cursor=${next}`;
  }
}

/** Numbered from 1, without gaps, each once. */
function whole(items, count) {
  const numbers = items.map(({ seq }) => seq).sort((a, b) => a - b);
  assert.deepEqual(numbers, Array.from({ length: count }, (_, at) => at + 1));
}

describe("the event log", { concurrency: true }, () => {
  test("has details in the order in which they were said, in the object as in the database", async () => {
    const { visitor, token } = await engine.visitor();
    await send(token, track("look", { properties: { b: 1, a: { d: 2, c: 3 } } }));
    const said = '"properties":{"b":1,"a":{"d":2,"c":3}}';
    const told = async () => (await engine.admin("GET", `demo/visitors/${visitor}/events`)).text;
    assert.ok((await told()).includes(said), "while it waits");
    await until(async () => (await stored(visitor)).length > 0, 20_000);
    assert.ok((await told()).includes(said), "and when it has arrived");
  });

  test("has every record once at every moment of its way from the object to the database", async (t) => {
    const { visitor, token } = await engine.visitor();
    const rooms = new Set();
    let sent = 0;
    let count = 0;
    const end = Date.now() + 25_000;
    while (Date.now() < end) {
      if (sent < 40) {
        const { json } = await send(token, track("look", { properties: { n: sent } }));
        assert.equal(json.accepted, 1);
        sent += 1;
      }
      const { outbox } = await engine.inspect(visitor);
      const { items, under_way, next } = await page(visitor, "?limit=1000");
      assert.deepEqual([under_way, next], [0, null]);
      count = outbox.last_seq;
      whole(items, count);
      const there = (await stored(visitor)).length;
      rooms.add(there === 0 ? "object" : there === count ? "database" : "both");
      if (there === count && sent === 40) break;
      await sleep(200);
    }
    t.diagnostic(`${count} records, seen in: ${[...rooms].join(", ")}`);
    assert.deepEqual([...rooms].sort(), ["both", "database", "object"]);
    assert.equal((await stored(visitor)).length, count);
  });

  test("is read by type and time, in both orders, page by page", async () => {
    const { visitor, token } = await engine.visitor();
    for (let n = 0; n < 5; n += 1) {
      await send(token, track("wave", { properties: { n } }), track("Product Added", { properties: { sku: `s${n}`, price: 5 } }));
    }
    const all = await follow(visitor, "&order=oldest", 1000);
    whole(all, all.length);
    assert.deepEqual(all.map(({ seq }) => seq), all.map((_, at) => at + 1), "the oldest first");
    assert.deepEqual(await follow(visitor, "", 3), all.toReversed());
    assert.deepEqual(await follow(visitor, "&order=oldest", 2), all);
    for (const [type, count] of [["wave", 5], ["product_added", 5], ["trigger_fired", 5], ["session_started", 1], ["event", 10], ["nothing", 0]]) {
      const found = await follow(visitor, `&type=${type}`, 2);
      assert.equal(found.length, count, type);
      assert.deepEqual(found, all.filter(({ kind, name }) => kind === type || (kind === "event" && name === type)).toReversed());
    }
    const [from, to] = [all[3].at_ms, all.at(-2).at_ms];
    const within = all.filter(({ at_ms }) => at_ms >= from && at_ms < to);
    assert.deepEqual(await follow(visitor, `&order=oldest&from=${from}&to=${to}`, 4), within);
    assert.deepEqual(await follow(visitor, `&order=oldest&from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`, 4), within);
    // The same once all of it is in the database, with the same cursors.
    const { next } = await page(visitor, "?limit=4");
    await until(async () => (await stored(visitor)).length === all.length, 15_000, 200);
    assert.deepEqual((await page(visitor, `?limit=1000&cursor=${next}`)).items, all.toReversed().slice(4));
    const records = (await engine.admin("GET", `demo/visitors/${visitor}/records?limit=1000`)).json;
    assert.deepEqual(records.items, all.toReversed());
    for (const query of ["?limit=0", "?limit=1001", "?order=up", "?from=noon", "?to=x", "?cursor=5"]) {
      const { status, json } = await engine.admin("GET", `demo/visitors/${visitor}/events${query}`);
      assert.deepEqual([status, json.code], [400, "malformed"], query);
    }
  });

  test("says what is on its way, and the oldest first never goes beyond it", async () => {
    const { visitor, token } = await engine.visitor();
    await send(token, track("one"), track("two"), track("three"));
    const { outbox } = await engine.inspect(visitor);
    await until(async () => (await stored(visitor)).length === outbox.last_seq, 15_000, 200);
    await send(token, track("four"));
    await engine.evict(visitor); // what the queue took a moment ago is not remembered
    await engine.query("DELETE FROM records WHERE visitor = ? AND name = 'two'", visitor);
    const lacking = await page(visitor, "?limit=1000");
    assert.equal(lacking.under_way, 1);
    assert.deepEqual(lacking.items.filter(({ kind }) => kind === "event").map(({ name }) => name), ["four", "three", "one"]);
    const ordered = await page(visitor, "?order=oldest");
    assert.deepEqual([ordered.items.filter(({ kind }) => kind === "event").map(({ name }) => name), ordered.under_way], [["one"], 1]);
    assert.notEqual(ordered.next, null);
    const waits = await page(visitor, `?order=oldest&cursor=${ordered.next}`);
    assert.deepEqual([waits.items, waits.next], [[], ordered.next]);
    // No queue and no dead letter keeps a record for so long: it will not come.
    await engine.query("UPDATE records SET at_ms = at_ms - 60 * 86400000 WHERE visitor = ? AND name <> 'four'", visitor);
    const goesOn = await page(visitor, "?order=oldest");
    assert.deepEqual([goesOn.items.filter(({ kind }) => kind === "event").map(({ name }) => name), goesOn.under_way], [["one", "three", "four"], 0]);
    assert.equal(goesOn.next, null);
    const { status, json } = await engine.admin("GET", `demo/visitors/${visitor}/state?at=${Date.now()}`);
    assert.deepEqual([status, json.code], [409, "log_incomplete"]);
  });

  test("gives no more at once than fits, and everything page by page", async () => {
    const { visitor, token } = await engine.visitor();
    const text = "x".repeat(30_000);
    for (let n = 0; n < 10; n += 1) {
      const { json } = await send(token, ...Array.from({ length: 16 }, (_, at) => track("large", { properties: { text, n: 16 * n + at } })));
      assert.equal(json.accepted, 16);
    }
    const { outbox } = await engine.inspect(visitor);
    await until(async () => (await stored(visitor)).length === outbox.last_seq, 30_000, 200);
    const { next, items } = (await engine.admin("GET", `demo/visitors/${visitor}/records?limit=1000`)).json;
    assert.ok(next !== null && items.length > 60 && items.length < 80, `${items.length} of them`);
    for (const order of ["newest", "oldest"]) whole(await follow(visitor, `&order=${order}`, 1000), outbox.last_seq);
    const exported = await engine.call("/v1/export", { headers: bearer(token) });
    whole(exported.json.records, outbox.last_seq);
  });

  test("folded up to a time gives the state that was seen live", async () => {
    const { visitor, token } = await engine.visitor();
    const seen = [];
    const look = async () => {
      const live = await engine.inspect(visitor);
      seen.push(live);
      await sleep(20); // so that the next event has another time
    };
    const tab = { context: { tab: "t" } };
    await send(token, { type: "page", messageId: "p1", properties: { path: "/p/tent", kind: "product" }, ...tab });
    await look();
    await send(token, track("Product Added", { properties: { sku: "tent", price: 99.5 }, ...tab }), track("wave", tab));
    await look();
    await sleep(1_500); // the page is looked at for a second
    await look();
    assert.equal(seen[2].profile.traits.looked, "yes", JSON.stringify(seen[2]));
    await send(token, { type: "identify", messageId: "i1", userId: "u1", traits: { plan: "gold" }, ...tab });
    await send(token, track("Order Completed", { properties: { order_id: "1", revenue: 99.5 }, ...tab }));
    await look();
    const past = async (at) => (await engine.admin("GET", `demo/visitors/${visitor}/state?at=${at}`)).json;
    const compare = async () => {
      for (const live of seen) {
        const then = await past(live.now_ms);
        assert.equal(then.incarnation, live.incarnation);
        for (const member of ["stage", "stages", "stage_since_ms", "segments", "session", "cart", "profile", "consent", "recent_events", "last_push", "counters", "last_activity_ms"]) {
          assert.deepEqual(then.state[member], live[member], member);
        }
        assert.deepEqual(then.state.fired.map(({ rule, count }) => [rule, count]), live.fired.map(({ rule, count }) => [rule, count]));
      }
    };
    await compare();
    const { outbox } = seen.at(-1);
    await until(async () => (await stored(visitor)).length >= outbox.last_seq, 15_000, 200);
    await compare();
    assert.deepEqual((await past(seen[0].now_ms - 60_000)).state, null);
    for (const query of ["", "?at=soon"]) {
      const { status, json } = await engine.admin("GET", `demo/visitors/${visitor}/state${query}`);
      assert.deepEqual([status, json.code], [400, "malformed"]);
    }
    await engine.evict(visitor);
    await engine.query("DELETE FROM records WHERE visitor = ? AND name = 'product_added'", visitor);
    const { status, json } = await engine.admin("GET", `demo/visitors/${visitor}/state?at=${seen[3].now_ms}`);
    assert.deepEqual([status, json.code], [503, "under_way"]);
  });

  test("is for operators of the site and for the visitor with its own token", async () => {
    const [own, another] = [await engine.visitor(), await engine.visitor()];
    await send(own.token, track("mine"));
    const { status, json } = await engine.call("/v1/log?type=mine", { headers: bearer(own.token) });
    assert.deepEqual([status, json.items.map(({ name }) => name)], [200, ["mine"]]);
    assert.deepEqual((await engine.call("/v1/log", { headers: bearer(another.token) })).json.items, []);
    assert.equal((await engine.call(`/v1/log?visitor=${own.visitor}`, { headers: bearer(another.token) })).status, 403);
    assert.equal((await engine.call("/v1/log")).status, 401);
    assert.equal((await engine.call("/v1/log", { headers: bearer(engine.adminToken) })).status, 401);
    const path = `demo/visitors/${own.visitor}/events`;
    assert.equal((await engine.admin("GET", path, undefined, engine.operator({ role: "viewer" }))).status, 200);
    assert.equal((await engine.admin("GET", path, undefined, null)).status, 401);
    assert.equal((await engine.admin("GET", path, undefined, engine.operator({ role: "admin", sites: ["other"] }))).status, 403);
    assert.deepEqual((await engine.admin("GET", `other/visitors/${own.visitor}/events`)).json.items, []);
  });
});
