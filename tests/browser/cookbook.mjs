// The cookbook as the browser tests publish it: read from docs/cookbook.md, with its long waits made short.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./support.mjs";

/**
 * What waits longer than a test can, and how long it waits here. Nothing else of a rule is changed, and the scenarios of
 * tests/engine/cookbook.rs play all of them with the times that are written in the book.
 */
const SHORTER = {
  "social-proof": { "/pattern/dwell/for": "3s" },
  "between-sizes": { "/pattern/absence/for": "2s" },
  "high-value-waits": { "/pattern/absence/for": "4s" },
  "cart-abandoned-1": { "/pattern/absence/for": "4s", "/actions/1/start/after": "12s" },
  "cart-abandoned-2": { "/actions/1/start/after": "3s" },
  "checkout-stuck": { "/pattern/dwell/for": "3s" },
  "review-request": { "/pattern/absence/for": "2s" },
  "repeat-due": { "/pattern/absence/for": "3s" },
  "second-order-begin": { "/actions/0/start/after": "2s" },
};

const UNITS = { s: 1, m: 60, h: 3_600, d: 86_400 };
const seconds = (duration) => {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(duration);
  return Number(count) * UNITS[unit];
};

/** Puts short durations where a rule has long ones; a place that is not there, or no longer long, is a mistake here. */
function shorten(rule) {
  const short = structuredClone(rule);
  for (const [pointer, duration] of Object.entries(SHORTER[rule.id] ?? {})) {
    const way = pointer.split("/").slice(1);
    const last = way.pop();
    const place = way.reduce((value, member) => value[member], short);
    assert.ok(seconds(place[last]) > seconds(duration), `${rule.id}${pointer} is ${place[last]}`);
    place[last] = duration;
  }
  return short;
}

/** All rules and segments of the book. */
export function cookbook() {
  const text = readFileSync(join(ROOT, "docs/cookbook.md"), "utf8");
  const documents = (kind) => [...text.matchAll(new RegExp(`^\`\`\`json ${kind}\\n(.*?)^\`\`\`$`, "gms"))].map(([, json]) => JSON.parse(json));
  const rules = documents("rule").map(shorten);
  for (const id of Object.keys(SHORTER)) assert.ok(rules.some((rule) => rule.id === id), `the book has no rule ${id}`);
  return { rules, segments: documents("segment") };
}

/** Publishes documents as an author does: into the draft, and then all of it as one version. */
export async function publish(engine, documents) {
  for (const [method, path, body] of [["PUT", "draft", documents], ["POST", "draft/publish", {}]]) {
    const reply = await engine.admin(method, path, body);
    assert.ok(reply.status < 300, `${method} ${path}: ${JSON.stringify(reply.body)}`);
  }
  return Date.now();
}
