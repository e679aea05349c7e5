// What pages of other sites can make a browser do: nothing in the visitor's name, and nothing that they could read.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { DEMO, start, track } from "../support.mjs";
import { bearer, code } from "./forge.mjs";

const SHOP = "https://shop.example";
const FOREIGN = ["https://evil.example", "null", "http://shop.example", "https://shop.example.evil.example", "https://evil.example/https://shop.example",
  "https://shop.example:444", "https://SHOP.example", "file://", "https://shop.example@evil.example"];
let engine;
let one;
before(async (t) => {
  engine = await start(t, { sites: { demo: { ...DEMO, origins: [SHOP] }, other: { ...DEMO, origins: ["https://other.example"] } } });
  one = await engine.visitor();
});

const cookie = () => ({ cookie: `footfall=${one.token}` });
const opens = (options, token) => engine.socket(token, options).opened.then(() => "opened", ({ status }) => status);
const events = async () => (await engine.inspect(one.visitor)).session?.events ?? 0;

test("another site's page opens no socket with the visitor's cookie, nor with a token", async () => {
  for (const origin of FOREIGN) {
    assert.equal(await opens({ headers: cookie(), origin }), 403, origin);
    assert.equal(await opens({ origin }, one.token), 403, origin);
  }
  assert.equal(await opens({ headers: cookie(), origin: undefined }), 403, "a cookie without an origin");
  assert.equal(await opens({ headers: cookie(), origin: "https://other.example" }), 403, "a page of another site of ours");
  const socket = engine.socket(undefined, { headers: cookie(), origin: SHOP });
  await socket.opened;
  await socket.close();
});

test("another site's page sends nothing in the visitor's name", async () => {
  const before = await events();
  const body = JSON.stringify(track("thing"));
  for (const origin of FOREIGN) {
    for (const kind of ["application/json", "text/plain", "application/x-www-form-urlencoded"]) {
      const reply = await engine.post("/v1/track", body, { ...cookie(), origin, "content-type": kind });
      assert.equal(code(reply), "403 wrong_origin", origin);
    }
  }
  // Old browsers send no origin with some requests; those of today say at least that another site made them.
  for (const site of ["cross-site", "same-site"]) {
    assert.equal(code(await engine.post("/v1/track", body, { ...cookie(), "sec-fetch-site": site })), "401 no_credential");
    assert.equal(code(await engine.call("/v1/state", { headers: { ...cookie(), "sec-fetch-site": site } })), "401 no_token");
  }
  assert.equal(await events(), before);
  assert.equal((await engine.post("/v1/track", body, { ...cookie(), origin: SHOP })).status, 200);
  assert.equal(await events(), before + 1);
});

test("another site's page reads nothing, and gets no leave to ask", async () => {
  for (const origin of FOREIGN) {
    const state = await engine.call("/v1/state", { headers: { ...cookie(), origin } });
    assert.equal(code(state), "403 wrong_origin", origin);
    for (const path of ["/v1/state", "/v1/config?site=demo", "/v1/batch", "/v1/visitor", "/v1/nothing"]) {
      const reply = await engine.call(path, { headers: { origin } });
      assert.equal(reply.headers.get("access-control-allow-origin"), null, `${path} ${origin}`);
      const preflight = await engine.call(path, { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
      assert.equal(preflight.headers.get("access-control-allow-origin"), null, `${path} ${origin}`);
      assert.equal(preflight.headers.get("access-control-allow-methods"), null, `${path} ${origin}`);
    }
  }
});

test("a listed page reads what is its own, of its own site, and no operator's answer without a token", async () => {
  const good = await engine.call("/v1/state", { headers: { ...cookie(), origin: SHOP } });
  assert.deepEqual([good.status, good.headers.get("access-control-allow-origin")], [200, SHOP]);
  assert.match(good.headers.get("vary"), /origin/i);
  assert.notEqual(good.headers.get("access-control-allow-origin"), "*");
  const foreign = await engine.call("/v1/state", { headers: { ...bearer(one.token), origin: "https://other.example" } });
  assert.equal(code(foreign), "403 wrong_origin");
  assert.equal(foreign.headers.get("access-control-allow-origin"), null);
  const preflight = await engine.call("/admin/v1/sites/demo/rules", { method: "OPTIONS", headers: { origin: SHOP, "access-control-request-headers": "authorization" } });
  assert.equal(preflight.status, 401);
  assert.equal(preflight.headers.get("access-control-allow-headers"), null);
});

test("the cookie is kept from scripts and from other sites", async () => {
  const { headers } = await engine.post("/v1/visitor", { writeKey: engine.publicKey, consent: "granted" });
  const set = headers.get("set-cookie");
  for (const part of ["HttpOnly", "SameSite=Lax", "Path=/"]) assert.ok(set.includes(part), set);
  assert.ok(!/domain=/i.test(set), set);
});
