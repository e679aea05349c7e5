// An unmodified Segment SDK, a thousand events, and an independent recount of them.
//
// The recount is written from the documented rules, in whole cents and plain lists; it shares no code with the engine.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Analytics } from "@segment/analytics-node";
import { seeded } from "../support/random.mjs";
import { start, until } from "./support.mjs";

const VISITORS = 50;
const EVENTS = 1_000;
const SEED = 20_260_711;
/** Events of one request of the SDK. They are sent one request after the other, so that the order is known. */
const FLUSH_AT = 100;

const CATEGORIES = ["shoes", "shirts", "hats", "bags"];
const PRODUCTS = Array.from({ length: 14 }, (_, i) => ({
  // Some stores have skus, some only product ids.
  ...(i % 3 === 0 ? { product_id: `product-${i}` } : { sku: `sku-${i}`, product_id: `product-${i}` }),
  name: `Product ${i}`,
  category: CATEGORIES[i % CATEGORIES.length],
  cents: 499 + i * 731,
}));

/** Each segment as its author writes it, and as the recount understands it. */
const SEGMENTS = {
  "big-cart": { when: { "cart.value": { $gte: 100 } }, holds: (v) => value(v.cart) >= 10_000 },
  buyers: { when: { "profile.orders": { $gt: 0 } }, holds: (v) => v.orders > 0 },
  gold: { when: { "profile.traits.plan": "gold" }, holds: (v) => v.traits.plan === "gold" },
  lookers: {
    when: { "session.product_views": { $gte: 4 }, "cart.count": 0 },
    holds: (v) => v.product_views >= 4 && count(v.cart) === 0,
  },
  "saw-shoes": {
    when: { "profile.recent_categories": { $in: ["shoes"] } },
    holds: (v) => v.recent_categories.includes("shoes"),
  },
  undecided: {
    when: { $and: [{ stage: { $in: ["carting", "checkout"] } }, { "cart.line_count": { $gte: 2 } }] },
    holds: (v) => ["carting", "checkout"].includes(v.stage) && v.cart.length >= 2,
  },
};

const count = (cart) => cart.reduce((sum, line) => sum + line.quantity, 0);
const value = (cart) => cart.reduce((sum, line) => sum + line.cents * line.quantity, 0);
const skuOf = (product) => product.sku ?? product.product_id;
const centsOf = (price) => Math.round(Number(price) * 100);

/** The thousand events, in the order in which they are sent. */
function events() {
  const random = seeded(SEED);
  const orders = new Map();
  const again = new Map();
  return Array.from({ length: EVENTS }, (_, i) => {
    const anonymousId = `shopper-${i < VISITORS ? i : random.below(VISITORS)}`;
    const about = { anonymousId, messageId: `segment-${i}`, timestamp: new Date(1_767_225_600_000 + i * 1_000) };
    const product = (more = {}) => {
      const { cents, ...kept } = random.pick(PRODUCTS);
      // Now and then on sale, and some senders write prices as text.
      const price = (random.chance(0.2) ? cents - 200 : cents) / 100;
      return { ...kept, price: random.chance(0.2) ? price.toFixed(2) : price, currency: "EUR", ...more };
    };
    const several = () => {
      const by = new Map(Array.from({ length: random.between(1, 3) }, () => product({ quantity: random.between(1, 3) })).map((p) => [skuOf(p), p]));
      return [...by.values()];
    };
    const track = (event, properties) => ({ call: "track", ...about, event, properties });
    const repeated = again.get(anonymousId);
    again.delete(anonymousId);
    // A second report of an order, as a store's page and its server both send one.
    if (repeated) return track("Order Completed", repeated);
    const dice = random.below(100);
    if (dice < 25) {
      const path = `/p/${random.below(30)}`;
      return { call: "page", ...about, name: "Product", properties: { path, url: `https://shop.example${path}?ref=1`, title: `Page ${path}` } };
    }
    if (dice < 45) return track("Product Viewed", product());
    if (dice < 50) return track("Product List Viewed", { category: random.pick(CATEGORIES) });
    if (dice < 68) return track("Product Added", product(random.chance(0.5) ? { quantity: random.between(1, 4) } : {}));
    if (dice < 76) return track("Product Removed", product(random.chance(0.5) ? { quantity: 1 } : {}));
    if (dice < 80) return track("Cart Viewed", random.chance(0.5) ? { cart_id: "c", products: several() } : { cart_id: "c" });
    if (dice < 87) return track("Checkout Started", random.chance(0.5) ? { products: several(), currency: "EUR" } : { currency: "EUR" });
    if (dice < 93) {
      const number = (orders.get(anonymousId) ?? 0) + 1;
      orders.set(anonymousId, number);
      const products = several();
      const order = { order_id: `${anonymousId}-${number}`, currency: "EUR", products };
      // Segment's `revenue` is what the order earned; without it the total stands, without that the products' sum.
      const form = random.below(3);
      if (form === 0) Object.assign(order, { revenue: random.between(1_000, 30_000) / 100, total: 999 });
      if (form === 1) Object.assign(order, { total: random.between(1_000, 30_000) / 100 });
      if (random.chance(0.3)) again.set(anonymousId, { ...order });
      return track("Order Completed", order);
    }
    if (dice < 98) {
      const traits = { plan: random.pick(["gold", "silver", null]), visits: i };
      return { call: "identify", ...about, userId: `user-${anonymousId}`, traits };
    }
    return track("Size Chart Opened", { size: random.between(36, 46) });
  });
}

