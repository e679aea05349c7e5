// A site that requires consent keeps nothing before it is given.

import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pause, startBrowser, startEngine, until, visit } from "./support.mjs";

const SITES = { demo: { consent: "required", inspect: true, allow_headless: true, flush_after: "500ms" } };

/** Database files of visitors' objects; the runtime's own book of alarms is none. */
function visitorFiles(engine) {
  const directory = join(engine.state, "v3/do/footfall-Visitor");
  return existsSync(directory) ? readdirSync(directory).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name)) : [];
}

const stored = (page) => page.evaluate(() => [Object.keys(localStorage), Object.keys(sessionStorage), document.cookie]);

test("before consent there is no cookie, nothing stored and no record; after it everything works, earlier events included", async (t) => {
  const engine = await startEngine(t, { sites: SITES, demo: true });
  const shop = await visit(t, await startBrowser(t), engine);
  const { page, context } = shop;
  const records = async () => (await engine.d1("SELECT count(*) AS n FROM records"))[0].n;
  const bar = page.getByRole("region", { name: "Privacy" });
  await bar.waitFor();
  await page.click('.card a[href="/product/karst-38/"]');
  await page.waitForURL("**/product/karst-38/");
  await pause(2_000);
  assert.match(await page.innerText(".fp-status"), /Waiting for consent/);
  assert.deepEqual(await context.cookies(), []);
  assert.deepEqual(await stored(page), [[], [], ""]);
  assert.deepEqual(visitorFiles(engine), []);
  assert.equal(await records(), 0);
  assert.deepEqual((await shop.seen()).frames, [], "there was a socket");

  await bar.getByRole("button", { name: "Yes" }).click();
  const id = await shop.visitor();
  await shop.shows("stage", "considering");
  const { session, recent_events, consent } = await engine.visitor(id);
  assert.equal(consent, "granted");
  assert.deepEqual([session.pages, session.product_views], [2, 1]);
  assert.deepEqual(recent_events.map(({ name }) => name), ["product_viewed", "page_viewed", "page_viewed"]);
  assert.deepEqual((await context.cookies()).map(({ httpOnly, sameSite }) => [httpOnly, sameSite]), [[true, "Lax"]]);
  assert.equal(visitorFiles(engine).length, 1);
  await until("the records are in the database", async () => (await records()) > 0);
  await page.click("[data-buy] button");
  await shop.shows("cart", "Karst 38 rucksack");
  await shop.isSound();
});

test("who declines is not followed, and the answer is all that is remembered", async (t) => {
  const engine = await startEngine(t, { sites: SITES });
  const shop = await visit(t, await startBrowser(t), engine, "/product/karst-38/");
  await shop.page.getByRole("button", { name: "No, thanks" }).click();
  await until("the panel says so", async () => /Not followed/.test(await shop.page.innerText(".fp-status")));
  await shop.page.click("a.cart-link");
  await shop.open("/");
  await pause(1_000);
  assert.deepEqual(await shop.context.cookies(), []);
  assert.deepEqual(await stored(shop.page), [["fernweh:consent"], [], ""]);
  assert.deepEqual(visitorFiles(engine), []);
  assert.deepEqual((await shop.seen()).frames, []);
  await shop.isSound();
});
