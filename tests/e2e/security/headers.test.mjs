// The headers of answers: what keeps pages, files and data safe in a browser.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { DEMO, start, track } from "../support.mjs";
import { bearer } from "./forge.mjs";

let engine;
let one;
before(async (t) => {
  engine = await start(t, { sites: { demo: DEMO } });
  one = await engine.visitor();
  await engine.post("/v1/track", track("thing"), bearer(one.token));
});

test("pages run only their own scripts, in no foreign frame", async () => {
  for (const path of ["/", "/console/"]) {
    const { status, headers } = await engine.call(path);
    assert.equal(status, 200, path);
    const policy = headers.get("content-security-policy");
    assert.match(policy, /default-src 'self'/);
    assert.doesNotMatch(policy, /script-src|unsafe-eval|\*/);
    assert.match(policy, /frame-ancestors 'self'/);
    assert.match(policy, /object-src 'none'; base-uri 'none'/);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("referrer-policy"), "strict-origin-when-cross-origin");
    assert.equal(headers.get("cross-origin-opener-policy"), "same-origin");
  }
});

test("files are what they say they are, and the library may be loaded by any page", async () => {
  const { status, headers } = await engine.call("/footfall.js");
  assert.equal(status, 200);
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.equal(headers.get("cross-origin-resource-policy"), "cross-origin");
  assert.equal(headers.get("footfall-file"), null);
  const missing = await engine.call("/nothing-here");
  assert.equal(missing.headers.get("x-content-type-options"), "nosniff");
});

test("data are never shown as a page, never kept and never guessed", async () => {
  const operator = bearer(engine.adminToken);
  const asked = [
    ["/health/live"], ["/health"], ["/v1/config?site=demo"], ["/v1/nothing"], ["/v1/state"], ["/v1/batch"],
    ["/v1/state", bearer(one.token)], ["/v1/log", bearer(one.token)],
    ["/admin/v1/sites/demo/rules"], ["/admin/v1/sites/demo/rules", operator], ["/admin/v1/openapi.json"],
    [`/admin/v1/sites/demo/visitors/${one.visitor}`, operator], [`/admin/v1/sites/demo/visitors/${one.visitor}/records`, operator],
  ];
  for (const [path, headers] of asked) {
    const reply = await engine.call(path, { headers });
    assert.equal(reply.headers.get("x-content-type-options"), "nosniff", path);
    assert.equal(reply.headers.get("content-security-policy"), "default-src 'none'; frame-ancestors 'none'", path);
    assert.equal(reply.headers.get("referrer-policy"), "no-referrer", path);
    assert.equal(reply.headers.get("cross-origin-resource-policy"), "same-origin", path);
    const kept = path.endsWith("openapi.json") ? "no-cache" : "no-store";
    assert.equal(reply.headers.get("cache-control"), kept, path);
    assert.match(reply.headers.get("content-type"), /^application\/(problem\+)?json$/, path);
  }
});

test("an answer says nothing about what runs the engine, and a fault nothing about itself", async () => {
  const { headers, text } = await engine.call("/v1/nothing");
  for (const name of ["server", "x-powered-by"]) assert.equal(headers.get(name), null, name);
  assert.doesNotMatch(text, /\.rs|panicked|wasm|stack/);
});
