// A bug in one visitor is that request's alone: others go on, and the visitor is read from disk again.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { buildWithHooks, start, track } from "./support.mjs";

let engine;
before(async (t) => {
  engine = await start(t, { build: buildWithHooks() });
});

const view = (anonymousId) => track("Product Viewed", { anonymousId, properties: { sku: "a" } });
const views = async (anonymousId) =>
  (await engine.admin("GET", `demo/visitors?anonymousId=${anonymousId}`)).json.session.product_views;

test("a panic answers its own request within a second, and nobody else notices", async () => {
  const names = Array.from({ length: 40 }, (_, i) => `neighbour-${i}`);
  // Everybody was here before: making forty databases is not what is measured.
  await engine.send(view("unlucky"), view("unlucky"), ...names.map(view));
  const neighbours = names.map((name) => engine.send(view(name)));
  const began = Date.now();
  const { status, json } = await engine.send(view("unlucky"), track("footfall_test_panic", { anonymousId: "unlucky" }));
  assert.ok(Date.now() - began < 1_000);
  assert.deepEqual([status, json.code], [503, "not_committed"]);
  const others = await Promise.all(neighbours);
  assert.deepEqual([...new Set(others.map((other) => other.status))], [200]);

  assert.equal(await views("unlucky"), 2);
  assert.equal((await engine.send(view("unlucky"))).status, 200);
  assert.equal(await views("unlucky"), 3);
});

test("a panic in a batch of several visitors leaves the others' parts committed, and all of it can be sent again", async () => {
  const good = [view("part-1"), view("part-2")];
  const { status } = await engine.send(...good, track("footfall_test_panic", { anonymousId: "part-3" }));
  assert.equal(status, 503);
  assert.equal((await engine.send(...good)).json.accepted, 2);
  assert.deepEqual([await views("part-1"), await views("part-2")], [1, 1]);
});

test("a panic on a socket is a nack, and the socket goes on", async () => {
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token);
  await socket.events(1, view());
  socket.send({ type: "events", frame: 2, events: [track("footfall_test_panic")] });
  const { frame, code } = await socket.next("nack", 1_000);
  assert.deepEqual([frame, code], [2, "not_committed"]);
  await socket.events(3, view());
  assert.equal((await engine.inspect(visitor)).session.product_views, 2);
});
