// Write keys: what each may bring, which pages may use it, how one takes another's place, and who is told to have sent.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { DEMO, basic, start, track, until } from "./support.mjs";

const SHOP = "https://shop.example";
const OTHER = "https://other.example";
let engine;
before(async (t) => {
  const source = { site: "demo", authority: "source" };
  const page = { site: "demo", authority: "public" };
  const keys = {
    fws_all: { ...source, source: "warehouse" },
    fws_orders: { ...source, scopes: ["orders"] },
    fws_refunds: { ...source, events: ["order_refunded"] },
    fws_events: { ...source, scopes: ["events"] },
    fwp_old: { ...page, retiring: true },
    fwp_page: { ...page, origins: [SHOP] },
  };
  engine = await start(t, { sites: { demo: { ...DEMO, origins: [SHOP, OTHER] } }, vars: { WRITE_KEYS: JSON.stringify(keys) } });
});

const code = ({ status, json, text }) => `${status} ${json?.code ?? text}`;
const send = (key, ...batch) => engine.post("/v1/batch", { batch }, { authorization: basic(key) });
const order = (more) => track("Order Completed", { anonymousId: "a", properties: { order_id: "1", revenue: 10 }, ...more });
const view = (more) => track("Product Viewed", { anonymousId: "a", properties: { sku: "a" }, ...more });
const known = async (id) => (await engine.admin("GET", `demo/visitors?anonymousId=${id}`)).json;

test("a key brings what its scopes say, and the rest of its batch counts", async () => {
  const { status, json } = await send("fws_orders", order({ anonymousId: "mixed" }), view({ anonymousId: "mixed" }));
  assert.deepEqual([status, json.accepted, json.rejections[0].index, json.rejections[0].code], [200, 1, 1, "not_allowed"]);
  assert.match(json.rejections[0].message, /lacks the scope `events`/);
  const { profile, session } = await known("mixed");
  assert.deepEqual([profile.orders, session.product_views], [1, 0]);
});

test("a request with nothing that the key may bring is 403, and makes nobody", async () => {
  assert.equal(code(await send("fws_orders", view({ anonymousId: "nobody" }))), "403 not_in_scope");
  assert.equal(code(await send("fws_events", order({ anonymousId: "nobody" }))), "403 not_in_scope");
  const identify = { type: "identify", messageId: "i", anonymousId: "nobody", userId: "u" };
  assert.equal(code(await send("fws_events", identify)), "403 not_in_scope");
  assert.equal(code(await send("fws_refunds", order({ anonymousId: "nobody" }))), "403 not_in_scope");
  const refund = track("Order Refunded", { anonymousId: "a", properties: { order_id: "1" } });
  assert.equal((await send("fws_refunds", refund)).status, 200);
  assert.equal((await known("nobody")).session, undefined);
});

test("a key without the scope `identify` makes nobody known", async () => {
  await send("fws_events", view({ anonymousId: "unnamed", userId: "somebody" }));
  await send("fws_all", view({ anonymousId: "named", userId: "somebody" }));
  assert.equal((await known("unnamed")).profile.user_id ?? undefined, undefined);
  assert.equal((await known("named")).profile.user_id, "somebody");
});

test("a page's key may be for some pages only", async () => {
  const from = (origin, writeKey = "fwp_page") => engine.post("/v1/batch", { batch: [view()], writeKey }, origin ? { origin } : {});
  assert.equal((await from(SHOP)).status, 200);
  assert.equal(code(await from(OTHER)), "403 wrong_origin");
  assert.equal(code(await from(undefined)), "403 wrong_origin");
  assert.equal((await from(OTHER, "fwp_old")).status, 200);
  const name = (origin) => engine.post("/v1/visitor", { writeKey: "fwp_page", consent: "granted" }, { origin });
  assert.equal((await name(SHOP)).status, 200);
  assert.equal(code(await name(OTHER)), "403 wrong_origin");
});

test("a retiring key is still taken, and pages get the other one", async () => {
  assert.equal((await engine.call("/v1/config?site=demo")).json.write_key, "fwp_page");
  assert.equal((await engine.post("/v1/visitor", { writeKey: "fwp_old" })).status, 200);
});

test("records tell which source sent an event", async () => {
  await send("fws_all", view({ anonymousId: "told" }));
  const { visitor } = await known("told");
  const items = await until(async () => {
    const { json } = await engine.admin("GET", `demo/visitors/${visitor}/records`);
    return json.items.some(({ name }) => name === "product_viewed") && json.items;
  });
  assert.equal(items.find(({ name }) => name === "product_viewed").data.source, "warehouse");
});