/** What the documented rules make of a visitor's events. */
function recount(own) {
  const visitor = {
    stage: "new", segments: [], events: 0, pages: 0, product_views: 0, cart: [], orders: 0, cents: 0, traits: {},
    recent_products: [], recent_categories: [], known: false, records: ["session_started:"],
  };
  const newest = (list, word) => [word, ...list.filter((kept) => kept !== word)].slice(0, 10);
  const put = (product) => {
    const sku = skuOf(product);
    let line = visitor.cart.find((kept) => kept.sku === sku);
    if (!line) visitor.cart.push((line = { sku, quantity: 0 }));
    line.name = product.name;
    line.cents = centsOf(product.price);
    line.quantity += product.quantity ?? 1;
  };
  const ordered = new Set();
  for (const { call, event, userId, properties, traits } of own) {
    visitor.events += 1;
    if (call === "page") visitor.pages += 1;
    if (call === "identify") {
      visitor.known = userId !== undefined;
      visitor.traits = Object.fromEntries(Object.entries({ ...visitor.traits, ...traits }).filter(([, trait]) => trait !== null));
    }
    if (event === "Product Viewed") {
      visitor.product_views += 1;
      visitor.recent_products = newest(visitor.recent_products, skuOf(properties));
    }
    if (event === "Product Viewed" || event === "Product List Viewed") {
      visitor.recent_categories = newest(visitor.recent_categories, properties.category);
    }
    if (event === "Product Added") put(properties);
    if (event === "Product Removed") {
      for (const line of visitor.cart) if (line.sku === skuOf(properties)) line.quantity -= properties.quantity ?? line.quantity;
      visitor.cart = visitor.cart.filter((line) => line.quantity > 0);
    }
    if ((event === "Cart Viewed" || event === "Checkout Started") && properties.products) {
      visitor.cart = [];
      properties.products.forEach(put);
    }
    if (event === "Order Completed") {
      const { order_id, revenue, total, products } = properties;
      const sum = products.reduce((cents, line) => cents + centsOf(line.price) * line.quantity, 0);
      if (!ordered.has(order_id)) {
        visitor.orders += 1;
        visitor.cents += revenue !== undefined ? centsOf(revenue) : total !== undefined ? centsOf(total) : sum;
      }
      ordered.add(order_id);
      visitor.cart = [];
    }
    const name = { page: "page_viewed", identify: "identified" }[call] ?? (event === "Size Chart Opened" ? event : event.toLowerCase().replaceAll(" ", "_"));
    visitor.records.push(`event:${name}`);
    const stage = nextStage(visitor.stage, name, count(visitor.cart));
    if (stage !== visitor.stage) visitor.records.push(`stage_changed:${stage}`);
    visitor.stage = stage;
    const held = Object.keys(SEGMENTS).filter((id) => SEGMENTS[id].holds(visitor));
    for (const id of visitor.segments) if (!held.includes(id)) visitor.records.push(`segment_left:${id}`);
    for (const id of held) if (!visitor.segments.includes(id)) visitor.records.push(`segment_entered:${id}`);
    visitor.segments = held;
  }
  return visitor;
}

/** The default stages: an order is a purchase, a checkout is a checkout, then the cart, then products, then pages. */
function nextStage(stage, name, items) {
  const early = ["new", "browsing", "considering"].includes(stage);
  if (name === "order_completed") return "purchased";
  if (name === "checkout_started") return "checkout";
  // Who has bought has a cart again when they touch it.
  const filled = early || (stage === "purchased" && ["product_added", "cart_viewed"].includes(name));
  if (items > 0 && filled) return "carting";
  // Every page here is a product's.
  if (early && ["product_viewed", "page_viewed"].includes(name)) return "considering";
  // A checkout without a cart is one: only news of the cart empties it.
  const emptied = stage === "carting" || (stage === "checkout" && ["product_removed", "cart_viewed"].includes(name));
  if (items === 0 && emptied) return "considering";
  if (stage === "new" && name === "product_list_viewed") return "browsing";
  return stage;
}

/** Sends everything with the SDK as it is published; only host and key are ours. */
async function send(engine, all) {
  const analytics = new Analytics({ writeKey: engine.writeKey, host: engine.address, flushAt: FLUSH_AT, maxRetries: 0 });
  const failures = [];
  analytics.on("error", (failure) => failures.push(failure));
  let requests = 0;
  analytics.on("http_request", () => (requests += 1));
  for (let at = 0; at < all.length; at += FLUSH_AT) {
    const delivered = all.slice(at, at + FLUSH_AT).map(({ call, ...event }) => {
      return new Promise((done, failed) => analytics[call](event, (error) => (error ? failed(error) : done())));
    });
    await Promise.all(delivered);
  }
  await analytics.closeAndFlush();
  assert.deepEqual(failures, []);
  return requests;
}

