// Consent that is withdrawn: nothing more is collected, pushes stop, and what was collected goes, unless the site keeps it.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DEMO, basic, showOn, start, track, until } from "./support.mjs";

let engine;
const keeper = { anonymousId: "keeper" };
before(async (t) => {
  engine = await start(t, { sites: { demo: { ...DEMO, flush_after: "200ms" } } });
  const later = { id: "later", name: "later", pattern: { dwell: { for: "2s", where: { "page.kind": "product" } } }, actions: [{ push: { slot: "hero", content: { text: "still here?" } } }] };
  for (const rule of [showOn("hello", "wave"), later]) {
    const { status, text } = await engine.admin("PUT", `demo/rules/${rule.id}`, rule);
    assert.ok(status < 300, text);
  }
});

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const rows = (visitor) => engine.query("SELECT * FROM records WHERE visitor = ?", visitor);
const deny = (token, headers = {}) => engine.post("/v1/visitor", { writeKey: engine.publicKey, consent: "denied", ...(token && { token }) }, headers);

/** Keys of an object's storage whose values hold some bytes. */
function keysWith(file, text) {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = database.prepare("SELECT key, value FROM _cf_KV").all();
    return rows.filter(({ value }) => Buffer.from(value).includes(text)).map(({ key }) => key);
  } finally {
    database.close();
  }
}

async function somebody() {
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token);
  await socket.events(1, { type: "page", messageId: `p-${visitor}`, properties: { path: "/p/tent", kind: "product" } }, track("wave"), track("Product Added", { properties: { sku: "tent", price: 9 } }));
  await socket.next("push");
  await until(async () => (await rows(visitor)).length > 3, 15_000, 200);
  return { visitor, token, socket };
}

