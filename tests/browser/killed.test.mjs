// The whole engine dies in the middle of a visitor's minute.

import assert from "node:assert/strict";
import { test } from "node:test";
import { dwellRule, pause, startBrowser, startEngine, until, visit } from "./support.mjs";

const FOR_MS = 20_000;
const LATE_MS = 2_500;

test("after kill -9 and a new start before the deadline, the page comes back by itself and its slot fills on time", async (t) => {
  const engine = await startEngine(t);
  await engine.rule(dwellRule("20s"));
  const shop = await visit(t, await startBrowser(t), engine, "/product/karst-38/", { expected: /WebSocket|ERR_CONNECTION/ });
  const id = await shop.visitor();
  const { sent, acked } = await shop.pageViewed("product");
  const before = await engine.visitor(id);
  await pause(1_500);

  await engine.kill();
  const down = Date.now();
  await until("the page notices", () => shop.page.evaluate(() => !window.footfall.connected));
  await engine.again();
  const up = Date.now();
  assert.ok(up < acked + FOR_MS, "the engine was not back before the deadline: nothing is shown by this");

  const filled = await shop.filled("product-side", FOR_MS + 10_000);
  const elapsed_ms = filled.at - acked;
  t.diagnostic(`down for ${up - down} ms; the slot filled ${elapsed_ms.toFixed(0)} ms after the page view was acknowledged`);
  assert.ok(filled.at - sent >= FOR_MS && elapsed_ms <= FOR_MS + LATE_MS, `${elapsed_ms} ms`);
  const after = await engine.visitor(id);
  assert.notEqual(after.runtime.instance, before.runtime.instance);
  assert.equal(after.incarnation, before.incarnation, "it is the same visitor, not a new one");
  assert.equal(after.session.pages, 1);
  const { frames, filled: all } = await shop.seen();
  assert.equal(frames.filter(({ message }) => message.type === "push").length, 1);
  assert.equal(all.length, 1);
  await shop.shows("engine", "Rules version");
  await shop.isSound();
});
