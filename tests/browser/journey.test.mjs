// A person goes through the whole store, and the panel beside it follows.

import assert from "node:assert/strict";
import { test } from "node:test";
import { shopper } from "./shopper.mjs";
import { pause, startBrowser, startEngine, until, visit, watch } from "./support.mjs";

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

test("who skips to the content stays on the page, with what was written there, and nothing is told twice", async (t) => {
  const engine = await startEngine(t, { demo: true });
  const ada = await shopper(t, await startBrowser(t), engine, "/product/karst-38/?quantity=1");
  const { page, shop } = ada;
  const skip = () => page.getByRole("link", { name: "Skip to the content" }).press("Enter");
  const told = async (event) => (await shop.seen()).frames.flatMap(({ to, message }) => (to === "engine" ? (message.events ?? []) : [])).filter((one) => one.event === event).length;
  await skip();
  await page.waitForURL("**/product/karst-38/#main");
  await ada.cart();
  await ada.checkout();
  await page.fill("[name=name]", "Ada");
  await skip();
  await page.waitForURL("**/checkout/#main");
  await page.goBack();
  await page.waitForURL("**/checkout/");
  await shop.shows("stage", "checkout");
  await pause(1_000);
  assert.equal(await page.inputValue("[name=name]"), "Ada");
  assert.deepEqual([await told("product_viewed"), await told("checkout_started")], [1, 1]);

  await skip();
  await page.getByRole("link", { name: "All gear", exact: true }).click();
  await page.waitForURL((url) => url.pathname === "/");
  await page.goBack();
  await page.getByRole("heading", { name: "Checkout" }).waitFor();
  await shop.shows("page", /Checkout \/checkout\//);
  await until("the page is told anew", async () => (await told("checkout_started")) === 2);
  await shop.isSound();
});

for (const [what, forbid] of [
  ["forbidden", () => {
    for (const area of ["localStorage", "sessionStorage"]) {
      Object.defineProperty(window, area, { get: () => { throw new DOMException("not here", "SecurityError"); } });
    }
  }],
  ["full", () => {
    Storage.prototype.setItem = () => { throw new DOMException("no room", "QuotaExceededError"); };
  }],
]) {
  test(`where storage is ${what} the store sells, an answer about consent is heard, and the console opens`, async (t) => {
    const engine = await startEngine(t, { sites: { demo: { consent: "required", inspect: true, allow_headless: true } } });
    const browser = await startBrowser(t);
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    t.after(() => context.close());
    await context.addInitScript(forbid);
    const shop = await watch(context, await context.newPage(), engine);
    await shop.open("/product/karst-38/");
    const { page } = shop;
    const bar = page.getByRole("region", { name: "Privacy" });
    await bar.getByRole("button", { name: "Yes" }).click();
    const id = await shop.visitor();
    await bar.waitFor({ state: "hidden" });
    await page.getByRole("button", { name: "Add to cart" }).click();
    await page.getByText("In your cart: 1.").waitFor();
    await page.getByRole("link", { name: "Go to the cart" }).click();
    await page.getByRole("link", { name: "Check out" }).click();
    await until("the engine knows", async () => (await engine.visitor(id)).stage === "checkout");
    await page.getByRole("button", { name: "Hide the live state" }).click();
    await page.getByRole("button", { name: "Live state" }).click();
    await page.getByRole("button", { name: "Privacy" }).click();
    await bar.getByRole("button", { name: "No, thanks" }).click();
    await until("the panel says so", async () => /Not followed/.test(await page.innerText(".fp-status")));
    await bar.waitFor({ state: "hidden" });

    const desk = await watch(context, await context.newPage(), engine, /404/);
    await desk.open("/console/#rules");
    await desk.page.fill("#token", engine.admin_token);
    await desk.page.getByRole("button", { name: "Use" }).click();
    await desk.page.getByText("No rules yet.").waitFor();
    await desk.page.getByRole("switch", { name: "Work in the draft" }).click();
    await desk.page.getByRole("button", { name: "New rule" }).click();
    await desk.page.getByRole("button", { name: "Save to the draft" }).waitFor();
    await shop.isSound();
    await desk.isSound();
  });
}

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
