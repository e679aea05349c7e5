// The console: rules are read, changed, and refused with a pointer to what is wrong.

import assert from "node:assert/strict";
import { test } from "node:test";
import { dwellRule, startBrowser, startEngine, until, visit } from "./support.mjs";

test("the console shows where a rule is wrong while the old one goes on, and saves a good one", async (t) => {
  const engine = await startEngine(t);
  await engine.rule(dwellRule("2s"));
  const browser = await startBrowser(t);
  const desk = await visit(t, browser, engine, "/console/#rules", { expected: /422/ });
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

test("a token that is not the admin's opens nothing", async (t) => {
  const engine = await startEngine(t);
  const desk = await visit(t, await startBrowser(t), engine, "/console/#rules", { expected: /401/ });
  await desk.page.fill("#token", "a.b.c");
  await desk.page.getByRole("button", { name: "Use" }).click();
  await desk.page.locator(".said.bad").waitFor();
  assert.equal(await desk.page.locator(".list").count(), 0);
  await desk.isSound();
});
