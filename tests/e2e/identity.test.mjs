// One user on several devices, on the real runtime: profiles converge in every order, also when the runtime is killed.

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import { seeded } from "../support/random.mjs";
import { DEMO, basic, start, track, until } from "./support.mjs";

const HOUR_MS = 3_600_000;
/** From what matters to all devices knowing it, with some patience for a busy machine. */
const SOON_MS = 15_000;

const at = (ms) => new Date(Date.now() - HOUR_MS + ms).toISOString();

/** The view of a user. */
async function user(engine, id) {
  const { status, json, text } = await engine.admin("GET", `demo/users?userId=${id}`);
  assert.equal(status, 200, text);
  return json;
}

async function visitorOf(engine, anonymousId) {
  return (await engine.admin("GET", `demo/visitors?anonymousId=${anonymousId}`)).json;
}

/** Three devices of one user: six events with times of their own. */
function six(id, now = Date.now()) {
  const event = (n, more) => ({ messageId: `${id}-${n}`, timestamp: new Date(now - HOUR_MS + n * 1_000).toISOString(), ...more });
  const order = (order_id, revenue) => ({ type: "track", event: "Order Completed", properties: { order_id, revenue, currency: "EUR" } });
  return [
    event(1, { type: "track", event: "Product Viewed", anonymousId: `${id}-phone`, properties: { sku: "tent", category: "outdoor" } }),
    event(2, { ...order("o1", 30), anonymousId: `${id}-phone` }),
    event(3, { type: "identify", anonymousId: `${id}-phone`, userId: id, traits: { plan: "free", name: "Ada" } }),
    event(4, { type: "identify", anonymousId: `${id}-laptop`, userId: id, traits: { plan: "gold" } }),
    event(5, { ...order("o1", 31), anonymousId: `${id}-laptop` }),
    event(6, { ...order("o2", 12), anonymousId: `${id}-tablet`, userId: id }),
  ];
}

const PROFILE = { devices: 3, events: 6, orders: 2, revenue: 42_000_000, currency: "EUR", traits: { name: "Ada", plan: "gold" }, recent_products: ["tent"] };

const pick = (profile) => Object.fromEntries(Object.keys(PROFILE).map((key) => [key, profile?.[key]]));

async function converged(engine, id) {
  return until(async () => {
    const view = await user(engine, id);
    try {
      assert.deepEqual(pick(view.profile), PROFILE);
      assert.ok(view.visitors.every(({ told }) => told));
      return view;
    } catch {}
  }, SOON_MS);
}

test("three devices of one user converge on one profile, in whatever order events arrive", async (t) => {
  const engine = await start(t);
  const random = seeded(4);
  const shuffled = (list) => list.map((value) => [random.below(1e9), value]).sort(([a], [b]) => a - b).map(([, value]) => value);
  const ids = Array.from({ length: 6 }, (_, i) => `user-${i}`);
  const now = Date.now();
  await Promise.all(
    ids.map(async (id) => {
      for (const event of shuffled(six(id, now))) assert.equal((await engine.send(event)).json.accepted, 1);
    }),
  );
  const profiles = [];
  for (const id of ids) {
    const view = await converged(engine, id);
    profiles.push(JSON.stringify(view.profile).replaceAll(id, "user"));
    for (const device of ["phone", "laptop", "tablet"]) {
      const seen = await visitorOf(engine, `${id}-${device}`);
      assert.deepEqual([seen.user.id, seen.user.orders, seen.user.devices, seen.identity.attested], [id, 2, 3, true]);
    }
  }
  assert.equal(new Set(profiles).size, 1, profiles.join("\n"));
  // All of it once more: nothing changes.
  const before = await user(engine, "user-0");
  await engine.send(...six("user-0", now));
  assert.equal((await user(engine, "user-0")).version, before.version);
  // The links are in the database.
  const links = await until(async () => {
    const rows = await engine.query("SELECT name, data FROM records WHERE kind = 'user_linked' AND name = 'user-0'");
    return rows.length === 3 && rows;
  });
  assert.ok(links.every(({ data }) => JSON.parse(data).attested === true));
  // What it costs, by the platform's own counters: rows of a visitor from its link to the profile it is told.
  const phone = await visitorOf(engine, "user-0-phone");
  t.diagnostic(`${phone.runtime.commits} commits, ${phone.runtime.rows_written} rows and ${phone.runtime.alarms_set} alarms for a device's 3 events, letter, profile and flush`);
});

