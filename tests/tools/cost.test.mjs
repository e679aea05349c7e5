// The page about costs says what the model computes from the price list and from what was counted.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { dollars, footfallVisit, month, othersVisit } from "../bench/cost/model.mjs";
import { FILE, page } from "../bench/cost/page.mjs";

const read = (name) => JSON.parse(readFileSync(new URL(`../bench/${name}`, import.meta.url), "utf8"));
const prices = read("cost/prices.json");
const usage = read("results/cost.json");

test("the page is what the model computes (else: node tests/bench/cost/page.mjs)", () => {
  assert.equal(readFileSync(FILE, "utf8"), page(usage, prices));
});

test("a visit written down by hand costs what the price list says", () => {
  const used = { worker_requests: 10, object_requests: 11, rows_written: 21 };
  assert.ok(Math.abs(dollars(used, prices) * 1e6 - (10 * 0.3 + 11 * 0.15 + 21 * 1)) < 1e-9);
  const visit = { visit: { events: 10, minutes: 1 }, cpu_ms: 0 };
  const others = othersVisit({ way: "http", batch: 1 }, visit);
  assert.equal(others.rows_written, 21, "a write and an alarm for each event, and a write at the end");
  assert.equal(others.object_requests, 11);
});

test("an alarm is a row and a request, and twenty messages are a request", () => {
  const counted = { worker_requests: 1, object_requests: 1, socket_messages: 40, alarms: 3, rows_written: 7, rows_read: 0, queue_messages: 2, queue_bytes: 100 };
  const used = footfallVisit(counted, { visit: { events: 10, minutes: 1 }, cpu_ms: 0 });
  assert.equal(used.rows_written, 10);
  assert.equal(used.object_requests, 1 + 3 + 2);
  assert.equal(used.queue_operations, 6);
});

test("what the plan includes is not paid for", () => {
  assert.ok(month({ rows_written: 0 }, prices) < 10);
  assert.ok(month({ rows_written: 100 }, prices) > 140);
});
