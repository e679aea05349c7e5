// The page about growth says what the simulation finds, and the simulation agrees with what can be worked out by hand.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FILE, page } from "../bench/scaling/page.mjs";
import { asks, day, fullest, reached } from "../bench/scaling/simulate.mjs";

test("the page is what the simulation finds (else: node tests/bench/scaling/page.mjs)", () => {
  assert.equal(readFileSync(FILE, "utf8"), page());
});

test("isolates ask as often as renewal theory says: the rate over one plus the rate times the two seconds", () => {
  for (const each_s of [0.1, 1, 10]) {
    const expected = (100 * each_s) / (1 + 2 * each_s);
    const found = asks(100, 100 * each_s, 200);
    assert.ok(Math.abs(found / expected - 1) < 0.05, `${each_s} events a second: ${found}, and not ${expected}`);
  }
});

test("events more than an isolate needs do not make it ask more", () => {
  assert.ok(asks(50, 50_000) <= 25.5);
});

test("visitors fall evenly on queues", () => {
  assert.equal(fullest(1), 1);
  assert.ok(fullest(4) < 1.1, String(fullest(4)));
});

test("a limit is met where the day says so", () => {
  const visit = { events: 10, minutes: 5 };
  const of = (visitors) => day(visitors, visit, { queue_messages: 2, queue_bytes: 5_000 }).messages_s;
  const at = reached(5_000, of);
  assert.ok(Math.abs(of(at) / 5_000 - 1) < 0.01);
});
