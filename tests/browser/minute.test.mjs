// The product's one sentence, at its real length: sixty seconds on a product page without doing anything.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bareAlarms } from "../support/bare-alarm.mjs";
import { startBrowser, startEngine, until, visit } from "./support.mjs";

const MINUTE_MS = 60_000;
/** How much later than a bare alarm the engine may be; both run on a machine that is busy with other tests. */
const BEHIND_MS = 500;

test("who looks at a product for 60 seconds sees social proof: never earlier, and as late as a bare alarm", async (t) => {
  const [engine, alarm, browser] = await Promise.all([startEngine(t, { demo: true }), bareAlarms(t), startBrowser(t)]);
  const shop = await visit(t, browser, engine);
  const id = await shop.visitor();
  await shop.page.click('.card a[href="/product/karst-38/"]');
  const { sent, acked } = await shop.pageViewed("product");
  const { timers, page } = await until("the clock runs", async () => {
    const known = await engine.visitor(id);
    return known.timers.some(({ reason }) => reason === "dwell") && known;
  });
  const due_ms = timers.find(({ reason }) => reason === "dwell").due_at_ms;
  const bare = alarm("minute", due_ms - Date.now());

  const filled = await shop.filled("product-side", MINUTE_MS + 15_000);
  const { frames, filled: all } = await shop.seen();
  const { message: push } = frames.find(({ message }) => message.type === "push");
  const late_ms = push.at_ms - due_ms;
  const bare_ms = await bare;
  t.diagnostic(`the engine's wake was ${late_ms} ms late, the slot was filled ${filled.wall - due_ms} ms after the deadline; a bare alarm was heard ${bare_ms} ms after its own`);
  // The engine counts from the page view's arrival, which lies between these two moments of the page. The second is only
  // reported: a page that is drawing itself hears of an acknowledgement some hundred milliseconds late.
  const [after_sent_ms, after_acked_ms] = [filled.at - sent, filled.at - acked];
  t.diagnostic(`the slot filled ${after_sent_ms.toFixed(1)} ms after the page view was sent, ${after_acked_ms.toFixed(1)} ms after the page heard that it was acknowledged`);

  assert.equal(push.rule, "social-proof");
  assert.match(filled.text, /Karst 38 rucksack is one of the things/);
  assert.ok(late_ms >= 0, "the engine fired early, by its own clock");
  assert.ok(push.at_ms - page.opened_at_ms >= MINUTE_MS, "the engine fired less than a minute after the page view arrived");
  assert.ok(after_sent_ms >= MINUTE_MS, `filled ${after_sent_ms} ms after the page view was sent`);
  assert.ok(late_ms <= bare_ms + BEHIND_MS, `${late_ms} ms late; a bare alarm ${bare_ms} ms`);
  assert.equal(all.length, 1);
  // The page said nothing in that minute that could have woken the object.
  const said = frames.filter(({ to, at }) => to === "engine" && at > acked + 1_000 && at < filled.at);
  assert.deepEqual(said, []);
  await shop.isSound();
});
