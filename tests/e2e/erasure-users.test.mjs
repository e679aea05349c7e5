// Erasure and users: nothing of an erased visitor is left with the users that it ever was, nor comes back to them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { buildWithHooks, start, track, until } from "./support.mjs";

const view = async (engine, id) => (await engine.admin("GET", `demo/users?userId=${id}`)).json;
const visitorOf = async (engine, anonymousId) => (await engine.admin("GET", `demo/visitors?anonymousId=${anonymousId}`)).json;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

test("a letter that was on its way when its visitor was erased brings nothing back to its user", async (t) => {
  const engine = await start(t, { build: buildWithHooks() });
  // Letters to a user of this name dawdle for four seconds.
  const id = "footfall_test_late";
  await engine.send({ type: "identify", anonymousId: "late", userId: id, traits: { name: "Ada" } });
  const { visitor } = await until(async () => {
    const seen = await visitorOf(engine, "late");
    return seen.identity.fed_version === 1 && seen;
  }, 10_000);
  assert.deepEqual((await view(engine, id)).visitors, [], "the letter is on its way");
  assert.equal((await engine.admin("DELETE", `demo/visitors/${visitor}`)).status, 200);
  await wait(6_000);
  const { visitors, profile, audit, user_id } = await view(engine, id);
  assert.deepEqual([visitors, profile.devices, profile.traits, audit, user_id], [[], 0, {}, [], ""]);
  // In another life it counts again.
  await engine.send({ type: "identify", anonymousId: "late", userId: id });
  await until(async () => (await view(engine, id)).profile.devices === 1, 15_000);
});

test("users that an erased visitor has left know nothing of it either", async (t) => {
  const engine = await start(t);
  for (const id of ["first", "second"]) {
    await engine.send({ type: "identify", anonymousId: "moves", userId: id, traits: { name: "Ada" } });
    await engine.send({ ...track("Product Viewed", { properties: { sku: "tent" } }), anonymousId: `stays-${id}`, userId: id });
    await until(async () => (await view(engine, id)).profile.devices === 2, 15_000);
  }
  await until(async () => (await view(engine, "first")).profile.devices === 1, 15_000);
  const { visitor } = await visitorOf(engine, "moves");
  assert.ok(JSON.stringify(await view(engine, "second")).includes(visitor));
  assert.equal((await engine.admin("DELETE", `demo/visitors/${visitor}`)).status, 200);
  for (const id of ["first", "second"]) {
    const seen = await view(engine, id);
    assert.equal(JSON.stringify(seen).includes(visitor), false, id);
    assert.equal(seen.profile.devices, 1);
  }
});
