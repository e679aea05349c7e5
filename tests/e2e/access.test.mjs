// Who may do what: write keys, visitor tokens, origins, operators.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { DEMO, basic, showOn, start, track } from "./support.mjs";

const SHOP = "https://shop.example";
let engine;
before(async (t) => {
  const sites = { demo: { ...DEMO, origins: [SHOP] }, other: { ...DEMO } };
  engine = await start(t, { sites });
});

const code = ({ status, json, text }) => `${status} ${json?.code ?? text}`;
const bearer = (token) => ({ authorization: `Bearer ${token}` });
const event = () => track("Product Viewed", { anonymousId: "somebody", properties: { sku: "a" } });

describe("events", () => {
  test("need a credential", async () => {
    assert.equal(code(await engine.post("/v1/track", event())), "401 no_credential");
    assert.equal(code(await engine.post("/v1/track", event(), { authorization: basic("fws_unknown") })), "401 invalid_write_key");
    assert.equal(code(await engine.post("/v1/track", { ...event(), writeKey: "fwp_unknown" })), "401 invalid_write_key");
    assert.equal(code(await engine.post("/v1/track", event(), bearer("f1.k1.demo.x"))), "401 invalid_token");
  });

  test("of a source name any visitor, by whichever id", async () => {
    const { visitor } = await engine.visitor();
    const one = { ...event(), anonymousId: undefined };
    await engine.send({ ...one, context: { visitor } }, track("Product Viewed", { userId: "u", properties: { sku: "b" } }));
    assert.equal((await engine.inspect(visitor)).session.product_views, 1);
    const { json } = await engine.admin("GET", "demo/visitors?userId=u");
    assert.equal(json.session.product_views, 1);
  });

  test("of the public count for an anonymous id and never for a visitor or user", async () => {
    const { visitor } = await engine.visitor();
    const batch = [
      track("Product Viewed", { anonymousId: "p", properties: { sku: "a" } }),
      track("Product Viewed", { userId: "p", context: { visitor } }),
    ];
    const { status, json } = await engine.post("/v1/batch", { batch, writeKey: engine.publicKey });
    assert.deepEqual([status, json.accepted, json.rejections[0].index, json.rejections[0].code], [200, 1, 1, "no_identity"]);
    assert.equal((await engine.admin("GET", "demo/visitors?anonymousId=p")).json.session.product_views, 1);
    assert.equal((await engine.inspect(visitor)).session, undefined);
  });

  test("of a visitor are its own, by header, body or cookie, whatever ids they carry", async () => {
    const { visitor, token } = await engine.visitor();
    await engine.post("/v1/track", event(), bearer(token));
    await engine.post("/v1/batch", { batch: [event()], token, writeKey: engine.publicKey });
    await engine.post("/v1/track", { ...event(), writeKey: engine.publicKey }, { cookie: `a=b; footfall=${token}` });
    assert.equal((await engine.inspect(visitor)).session.product_views, 3);
  });

  test("are not taken with a token of another site than the key's", async () => {
    const { token } = await engine.visitor();
    const elsewhere = token.replace(".demo.", ".other.");
    assert.equal(code(await engine.post("/v1/track", event(), bearer(elsewhere))), "401 invalid_token");
  });

  test("from a page of an origin that is not listed are refused", async () => {
    const { token } = await engine.visitor();
    const from = (origin) => engine.post("/v1/track", event(), { ...bearer(token), origin });
    assert.equal(code(await from("https://evil.example")), "403 wrong_origin");
    assert.equal((await from(SHOP)).status, 200);
    assert.equal((await from(engine.address)).status, 200);
    assert.equal(code(await engine.post("/v1/track", { ...event(), writeKey: engine.publicKey }, { origin: "null" })), "403 wrong_origin");
  });
});

