// Eviction, hibernation and kill -9: sockets stay, timers fire, nothing that was acknowledged is lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DEMO, start, track } from "./support.mjs";

const dwell = (seconds) => ({
  id: "proof",
  name: "Social proof",
  pattern: { dwell: { for: `${seconds}s`, where: { "page.kind": "product" } } },
  actions: [{ push: { slot: "proof", content: { text: "Others look at this" } } }],
});
const page = (tab) => ({
  type: "page",
  messageId: `page-${tab}`,
  name: "Product",
  context: { tab, page: { url: "https://shop.example/p/1", path: "/p/1", title: "P", referrer: "", kind: "product" } },
});
// Nothing else may wake the object: records wait longer than the test.
const quiet = { demo: { ...DEMO, flush_after: "10m" } };

test("an evicted object keeps its sockets, its state and its timers", async (t) => {
  const engine = await start(t, { sites: quiet });
  await engine.admin("PUT", "demo/rules/proof", dwell(3));
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token, { tab: "t" });
  const began = Date.now();
  await socket.events(1, page("t"));
  const { runtime } = await engine.inspect(visitor);
  assert.deepEqual(await engine.evict(visitor), { evicted: true });
  const push = await socket.next("push", 10_000);
  const after_ms = Date.now() - began;
  assert.ok(after_ms >= 3_000 && after_ms < 4_500, `after ${after_ms} ms`);
  assert.equal(push.slot, "proof");
  assert.notEqual((await engine.inspect(visitor)).runtime.instance, runtime.instance);
  await engine.evict(visitor);
  await socket.events(2, track("Product Added", { properties: { sku: "a", price: 1 } }));
  assert.equal((await engine.inspect(visitor)).cart.count, 1);
});

test("an object left alone for ten seconds sleeps with its socket open", async (t) => {
  const engine = await start(t, { sites: quiet });
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token, { tab: "t" });
  await socket.events(1, page("t"));
  const before = (await engine.inspect(visitor)).runtime.instance;
  await sleep(11_500);
  await socket.events(2, track("x"));
  assert.notEqual((await engine.inspect(visitor)).runtime.instance, before);
});

test("a timer survives kill -9 and fires after the restart", async (t) => {
  const engine = await start(t, { sites: quiet });
  await engine.admin("PUT", "demo/rules/proof", dwell(6));
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token, { tab: "t" });
  const began = Date.now();
  await socket.events(1, page("t"));
  await engine.kill();
  await engine.start();
  const back = await engine.connect(token, { tab: "t" });
  const push = await back.next("push", 10_000);
  const after_ms = Date.now() - began;
  assert.ok(after_ms >= 6_000 && after_ms < 8_500, `after ${after_ms} ms`);
  assert.equal(push.slot, "proof");
  assert.equal((await engine.inspect(visitor)).session.pages, 1);
});

test("kill -9 loses nothing that was acknowledged and counts nothing twice", async (t) => {
  const engine = await start(t);
  const { visitor, token } = await engine.visitor();
  const headers = { authorization: `Bearer ${token}` };
  const sent = Array.from({ length: 60 }, () => track("Product Viewed", { properties: { sku: "a" } }));
  let acknowledged = 0;
  for (const [at, event] of sent.entries()) {
    const kill = at % 20 === 10;
    const reply = engine.post("/v1/track", event, headers).catch(() => undefined);
    if (kill) {
      await Promise.all([reply, sleep(2).then(() => engine.kill())]);
      await engine.start();
    }
    if ((await reply)?.status === 200) acknowledged += 1;
  }
  const between = (await engine.inspect(visitor)).session.product_views;
  assert.ok(between >= acknowledged, `${between} of ${acknowledged}`);
  for (const event of sent) assert.equal((await engine.post("/v1/track", event, headers)).status, 200);
  assert.equal((await engine.inspect(visitor)).session.product_views, 60);
});
