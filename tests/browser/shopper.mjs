// A shopper in the demo store: what a person does with the pointer and the keyboard, and what of the rules they see.

import assert from "node:assert/strict";
import { until, visit, watch } from "./support.mjs";

/** Rules that some shopper has seen at work. */
export const seenAtWork = new Set();

/** A new visitor who comes to `path`. Overlays that are in the way of the next click are closed, as a person would. */
export async function shopper(t, browser, engine, path = "/", options = {}) {
  const shop = await visit(t, browser, engine, path, options);
  await closeOverlays(shop.page);
  return new Shopper(shop, engine, await shop.visitor());
}

const closeOverlays = (page) => {
  const close = page.locator("footfall-slot[name=overlay]").getByRole("button", { name: "Dismiss" });
  return page.addLocatorHandler(close, () => close.click());
};

export class Shopper {
  constructor(shop, engine, id) {
    Object.assign(this, { shop, engine, id, page: shop.page });
  }

  /** Clicks, and waits for the page that this leads to. */
  async #follow(link, path) {
    await link.click();
    await this.page.waitForURL(`**${path}`);
    await this.page.locator("main h1").waitFor();
  }

  home() {
    return this.#follow(this.page.getByRole("link", { name: "Fernweh Outfitters" }), "/");
  }

  /** Goes to a product by a link of the page, by way of the first page when there is none. */
  async product(slug) {
    const link = this.page.locator(`.card a[href="/product/${slug}/"]`);
    if ((await link.count()) === 0) await this.home();
    const before = await this.#views(slug);
    await this.#follow(link, `/product/${slug}/`);
    await until(`${slug} is looked at`, async () => (await this.#views(slug)) > before);
  }

  /** How often the page has told that this product was looked at. */
  async #views(slug) {
    const { frames } = await this.shop.seen();
    const events = frames.filter(({ to }) => to === "engine").flatMap(({ message }) => message.events ?? []);
    return events.filter(({ event, context }) => event === "product_viewed" && context.page.path === `/product/${slug}/`).length;
  }

  async add(quantity = 1) {
    await this.page.fill("[name=quantity]", String(quantity));
    await this.page.getByRole("button", { name: "Add to cart" }).click();
    await this.page.getByText("In your cart:").waitFor();
  }

  cart() {
    return this.#follow(this.page.locator("a.cart-link"), "/cart/");
  }

  checkout() {
    return this.#follow(this.page.getByRole("link", { name: "Check out" }), "/checkout/");
  }

  async writeAddress() {
    const answers = { email: "ada@example.com", name: "Ada", street: "Way 1", postcode: "12345", city: "Town" };
    for (const [name, answer] of Object.entries(answers)) await this.page.fill(`[name=${name}]`, answer);
  }

  order() {
    return this.#follow(this.page.getByRole("button", { name: "Place the order" }), "/thank-you/");
  }

  async search(words) {
    const box = this.page.getByRole("searchbox");
    await box.fill(words);
    await box.press("Enter");
    await this.page.getByRole("heading", { name: words }).waitFor();
  }

  async redeem(code) {
    await this.page.getByLabel("Coupon").fill(code);
    await this.page.getByRole("button", { name: "Redeem" }).click();
    await this.page.getByText(code).waitFor();
  }

  open(summary) {
    return this.page.getByText(summary, { exact: true }).click();
  }

  /** Moves the pointer to the tabs of the browser. */
  async reachForTheTabs() {
    for (const y of [300, 30, -2]) await this.page.mouse.move(400, y);
  }

  /** What was pushed to this page by a rule, the newest last. */
  async pushed(rule) {
    const { frames } = await this.shop.seen();
    return frames.filter(({ message }) => message.type === "push" && message.rule === rule);
  }

  /** Waits until what a rule pushed stands in its slot on the page; gives the slot's text. */
  async sees(rule, text) {
    let push;
    await until(`${rule} is pushed`, async () => (push = (await this.pushed(rule)).at(-1)));
    const { slot, content } = push.message;
    const shown = await until(`what ${rule} pushed stands in ${slot}`, async () => {
      const { filled } = await this.shop.seen();
      return filled.find((entry) => entry.name === slot && entry.at >= push.at && entry.text.includes(content.text));
    });
    assert.ok(shown.text.includes(text), `${rule} shows: ${shown.text}`);
    seenAtWork.add(rule);
    return shown.text;
  }

  /** Waits until a slot shows a text, and nothing else. */
  now(slot, text) {
    return until(`the slot ${slot} shows ${text}`, async () => (await this.shop.slot(slot))?.startsWith(text));
  }

  /** Waits until a slot is empty. */
  emptied(slot) {
    return until(`the slot ${slot} is empty`, async () => (await this.shop.slot(slot)) === null);
  }

  /** Waits until the panel beside the store lists a rule that has fired: for those that show nothing. */
  async hearsOf(...rules) {
    for (const rule of rules) {
      await this.shop.shows("fired", new RegExp(`× ${rule} `));
      seenAtWork.add(rule);
    }
  }

  known() {
    return this.engine.visitor(this.id);
  }

  /** No rule of these has fired for this visitor. */
  async neverFired(...rules) {
    const fired = (await this.known()).fired.map(({ rule }) => rule);
    assert.deepEqual(rules.filter((rule) => fired.includes(rule)), []);
  }

  /** The visitor's records of a kind, the oldest first, waiting until there are `count`. */
  async records(kind, count) {
    const look = async () => {
      const { body } = await this.engine.admin("GET", `visitors/${this.id}/records`);
      const found = body.items.filter((record) => record.kind === kind);
      return found.length >= count && found.reverse();
    };
    return until(`${count} records of ${kind}`, look);
  }

  /** The visitor leaves, and the session ends. */
  async leave() {
    await this.page.close();
    await until("the session has ended", async () => !(await this.known()).session);
  }

  /** A new tab of the same browser. */
  async comeBack(path = "/") {
    const { context } = this.shop;
    this.page = await context.newPage();
    this.shop = await watch(context, this.page, this.engine);
    await this.shop.open(path);
    await closeOverlays(this.page);
    assert.equal(await this.shop.visitor(), this.id);
  }

  isSound() {
    return this.shop.isSound();
  }
}
