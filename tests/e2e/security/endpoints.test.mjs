// Every endpoint with no credential, a wrong one, an expired one, another visitor's, another role's and another site's.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { DEMO, basic, showOn, start, track } from "../support.mjs";
import { DAY_S, bearer, code, now_s, visitorToken } from "./forge.mjs";

const { paths } = JSON.parse(readFileSync(new URL("../../../docs/openapi.json", import.meta.url)));
/** All other endpoints, as the router has them: `tests/threats.rs` compares the two. */
const endpoints = JSON.parse(readFileSync(new URL("../../cases/endpoints.json", import.meta.url)));
const EVIL = "https://evil.example";

let engine;
let one;
let other;
before(async (t) => {
  engine = await start(t, { sites: { demo: { ...DEMO }, other: { ...DEMO } } });
  [one, other] = [await engine.visitor(), await engine.visitor()];
  await engine.post("/v1/track", track("Product Viewed", { properties: { sku: "secret-tent" } }), bearer(one.token));
});

const expired = () => visitorToken(engine, one.visitor, { issued: now_s() - 401 * DAY_S });
const ofOtherSite = () => visitorToken(engine, one.visitor, { site: "other" });

/** What no request of the wrong people may be answered with. */
function assertKeepsSilent(reply, what) {
  assert.ok(!reply.text.includes("secret-tent"), `${what}: ${reply.text}`);
}

/** Events: whoever sends. */
async function events(method, path) {
  const body = { ...track("thing", { anonymousId: "a" }), batch: undefined };
  const ask = (headers, more) => engine.call(path, { method, body: { ...body, ...more }, headers });
  const expected = [
    ["no credential", await ask({}), "401 no_credential"],
    ["a wrong key", await ask({ authorization: basic("fws_wrong") }), "401 invalid_write_key"],
    ["a wrong key in the body", await ask({}, { writeKey: "fws_wrong" }), "401 invalid_write_key"],
    ["a wrong token", await ask(bearer("f1.k1.demo.x")), "401 invalid_token"],
    ["an expired token", await ask(bearer(expired())), "401 invalid_token"],
    ["an expired token in the body", await ask({}, { token: expired() }), "401 invalid_token"],
    ["an operator's token", await ask(bearer(engine.adminToken)), "401 invalid_token"],
    ["a token of another site than the key's", await ask(bearer(ofOtherSite()), { writeKey: engine.publicKey }), "403 wrong_site"],
    ["a page of another origin", await ask({ ...bearer(one.token), origin: EVIL }), "403 wrong_origin"],
    ["a cookie on a page of another origin", await ask({ cookie: `footfall=${one.token}`, origin: EVIL }), "403 wrong_origin"],
    ["an expired cookie", await ask({ cookie: `footfall=${expired()}` }), "401 no_credential"],
  ];
  for (const [what, reply, wanted] of expected) assert.equal(code(reply), wanted, `${path}: ${what}`);
}

/** What belongs to one visitor: its own token and no other. */
async function own(method, path) {
  const ask = (headers, query = "") => engine.call(`${path}${query}`, { method, headers });
  const expected = [
    ["no credential", await ask({}), "401 no_token"],
    ["a wrong token", await ask(bearer("f1.k1.demo.x")), "401 invalid_token"],
    ["an expired token", await ask(bearer(expired())), "401 invalid_token"],
    ["an expired cookie", await ask({ cookie: `footfall=${expired()}` }), "401 no_token"],
    ["another visitor's token", await ask(bearer(other.token), `?visitor=${one.visitor}`), "403 other_visitor"],
    ["a token of another site", await ask(bearer(ofOtherSite()), "?site=demo"), "403 other_visitor"],
    ["an operator's token", await ask(bearer(engine.adminToken)), "401 invalid_token"],
    ["a server's key", await ask({ authorization: basic(engine.writeKey) }), "401 no_token"],
    ["a page of another origin", await ask({ ...bearer(one.token), origin: EVIL }), "403 wrong_origin"],
    ["a cookie on a page of another origin", await ask({ cookie: `footfall=${one.token}`, origin: EVIL }), "403 wrong_origin"],
    ["a cookie that another site's page made the browser send",
      await ask({ cookie: `footfall=${one.token}`, "sec-fetch-site": "cross-site" }), "401 no_token"],
  ];
  for (const [what, reply, wanted] of expected) {
    assert.equal(code(reply), wanted, `${path}: ${what}`);
    assertKeepsSilent(reply, `${path}: ${what}`);
  }
  assert.equal((await engine.inspect(one.visitor)).session.product_views, 1, `${path}: nothing is changed`);
  if (method !== "GET") return;
  assertKeepsSilent(await ask(bearer(other.token)), `${path}: another visitor's own`);
  assertKeepsSilent(await ask(bearer(ofOtherSite())), `${path}: the same id on another site`);
}

