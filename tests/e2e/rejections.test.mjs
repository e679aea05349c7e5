// One bad event in a batch of 100, whatever is wrong with it: named by index, code and pointer; the other 99 count.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { start, track } from "./support.mjs";

const BATCH = 100;
const added = (more = {}) => ({ properties: { sku: "a", price: 1, ...more } });
const deep = (levels) => (levels === 0 ? 1 : { in: deep(levels - 1) });

/** What is wrong, the event, and the code and pointer (below the event) that it is rejected with. */
const BAD = [
  ["a number", 7, "invalid", ""],
  ["nothing at all", null, "invalid", ""],
  ["no type", { ...track("x"), type: undefined }, "missing", "/type"],
  ["a type that there is not", { ...track("x"), type: "shout" }, "invalid", "/type"],
  ["no name", { ...track("x"), event: undefined }, "missing", "/event"],
  ["a name that is none", { ...track("x"), event: {} }, "invalid", "/event"],
  ["an id that is too long", { ...track("x"), messageId: "x".repeat(129) }, "too_long", "/messageId"],
  ["properties that are none", track("x", { properties: [] }), "invalid", "/properties"],
  ["a product without a sku", track("Product Added", { properties: { price: 1 } }), "missing", "/properties/sku"],
  ["a price that is none", track("Product Added", added({ price: "cheap" })), "invalid", "/properties/price"],
  ["a price out of bounds", track("Product Added", added({ price: 1e12 })), "out_of_range", "/properties/price"],
  ["half a piece", track("Product Added", added({ quantity: 0.5 })), "invalid", "/properties/quantity"],
  ["products that are none", track("Checkout Started", { properties: { products: {} } }), "invalid", "/properties/products"],
  [
    "one bad product among good ones",
    track("Order Completed", { properties: { products: [{ sku: "a" }, { sku: "b", quantity: -1 }] } }),
    "out_of_range",
    "/properties/products/1/quantity",
  ],
  ["JSON that is too deep", track("x", { properties: deep(12) }), "too_deep", /^\/properties(\/in)+$/],
  ["an event that is too large", track("x", { properties: { text: "x".repeat(33_000) } }), "event_too_large", ""],
  ["an event that would be too large where it is stored", track("x", { properties: { list: Array(7_000).fill(1) } }), "event_too_large", ""],
];

let engine;
before(async (t) => {
  engine = await start(t);
});

/** 99 good events of this visitor with the bad one among them. */
function batch(at, bad, about) {
  const events = Array.from({ length: BATCH }, () => track("Product Added", { ...added(), ...about }));
  events[at] = bad !== null && typeof bad === "object" ? { ...bad, ...about } : bad;
  return events;
}

function judge({ accepted, rejections }, at, root, code, pointer) {
  assert.equal(accepted, BATCH - 1);
  assert.equal(rejections.length, 1);
  const [rejection] = rejections;
  assert.deepEqual([rejection.index, rejection.code], [at, code]);
  assert.ok(rejection.pointer.startsWith(`${root}/${at}`), rejection.pointer);
  const below = rejection.pointer.slice(`${root}/${at}`.length);
  if (pointer instanceof RegExp) assert.match(below, pointer);
  else assert.equal(below, pointer);
  assert.match(rejection.message, /\w+ \w+/);
}

async function judgeState(state) {
  assert.deepEqual([state.session.events, state.cart.count, state.cart.value], [BATCH - 1, BATCH - 1, BATCH - 1]);
}

for (const [i, [what, bad, code, pointer]] of BAD.entries()) {
  const at = (i * 37) % BATCH;
  test(`${what}: the other 99 of a batch count`, async () => {
    const anonymousId = `rejected-${i}`;
    const { status, json } = await engine.send(...batch(at, bad, { anonymousId }));
    assert.equal(status, 200);
    judge(json, at, "/batch", code, pointer);
    await judgeState((await engine.admin("GET", `demo/visitors?anonymousId=${anonymousId}`)).json);

    const { visitor, token } = await engine.visitor();
    const socket = await engine.connect(token);
    judge(await socket.events(1, ...batch(at, bad, {})), at, "/events", code, pointer);
    await judgeState(await engine.inspect(visitor));
    socket.socket.terminate();
  });
}

test("an event without an identity is rejected, and those of its batch that have one count", async () => {
  const events = batch(0, track("x"), { anonymousId: "named" });
  delete events[0].anonymousId;
  const { json } = await engine.send(...events);
  judge(json, 0, "/batch", "no_identity", "/anonymousId");
});
