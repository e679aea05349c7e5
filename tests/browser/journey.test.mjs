// A person goes through the whole store, and the panel beside it follows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startBrowser, startEngine, until, visit } from "./support.mjs";

test("a person clicks through the store: stage, timers, cart and pushes follow at once, and nothing goes wrong", async (t) => {
  const engine = await startEngine(t, { demo: true });
  const shop = await visit(t, await startBrowser(t), engine, "/?utm_source=letter&utm_campaign=autumn");
  const { page } = shop;
  const id = await shop.visitor();

  await shop.shows("stage", "browsing");
  await shop.shows("page", /Home \//);
  await shop.shows("session", "letter / autumn");

  await page.click('.card a[href="/product/karst-38/"]');
  await page.waitForURL("**/product/karst-38/");
  await shop.shows("stage", "considering");
  await shop.shows("page", /Product \/product\/karst-38\/ Karst 38 rucksack/);
  await shop.shows("timers", /Attention reached social-proof/);
  const left = async () => Number((await shop.panel("timers")).match(/social-proof ([\d.]+) s/)?.[1]);
  const first = await until("the timer is shown", left);
  assert.ok(first <= 60 && first > 40, `${first} s left`);
  await until("the timer counts down", async () => (await left()) < first - 0.5);

  await page.fill("[name=quantity]", "2");
  await page.click("[data-buy] button");
  await shop.shows("stage", "carting");
  await shop.shows("cart", "2× Karst 38 rucksack €299.90 2 in all €299.90");
  await shop.shows("segments", "big cart");
  await shop.shows("pushes", "#1 free-shipping-reached cart-side");
  assert.equal(await page.innerText("[data-cart-count]"), "2");

  await page.click("a.cart-link");
  await page.waitForURL("**/cart/");
  await until("the push stands in its slot", async () => (await shop.slot("cart-side"))?.includes("This one ships free"));
  await page.getByRole("button", { name: "One fewer Karst 38 rucksack" }).click();
  await shop.shows("cart", "1× Karst 38 rucksack €149.95");
  await shop.shows("segments", "In no segment.");
  await shop.shows("pushes", "#2 free-shipping-gap cart-side");
  // Of two pushes for one slot, that of the higher priority stays.
  assert.match(await shop.slot("cart-side"), /This one ships free/);
  await page.getByRole("button", { name: "Dismiss" }).click();
  await until("the other push is seen", async () => (await shop.slot("cart-side"))?.includes("Your cart is at 149.95 EUR"));
  await shop.shows("pushes", /^#2 free-shipping-gap cart-side [\d:]+$/);

  await page.getByRole("link", { name: "Check out" }).click();
  await page.waitForURL("**/checkout/");
  await shop.shows("stage", "checkout");
  const answers = { email: "Ada@Example.com", name: "Ada", street: "Way 1", postcode: "12345", city: "Town" };
  for (const [name, answer] of Object.entries(answers)) await page.fill(`[name=${name}]`, answer);
  await page.getByRole("button", { name: "Place the order" }).click();
  await page.waitForURL("**/thank-you/");
  await shop.shows("stage", "purchased");
  await shop.shows("cart", "Empty.");
  await shop.shows("segments", "known customer");
  await shop.shows("profile", /Known yes User ada@example.com .*Orders 1 Revenue €149.95/);

  assert.deepEqual((await shop.seen()).stages, ["new", "browsing", "considering", "carting", "checkout", "purchased"]);
  const known = await engine.visitor(id);
  assert.deepEqual([known.stage, known.cart.count, known.profile.orders, known.profile.revenue], ["purchased", 0, 1, 149.95]);
  assert.deepEqual(known.fired.map(({ rule, count }) => [rule, count]).sort(), [["free-shipping-gap", 1], ["free-shipping-reached", 1]]);
  await shop.isSound();
});

test("the store works by keyboard and without the engine", async (t) => {
  const engine = await startEngine(t, { demo: true });
  const browser = await startBrowser(t);
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.route("**/v1/**", (route) => route.abort());
  await page.goto(`${engine.address}/product/karst-38/`);
  await page.getByRole("button", { name: "Add to cart" }).press("Enter");
  await page.getByRole("link", { name: "Go to the cart" }).press("Enter");
  await page.waitForURL("**/cart/");
  await page.getByText("Karst 38 rucksack").first().waitFor();
});

test("what is put into the cart before the page's script is there is not lost", async (t) => {
  const engine = await startEngine(t, { demo: true });
  const browser = await startBrowser(t);
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  let here;
  const script = new Promise((resolve) => (here = resolve));
  await page.route("**/store/store.js", async (route) => script.then(() => route.continue()));
  await page.goto(`${engine.address}/product/karst-38/`, { waitUntil: "commit" });
  await page.getByLabel("Quantity").fill("2");
  await page.getByRole("button", { name: "Add to cart" }).press("Enter");
  await page.waitForURL("**/?quantity=2", { waitUntil: "commit" });
  here();
  await page.getByText("In your cart: 2.").waitFor();
  assert.equal(new URL(page.url()).search, "", "a reload does not put it there once more");
  await page.reload();
  await page.locator("[data-cart-count]").getByText("2").first().waitFor();
});