describe("a visitor's name", () => {
  test("is kept as long as the token is shown", async () => {
    const first = await engine.visitor();
    assert.deepEqual(await engine.visitor({ token: first.token }), first);
    const { headers, json } = await engine.post("/v1/visitor", { writeKey: engine.publicKey }, { cookie: `footfall=${first.token}` });
    assert.equal(json.visitor, first.visitor);
    assert.match(headers.get("set-cookie"), /^footfall=f1\.[^;]+; HttpOnly; SameSite=Lax; Path=\/; Max-Age=34560000$/);
  });

  test("is new for a token that is not genuine", async () => {
    const first = await engine.visitor();
    const forged = first.token.replace(/.$/, (last) => (last === "A" ? "E" : "A"));
    assert.notEqual((await engine.visitor({ token: forged })).visitor, first.visitor);
  });

  test("needs a key of the site and a page of it", async () => {
    assert.equal(code(await engine.post("/v1/visitor", { writeKey: "fwp_unknown" })), "401 invalid_write_key");
    assert.equal(code(await engine.post("/v1/visitor", "{}")), "400 malformed");
    const evil = await engine.post("/v1/visitor", { writeKey: engine.publicKey }, { origin: "https://evil.example" });
    assert.equal(code(evil), "403 wrong_origin");
  });

  test("is not given to crawlers", async () => {
    const agent = { "user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)" };
    const { json } = await engine.post("/v1/visitor", { writeKey: engine.publicKey }, agent);
    assert.deepEqual(json, { visitor: null, token: null });
  });
});

describe("a visitor's state", () => {
  test("is shown to its own token only", async () => {
    const [one, other] = [await engine.visitor(), await engine.visitor()];
    await engine.post("/v1/track", event(), bearer(one.token));
    assert.equal(code(await engine.call("/v1/state")), "401 no_token");
    assert.equal(code(await engine.call("/v1/state", { headers: bearer("nonsense") })), "401 invalid_token");
    assert.equal(code(await engine.call("/v1/state", { headers: bearer(engine.adminToken) })), "401 invalid_token");
    const theirs = await engine.call(`/v1/state?visitor=${one.visitor}`, { headers: bearer(other.token) });
    assert.equal(code(theirs), "403 other_visitor");
    const own = await engine.call(`/v1/state?visitor=${one.visitor}`, { headers: bearer(one.token) });
    assert.deepEqual([own.status, own.json.visitor, own.json.session.product_views], [200, one.visitor, 1]);
    assert.equal(own.json.timers, undefined);
  });
});

describe("a socket", () => {
  const refused = (socket) => socket.opened.then(() => "opened", ({ status }) => status);

  test("needs a token", async () => {
    assert.equal(await refused(engine.socket(undefined)), 401);
    assert.equal(await refused(engine.socket("f1.k1.demo.x")), 401);
    assert.equal((await engine.call("/v1/socket")).status, 426);
  });

  test("opens for pages of the site only", async () => {
    const { token } = await engine.visitor();
    const cookie = { cookie: `footfall=${token}` };
    assert.equal(await refused(engine.socket(token, { origin: "https://evil.example" })), 403);
    assert.equal(await refused(engine.socket(undefined, { origin: "https://evil.example", headers: cookie })), 403);
    assert.equal(await refused(engine.socket(undefined, { origin: undefined, headers: cookie })), 403);
    for (const good of [
      engine.socket(token, { origin: SHOP }),
      engine.socket(token, { origin: undefined }),
      engine.socket(undefined, { headers: cookie }),
    ]) {
      await good.opened;
      assert.equal(good.socket.protocol, "footfall.v1");
      await good.close();
    }
  });
});

