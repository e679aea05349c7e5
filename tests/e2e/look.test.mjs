// What leaves nothing: looks at unknown visitors, refused consent, and visitors whose retention time is over.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { DEMO, start, track, until } from "./support.mjs";

const empty = async (engine, visitor) => {
  const { holds } = await engine.storage(visitor);
  return Object.keys(holds).length === 0 || JSON.stringify(holds);
};

test("a look at an unknown visitor or site leaves nothing", async (t) => {
  const engine = await start(t);
  const unknown = randomUUID();
  assert.equal((await engine.inspect(unknown)).visitor, unknown);
  assert.equal(await empty(engine, unknown), true);
  const { visitor, token } = await engine.visitor();
  assert.equal((await engine.call("/v1/state", { headers: { authorization: `Bearer ${token}` } })).status, 200);
  const socket = engine.socket(token); // without a hello
  await socket.opened;
  await socket.close();
  assert.equal(await empty(engine, visitor), true);
  assert.deepEqual((await engine.admin("GET", "demo/rules")).json, { version: 0, items: [] });
  const rulebook = await engine.storage("rulebook", "Rulebook");
  assert.equal(rulebook.holds.documents, undefined);
});

test("where consent is required there is no cookie and nothing stored before it", async (t) => {
  const engine = await start(t, { sites: { demo: { ...DEMO, consent: "required" } } });
  const ask = (consent, more) => engine.post("/v1/visitor", { writeKey: engine.publicKey, consent, ...more });
  const before = await ask("unknown");
  assert.deepEqual(before.json, { visitor: null, token: null, consent: "required" });
  assert.equal(before.headers.get("set-cookie"), null);
  const event = track("Product Viewed", { anonymousId: "nobody", properties: { sku: "a" } });
  const { json } = await engine.post("/v1/track", { ...event, writeKey: engine.publicKey });
  assert.deepEqual([json.accepted, json.rejections[0].code], [0, "consent_required"]);
  const { visitor } = (await engine.admin("GET", "demo/visitors?anonymousId=nobody")).json;
  assert.equal(await empty(engine, visitor), true);

  const after = await ask("granted");
  assert.match(after.headers.get("set-cookie"), /^footfall=f1\./);
  const granted = { ...event, context: { consent: "granted" } };
  const taken = await engine.post("/v1/track", granted, { authorization: `Bearer ${after.json.token}` });
  assert.equal(taken.json.accepted, 1);
  const withdrawn = await ask("denied", { token: after.json.token });
  assert.equal(withdrawn.json.visitor, null);
  assert.match(withdrawn.headers.get("set-cookie"), /^footfall=; .*Max-Age=0/);
});

test("a visitor idle past the retention time is gone, and comes back as another incarnation", async (t) => {
  const brief = { ...DEMO, session_idle: "1s", flush_after: "100ms", retention: "2s" };
  const engine = await start(t, { sites: { demo: brief } });
  const { visitor, token } = await engine.visitor();
  const view = () => engine.post("/v1/track", track("Product Viewed", { properties: { sku: "a" } }), { authorization: `Bearer ${token}` });
  await view();
  const first = await engine.inspect(visitor);
  assert.notEqual(await empty(engine, visitor), true);
  // Looks do not keep a visitor alive, nor bring one back.
  await until(async () => (await engine.inspect(visitor)).session === undefined && (await empty(engine, visitor)) === true, 15_000, 250);
  assert.equal((await engine.inspect(visitor)).timers?.length ?? 0, 0);
  assert.equal(await empty(engine, visitor), true);
  const stored = () => engine.query("SELECT id, incarnation FROM records WHERE visitor = ?", visitor);
  const before = await until(async () => ((await stored()).length > 0 ? stored() : undefined));

  await view();
  const second = await engine.inspect(visitor);
  assert.notEqual(second.incarnation, first.incarnation);
  assert.equal(second.profile.sessions, 1);
  const all = await until(async () => {
    const rows = await stored();
    return rows.some((row) => row.incarnation === second.incarnation) && rows;
  });
  assert.ok(all.length > before.length);
});
