// Jurisdictions: the local runtime has none, so what can be shown here is that nothing is ever kept in the wrong place.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DEMO, start, track } from "./support.mjs";

const bearer = (token) => ({ authorization: `Bearer ${token}` });

test("a site whose visitors must be held where the runtime cannot hold them is refused as a whole", async (t) => {
  const engine = await start(t, { sites: { demo: { ...DEMO, jurisdiction: "eu" } } });
  const ready = await engine.call("/health/ready");
  assert.equal(ready.status, 503);
  assert.match(ready.text, /demo\.jurisdiction: this runtime cannot hold objects there/);
  for (const [path, body] of [["/v1/visitor", { writeKey: engine.publicKey, consent: "granted" }], ["/v1/track", { ...track("wave", { anonymousId: "a" }), writeKey: engine.publicKey }]]) {
    const { status, json } = await engine.post(path, body);
    assert.deepEqual([status, json.code], [503, "misconfigured"], path);
  }
});

test("a token of a jurisdiction never leads to the object of the same name outside it", async (t) => {
  const engine = await start(t);
  const { visitor, token } = await engine.visitor();
  assert.match(token, /^f1\.k1\.demo\.[0-9a-f-]{36}\.-\./, "the site has none, and so has its token");
  const { SIGNING_KEYS } = JSON.parse(readFileSync(join(engine.state, "credentials.json"), "utf8"));
  const text = `f1.k1.demo.${visitor}.eu.${Math.floor(Date.now() / 1_000)}`;
  const signature = createHmac("sha256", Buffer.from(SIGNING_KEYS.keys.k1, "base64url")).update(text).digest("base64url");
  const abroad = `${text}.${signature}`;
  const sent = await engine.post("/v1/track", track("wave"), bearer(abroad));
  assert.deepEqual([sent.status, sent.json.code], [503, "not_committed"]);
  for (const path of ["/v1/state", "/v1/log", "/v1/export"]) {
    const asked = await engine.call(path, { headers: bearer(abroad) });
    assert.deepEqual([asked.status, asked.json.code, asked.headers.get("retry-after")], [503, "unavailable", "1"], path);
  }
  assert.equal((await engine.inspect(visitor)).session, undefined);
  assert.equal((await engine.post("/v1/track", track("wave"), bearer(token))).json.accepted, 1);
});