const all = events();
let engine;
let expected;
before(async (t) => {
  engine = await start(t);
  for (const [id, { when }] of Object.entries(SEGMENTS)) {
    const { status, text } = await engine.admin("PUT", `demo/segments/${id}`, { id, name: id, when });
    assert.ok(status < 300, text);
  }
  expected = new Map(Array.from({ length: VISITORS }, (_, i) => `shopper-${i}`).map((id) => [id, recount(all.filter((event) => event.anonymousId === id))]));
});

const views = async () => {
  const found = new Map();
  for (const id of expected.keys()) found.set(id, (await engine.admin("GET", `demo/visitors?anonymousId=${id}`)).json);
  return found;
};
const stored = () => engine.query("SELECT * FROM records ORDER BY visitor, at_ms, id");

test("an unmodified Segment SDK: state, cart, stage and segments are those of an independent recount", async (t) => {
  const requests = await send(engine, all);
  assert.equal(requests, EVENTS / FLUSH_AT);
  const seen = await views();
  for (const [id, wanted] of expected) {
    const { stage, segments, session, cart, profile } = seen.get(id);
    assert.deepEqual(
      {
        stage, segments, sessions: profile.sessions, session: session.number,
        events: session.events, pages: session.pages, product_views: session.product_views,
        lines: cart.lines, value: cart.value, count: cart.count, orders: profile.orders, revenue: profile.revenue,
        traits: profile.traits, known: profile.known,
        recent_products: profile.recent_products, recent_categories: profile.recent_categories,
      },
      {
        stage: wanted.stage, segments: wanted.segments, sessions: 1, session: 1,
        events: wanted.events, pages: wanted.pages, product_views: wanted.product_views,
        lines: wanted.cart.map(({ sku, name, cents, quantity }) => ({ sku, name, price: cents / 100, quantity })),
        value: value(wanted.cart) / 100, count: count(wanted.cart), orders: wanted.orders, revenue: wanted.cents / 100,
        traits: wanted.traits, known: wanted.known,
        recent_products: wanted.recent_products, recent_categories: wanted.recent_categories,
      },
      id,
    );
  }
  const of = (part) => [...expected.values()].reduce((sum, visitor) => sum + part(visitor), 0);
  const stages = Object.groupBy(expected.values(), (visitor) => visitor.stage);
  t.diagnostic(`${EVENTS} events, ${VISITORS} visitors: ${of((v) => v.orders)} orders, ${of((v) => v.cents) / 100} EUR, ${of((v) => v.cart.length)} cart lines`);
  t.diagnostic(`stages: ${Object.entries(stages).map(([stage, { length }]) => `${stage} ${length}`).join(", ")}`);
});

test("the database holds each event's record exactly once, and nothing besides", async () => {
  const wanted = [...expected.values()].flatMap((visitor) => visitor.records);
  // Which user a visitor is, and what is known of that user, is recorded when it is found out.
  const isOfUser = (row) => row.kind.startsWith("user_");
  const rows = await until(async () => {
    const found = await stored();
    return found.filter((row) => !isOfUser(row)).length >= wanted.length && found;
  }, 20_000, 250);
  assert.equal(rows.filter((row) => !isOfUser(row)).length, wanted.length);
  const linked = rows.filter((row) => row.kind === "user_linked").map((row) => row.name);
  const known = [...expected].filter(([, visitor]) => visitor.known).map(([id]) => `user-${id}`);
  assert.deepEqual(linked.toSorted(), known.toSorted());
  assert.equal(new Set(rows.map((row) => row.id)).size, rows.length);
  const ids = rows.filter((row) => row.kind === "event").map((row) => JSON.parse(row.data).id);
  assert.deepEqual(ids.toSorted(), all.map((event) => event.messageId).toSorted());
  const seen = await views();
  for (const [id, { records }] of expected) {
    const own = rows.filter((row) => row.visitor === seen.get(id).visitor);
    const place = (row) => Number(row.id.split("-")[1]);
    own.sort((a, b) => place(a) - place(b));
    assert.deepEqual(own.map(place), own.map((_, i) => i + 1), id);
    assert.deepEqual(own.filter((row) => !isOfUser(row)).map((row) => `${row.kind}:${row.name}`).toSorted(), records.toSorted(), id);
    const sent = all.filter((event) => event.anonymousId === id).map((event) => event.messageId);
    assert.deepEqual(own.filter((row) => row.kind === "event").map((row) => JSON.parse(row.data).id), sent, id);
  }
});

test("the same thousand events sent again change nothing", async () => {
  const still = async () => {
    const seen = await until(async () => {
      const found = await views();
      return [...found.values()].every(({ outbox }) => outbox.hot === 0 && outbox.pages === 0) && found;
    });
    for (const view of seen.values()) for (const changing of ["now_ms", "runtime"]) delete view[changing];
    return [Object.fromEntries(seen), await stored()];
  };
  const before = await still();
  await send(engine, all);
  assert.deepEqual(await still(), before);
});
