// The cookbook in the demo store: all its rules are published together, people shop, and what the rules push is on the page.
//
// The rules are those of docs/cookbook.md; what they wait for is shortened where a test cannot wait (cookbook.mjs says
// what, and to how long). On a second engine a visit ends after seconds instead of half an hour.

import assert from "node:assert/strict";
import { after, before, describe, it, test } from "node:test";
import { cookbook, publish } from "./cookbook.mjs";
import { seenAtWork, shopper } from "./shopper.mjs";
import { pause, startBrowser, startEngine, until } from "./support.mjs";

/** What of the book the demo store cannot tell of, and why. The scenarios of the book play these as well. */
const NOT_HERE = {
  "checkout-quiet": "the checkout asks for no phone number",
  "lapsed-returns": "nobody lapses sooner than after days",
  "loyalty-stamp": "needs orders that a server reports",
  "newsletter-weekend": "depends on the day of the week",
  "payment-trouble": "nothing is paid",
  "reservation-ends": "no tickets",
  "second-order-later": "nothing can be sent back",
  "second-order-never": "nothing can be cancelled",
  "welcome-dach": "the local runtime knows no countries",
  "wishlist-reminder": "no wish list",
};

const SITE = { consent: "assumed", inspect: true, allow_headless: true, flush_after: "500ms" };
/** How long a visit goes on without a sign of life on the second engine. */
const IDLE = "6s";

