// Before consent, where the site requires it: no cookie, nothing on disk, and each event told why it was not taken.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { DEMO, start, track, until } from "./support.mjs";

let engine;
before(async (t) => {
  engine = await start(t, { sites: { demo: { ...DEMO, consent: "required", flush_after: "200ms" } } });
});

const view = (more = {}) => track("Product Viewed", { properties: { sku: "a" }, ...more });
const granted = { context: { consent: "granted" } };
const named = async (anonymousId) => (await engine.admin("GET", `demo/visitors?anonymousId=${anonymousId}`)).json.visitor;

/** Every way in that a page has, with only the site's public key. */
const WAYS = {
  "/v1/batch": (body) => engine.post("/v1/batch", { ...body, writeKey: engine.publicKey }),
  "/v1/beacon": (body) => engine.post("/v1/beacon", JSON.stringify({ ...body, writeKey: engine.publicKey }), { "content-type": "text/plain" }),
  "/v1/track": async ({ batch: [event] }) => engine.post("/v1/track", { ...event, writeKey: engine.publicKey }),
};

for (const [path, send] of Object.entries(WAYS)) {
  test(`${path}: nothing is kept before consent, and no cookie is set`, async () => {
    const anonymousId = `nobody${path.replaceAll("/", "-")}`;
    for (const consent of [undefined, "unknown", "denied", "yes"]) {
      const reply = await send({ batch: [view({ anonymousId, context: { consent } })] });
      assert.equal(reply.status, 200);
      assert.equal(reply.headers.get("set-cookie"), null);
      assert.deepEqual([reply.json.accepted, reply.json.rejections.map(({ index, code }) => [index, code])], [0, [[0, "consent_required"]]]);
      assert.match(reply.json.rejections[0].pointer, /\/context\/consent$/);
    }
    assert.deepEqual((await engine.storage(await named(anonymousId))).holds, {});
  });
}

test("consent is told for each event: what came before it in the batch stays out, the rest counts", async () => {
  const anonymousId = "during";
  const batch = [view({ anonymousId }), view({ anonymousId, ...granted }), view({ anonymousId })];
  const { json, headers } = await WAYS["/v1/batch"]({ batch });
  assert.deepEqual([json.accepted, json.rejections.map(({ index }) => index)], [2, [0]]);
  assert.equal(json.rejections[0].pointer, "/batch/0/context/consent");
  assert.equal(headers.get("set-cookie"), null);
  const visitor = await named(anonymousId);
  assert.equal((await engine.inspect(visitor)).session.events, 2);
  // The visitor who has said yes may still say no to what comes.
  const after = await WAYS["/v1/batch"]({ batch: [view({ anonymousId, context: { consent: "denied" } })] });
  assert.equal(after.json.rejections[0].code, "consent_required");
  const rows = await until(async () => {
    const found = await engine.query("SELECT visitor FROM records WHERE kind = 'event'");
    return found.length > 0 && found;
  }, 15_000, 200);
  assert.deepEqual(rows, [{ visitor }, { visitor }]);
});

test("without consent a page gets no name, no cookie, no state and no socket", async () => {
  for (const consent of ["unknown", "denied"]) {
    const { json, headers } = await engine.post("/v1/visitor", { writeKey: engine.publicKey, consent });
    assert.deepEqual([json.visitor, json.token], [null, null]);
    const cookie = headers.get("set-cookie");
    if (cookie !== null) assert.match(cookie, /^footfall=;.*Max-Age=0/); // it takes away what there was
  }
  const state = await engine.call("/v1/state");
  assert.deepEqual([state.status, state.headers.get("set-cookie")], [401, null]);
  await assert.rejects(engine.socket().opened, { status: 401 });
});

test("on its socket nothing is kept of events that the page sends before it says yes", async () => {
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token);
  const before = await socket.events(1, view(), view());
  assert.deepEqual([before.accepted, before.rejections.map(({ index, code, pointer }) => [index, code, pointer])], [
    0,
    [0, 1].map((index) => [index, "consent_required", `/events/${index}/context/consent`]),
  ]);
  const { session, profile, recent_events, outbox } = await engine.inspect(visitor);
  assert.deepEqual([session, profile.sessions, profile.recent_products, recent_events, outbox.last_seq], [undefined, 0, [], [], 0]);
  const after = await socket.events(2, view(granted), view());
  assert.deepEqual([after.accepted, after.rejections], [2, undefined]);
  assert.equal((await engine.inspect(visitor)).session.events, 2);
  await socket.close();
});
