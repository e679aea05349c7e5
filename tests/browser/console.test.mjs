// The console: rules are read, changed, refused with a pointer to what is wrong, drafted, published and brought back.

import assert from "node:assert/strict";
import { createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import { dwellRule, pause, RULES_MS, startBrowser, startEngine, until, visit, watch } from "./support.mjs";

test("the console shows where a rule is wrong while the old one goes on, and saves a good one", async (t) => {
  const engine = await startEngine(t);
  await engine.rule(dwellRule("2s"));
  const browser = await startBrowser(t);
  // That there is no draft is an answer of 404.
  const desk = await visit(t, browser, engine, "/console/#rules", { expected: /404|422/ });
  const { page } = desk;
  await page.getByText("Paste an admin token").waitFor();
  await page.fill("#token", engine.admin_token);
  await page.getByRole("button", { name: "Use" }).click();
  await page.getByRole("button", { name: "Social proof" }).click();
  const text = page.getByRole("textbox", { name: "Document as JSON" });
  await until("the rule is there", async () => (await text.inputValue()).includes('"2s"'));
  const good = await text.inputValue();

  await text.fill(good.replace('"2s"', '"soon"'));
  await page.getByRole("button", { name: "Save" }).click();
  const fault = page.locator(".faults button");
  await fault.waitFor();
  assert.equal(await fault.locator("code").innerText(), "/pattern/dwell/for");
  assert.match(await page.locator(".said").innerText(), /what was there before goes on/);
  await fault.click();
  const chosen = () => text.evaluate((area) => area.value.slice(area.selectionStart, area.selectionEnd));
  assert.equal(await chosen(), '"soon"');
  assert.equal((await engine.admin("GET", "rules/social-proof")).body.pattern.dwell.for, "2s");
  const visitor = await visit(t, browser, engine, "/product/karst-38/");
  assert.match((await visitor.filled()).text, /Taking your time/);

  await text.fill(good.replace("Taking your time? Good.", "Have a second look."));
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved. Visitors see it within seconds.").waitFor();
  const toggle = page.getByRole("switch", { name: "social-proof is live" });
  await toggle.click();
  await until("the switch is off", async () => (await toggle.getAttribute("aria-checked")) === "false");
  const { body } = await engine.admin("GET", "rules/social-proof");
  assert.deepEqual([body.enabled, body.actions[0].push.content.title], [false, "Have a second look."]);
  await desk.isSound();
  await visitor.isSound();
});

/** The console with the admin's token, on its page of rules. */
async function rulesDesk(t, browser, engine, expected) {
  const desk = await visit(t, browser, engine, "/console/#rules", { expected });
  await desk.page.fill("#token", engine.admin_token);
  await desk.page.getByRole("button", { name: "Use" }).click();
  await desk.page.locator(".list").waitFor();
  return desk;
}

test("a change is written in the draft, mended where it is wrong, tried by its author, published, looked at and taken back", async (t) => {
  const engine = await startEngine(t);
  await engine.rule(dwellRule("1s"));
  const browser = await startBrowser(t);
  // What is refused on the way: a draft that is not there yet, and one that does not compile.
  const desk = await rulesDesk(t, browser, engine, /404|422/);
  const { page, context } = desk;
  page.on("dialog", (dialog) => dialog.accept());
  const bar = page.getByRole("region", { name: "Draft" });
  const text = page.getByRole("textbox", { name: "Document as JSON" });
  const title = async () => (await engine.admin("GET", "rules/social-proof")).body.actions[0].push.content.title;
  const shows = async (shop, wanted) => {
    await shop.open("/product/karst-38/");
    await until(`a page shows ${wanted}`, async () => (await shop.slot())?.startsWith(wanted));
  };

  await bar.getByText("There is no draft.").waitFor();
  await bar.getByRole("switch", { name: "Work in the draft" }).click();
  await page.getByRole("button", { name: "Social proof" }).click();
  await until("the rule is there", async () => (await text.inputValue()).includes('"1s"'));
  const good = await text.inputValue();
  await text.fill(good.replace('"1s"', '"soon"').replace("Taking your time? Good.", "From the draft"));
  await page.getByRole("button", { name: "Save to the draft" }).click();
  await page.getByText("cannot be published like this").waitFor();
  await page.locator(".faults button").click();
  assert.equal(await text.evaluate((area) => area.value.slice(area.selectionStart, area.selectionEnd)), '"soon"');
  await bar.getByText("social-proof changed").waitFor();
  await bar.getByRole("button", { name: "Publish" }).click();
  await bar.getByText("/pattern/dwell/for").waitFor();
  assert.equal(await title(), "Taking your time? Good.");

  await text.fill(good.replace("Taking your time? Good.", "From the draft"));
  await page.getByRole("button", { name: "Save to the draft" }).click();
  await page.getByText("Nobody sees it before it is published.").waitFor();
  // The author is a visitor as well, in the same browser; somebody else is not shown the draft.
  const author = await watch(context, await context.newPage(), engine);
  const other = await visit(t, browser, engine);
  await author.open("/");
  await author.visitor();
  await bar.getByRole("button", { name: "Show it to me" }).click();
  await bar.getByText("For an hour this browser, and nobody else").waitFor();
  await pause(RULES_MS);
  await shows(author, "From the draft");
  await shows(other, "Taking your time?");

  await bar.getByLabel("What this version is about").fill("Plainer words");
  await bar.getByRole("button", { name: "Publish" }).click();
  await bar.getByText("Published as version 2.").waitFor();
  assert.equal(await title(), "From the draft");

  await page.getByRole("link", { name: "Versions" }).click();
  await page.getByRole("button", { name: "Version 2 Plainer words" }).click();
  const difference = page.locator(".difference");
  await difference.waitFor();
  assert.match(await difference.innerText(), /rules\/social-proof\s+\/actions\/0\/push\/content\/title\s+"Taking your time\? Good\." "From the draft"/);
  await page.getByRole("button", { name: "Version 1" }).click();
  await page.getByText("No version before it is kept").waitFor();
  await page.getByRole("button", { name: "Bring version 1 back" }).click();
  await page.getByText("Version 3 has the documents of version 1.").waitFor();
  assert.equal(await title(), "Taking your time? Good.");
  for (const shop of [desk, author, other]) await shop.isSound();
});

/** An author's console with the rule open in the draft. */
async function draftDesk(t, browser, engine) {
  const desk = await rulesDesk(t, browser, engine, /404|409|412/);
  const { page } = desk;
  const bar = page.getByRole("region", { name: "Draft" });
  const text = page.getByRole("textbox", { name: "Document as JSON" });
  await bar.getByRole("switch", { name: "Work in the draft" }).click();
  await page.getByRole("button", { name: "Social proof" }).click();
  await until("the rule is there", async () => (await text.inputValue()).includes("Taking your time?"));
  const save = async (title) => {
    await text.fill((await text.inputValue()).replace(/"title": ".*"/, `"title": "${title}"`));
    await page.getByRole("button", { name: "Save to the draft" }).click();
  };
  return { desk, page, bar, text, save, kept: () => page.getByText("Nobody sees it before it is published.").waitFor() };
}

test("of two authors in one draft nobody undoes what the other did without seeing it", async (t) => {
  const engine = await startEngine(t);
  const rule = dwellRule("1s");
  await engine.rule(rule);
  const browser = await startBrowser(t);
  const [ada, bob] = [await draftDesk(t, browser, engine), await draftDesk(t, browser, engine)];
  const title = async (of) => (await engine.admin("GET", `${of}rules/social-proof`)).body.actions[0].push.content.title;

  // Both began where there was no draft, and so no tag.
  await bob.save("Bob's");
  await bob.kept();
  await ada.save("Ada's");
  await ada.page.locator(".said.bad").waitFor();
  assert.match(await ada.page.locator(".said").innerText(), /changed in the meantime/);
  await ada.bar.getByText("social-proof changed").waitFor();
  assert.equal(await title("draft/"), "Bob's");
  ada.page.once("dialog", (dialog) => dialog.accept());
  await ada.page.getByRole("button", { name: "Social proof" }).click();
  await until("Bob's text is there", async () => (await ada.text.inputValue()).includes("Bob's"));
  await ada.save("Ada's");
  await ada.kept();

  // Bob has not seen what Ada wrote since.
  bob.page.on("dialog", (dialog) => dialog.accept());
  for (const button of ["Publish", "Throw away"]) {
    await bob.page.reload();
    await bob.bar.getByText("social-proof changed").waitFor();
    await ada.save(`Ada's, before ${button}`);
    await ada.page.getByText("Nobody sees it before it is published.").waitFor();
    await until("Ada's is there", async () => (await title("draft/")) === `Ada's, before ${button}`);
    await bob.bar.getByRole("button", { name: button }).click();
    await bob.bar.getByText("changed in the meantime").waitFor();
  }
  assert.deepEqual([await title(""), await title("draft/")], [rule.actions[0].push.content.title, "Ada's, before Throw away"]);

  // What was published in between is not overwritten unsaid.
  await engine.rule({ ...rule, priority: 3 });
  await bob.bar.getByRole("button", { name: "Publish" }).click();
  await bob.bar.getByText("changed in the meantime").waitFor();
  await bob.bar.getByText("version 2 has other documents").waitFor();
  await bob.bar.getByRole("button", { name: "Publish on top of version 2" }).click();
  await bob.bar.getByText("Published as version 3.").waitFor();
  assert.match(await bob.bar.locator(".told").innerText(), /instead of what version 2 says: rules\/social-proof/);
  assert.equal(await title(""), "Ada's, before Throw away");
  for (const { desk } of [ada, bob]) await desk.isSound();
});

test("text that is not saved is not lost without a question", async (t) => {
  const engine = await startEngine(t);
  await engine.rule(dwellRule("1s"));
  await engine.rule({ ...dwellRule("1s"), id: "other", name: "Another" });
  const { desk, page, bar, text, save, kept } = await draftDesk(t, await startBrowser(t), engine);
  await save("In the draft");
  await kept();
  const written = `${await text.inputValue()} `;
  await text.fill(written);
  const asked = [];
  let accept = false;
  page.on("dialog", async (dialog) => {
    asked.push(dialog.message());
    await (accept ? dialog.accept() : dialog.dismiss());
  });
  const ways = {
    "the kill switch of the rule": () => page.getByRole("switch", { name: "social-proof is live" }).click(),
    "another rule": () => page.getByRole("button", { name: "Another" }).click(),
    "a new one": () => page.getByRole("button", { name: "New rule" }).click(),
    "what is published": () => bar.getByRole("switch", { name: "Work in the draft" }).click(),
    publishing: () => bar.getByRole("button", { name: "Publish" }).click(),
    "another page": () => page.getByRole("link", { name: "Segments" }).click(),
    "another token": () => page.getByRole("button", { name: "Use" }).click(),
  };
  for (const [way, go] of Object.entries(ways)) {
    asked.length = 0;
    await go();
    await until(`${way}: it is asked`, () => asked.length === 1);
    assert.match(asked[0], /not saved/, way);
    await pause(300);
    assert.equal(await text.inputValue(), written, way);
  }
  asked.length = 0;
  await bar.getByRole("button", { name: "Throw away" }).click();
  await until("it is asked about the draft's end", () => asked.length === 1);
  assert.equal(new URL(page.url()).hash, "#rules");
  assert.equal((await engine.admin("GET", "draft/rules/social-proof")).body.enabled, true);

  // Another rule's switch loses nothing, and asks nothing.
  asked.length = 0;
  const other = page.getByRole("switch", { name: "other is live" });
  await other.click();
  await until("it is off", async () => (await other.getAttribute("aria-checked")) === "false");
  assert.deepEqual([asked, await text.inputValue()], [[], written]);
  await page.getByRole("link", { name: "Skip to the content" }).press("Enter");
  assert.equal(await text.inputValue(), written);

  accept = true;
  await page.getByRole("switch", { name: "social-proof is live" }).click();
  await until("the text is the stored one", async () => (await text.inputValue()).includes('"enabled": false'));
  asked.length = 0;
  await page.getByRole("button", { name: "Another" }).click();
  await until("the other rule is there", async () => (await text.inputValue()).includes('"other"'));
  assert.deepEqual(asked, []);
  await desk.isSound();
});

test("an author asks why a rule does not fire for them, and sees what is still awaited and what does not hold", async (t) => {
  const engine = await startEngine(t);
  await engine.rule(dwellRule("10m", { condition: { "cart.count": 0 } }));
  const desk = await rulesDesk(t, await startBrowser(t), engine, /400|404/);
  const author = await watch(desk.context, await desk.context.newPage(), engine);
  await author.open("/product/karst-38/");
  const id = await author.visitor();
  await author.pageViewed("product");
  await desk.page.getByRole("button", { name: "Social proof" }).click();
  const explanation = desk.page.getByRole("region", { name: "Explanation" });
  const ask = () => explanation.getByRole("button", { name: "Explain" }).click();
  await ask();
  await explanation.getByText("All but the pattern lets it fire now.").waitFor();
  await explanation.getByText(/^fires in (10|9) min.* unless its condition/).waitFor();
  assert.match(await explanation.innerText(), /✓ cart\.count 0 is 0/);

  await author.page.click("[data-buy] button");
  await author.shows("cart", "Karst 38 rucksack");
  await explanation.getByLabel("Visitor's id").fill(id);
  await ask();
  await explanation.getByText("It would not fire now").waitFor();
  await explanation.getByText("its condition does not hold now").waitFor();
  assert.match(await explanation.innerText(), /✗ cart\.count 0 is 1/);
  await explanation.getByLabel("Visitor's id").fill("somebody");
  await ask();
  await explanation.locator(".bad").waitFor();
  await author.isSound();
});

test("dead letters are listed with their sink, reason, answer and age, sent once more, and deleted", async (t) => {
  const engine = await startEngine(t);
  const id = (n) => `0000000${n}-0000-4000-8000-000000000000`;
  const record = { seq: 1, at_ms: Date.now(), kind: "event", name: "note", session: 1, data: {} };
  const body = JSON.stringify({ v: 1, site: "demo", visitor: id(1), incarnation: id(2), records: [record] });
  const insert = (letter, sink, answer, minutes) =>
    engine.d1(
      `INSERT INTO dead_letters (site, id, visitor, incarnation, sink, at_ms, attempts, reason, answer, body)
       VALUES ('demo', ?, ?, ?, ?, ?, 3, 'refused', ?, ?)`,
      [letter, id(1), id(2), sink, Date.now() - minutes * 60_000, answer, body],
    );
  await insert("a".repeat(32), "d1", "no such column", 5);
  await insert("b".repeat(32), "origin", "422 not like this", 90);
  const desk = await visit(t, await startBrowser(t), engine, "/console/#letters");
  const { page } = desk;
  page.on("dialog", (dialog) => dialog.accept());
  await page.getByText("Paste an admin token").waitFor();
  await page.fill("#token", engine.admin_token);
  await page.getByRole("button", { name: "Use" }).click();
  const letters = page.getByRole("list", { name: "Dead letters" }).getByRole("listitem");
  await letters.nth(1).waitFor();
  assert.match(await letters.nth(0).innerText(), /d1: refused\s+no such column\s+5 min ago · 3 tries · \d+ bytes/);
  assert.match(await letters.nth(1).innerText(), /origin: refused\s+422 not like this\s+1 h ago/);
  await letters.nth(1).getByRole("button", { name: "Delete" }).click();
  await page.getByText("It is gone").waitFor();
  assert.equal(await letters.count(), 1);
  await letters.nth(0).getByRole("button", { name: "Replay" }).click();
  await page.getByText("It is in the queue of its sink again.").waitFor();
  await page.getByText("There are none").waitFor();
  await until("its record is there", async () => (await engine.d1("SELECT name FROM records WHERE visitor = ?", [id(1)])).length === 1);
  await desk.isSound();
});

test("the panel says which user a visitor belongs to", async (t) => {
  const key = randomBytes(32);
  const engine = await startEngine(t, { vars: { USER_SIGNING_KEYS: JSON.stringify({ demo: [key.toString("base64url")] }) } });
  const until_s = Math.floor(Date.now() / 1_000) + 600;
  const signature = `u1.${until_s}.${createHmac("sha256", key).update(`u1.demo.${until_s}.ada-7`).digest("base64url")}`;
  const desk = await visit(t, await startBrowser(t), engine, "/product/karst-38/");
  await desk.pageViewed("product");
  const console_ = await watch(desk.context, await desk.context.newPage(), engine);
  await console_.open("/console/");
  const user = console_.page.locator(".fp-section.user");
  await user.getByText("Belongs to no user.").waitFor();
  await desk.page.evaluate((signed) => window.footfall.identify("ada-7", { name: "Ada" }, signed), signature);
  await user.getByText("ada-7").waitFor();
  assert.match(await user.innerText(), /Devices\s+1/);
  await desk.isSound();
});

test("a token that is not the admin's opens nothing", async (t) => {
  const engine = await startEngine(t);
  const desk = await visit(t, await startBrowser(t), engine, "/console/#rules", { expected: /401/ });
  await desk.page.fill("#token", "a.b.c");
  await desk.page.getByRole("button", { name: "Use" }).click();
  await desk.page.locator(".said.bad").waitFor();
  assert.equal(await desk.page.locator(".list").count(), 0);
  await desk.isSound();
});