test("an anonymous visitor costs its user's object nothing, and there is none", async (t) => {
  const engine = await start(t, { sites: { demo: { ...DEMO, flush_after: "1h" } } });
  for (let n = 0; n < 3; n += 1) await engine.send(track("Product Viewed", { anonymousId: "nobody", properties: { sku: "a" } }));
  const { runtime, timers, identity } = await visitorOf(engine, "nobody");
  assert.deepEqual([runtime.commits, identity], [3, undefined]);
  assert.ok(!timers.some(({ reason }) => reason === "feed"));
});

test("what a user costs: letters only for what matters, and three rows for each", async (t) => {
  const engine = await start(t, { sites: { demo: { ...DEMO, flush_after: "1h" } } });
  const counters = async () => {
    const { runtime, identity, user: seen } = await visitorOf(engine, "cost");
    return { ...runtime, version: identity?.fed_version ?? 0, feeding: identity?.feeding, orders: seen?.orders };
  };
  const idle = () => until(async () => ((await counters()).feeding === false ? counters() : undefined), SOON_MS);
  await engine.send({ type: "identify", anonymousId: "cost", userId: "cost" });
  const linked = await idle();
  const told = await user(engine, "cost");
  // Looking around matters to nobody else before the session ends.
  for (let n = 0; n < 5; n += 1) await engine.send(track("Product Viewed", { anonymousId: "cost", properties: { sku: `s${n}` } }));
  const looked = await counters();
  assert.deepEqual([looked.version, looked.commits - linked.commits, looked.alarms_set - linked.alarms_set], [linked.version, 5, 0]);
  assert.equal((await user(engine, "cost")).version, told.version);
  // An order matters: its own row, one for the letter, and one for what the answer tells.
  await engine.send(track("Order Completed", { anonymousId: "cost", properties: { order_id: "1", revenue: 1 } }));
  await until(async () => (await counters()).orders === 1, SOON_MS);
  const ordered = await idle();
  assert.deepEqual([ordered.version - looked.version, ordered.commits - looked.commits], [1, 3]);
  t.diagnostic(`an order of a known visitor: ${ordered.commits - looked.commits} rows and ${ordered.alarms_set - looked.alarms_set} alarms in the visitor's object, 1 row in the user's`);
});

test("aliases join visitors and users, and groups are the user's", async (t) => {
  const engine = await start(t);
  await engine.send(
    { type: "track", event: "Product Viewed", anonymousId: "before", timestamp: at(1_000), properties: { sku: "mug" } },
    { type: "alias", previousId: "before", userId: "new", timestamp: at(2_000) },
    { type: "track", event: "Order Completed", anonymousId: "old-device", userId: "old", timestamp: at(3_000), properties: { order_id: "1", revenue: 5 } },
    { type: "group", anonymousId: "old-device", userId: "old", groupId: "acme", traits: { plan: "team" }, timestamp: at(4_000) },
    { type: "alias", previousId: "old", userId: "new", timestamp: at(5_000) },
  );
  const view = await until(async () => {
    const seen = await user(engine, "new");
    return seen.profile.devices === 2 && seen.profile.orders === 1 && seen;
  }, SOON_MS);
  assert.deepEqual([view.profile.groups, view.profile.group_traits, view.profile.recent_products], [["acme"], [{ plan: "team" }], ["mug"]]);
  assert.deepEqual(view.absorbed.map(({ user_id }) => user_id), [(await user(engine, "old")).user_id]);
  assert.equal((await user(engine, "old")).merged_into.user_id, "new");
  for (const device of ["before", "old-device"]) {
    await until(async () => (await visitorOf(engine, device)).user?.orders === 1, SOON_MS);
  }
  // What the old user's device does from now on is the new one's.
  await engine.send(track("Order Completed", { anonymousId: "old-device", properties: { order_id: "2", revenue: 6 } }));
  await until(async () => (await visitorOf(engine, "before")).user?.orders === 2, SOON_MS);
  // Back again would be a circle: refused, recorded, and nothing is lost.
  await engine.send({ type: "alias", previousId: "new", userId: "old" });
  await until(async () => JSON.stringify((await user(engine, "new")).audit).includes("circle"), SOON_MS);
  assert.equal((await user(engine, "new")).profile.orders, 2);
});

