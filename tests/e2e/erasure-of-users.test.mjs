// Erasure of users: with every visitor that counts for them, whichever users have become one, and nobody else.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DEMO, buildWithHooks, start, track, until } from "./support.mjs";

const SOON_MS = 20_000;

const view = async (engine, id) => (await engine.admin("GET", `demo/users?userId=${id}`)).json;
const visitorOf = async (engine, anonymousId) => (await engine.admin("GET", `demo/visitors?anonymousId=${anonymousId}`)).json;
const rows = async (engine, visitor) => engine.query("SELECT * FROM records WHERE visitor = ?", visitor);

/** Files of objects that hold some bytes. */
function filesWith(folder, text) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesWith(path, text);
    return /(User|Visitor)/.test(path) && readFileSync(path).includes(text) ? [path] : [];
  });
}

const mark = (name) => `marker-${name}-${Math.random().toString(36).slice(2)}`;

test("a user is erased with its visitors and with the users that are one with it", { timeout: 240_000 }, async (t) => {
  const engine = await start(t, { sites: { demo: { ...DEMO, flush_after: "300ms" } } });
  const ids = { old: mark("old"), ada: mark("ada") };
  const secret = mark("trait");
  const identify = (anonymousId, userId, traits = {}) => ({ type: "identify", anonymousId, userId, traits });
  await engine.send(identify("phone", ids.old, { secret }), identify("laptop", ids.ada, { secret }), identify("other", "eve", { name: "Eve" }));
  await engine.send({ ...track("Order Completed", { properties: { order_id: "1", revenue: 5 } }), anonymousId: "phone" });
  await until(async () => (await view(engine, ids.old)).profile.orders === 1, SOON_MS);
  await engine.send({ type: "alias", previousId: ids.old, userId: ids.ada });
  await until(async () => (await view(engine, ids.ada)).profile.orders === 1, SOON_MS);
  // Somebody who only claims to be that user.
  const claimant = await engine.visitor();
  await engine.post("/v1/identify", { type: "identify", userId: ids.ada }, { authorization: `Bearer ${claimant.token}` });
  await until(async () => (await view(engine, ids.ada)).claimed.length === 1, SOON_MS);
  const [phone, laptop, other] = await Promise.all(["phone", "laptop", "other"].map((name) => visitorOf(engine, name)));
  await until(async () => (await rows(engine, phone.visitor)).length > 0 && (await rows(engine, other.visitor)).length > 0, SOON_MS);
  for (const text of [secret, ids.ada]) assert.ok(filesWith(engine.state, text).some((path) => path.includes("User")), "the search finds what is there");

  // By the name of the user that has become the other one: both are the same.
  const { user } = await view(engine, ids.old);
  const { status, json, text } = await engine.admin("DELETE", `demo/users/${user}`);
  assert.equal(status, 200, text);
  assert.deepEqual([json.erased, json.user, json.users, json.removed.storage], [true, user, 2, true]);
  // Two devices; and those who heard the alias: either user as a visitor by its own name, and the anonymous id that the
  // previous one may have been.
  assert.equal(json.visitors, 5);
  assert.ok(json.removed.records > 0);
  assert.deepEqual(json.kept.map(({ place }) => place), ["durable_objects", "database", "queues"]);

  for (const id of Object.values(ids)) {
    const { visitors, profile, claimed, absorbed, merged_into, audit, user_id } = await view(engine, id);
    assert.deepEqual([visitors, profile.devices, profile.traits, claimed, absorbed, merged_into, audit, user_id], [[], 0, {}, [], [], undefined, [], ""]);
  }
  for (const name of ["phone", "laptop"]) {
    const seen = await visitorOf(engine, name);
    assert.deepEqual([seen.profile.user_id, seen.profile.traits, seen.user, await rows(engine, seen.visitor)], [undefined, {}, undefined, []], name);
  }
  assert.deepEqual([filesWith(engine.state, secret), filesWith(engine.state, ids.old)], [[], []]);
  assert.ok(filesWith(engine.state, ids.ada).every((path) => path.includes("Visitor")), "only the claimant still says that name");
  // Nobody else is touched.
  assert.deepEqual((await view(engine, "eve")).profile.traits, { name: "Eve" });
  assert.ok((await rows(engine, other.visitor)).length > 0);
  assert.equal((await engine.inspect(claimant.visitor)).identity.user_id, ids.ada);

  // A repeat is harmless, and whoever comes back begins anew.
  const again = await engine.admin("DELETE", `demo/users/${user}`);
  assert.deepEqual([again.status, again.json.visitors, again.json.users], [200, 0, 1]);
  await engine.send(identify("phone", ids.old, { plan: "gold" }));
  const anew = await until(async () => {
    const seen = await view(engine, ids.old);
    return seen.profile.devices === 1 && seen;
  }, SOON_MS);
  assert.deepEqual([anew.profile.traits, anew.profile.orders, anew.merged_into], [{ plan: "gold" }, 0, undefined]);
});

test("what a user handed on brings nothing back when a copy of it comes after the erasure", { timeout: 240_000 }, async (t) => {
  const engine = await start(t, { build: buildWithHooks() });
  // Of what a user of this name hands on, a copy comes twelve seconds later.
  const [from, into] = ["footfall_test_twice", "heir"];
  await engine.send({ type: "identify", anonymousId: "phone", userId: from, traits: { name: "Ada" } });
  const { user } = await until(async () => {
    const seen = await view(engine, from);
    return seen.profile.devices === 1 && seen;
  }, SOON_MS);
  await engine.send({ type: "alias", previousId: from, userId: into });
  await until(async () => (await view(engine, into)).profile.devices === 1, SOON_MS);
  const { status, json, text } = await engine.admin("DELETE", `demo/users/${user}`);
  assert.deepEqual([status, json.users], [200, 2], text);
  await until(() => engine.log.includes("a late copy was answered"), SOON_MS);
  const { visitors, profile, absorbed, audit } = await view(engine, into);
  assert.deepEqual([visitors, profile.devices, profile.traits, absorbed, audit], [[], 0, {}, [], []]);
});