describe("consent that is withdrawn", { concurrency: true }, () => {
  test("by the page: everything goes, its sockets close, nothing fires, and senders that say nothing are refused", async () => {
    const { visitor, token, socket } = await somebody();
    const before = await engine.inspect(visitor);
    const { status, json, headers } = await deny(token);
    assert.deepEqual([status, json.visitor, json.consent], [200, null, "denied"]);
    assert.match(headers.get("set-cookie"), /^footfall=;.*Max-Age=0/);
    assert.equal(await socket.closed, 4003);
    const after = await engine.inspect(visitor);
    assert.deepEqual([after.consent, after.session, after.cart.lines, after.profile.sessions, after.fired, after.pushes, after.recent_events], ["denied", undefined, [], 0, [], [], []]);
    assert.notEqual(after.incarnation, before.incarnation);
    await until(async () => (await rows(visitor)).length === 0, 15_000, 200);
    await until(async () => !(await engine.inspect(visitor)).timers.some(({ reason }) => reason === "erasure"), 10_000, 200);
    await sleep(2_500); // longer than the dwell
    const later = await engine.inspect(visitor);
    assert.deepEqual([later.fired, later.last_push, later.outbox.last_seq], [[], 0, 0]);
    for (const headers of [bearer(token), { authorization: basic(engine.writeKey) }]) {
      const silent = await engine.post("/v1/track", track("wave", { context: { visitor } }), headers);
      assert.deepEqual([silent.json.accepted, silent.json.rejections[0].code], [0, "consent_required"]);
    }
    // The queue's late messages of that life are dropped; consent that is given again begins another.
    await engine.enqueue("RECORDS", { v: 1, site: "demo", visitor, incarnation: before.incarnation, records: [{ seq: 1, at_ms: 1, kind: "event", name: "wave", session: 1, data: {} }] });
    const again = await engine.post("/v1/track", track("wave", { context: { consent: "granted" } }), bearer(token));
    assert.equal(again.json.accepted, 1);
    const anew = await until(async () => {
      const found = await rows(visitor);
      return found.some(({ name }) => name === "wave") && found;
    }, 15_000, 200);
    assert.ok(anew.every(({ incarnation }) => incarnation === after.incarnation), JSON.stringify(anew));
    assert.deepEqual([(await engine.inspect(visitor)).consent, (await engine.inspect(visitor)).profile.sessions], ["granted", 1]);
  });

  test("by an event: the same, also when the object sleeps in between", async () => {
    const { visitor, token, socket } = await somebody();
    const said = await engine.post("/v1/track", track("wave", { context: { consent: "denied" } }), bearer(token));
    assert.deepEqual([said.json.accepted, said.json.rejections[0].code], [0, "consent_required"]);
    assert.equal(await socket.closed, 4003);
    await engine.evict(visitor);
    await until(async () => (await rows(visitor)).length === 0, 15_000, 200);
    const { consent, session } = await engine.inspect(visitor);
    assert.deepEqual([consent, session], ["denied", undefined]);
  });

  test("takes along what has a page of its own, and no page is left of what needs none any more", async () => {
    const { visitor, token } = await engine.visitor();
    const secret = `secret-${visitor}`;
    const tell = async (text) => {
      const traits = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`t${i}`, text]));
      const { json } = await engine.post("/v1/identify", { type: "identify", userId: secret, traits }, bearer(token));
      assert.equal(json.accepted, 1);
    };
    const holds = async () => (await engine.storage(visitor)).holds;
    await tell(secret.padEnd(250, "x"));
    assert.deepEqual(await holds(), { hot: 1, page: 1 });
    await tell("short");
    assert.deepEqual(await holds(), { hot: 1 });
    await tell(secret.padEnd(250, "x"));
    const { file } = await engine.storage(visitor);
    assert.ok(keysWith(file, secret).some((key) => key.startsWith("page/")), "the search finds what is there");

    assert.equal((await deny(token)).status, 200);
    await until(async () => !(await engine.inspect(visitor)).timers.some(({ reason }) => reason === "erasure"), 10_000, 200);
    assert.deepEqual(await holds(), { hot: 1 });
    assert.deepEqual(keysWith(file, secret), []);
  });

  test("a hello of somebody who has withdrawn is answered as its other pages were: the page is to forget", async () => {
    const { token } = await somebody();
    assert.equal((await deny(token)).status, 200);
    const late = engine.socket(token);
    await late.opened;
    late.send({ type: "hello", tab: "late", visible: true });
    assert.equal(await Promise.race([late.closed, sleep(3_000)]), 4003);
    assert.deepEqual(late.received, []);
    await engine.post("/v1/track", track("look", { context: { consent: "granted" } }), bearer(token));
    const back = await engine.connect(token);
    assert.equal(back.welcome.state.session.number, 1);
    await back.close();
  });

  test("of somebody of whom nothing is known leaves nothing, and a public key withdraws for nobody", async () => {
    const { visitor, token } = await engine.visitor();
    assert.equal((await deny(token)).status, 200);
    const { holds } = await engine.storage(visitor);
    assert.deepEqual(holds, {});
    const send = (context) => engine.post("/v1/track", track("wave", { ...keeper, context, writeKey: engine.publicKey }));
    assert.equal((await send({})).json.accepted, 1);
    assert.equal((await send({ consent: "denied" })).json.accepted, 0);
    const kept = (await engine.admin("GET", `demo/visitors?anonymousId=${keeper.anonymousId}`)).json;
    assert.deepEqual([kept.consent, kept.session.events], ["unknown", 1]);
    // A cookie that any page may have sent withdraws nothing either.
    const { visitor: own, token: cookie, socket } = await somebody();
    assert.equal((await deny(undefined, { cookie: `footfall=${cookie}` })).status, 200);
    assert.equal((await engine.inspect(own)).consent, "unknown");
    await socket.close();
  });
});

// By itself: it takes a table away for a while.
test("a withdrawal that the database cannot carry out stays due, and an erasure finishes it", async () => {
  const { visitor, token, socket } = await somebody();
  await engine.query("ALTER TABLE tombstones RENAME TO away");
  try {
    assert.equal((await deny(token)).status, 200);
    await socket.closed;
    await sleep(1_000);
    assert.ok((await rows(visitor)).length > 0);
    const { timers } = await engine.inspect(visitor);
    assert.ok(timers.some(({ reason, due_at_ms }) => reason === "erasure" && due_at_ms > Date.now()), JSON.stringify(timers));
  } finally {
    await engine.query("ALTER TABLE away RENAME TO tombstones");
  }
  assert.equal((await engine.admin("DELETE", `demo/visitors/${visitor}`)).status, 200);
  assert.deepEqual(await rows(visitor), []);
});
