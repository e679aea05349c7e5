// The export: everything that is kept of a visitor in one document, for the visitor and for admins.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { DEMO, showOn, start, track, until } from "./support.mjs";

let engine;
before(async (t) => {
  engine = await start(t, { sites: { demo: { ...DEMO, flush_after: "300ms", origins: ["https://shop.example"] }, other: DEMO } });
  const { status, text } = await engine.admin("PUT", "demo/rules/hello", showOn("hello", "wave"));
  assert.ok(status < 300, text);
});

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const send = (token, ...batch) => engine.post("/v1/batch", { batch }, bearer(token));

test("holds state and all records, of the object and of the database, in one document", async () => {
  const { visitor, token } = await engine.visitor();
  const count = 1_200; // more than are read at once
  for (let sent = 0; sent < count; sent += 400) {
    const batch = Array.from({ length: 400 }, (_, n) => track("look", { properties: { n: sent + n, text: "é\"\\" } }));
    assert.equal((await send(token, ...batch)).json.accepted, 400);
  }
  await until(async () => (await engine.inspect(visitor)).outbox.hot === 0, 15_000, 200);
  await until(async () => (await engine.query("SELECT count(*) AS n FROM records WHERE visitor = ?", visitor))[0].n > count, 30_000, 300);
  await send(token, { type: "identify", messageId: "i", userId: "u-1", traits: { plan: "gold" } }, track("wave"));
  const { status, json, headers } = await engine.call("/v1/export", { headers: bearer(token) });
  assert.equal(status, 200);
  assert.match(headers.get("content-disposition"), new RegExp(`attachment; filename="footfall-demo-${visitor}.json"`));
  assert.equal(headers.get("cache-control"), "no-store");
  assert.deepEqual([json.format, json.version, json.site, json.visitor, json.under_way], ["footfall.export", 1, "demo", visitor, 0]);
  assert.ok(Math.abs(json.exported_at_ms - Date.now()) < 60_000 && Math.abs(json.token_issued_at_ms - Date.now()) < 120_000);
  assert.deepEqual([json.state.profile.user_id, json.state.profile.traits, json.state.consent, json.state.runtime], ["u-1", { plan: "gold" }, "unknown", undefined]);
  assert.deepEqual(json.state.fired.map(({ rule }) => rule), ["hello"]);
  assert.deepEqual(json.records.map(({ seq }) => seq), Array.from({ length: json.state.outbox.last_seq }, (_, at) => at + 1));
  const looks = json.records.filter(({ name }) => name === "look");
  assert.deepEqual(looks.map(({ data }) => data.properties.n), Array.from({ length: count }, (_, n) => n));
  assert.equal(looks[0].data.properties.text, "é\"\\");
  assert.deepEqual(json.records.slice(-2).map(({ kind, name }) => [kind, name]), [["event", "wave"], ["trigger_fired", "hello"]]);

  const byAdmin = await engine.admin("GET", `demo/visitors/${visitor}/export`);
  assert.deepEqual([byAdmin.json.token_issued_at_ms, byAdmin.json.records], [null, json.records]);
});

test("of somebody of whom nothing is known is short, and leaves nothing", async () => {
  const { visitor, token } = await engine.visitor();
  const { json } = await engine.call("/v1/export", { headers: bearer(token) });
  assert.deepEqual([json.records, json.state.session, json.under_way], [[], undefined, 0]);
  const { holds } = await engine.storage(visitor);
  assert.deepEqual(holds, {});
});

test("is for the visitor itself and for admins of the site", async () => {
  const { visitor, token } = await engine.visitor();
  await send(token, track("wave"));
  assert.equal((await engine.call("/v1/export")).status, 401);
  assert.equal((await engine.call("/v1/export", { headers: bearer(engine.adminToken) })).status, 401);
  const another = await engine.visitor();
  assert.deepEqual((await engine.call("/v1/export", { headers: bearer(another.token) })).json.records, []);
  assert.equal((await engine.call(`/v1/export?visitor=${visitor}`, { headers: bearer(another.token) })).status, 403);
  const path = `demo/visitors/${visitor}/export`;
  for (const role of ["viewer", "author"]) assert.equal((await engine.admin("GET", path, undefined, engine.operator({ role }))).status, 403);
  assert.equal((await engine.admin("GET", path, undefined, engine.operator({ role: "admin", sites: ["other"] }))).status, 403);
  // A page of another site may ask with the cookie, and cannot read the answer.
  const evil = await engine.call("/v1/export", { headers: { cookie: `footfall=${token}`, origin: "https://evil.example" } });
  assert.equal(evil.headers.get("access-control-allow-origin"), null);
  const shop = await engine.call("/v1/export", { headers: { cookie: `footfall=${token}`, origin: "https://shop.example" } });
  assert.deepEqual([shop.status, shop.headers.get("access-control-allow-origin"), shop.json.visitor], [200, "https://shop.example", visitor]);
});
