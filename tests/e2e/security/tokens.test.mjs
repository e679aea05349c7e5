// Forged and downgraded tokens, of operators and of visitors, and keys that take each other's place.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { DEMO, start } from "../support.mjs";
import { bearer, code, es256, hs256, issuer, now_s, secretsOf, unsigned, visitorToken } from "./forge.mjs";

const [OLD, NEW, THIEF] = [issuer("2026-10"), issuer("2026-11"), issuer("2026-11")];
const JWKS = JSON.stringify({ keys: [OLD.jwk, NEW.jwk] });
const AUDIENCE = "https://footfall.example";
const header = (kid, more) => ({ alg: "ES256", typ: "JWT", kid, ...more });

let engine;
before(async (t) => {
  const vars = { ADMIN_JWKS: JWKS, ADMIN_JWT_AUDIENCE: AUDIENCE, ADMIN_JWT_ISSUER: "https://login.example" };
  engine = await start(t, { sites: { demo: DEMO, other: DEMO }, vars });
});

const claims = (more) => ({ role: "admin", sub: "ada", exp: now_s() + 600, aud: AUDIENCE, iss: "https://login.example", ...more });
const ask = async (token) => code(await engine.call("/admin/v1/sites/demo/rules", { headers: bearer(token) }));
const REFUSED = "401 invalid_credential";

test("an issuer's tokens are taken, with the old key as with the new one", async () => {
  for (const { kid, privateKey } of [OLD, NEW]) assert.match(await ask(es256(privateKey, claims(), header(kid))), /^200/);
  assert.match(await ask(hs256(secretsOf(engine).ADMIN_JWT_SECRET, claims())), /^200/);
});

test("an operator's token is of its time, its audience and its issuer", async () => {
  const of = (more) => ask(es256(NEW.privateKey, claims(more), header(NEW.kid)));
  for (const wrong of [
    { exp: now_s() - 1 }, { exp: undefined }, { exp: "never" }, { nbf: now_s() + 600 },
    { aud: "https://other.example" }, { aud: undefined }, { iss: "https://evil.example" }, { iss: undefined },
    { role: "owner" }, { role: undefined },
  ]) assert.equal(await of(wrong), REFUSED, JSON.stringify(wrong));
  assert.match(await of({ aud: ["https://other.example", AUDIENCE] }), /^200/);
});

test("alg none is refused, however it is written", async () => {
  for (const alg of ["none", "None", "NONE", "nOnE", "", null]) {
    assert.equal(await ask(unsigned(claims(), { alg })), REFUSED, String(alg));
    assert.equal(await ask(unsigned(claims(), { alg, kid: NEW.kid })), REFUSED, String(alg));
  }
  const [head, body] = es256(NEW.privateKey, claims(), header(NEW.kid)).split(".");
  for (const rest of [`${head}.${body}.`, `${head}.${body}`, `.${body}.`, `${head}..`, ".."]) assert.equal(await ask(rest), REFUSED, rest);
});

test("a public key is never taken for a shared secret", async () => {
  const { jwk } = NEW;
  for (const secret of [JWKS, JSON.stringify(jwk), jwk.x, jwk.y, Buffer.from(jwk.x, "base64url"), ""]) {
    for (const head of [{ alg: "HS256" }, { alg: "HS256", kid: NEW.kid }, header(NEW.kid)]) {
      assert.equal(await ask(hs256(secret, claims(), head)), REFUSED);
    }
  }
  assert.equal(await ask(es256(NEW.privateKey, claims(), { alg: "HS256", kid: NEW.kid })), REFUSED);
  assert.equal(await ask(hs256(secretsOf(engine).ADMIN_JWT_SECRET, claims(), header(NEW.kid))), REFUSED);
});

