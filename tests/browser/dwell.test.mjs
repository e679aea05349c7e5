// Attention: leaving stops the clock, hiding pauses it, every tab has its own, and sleep changes nothing.

import assert from "node:assert/strict";
import { describe, it, before, after } from "node:test";
import { dwellRule, pause, startBrowser, startEngine, startTabs, until, visit, watch } from "./support.mjs";

const FOR_MS = 3_000;
/** Later than this after the deadline is a fault even on a busy machine. */
const LATE_MS = 1_500;
const PRODUCT = "/product/karst-38/";

describe("with a rule of three seconds", { concurrency: true }, () => {
  const cleanups = [];
  const suite = { after: (cleanup) => cleanups.push(cleanup) };
  let engine;
  let browser;

  before(async () => {
    engine = await startEngine(suite);
    await engine.rule(dwellRule("3s"));
    browser = await startBrowser(suite);
  });

  after(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
  });

  const onTime = (elapsed_ms, what = "") => {
    assert.ok(elapsed_ms >= FOR_MS, `${what} ${elapsed_ms} ms is early`);
    assert.ok(elapsed_ms <= FOR_MS + LATE_MS, `${what} ${elapsed_ms} ms is late`);
  };
  const clocks = async (id) => (await engine.visitor(id)).timers.filter(({ reason }) => reason === "dwell");

  it("leaving the page earlier stops the clock, and coming back begins a new one", async (t) => {
    const shop = await visit(t, browser, engine, PRODUCT);
    const id = await shop.visitor();
    await shop.pageViewed("product");
    await until("the clock runs", async () => (await clocks(id)).length === 1);
    await pause(1_000);
    await shop.page.click("text=All gear >> nth=0");
    await shop.pageViewed("home");
    assert.deepEqual(await clocks(id), []);
    // Another document this time, not a page view inside the same one.
    await shop.open("/product/lumen-2/");
    await shop.pageViewed("product");
    await pause(1_000);
    await shop.open("/cart/");
    await shop.pageViewed("cart");
    await pause(FOR_MS + 500);
    const { fired, last_push } = await engine.visitor(id);
    assert.deepEqual([fired, last_push], [[], 0]);
    await shop.page.goBack();
    const { acked } = await shop.pageViewed("product");
    onTime((await shop.filled()).at - acked);
    assert.match(await shop.slot(), /Lumen 2 tent again/);
    await shop.isSound();
  });

  it("hiding the tab pauses the clock, and coming back lets it go on", async (t) => {
    const { context, first } = await startTabs(t);
    const shop = await watch(context, first, engine);
    await shop.open(PRODUCT);
    const id = await shop.visitor();
    const { acked } = await shop.pageViewed("product");
    await pause(1_200);
    const other = await context.newPage(); // opens in front, and so hides the first
    await until("the engine knows that the tab is hidden", async () => (await engine.visitor(id)).page?.visible === false);
    assert.deepEqual(await clocks(id), []);
    await shop.shows("page", /paused: the tab is hidden/);
    await pause(FOR_MS + 500);
    assert.equal(await shop.slot(), null);
    await first.bringToFront();
    const filled = await shop.filled();
    const { visibility } = await shop.seen();
    assert.deepEqual(visibility.map(({ state }) => state), ["hidden", "visible"]);
    const [hidden, shown] = visibility;
    const attention_ms = hidden.at - acked + (filled.at - shown.at);
    t.diagnostic(`hidden for ${(shown.at - hidden.at).toFixed(0)} ms; filled after ${attention_ms.toFixed(0)} ms of attention`);
    onTime(attention_ms, "attention:");
    await other.close();
    await shop.isSound();
  });

  it("an object that was evicted in between, its socket open, wakes by itself and fills the slot on time", async (t) => {
    const shop = await visit(t, browser, engine, PRODUCT);
    const id = await shop.visitor();
    const { acked } = await shop.pageViewed("product");
    const before = await engine.visitor(id);
    const [clock] = before.timers.filter(({ reason }) => reason === "dwell");
    // Until the state of the object is on disk and it is idle, the runtime does not let go of it.
    await pause(500);
    assert.deepEqual(await engine.evict(id), { evicted: true });
    const filled = await shop.filled();
    onTime(filled.at - acked);
    const after = await engine.visitor(id);
    assert.notEqual(after.runtime.instance, before.runtime.instance, "the object was not evicted");
    assert.ok(after.runtime.constructed_at_ms >= clock.due_at_ms, "something else than the deadline woke it");
    t.diagnostic(`woken ${after.runtime.constructed_at_ms - clock.due_at_ms} ms after the deadline, filled ${(filled.wall - clock.due_at_ms)} ms after it`);
    const hellos = (await shop.seen()).frames.filter(({ message }) => message.type === "hello");
    assert.equal(hellos.length, 1, "the socket was another one");
    await shop.isSound();
  });

  it("two tabs each have their own clock", async (t) => {
    const one = await visit(t, browser, engine, PRODUCT);
    const id = await one.visitor();
    const ofOne = await one.pageViewed("product");
    await pause(1_500);
    const two = await watch(one.context, await one.context.newPage(), engine);
    await two.open("/product/lumen-2/");
    assert.equal(await two.visitor(), id);
    const ofTwo = await two.pageViewed("product");
    assert.equal((await clocks(id)).length, 2);
    onTime((await one.filled()).at - ofOne.acked, "first tab:");
    assert.equal(await two.slot(), null);
    onTime((await two.filled()).at - ofTwo.acked, "second tab:");
    assert.match(await one.slot(), /Karst 38 rucksack again/);
    assert.match(await two.slot(), /Lumen 2 tent again/);
    await one.isSound();
    await two.isSound();
  });
});