async function socket() {
  const status = (token, options) => engine.socket(token, options).opened.then(() => "opened", (error) => error.status);
  const cookie = (token) => ({ headers: { cookie: `footfall=${token}` } });
  assert.equal(await status(undefined), 401);
  assert.equal(await status("f1.k1.demo.x"), 401);
  assert.equal(await status(expired()), 401);
  assert.equal(await status(engine.adminToken), 401);
  assert.equal(await status(undefined, cookie(expired())), 401);
  assert.equal(await status(one.token, { origin: EVIL }), 403);
  assert.equal(await status(undefined, { ...cookie(one.token), origin: EVIL }), 403);
  assert.equal(await status(undefined, { ...cookie(one.token), origin: undefined }), 403);
  const theirs = await engine.connect(other.token);
  assert.notEqual(theirs.welcome.state.visitor, one.visitor);
  await theirs.close();
}

async function visitor() {
  const ask = (body, headers) => engine.post("/v1/visitor", body, headers);
  assert.equal(code(await ask({})), "400 malformed");
  assert.equal(code(await ask({ writeKey: "fwp_wrong" })), "401 invalid_write_key");
  assert.equal(code(await ask({ writeKey: engine.publicKey }, { origin: EVIL })), "403 wrong_origin");
  for (const token of [expired(), ofOtherSite(), visitorToken(engine, one.visitor, { key: "another key" }), engine.adminToken]) {
    const { json } = await ask({ writeKey: engine.publicKey, token });
    assert.notEqual(json.visitor, one.visitor, "a new name");
  }
}

async function config() {
  const { status, json } = await engine.call("/v1/config?site=demo");
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(json).sort(), ["consent", "inspect", "site", "write_key"], "nothing that is secret");
  assert.notEqual(json.write_key, engine.writeKey);
}

/** One line for every endpoint that is not an operator's. */
const LINES = {
  "POST /v1/visitor": visitor,
  "GET /v1/config": config,
  "GET /v1/state": own,
  "GET /v1/log": own,
  "GET /v1/export": own,
  "POST /v1/erase": own,
  "GET /v1/socket": socket,
};
for (const name of ["batch", "b", "import", "beacon", "track", "t", "page", "p", "screen", "s", "identify", "i", "group", "g", "alias", "a"]) {
  LINES[`POST /v1/${name}`] = events;
}

describe("endpoints of visitors and sources let in only who may", () => {
  for (const endpoint of endpoints) {
    test(endpoint, async () => {
      const [method, path] = endpoint.split(" ");
      const line = LINES[endpoint];
      assert.ok(line, `${endpoint} has no line here: say what it does with every credential`);
      await line(method, path);
    });
  }

  test("and there is no line too many", () => assert.deepEqual(Object.keys(LINES).sort(), [...endpoints].sort()));
});

describe("endpoints of operators let in only who may", () => {
  const fill = (path) => path.replace("{site}", "demo").replace("{kind}", "rules").replace("{id}", "r")
    .replace("{version}", "1").replace("{other}", "1").replace("{rule}", "r").replace("{visitor}", one.visitor)
    .replace("{letter}", "0a".repeat(16)).replace(/\{\w+\}/g, "x");
  const BELOW = { author: "viewer", admin: "author" };

  for (const [template, item] of Object.entries(paths)) {
    for (const [method, { "x-role": role }] of Object.entries(item).filter(([key]) => key !== "parameters")) {
      test(`${method.toUpperCase()} ${template}`, async () => {
        const path = fill(template);
        const body = ["put", "post"].includes(method) ? showOn("r", "thing") : undefined;
        const ask = (headers) => engine.call(path, { method: method.toUpperCase(), body, headers });
        if (!role) return assert.equal((await ask({})).status, 200);
        const long_ago = now_s() - 11 * 365 * DAY_S;
        const expected = [
          ["no credential", await ask({}), "401 no_credential"],
          ["a wrong token", await ask(bearer("x.y.z")), "401 invalid_credential"],
          ["an expired token", await ask(bearer(engine.operator({ role: "admin" }, long_ago))), "401 invalid_credential"],
          ["a token without a role", await ask(bearer(engine.operator({}))), "401 invalid_credential"],
          ["a visitor's token", await ask(bearer(one.token)), "401 no_credential"],
          ["a server's key", await ask({ authorization: basic(engine.writeKey) }), "401 no_credential"],
          ["a visitor's cookie", await ask({ cookie: `footfall=${one.token}` }), "401 no_credential"],
          ["another site's operator", await ask(bearer(engine.operator({ role: "admin", sites: ["other"] }))), "403 not_allowed"],
        ];
        if (BELOW[role]) expected.push(["a lower role", await ask(bearer(engine.operator({ role: BELOW[role] }))), "403 not_allowed"]);
        for (const [what, reply, wanted] of expected) {
          assert.equal(code(reply), wanted, what);
          assertKeepsSilent(reply, what);
        }
      });
    }
  }
});
