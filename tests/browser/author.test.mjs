// What a rule's author does is seen on pages that are open: a push taken back, a rule killed, a preview for one visitor.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { cookbook, publish } from "./cookbook.mjs";
import { shopper } from "./shopper.mjs";
import { pause, RULES_MS, startBrowser, startEngine, until, watch } from "./support.mjs";

/** How often a person does something while rules change, in milliseconds. */
const STEP_MS = 250;

const { rules } = cookbook();
const ruleOf = (id) => structuredClone(rules.find((rule) => rule.id === id));

/** A rule that shows a text whenever a filter of the store's list is chosen; `more` is for its push. */
const onFilter = (id, slot, text, more = {}) => ({
  id,
  name: id,
  pattern: { event: { name: "product_list_viewed" } },
  actions: [{ push: { slot, content: { text }, ...more } }],
});

/** Goes on choosing the filter until the banner shows a text. */
const becomes = (person, text) =>
  until(`the banner shows ${text}`, async () => (await chooseFilter(person), (await person.shop.slot("banner"))?.startsWith(text)), undefined, STEP_MS);

const chooseFilter = (person) => person.page.click("[data-filter=Tents]");

describe("an author's changes on open pages", { concurrency: true }, () => {
  const cleanups = [];
  const suite = { after: (cleanup) => cleanups.push(cleanup) };
  let browser;

  before(async () => {
    browser = await startBrowser(suite);
  });

  after(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
  });

  it("what is taken back leaves all tabs of the visitor, and does not come again with a reload", async (t) => {
    const engine = await startEngine(t);
    await publish(engine, { rules: [ruleOf("free-shipping-gap")] });
    const ada = await shopper(t, browser, engine, "/product/irrlicht-400/");
    await ada.add();
    await ada.cart();
    await ada.now("cart-side", "Your cart is at 54.95 EUR");
    const other = await watch(ada.shop.context, await ada.shop.context.newPage(), engine);
    await other.open("/cart/");
    await until("the other tab shows it, too", async () => (await other.slot("cart-side"))?.startsWith("Your cart is at 54.95 EUR"));

    await ada.page.getByRole("button", { name: "One more Irrlicht 400 headlamp" }).click();
    await ada.emptied("cart-side");
    await until("it leaves the other tab", async () => (await other.slot("cart-side")) === null);
    const [{ message: push }] = await ada.pushed("free-shipping-gap");
    const retracts = (await ada.shop.seen()).frames.filter(({ message }) => message.type === "retract");
    assert.deepEqual(retracts.map(({ message }) => [message.push, message.slot]), [[push.seq, "cart-side"]]);
    assert.equal((await ada.known()).pushes.length, 0);
    await other.page.reload();
    assert.equal(await other.visitor(), ada.id);
    await other.shows("pushes", "Nothing was pushed.");
    assert.equal(await other.slot("cart-side"), null);
    await ada.isSound();
    await other.isSound();
  });

  it("a killed rule stops: with the next sign of life what it can take back is gone, and it does not fire again", async (t) => {
    const engine = await startEngine(t);
    const off = onFilter("off", "banner", "Half price", { retract: true });
    const deleted = onFilter("deleted", "banner", "Free pegs", { retract: true });
    const stays = onFilter("stays", "chat", "Shown until it expires");
    await publish(engine, { rules: [off, deleted, stays] });
    const ada = await shopper(t, browser, engine);
    await chooseFilter(ada);
    for (const rule of ["off", "deleted", "stays"]) await until(`${rule} has pushed`, async () => (await ada.pushed(rule)).length > 0);
    await ada.now("banner", "Half price");

    const killed = await publish(engine, { rules: [{ ...off, enabled: false }, { ...stays, enabled: false }] });
    while (Date.now() < killed + RULES_MS + 1_000) {
      await chooseFilter(ada);
      await pause(STEP_MS);
    }
    const { frames } = await ada.shop.seen();
    const of = (type) => frames.filter(({ message }) => message.type === type).map(({ message }) => message);
    const late_ms = of("push").at(-1).at_ms - killed;
    t.diagnostic(`the last push came ${Math.max(0, late_ms)} ms after the rules were killed`);
    assert.ok(late_ms <= RULES_MS);
    // Whatever the two had pushed is taken back; the third did not ask for that, and is on the page until it expires.
    const taken = new Set(of("retract").map(({ push }) => push));
    for (const { seq, rule } of of("push")) assert.equal(taken.has(seq), rule !== "stays", `push ${seq} of ${rule}`);
    assert.equal(await ada.shop.slot("banner"), null);
    await ada.now("chat", "Shown until it expires");
    await ada.isSound();
  });

  it("a preview shows the draft to one visitor in their own browser, and changes nothing for anybody else", async (t) => {
    // Records wait for longer than the test takes: no flush writes anything of a visitor who sits still.
    const demo = { consent: "assumed", inspect: true, allow_headless: true, flush_after: "10m" };
    const engine = await startEngine(t, { sites: { demo } });
    await publish(engine, { rules: [onFilter("greeting", "banner", "As published")] });
    const [tester, other] = await Promise.all([shopper(t, browser, engine), shopper(t, browser, engine)]);
    assert.notEqual(tester.id, other.id);
    for (const person of [tester, other]) {
      await chooseFilter(person);
      await person.now("banner", "As published");
      await person.shop.shows("events", "push_shown");
    }

    const draft = { rules: [onFilter("greeting", "banner", "As in the draft"), onFilter("brand-new", "chat", "Only in the draft")] };
    assert.equal((await engine.admin("PUT", "draft", draft)).status, 201);
    const before = await other.known();
    assert.equal((await engine.admin("PUT", `previews/${tester.id}`, { for: "1h" })).status, 201);
    const asked = Date.now();
    await becomes(tester, "As in the draft");
    await tester.now("chat", "Only in the draft");
    const greetings = (await tester.pushed("greeting")).map(({ message }) => message);
    const [first, last] = [greetings.find(({ content }) => content.text === "As in the draft"), greetings.findLast(({ content }) => content.text === "As published")];
    t.diagnostic(`the draft was pushed ${first.at_ms - asked} ms after the preview was accepted, and what is published last ${last.at_ms - asked} ms after it`);
    assert.ok(last.at_ms - asked <= RULES_MS);

    // The other visitor has not moved: nothing was written of them. And then they go on as published.
    assert.deepEqual(visible(await other.known()), visible(before));
    const until_ms = Date.now() + RULES_MS;
    while (Date.now() < until_ms) {
      await chooseFilter(other);
      await pause(STEP_MS);
    }
    assert.ok((await other.pushed("greeting")).every(({ message }) => message.content.text === "As published"));
    assert.deepEqual(await other.pushed("brand-new"), []);
    assert.equal(await other.shop.slot("chat"), null);
    await other.now("banner", "As published");
    await other.neverFired("brand-new");

    assert.equal((await engine.admin("DELETE", `previews/${tester.id}`)).status, 204);
    await becomes(tester, "As published");
    await tester.isSound();
    await other.isSound();
  });
});

/** Everything that is known of a visitor, down to the count of writes, but for what runs with time. */
function visible({ now_ms, timers, ...known }) {
  return known;
}