describe("cross-origin answers", () => {
  test("can be read by pages of the site only", async () => {
    const readable = async (origin) => {
      const { headers } = await engine.post("/v1/visitor", { writeKey: engine.publicKey }, { origin });
      return [headers.get("access-control-allow-origin"), headers.get("access-control-allow-credentials")];
    };
    assert.deepEqual(await readable(SHOP), [SHOP, "true"]);
    assert.deepEqual(await readable("https://evil.example"), [null, null]);
    const preflight = (origin) =>
      engine.call("/v1/batch", { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
    const good = await preflight(SHOP);
    assert.deepEqual([good.status, good.headers.get("access-control-allow-origin")], [204, SHOP]);
    assert.match(good.headers.get("access-control-allow-headers"), /content-type/);
    assert.equal((await preflight("https://evil.example")).headers.get("access-control-allow-origin"), null);
  });
});

describe("operators", () => {
  const rule = showOn("r", "product_viewed");

  test("need a valid token", async () => {
    const now_s = Math.floor(Date.now() / 1000);
    const [head, claims, signature] = engine.adminToken.split(".");
    const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${claims}.`;
    for (const token of [
      "nonsense",
      none,
      `${head}.${claims}.${signature.replace(/.$/, "_")}`,
      engine.operator({ role: "admin" }, now_s - 11 * 365 * 24 * 3600),
      engine.operator({}),
      (await engine.visitor()).token,
    ]) {
      assert.equal((await engine.admin("GET", "demo/rules", undefined, token)).status, 401, token);
    }
    assert.equal(code(await engine.admin("GET", "demo/rules", undefined, null)), "401 no_credential");
    assert.equal(code(await engine.admin("GET", "demo/visitors?userId=u", undefined, null)), "401 no_credential");
  });

  test("may do what their role and sites allow", async () => {
    const viewer = engine.operator({ role: "viewer" });
    const author = engine.operator({ role: "author" });
    const elsewhere = engine.operator({ role: "admin", sites: ["other"] });
    assert.equal((await engine.admin("GET", "demo/rules", undefined, viewer)).status, 200);
    assert.equal(code(await engine.admin("PUT", "demo/rules/r", rule, viewer)), "403 not_allowed");
    assert.equal((await engine.admin("PUT", "demo/rules/r", rule, author)).status, 201);
    assert.equal(code(await engine.admin("GET", "demo/rules", undefined, elsewhere)), "403 not_allowed");
    assert.equal((await engine.admin("GET", "other/rules", undefined, elsewhere)).status, 200);
    assert.equal(code(await engine.admin("GET", "nowhere/rules")), "404 unknown_site");
  });
});

describe("the rest", () => {
  test("problems are RFC 9457 with a stable code", async () => {
    const { status, headers, json } = await engine.call("/v1/nothing");
    assert.deepEqual([status, headers.get("content-type")], [404, "application/problem+json"]);
    assert.deepEqual([json.type, json.title, json.status, json.code], ["urn:footfall:problem:not_found", "Not Found", 404, "not_found"]);
    const wrong = await engine.call("/v1/track");
    assert.deepEqual([wrong.status, wrong.headers.get("allow")], [405, "POST"]);
  });

  test("the public configuration of a site", async () => {
    const { json } = await engine.call("/v1/config?site=demo");
    assert.deepEqual(json, { site: "demo", write_key: engine.publicKey, consent: "assumed", inspect: true });
    assert.equal(code(await engine.call("/v1/config?site=nowhere")), "404 unknown_site");
  });

  test("health", async () => {
    assert.deepEqual((await engine.call("/health/live")).json, { status: "ok" });
    assert.deepEqual((await engine.call("/health/ready")).json, { status: "ok", faults: [], database: "ok" });
  });
});

test("a wrong configuration is said at /health/ready, and nothing is taken", async (t) => {
  const broken = await start(t, { sites: { demo: { session_idle: "soon" } } });
  const { status, json } = await broken.call("/health/ready");
  assert.equal(status, 503);
  assert.match(json.faults[0], /^SITES: demo.session_idle: `soon` is no duration/);
  assert.equal(code(await broken.send(event())), "503 misconfigured");
});

test("keys for a site that there is not are said at /health/ready", async (t) => {
  const key = "A".repeat(43);
  const vars = {
    WRITE_KEYS: JSON.stringify({ fws_one: { site: "gone", authority: "source" }, fwp_one: { site: "gone", authority: "public" } }),
    USER_SIGNING_KEYS: JSON.stringify({ demo: [key], left: [key] }),
    ORIGIN_SECRETS: JSON.stringify({ soon: key }),
  };
  const { status, json } = await (await start(t, { vars })).call("/health/ready");
  const lacks = (name, site) => `${name}: has a key for \`${site}\`, which SITES lacks`;
  assert.deepEqual([status, json.faults], [503, [lacks("WRITE_KEYS", "gone"), lacks("USER_SIGNING_KEYS", "left")]]);
});