test("a claim without proof shows nothing; a server's signature is proof", async (t) => {
  const key = randomBytes(32);
  const engine = await start(t, { vars: { USER_SIGNING_KEYS: JSON.stringify({ demo: [key.toString("base64url")] }) } });
  const sign = (id, until_s) => `u1.${until_s}.${createHmac("sha256", key).update(`u1.demo.${until_s}.${id}`).digest("base64url")}`;
  await engine.send({ type: "identify", anonymousId: "owner", userId: "ada", traits: { name: "Ada" } });
  const thief = await engine.visitor();
  const claim = (more = {}) => engine.post("/v1/identify", { type: "identify", userId: "ada", traits: { name: "Eve" }, ...more }, { authorization: `Bearer ${thief.token}` });
  const soon_s = Math.floor(Date.now() / 1_000) + 60;
  for (const userSignature of [undefined, sign("eve", soon_s), sign("ada", soon_s - 120), "u1.x.y"]) {
    assert.equal((await claim({ context: { userSignature } })).json.accepted, 1);
  }
  const view = await until(async () => {
    const seen = await user(engine, "ada");
    return seen.claimed.length === 1 && seen.visitors.length === 1 && seen;
  }, SOON_MS);
  assert.deepEqual([view.profile.devices, view.profile.traits], [1, { name: "Ada" }]);
  const state = async () => (await engine.call("/v1/state", { headers: { authorization: `Bearer ${thief.token}` } })).json;
  assert.equal((await state()).user, undefined);
  // By the public key nothing is changed at all, signature or not.
  const publicly = await engine.post("/v1/identify", { type: "identify", anonymousId: "guest", userId: "ada", context: { userSignature: sign("ada", soon_s) } }, { authorization: basic(engine.publicKey) });
  assert.equal(publicly.json.accepted, 1);
  assert.equal((await visitorOf(engine, "guest")).identity, undefined);
  // The page of somebody who is logged in says so on its socket, and is told the profile there.
  const socket = await engine.connect(thief.token);
  await socket.events(1, { type: "identify", userId: "ada", messageId: "signed", timestamp: new Date().toISOString(), context: { userSignature: sign("ada", soon_s) } });
  await until(async () => (await state()).user?.devices === 2, SOON_MS);
  await until(() => socket.received.some(({ type, patch }) => type === "state" && patch?.user?.id === "ada"), SOON_MS);
  assert.deepEqual((await user(engine, "ada")).claimed, []);
  await socket.close();
});

test("killed in the middle, devices still converge and count everything once", { timeout: 180_000 }, async (t) => {
  const engine = await start(t);
  engine.port = Number(new URL(engine.address).port);
  const random = seeded(11);
  const ids = Array.from({ length: 4 }, (_, i) => `k${i}`);
  const now = Date.now();
  const waiting = ids.flatMap((id) => six(id, now)).map((event) => [random.below(1e9), event]).sort(([a], [b]) => a - b).map(([, event]) => event);
  let kills = 0;
  while (waiting.length > 0) {
    const some = waiting.slice(0, 3);
    const sent = engine.send(...some).catch(() => undefined);
    if (kills < 5 && random.chance(0.6)) {
      // In the middle of a request, of a letter, or of telling the others.
      await new Promise((done) => setTimeout(done, random.between(0, 3_500)));
      await engine.kill();
      await engine.start();
      kills += 1;
    }
    if ((await sent)?.status === 200) waiting.splice(0, some.length);
  }
  assert.ok(kills >= 4, `${kills} kills`);
  // A letter that died with its object is written again after a minute.
  await until(async () => (await Promise.all(ids.map((id) => user(engine, id)))).every(({ profile }) => JSON.stringify(pick(profile)) === JSON.stringify(PROFILE)), 100_000, 500);
  await until(async () => (await Promise.all(ids.flatMap((id) => ["phone", "laptop", "tablet"].map((device) => visitorOf(engine, `${id}-${device}`))))).every(({ user: seen }) => seen?.orders === 2), 100_000, 500);
});
