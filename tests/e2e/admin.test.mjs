// The admin's endpoints: rules, segments and stages are stored, checked, published, and act on connected visitors.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { showOn, start, track } from "./support.mjs";

let engine;
before(async (t) => {
  engine = await start(t);
});

const version = async () => (await engine.admin("GET", "demo/rules")).json.version;

test("documents are created, read, replaced, listed and deleted", async () => {
  const kinds = {
    rules: showOn("crud", "product_viewed"),
    segments: { id: "crud", name: "Big cart", when: { "cart.value": { $gte: 100 } } },
  };
  for (const [kind, document] of Object.entries(kinds)) {
    const before = await version();
    const created = await engine.admin("POST", `demo/${kind}`, document);
    assert.deepEqual([created.status, created.json.id, created.json.version], [201, "crud", before + 1], created.text);
    assert.deepEqual(created.json.warnings, []);
    assert.deepEqual((await engine.admin("GET", `demo/${kind}/crud`)).json, document);
    assert.equal((await engine.admin("POST", `demo/${kind}`, document)).json.code, "exists");
    const replaced = await engine.admin("PUT", `demo/${kind}/crud`, { ...document, name: "Renamed" });
    assert.deepEqual([replaced.status, replaced.json.version], [200, before + 2]);
    const { json } = await engine.admin("GET", `demo/${kind}`);
    assert.deepEqual(json.items.map(({ id, document: { name } }) => [id, name]), [["crud", "Renamed"]]);
    assert.equal((await engine.admin("DELETE", `demo/${kind}/crud`)).json.version, before + 3);
    assert.equal((await engine.admin("GET", `demo/${kind}/crud`)).status, 404);
    assert.equal((await engine.admin("DELETE", `demo/${kind}/crud`)).status, 404);
  }
});

test("an invalid rule is refused with a pointer, and the old one goes on", async () => {
  const good = showOn("kept", "product_viewed");
  await engine.admin("PUT", "demo/rules/kept", good);
  const before = await version();
  const bad = { ...good, pattern: { event: { name: "product_viewed", where: { "cart.valeu": 1 } } } };
  const { status, headers, json } = await engine.admin("PUT", "demo/rules/kept", bad);
  assert.deepEqual([status, headers.get("content-type"), json.code], [422, "application/problem+json", "refused"]);
  assert.match(json.faults[0].pointer, /^\/pattern\/event\/where/);
  assert.ok(json.faults[0].message.includes("cart.value"), json.faults[0].message);
  assert.equal(await version(), before);
  assert.deepEqual((await engine.admin("GET", "demo/rules/kept")).json, good);
  assert.equal((await engine.admin("PUT", "demo/rules/kept", "{")).status, 400);
  assert.equal((await engine.admin("PUT", "demo/rules/other", good)).json.faults[0].pointer, "/id");
  assert.equal((await engine.admin("PUT", "demo/rules/kept", { ...good, name: "x".repeat(17_000) })).json.code, "too_large");
});

test("two authors do not overwrite each other", async () => {
  const rule = showOn("shared", "product_viewed");
  const first = await engine.admin("PUT", "demo/rules/shared", rule);
  const tag = first.headers.get("etag");
  assert.equal((await engine.admin("GET", "demo/rules/shared")).headers.get("etag"), tag);
  const change = (etag) =>
    engine.call("/admin/v1/sites/demo/rules/shared", {
      method: "PUT",
      headers: { authorization: `Bearer ${engine.adminToken}`, "if-match": etag },
      body: rule,
    });
  const second = await change(tag);
  assert.equal(second.status, 200);
  assert.equal((await change(tag)).json.code, "changed_meanwhile");
  assert.equal((await change(second.headers.get("etag"))).status, 200);
});

test("a change acts on a connected visitor within five seconds", async () => {
  const { token } = await engine.visitor();
  const socket = await engine.connect(token);
  await socket.events(1, track("Anything"));
  await engine.admin("PUT", "demo/rules/late", showOn("late", "something_special", { text: "one" }));
  await sleep(5_000);
  await socket.events(2, track("something_special"));
  assert.deepEqual((await socket.next("push")).content, { text: "one" });
  await engine.admin("PUT", "demo/rules/late", showOn("late", "something_special", { text: "two" }));
  await sleep(5_000);
  await socket.events(3, track("something_special"));
  assert.deepEqual((await socket.next("push")).content, { text: "two" });
  await engine.admin("DELETE", "demo/rules/late");
  await sleep(5_000);
  await socket.events(4, track("something_special"));
  assert.equal(socket.received.filter(({ type }) => type === "push").length, 2);
});

test("in steady traffic a change acts within five seconds too", async () => {
  const { token } = await engine.visitor();
  const socket = await engine.connect(token);
  await socket.events(0, track("steady"));
  await engine.admin("PUT", "demo/rules/steady", showOn("steady", "steady"));
  const began = Date.now();
  for (let frame = 1; !socket.received.some(({ type }) => type === "push"); frame += 1) {
    assert.ok(Date.now() - began < 5_000, "no push after five seconds");
    await socket.events(frame, track("steady"));
    await sleep(50);
  }
});

test("what was published survives the rulebook's sleep", async () => {
  await engine.admin("PUT", "demo/rules/asleep", showOn("asleep", "product_viewed"));
  const before = await version();
  await fetch(`${engine.control}/evict?class=Rulebook&name=v1:demo:rulebook`, { method: "POST" });
  assert.equal(await version(), before);
  assert.equal((await engine.admin("GET", "demo/rules/asleep")).status, 200);
});

test("rules that another release compiled are compiled anew", async (t) => {
  const other = await start(t);
  await other.admin("PUT", "demo/rules/old", showOn("old", "wave"));
  const { json: before } = await other.admin("GET", "demo/rules");
  const { file } = await other.storage("rulebook", "Rulebook");
  await other.kill();
  const database = new DatabaseSync(file);
  for (const { hash, b } of database.prepare("SELECT hash, b FROM pieces").all()) {
    b[0] = 255; // a version that no release of ours knows
    database.prepare("UPDATE pieces SET b = ?, hash = ? WHERE hash = ?").run(b, `x${hash}`, hash);
    database.prepare("UPDATE versions SET hash = ? WHERE hash = ?").run(`x${hash}`, hash);
  }
  database.close();
  await other.start();
  const socket = await other.connect((await other.visitor()).token);
  await socket.events(1, track("wave"));
  assert.equal((await socket.next("push")).rule, "old");
  assert.equal((await other.admin("GET", "demo/rules")).json.version, before.version + 1);
});
