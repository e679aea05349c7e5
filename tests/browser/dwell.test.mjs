// Attention: leaving stops the clock, hiding pauses it, every tab has its own, and sleep changes nothing.

import assert from "node:assert/strict";
import { describe, it, before, after } from "node:test";
import { dwellRule, pause, startBrowser, startEngine, startTabs, until, visit, watch } from "./support.mjs";

const FOR_MS = 5_000;
/** Later than this after the deadline is a fault even on a busy machine. */
const LATE_MS = 2_000;
const PRODUCT = "/product/karst-38/";

describe("with a rule of five seconds", () => {
  const cleanups = [];
  const suite = { after: (cleanup) => cleanups.push(cleanup) };
  let engine;
  let browser;

  before(async () => {
    engine = await startEngine(suite);
    await engine.rule(dwellRule("5s"));
    browser = await startBrowser(suite);
  });

  after(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
  });

  // A page that is still loading hears of the acknowledgement late, so that the time before which nothing may happen
  // counts from when the page view was sent.
  const onTime = (at, { sent, acked }, what = "") => {
    assert.ok(at - sent >= FOR_MS, `${what} ${at - sent} ms after it was sent is early`);
    assert.ok(at - acked <= FOR_MS + LATE_MS, `${what} ${at - acked} ms after the acknowledgement is late`);
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
    const view = await shop.pageViewed("product");
    onTime((await shop.filled()).at, view);
    assert.match(await shop.slot(), /Lumen 2 tent again/);
    await shop.isSound();
  });

  it("hiding the tab pauses the clock, and coming back lets it go on", async (t) => {
    const { context, first } = await startTabs(t);
    const shop = await watch(context, first, engine);
    await shop.open(PRODUCT);
    const id = await shop.visitor();
    const view = await shop.pageViewed("product");
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
    const hidden_ms = shown.at - hidden.at;
    onTime(filled.at - hidden_ms, view, "without the time in which it was hidden:");
    t.diagnostic(`hidden for ${hidden_ms.toFixed(0)} ms; filled ${(filled.at - hidden_ms - view.acked).toFixed(0)} ms of attention after the acknowledgement`);
    await other.close();
    await shop.isSound();
  });

  it("an object that was evicted in between, its socket open, wakes by itself and fills the slot on time", async (t) => {
    const shop = await visit(t, browser, engine, PRODUCT);
    const id = await shop.visitor();
    const view = await shop.pageViewed("product");
    const before = await engine.visitor(id);
    const [clock] = before.timers.filter(({ reason }) => reason === "dwell");
    // Until the state of the object is on disk and it is idle, the runtime does not let go of it.
    await pause(500);
    assert.deepEqual(await engine.evict(id), { evicted: true });
    const filled = await shop.filled();
    onTime(filled.at, view);
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
    onTime((await one.filled()).at, ofOne, "first tab:");
    assert.equal(await two.slot(), null);
    onTime((await two.filled()).at, ofTwo, "second tab:");
    assert.match(await one.slot(), /Karst 38 rucksack again/);
    assert.match(await two.slot(), /Lumen 2 tent again/);
    await one.isSound();
    await two.isSound();
  });
});