describe("the cookbook's rules in the demo store", { concurrency: 3 }, () => {
  const cleanups = [];
  const suite = { after: (cleanup) => cleanups.push(cleanup) };
  const book = cookbook();
  let browser;
  let engine;
  let brief;

  before(async () => {
    [browser, engine, brief] = await Promise.all([
      startBrowser(suite),
      startEngine(suite, { sites: { demo: SITE } }),
      startEngine(suite, { sites: { demo: { ...SITE, session_idle: IDLE } } }),
    ]);
    await Promise.all([publish(engine, book), publish(brief, book)]);
  });

  after(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup();
  });

  it("who looks at products closely sees social proof, a comparison, help with sizes and what is scarce", async (t) => {
    const ada = await shopper(t, browser, engine, "/product/karst-38/");
    await ada.sees("social-proof", "Karst 38 rucksack is on many lists this week.");
    await ada.product("lumen-2");
    await ada.neverFired("comparing-two", "third-look");
    await ada.product("karst-38");
    await ada.sees("comparing-two", "Compare them side by side.");
    await ada.page.getByRole("link", { name: "Compare" }).click();
    for (const name of ["Lumen 2 tent", "Karst 38 rucksack"]) await ada.page.getByRole("columnheader", { name }).waitFor();
    await ada.product("lumen-2");
    await ada.product("karst-38");
    await ada.sees("third-look", "Still thinking about Karst 38 rucksack?");

    await ada.product("gratweg-mid");
    await ada.open("Size chart");
    await ada.sees("between-sizes", "Between two sizes?");
    await ada.product("nachtfalter");
    await ada.sees("out-of-stock", "Nachtfalter sleeping bag is sold out.");
    await ada.product("irrlicht-400");
    await ada.sees("last-pieces", "Only 3 left.");
    await ada.neverFired("exit-intent", "search-empty", "free-shipping-gap");
    await ada.isSound();
  });

  it("who searches in vain is told so, and who searches again and again is offered a person", async (t) => {
    const ada = await shopper(t, browser, engine);
    await ada.search("tent");
    await ada.search("kayak");
    await ada.sees("search-empty", "Nothing for “kayak”.");
    assert.equal((await ada.pushed("search-empty")).length, 1, "the tent was found");
    await ada.neverFired("search-rage");
    await ada.search("paddle");
    await ada.sees("search-rage", "Can we help you find it?");
    await ada.isSound();
  });

  it("who wanders through the store sees what is cheap, what makes a present and how to pay later", async (t) => {
    const ada = await shopper(t, browser, engine);
    await ada.product("karst-38");
    await ada.product("irrlicht-400");
    await ada.sees("overlay-survey", "Do you find what you look for?");
    await ada.product("quell-1l");
    await ada.home();
    await ada.neverFired("price-falls", "wanderer");
    await ada.product("quell-1l");
    await ada.sees("price-falls", "Good gear need not be dear");
    await ada.product("gratweg-mid");
    await ada.product("lumen-2");
    await ada.sees("wanderer", "Looking for a present?");
    await ada.open("Delivery and returns");
    await ada.sees("not-convinced", "Order today, pay in 30 days.");
    await ada.reachForTheTabs();
    await ada.shop.shows("events", "exit_intent");
    // The overlay of this visit was the survey's, and there is nothing in the cart.
    await ada.neverFired("overlay-discount", "exit-intent");
    await ada.isSound();
  });

  it("who reaches for the tabs with an empty cart sees the one overlay of this visit", async (t) => {
    const ada = await shopper(t, browser, engine);
    await ada.reachForTheTabs();
    await ada.sees("overlay-discount", "Five off, if you order today.");
    await ada.product("karst-38");
    await ada.product("lumen-2");
    await ada.shop.shows("session", "Pages 3");
    await ada.neverFired("overlay-survey", "exit-intent");

    // One in five is held out from the autumn promotion, and whether it is this visitor is for the engine to say.
    await ada.hearsOf("autumn-promotion");
    const heldOut = async () => (await ada.records("trigger_held_out", 0)).some(({ name }) => name === "autumn-promotion") && "held out";
    const pushed = async () => (await ada.pushed("autumn-promotion")).length > 0 && "shown";
    const outcome = await until("the promotion is shown or held out", async () => (await pushed()) || (await heldOut()));
    t.diagnostic(`the promotion is ${outcome}`);
    if (outcome === "shown") await ada.sees("autumn-promotion", "Autumn weeks: a fifth off all jackets.");
    else assert.deepEqual(await ada.pushed("autumn-promotion"), []);
    await ada.isSound();
  });

  it("with a cart, hints come and go as it fills, and help is at hand on the way out, in the checkout and back", async (t) => {
    const ada = await shopper(t, browser, engine, "/product/irrlicht-400/");
    await ada.add();
    await ada.cart();
    await ada.sees("free-shipping-gap", "Your cart is at 54.95 EUR: from 75.00 EUR it ships free.");
    await ada.page.getByRole("button", { name: "One more Irrlicht 400 headlamp" }).click();
    await ada.emptied("cart-side");
    await ada.redeem("SUMMER");
    await ada.neverFired("coupon-trouble");
    await ada.redeem("SUMMER26");
    await ada.sees("coupon-trouble", "The code does not work?");
    await ada.page.getByRole("button", { name: "Remove" }).click();
    await ada.sees("hesitation", "Put it on your list");

    await ada.product("lumen-2");
    await ada.hearsOf("favourite-tents");
    await ada.shop.shows("profile", /favourite Tents/i);
    await ada.add(4);
    await ada.cart();
    await ada.sees("cross-sell-tent", "Pegs for stony ground go well with it.");
    await ada.reachForTheTabs();
    await ada.sees("exit-intent", "We keep your cart of 1316.00 EUR for 30 days.");
    await ada.sees("high-value-waits", "A question before you order?");

    await ada.checkout();
    await ada.sees("checkout-stuck", "Something unclear?");
    await ada.cart();
    await ada.sees("back-from-checkout", "Collect it in one of our stores");
    await ada.checkout();
    await ada.now("chat", "A question before you order?");
    await ada.writeAddress();
    await ada.order();
    await ada.sees("vip-welcome", "You are one of our best customers now");
    await ada.hearsOf("big-spender");
    await ada.shop.shows("profile", /tier gold/i);
    // The offer of a call goes with the cart that it was about.
    await ada.now("chat", "The code does not work?");
    const taken = (await ada.known()).pushes.map(({ rule }) => rule);
    for (const rule of ["high-value-waits", "free-shipping-gap", "cross-sell-tent"]) assert.ok(!taken.includes(rule), `${rule} is still there`);
    await ada.isSound();
  });

  it("a cart that is left is followed in three steps, each with its record for the store's mails", async (t) => {
    const ada = await shopper(t, browser, engine, "/product/quell-1l/");
    await ada.add(50);
    await ada.cart();
    await ada.sees("bulk-buyer", "Ordering for a company?");
    for (const step of [1, 2, 3]) await ada.hearsOf(`cart-abandoned-${step}`);
    const emitted = (await ada.records("emitted", 3)).filter(({ name }) => name === "cart_abandoned");
    assert.deepEqual(emitted.map(({ data }) => data.mail), ["reminder", "questions", "voucher"]);
    assert.equal(emitted[0].data.value, "1497.50 EUR");
    await ada.isSound();
  });

  it("an order ends the sequence of the cart, and begins what comes after an order", async (t) => {
    const ada = await shopper(t, browser, engine, "/product/karst-38/");
    await ada.add();
    await ada.cart();
    await ada.checkout();
    await ada.writeAddress();
    await ada.hearsOf("cart-abandoned-1");
    const { timers } = await ada.known();
    const due_ms = timers.find(({ reason, rule }) => reason === "start" && rule === "cart-abandoned-2").due_at_ms;
    await ada.order();
    await ada.hearsOf("review-request", "repeat-due", "second-order-begin", "second-order-voucher");
    assert.equal((await ada.known()).stage, "purchased");
    await pause(Math.max(0, due_ms + 1_000 - Date.now()));
    await ada.neverFired("cart-abandoned-2", "cart-abandoned-3");
    await ada.isSound();
  });

  it("who comes back finds the cart and the way on to the checkout, and an emptied cart takes the greeting away", async (t) => {
    const ada = await shopper(t, browser, brief, "/product/quell-1l/");
    await ada.add();
    await ada.cart();
    await ada.checkout();
    await ada.neverFired("returning-with-cart", "checkout-resume");
    await ada.leave();
    await ada.comeBack("/product/glut/");
    await ada.sees("returning-with-cart", "Welcome back. Your cart is as you left it: 1 in it.");
    await ada.cart();
    await ada.page.getByRole("button", { name: "Remove" }).click();
    // Two greetings came at once, and a slot shows one: now it shows the other.
    await ada.now("banner", "Your order is ready to be finished.");
    await ada.sees("checkout-resume", "Your order is ready to be finished.");
    assert.match(await ada.page.getByRole("link", { name: "Go on" }).getAttribute("href"), /\/checkout$/);
    await ada.isSound();
  });

  it("a landing by a campaign without a second page is recorded, and one that goes on is not", async (t) => {
    const [ada, ben] = await Promise.all(["/?utm_source=autumn-mail", "/?utm_source=autumn-mail"].map((path) => shopper(t, browser, brief, path)));
    await ben.product("karst-38");
    await ben.shop.shows("session", "autumn-mail");
    await Promise.all([ada.leave(), ben.leave()]);
    const [bounce] = await ada.records("emitted", 1);
    assert.deepEqual([bounce.name, bounce.data], ["campaign_bounce", { kind: "one_page" }]);
    seenAtWork.add("campaign-bounce");
    await ben.records("session_ended", 1);
    await ben.neverFired("campaign-bounce");
  });
});

test("all rules of the book were seen at work in the store, or it is said why they cannot be", async () => {
  const missing = cookbook().rules.map(({ id }) => id).filter((id) => !seenAtWork.has(id) && !(id in NOT_HERE));
  assert.deepEqual(missing, []);
  assert.deepEqual(Object.keys(NOT_HERE).filter((id) => seenAtWork.has(id)), []);
  assert.ok(seenAtWork.size >= 30, `${seenAtWork.size} rules`);
});