test("a token's header chooses among our keys and says nothing else about them", async () => {
  const own = { jwk: THIEF.jwk, jku: "https://evil.example/jwks.json", x5u: "https://evil.example/cert", x5c: ["MII="] };
  assert.equal(await ask(es256(THIEF.privateKey, claims(), header(NEW.kid, own))), REFUSED);
  for (const kid of ["", "unknown", "../../etc/passwd", "2026-11' OR '1'='1", "__proto__", ["2026-11"], { kid: "2026-11" }, null, 1]) {
    assert.equal(await ask(es256(NEW.privateKey, claims(), header(kid))), REFUSED, JSON.stringify(kid));
  }
  assert.equal(await ask(es256(OLD.privateKey, claims(), header(NEW.kid))), REFUSED);
  assert.equal(await ask(es256(NEW.privateKey, claims(), header(NEW.kid, { crit: ["exp"] }))), REFUSED);
  for (const alg of ["ES384", "ES512", "RS256", "PS256", "HS384", "HS512", "EdDSA"]) {
    assert.equal(await ask(es256(NEW.privateKey, claims(), header(NEW.kid, { alg }))), REFUSED, alg);
  }
});

test("a claim that stands twice, and a token without end, are refused", async () => {
  const twice = `{"role":"viewer","role":"admin","exp":${now_s() + 600},"aud":"${AUDIENCE}","iss":"https://login.example"}`;
  assert.equal(await ask(es256(NEW.privateKey, twice, header(NEW.kid))), REFUSED);
  assert.equal(await ask(es256(NEW.privateKey, claims({ sub: "x".repeat(9_000) }), header(NEW.kid))), REFUSED);
});

test("no part of a visitor's token can be forged", async () => {
  const { visitor, token } = await engine.visitor();
  const victim = await engine.visitor();
  const state = async (text) => code(await engine.call("/v1/state", { headers: bearer(text) }));
  const [prefix, key, site, , jurisdiction, issued, signature] = token.split(".");
  const other = victim.visitor;
  const wrong = [
    [prefix, key, site, other, jurisdiction, issued, signature],
    [prefix, key, "other", visitor, jurisdiction, issued, signature],
    [prefix, key, site, visitor, "eu", issued, signature],
    [prefix, key, site, visitor, jurisdiction, String(Number(issued) + 1), signature],
    [prefix, "k2", site, visitor, jurisdiction, issued, signature],
    [prefix, "", site, visitor, jurisdiction, issued, signature],
    [prefix, key, site, visitor, jurisdiction, issued, ""],
    [prefix, key, site, visitor, jurisdiction, issued],
    [prefix, key, site, visitor, jurisdiction, issued, signature, signature],
  ].map((parts) => parts.join("."));
  wrong.push(
    visitorToken(engine, other, { key: "" }),
    visitorToken(engine, other, { key: "k1" }),
    visitorToken(engine, other, { key: secretsOf(engine).ADMIN_JWT_SECRET }),
    visitorToken(engine, other, { key: engine.publicKey }),
    visitorToken(engine, other, { keyId: "none", key: "" }),
    visitorToken(engine, other, { issued: now_s() + 3_600 }),
    token.toUpperCase(),
    `${token}=`,
    `f0${token.slice(2)}`,
  );
  for (const text of wrong) assert.equal(await state(text), "401 invalid_token", text);
  assert.match(await state(token), /^200/);
});

test("a visitor's token is renewed when its key is on its way out, and ends with it", async (t) => {
  const { SIGNING_KEYS } = secretsOf(engine);
  const { visitor, token } = await engine.visitor();
  const keys = { ...SIGNING_KEYS.keys, k2: "HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8" };
  const with_ = (active, some) => start(t, { vars: { SIGNING_KEYS: JSON.stringify({ active, keys: some }) } });
  const rotated = await with_("k2", keys);
  const renewed = await rotated.visitor({ token });
  assert.equal(renewed.visitor, visitor);
  assert.match(renewed.token, /^f1\.k2\./);
  const after = await with_("k2", { k2: keys.k2 });
  assert.equal((await after.visitor({ token: renewed.token })).visitor, visitor);
  assert.notEqual((await after.visitor({ token })).visitor, visitor);
});
