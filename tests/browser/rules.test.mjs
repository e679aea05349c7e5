// Rules that change while a page is open; pushes that come once to every tab.

import assert from "node:assert/strict";
import { describe, it, before, after } from "node:test";
import { dwellRule, pause, RULES_MS, startBrowser, startEngine, until, visit, watch } from "./support.mjs";

/** A filter of the store's list was chosen: the banner says `title`. */
function bannerRule(title, more = {}) {
  return {
    id: "banner",
    name: "Banner",
    priority: 1,
    enabled: true,
    pattern: { event: { name: "product_list_viewed" } },
    actions: [{ push: { slot: "banner", content: { title }, expires: "5m" } }],
    ...more,
  };
}

describe("an engine whose rules change", { concurrency: true }, () => {
  const cleanups = [];
  const suite = { after: (cleanup) => cleanups.push(cleanup) };
  let browser;

  before(async () => {
    browser = await startBrowser(suite);
  });

  after(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
  });

  it("a changed rule acts on a page that is open within 5 s, and a disabled one stops", async (t) => {
    const engine = await startEngine(t);
    await engine.rule(bannerRule("First"));
    const shop = await visit(t, browser, engine);
    await shop.visitor();
    const choose = () => shop.page.click("[data-filter=Tents]");
    const pushes = async () => (await shop.seen()).frames.filter(({ message }) => message.type === "push").map(({ message }) => message);
    await choose();
    await until("the first banner", async () => (await shop.slot("banner"))?.startsWith("First"));

    const changed = await engine.rule(bannerRule("Second"));
    await until("the second banner", async () => (await choose(), (await shop.slot("banner"))?.startsWith("Second")), RULES_MS + 5_000, 250);
    const second = (await pushes()).find(({ content }) => content.title === "Second");
    t.diagnostic(`a changed rule acted ${second.at_ms - changed} ms after it was accepted`);
    assert.ok(second.at_ms - changed <= RULES_MS);

    const disabled = await engine.rule(bannerRule("Second", { enabled: false }));
    while (Date.now() < disabled + RULES_MS + 2_000) {
      await choose();
      await pause(250);
    }
    const last = (await pushes()).at(-1);
    t.diagnostic(`a disabled rule stopped ${Math.max(0, last.at_ms - disabled)} ms after that was accepted`);
    assert.ok(last.at_ms - disabled <= RULES_MS);
    await shop.isSound();
  });

  it("a rule that is disabled while its clock runs does not fire, and one that is changed gets a new clock", async (t) => {
    const engine = await startEngine(t);
    await engine.rule(dwellRule("7s"));
    const shop = await visit(t, browser, engine, "/product/karst-38/");
    const id = await shop.visitor();
    await shop.pageViewed("product");
    await until("the clock runs", async () => (await engine.visitor(id)).timers.some(({ reason }) => reason === "dwell"));
    await engine.rule(dwellRule("7s", { enabled: false }));
    await pause(9_000);
    assert.equal(await shop.slot(), null);
    assert.deepEqual((await engine.visitor(id)).fired, []);
    const accepted = await engine.rule(dwellRule("1s"));
    // An open page that says nothing is told of new rules with its next event: here, that it puts something in the cart.
    await pause(RULES_MS);
    await shop.page.click("[data-buy] button");
    const filled = await shop.filled();
    assert.ok(filled.wall - accepted >= 1_000);
    await shop.isSound();
  });

  it("a push comes to every tab once, and after a reload it stands there still without being sent again", async (t) => {
    const engine = await startEngine(t);
    await engine.rule(bannerRule("For all"));
    const one = await visit(t, browser, engine);
    const id = await one.visitor();
    const two = await watch(one.context, await one.context.newPage(), engine);
    await two.open("/cart/");
    assert.equal(await two.visitor(), id);
    await one.page.click("[data-filter=Tents]");
    for (const tab of [one, two]) await tab.filled("banner");
    const shown = async () => (await engine.visitor(id)).recent_events.filter(({ name }) => name === "push_shown").length;
    await until("each tab has said that it showed it", async () => (await shown()) === 2);

    for (const tab of [one, two]) {
      await tab.page.reload();
      await tab.visitor();
      await tab.filled("banner");
      const { frames } = await tab.seen();
      assert.equal(frames.find(({ message }) => message.type === "hello").message.cursor.seq, 1);
      assert.deepEqual(frames.filter(({ message }) => message.type === "push"), []);
    }
    await pause(500);
    assert.equal(await shown(), 2);
    assert.equal((await engine.visitor(id)).last_push, 1);

    await one.page.getByRole("button", { name: "Dismiss" }).click();
    await until("it is gone", async () => (await one.slot("banner")) === null);
    await one.page.reload();
    await one.visitor();
    await pause(500);
    assert.equal(await one.slot("banner"), null);
    await one.isSound();
    await two.isSound();
  });
});
