// How much may come in how long: exactly of a visitor and of a source, about of an address, and what the answers say.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DEMO, basic, start, track } from "./support.mjs";

const SLOW = "fws_slow";
const ROTATED = "fws_slow_new";
/** Short enough to wait for, long enough for ten requests on a busy machine. */
const PER_MS = 8_000;
const LIMITS = { visitor: { count: 100, per: `${PER_MS}ms` } };

let engine;
before(async (t) => {
  const rate = { count: 100, per: "10m" };
  const key = { site: "demo", authority: "source" };
  const keys = {
    fws_free: key,
    fwp_page: { site: "demo", authority: "public" },
    [SLOW]: { ...key, source: "slow", rate },
    [ROTATED]: { ...key, source: "slow", rate },
    fws_few: { ...key, source: "few", rate: { count: 3, per: "1h" } },
    fws_other: { site: "other", authority: "source" },
  };
  const sites = { demo: { ...DEMO, limits: LIMITS }, other: { ...DEMO, limits: { source: { count: 2, per: "1h" } } } };
  const args = ["--address-limit", "50"];
  engine = await start(t, { sites, vars: { WRITE_KEYS: JSON.stringify(keys) }, args });
});

const events = (count, more) => Array.from({ length: count }, () => track("thing", more));
const asSource = (key, ...batch) => engine.post("/v1/batch", { batch }, { authorization: basic(key) });
const limits = ({ headers }) => ["limit", "remaining", "reset"].map((name) => headers.get(`x-ratelimit-${name}`));

function assertRefused(reply, limit) {
  assert.deepEqual([reply.status, reply.json.code], [429, "rate_limited"], reply.text);
  assert.equal(reply.headers.get("content-type"), "application/problem+json");
  const [said, remaining, reset] = limits(reply).map(Number);
  assert.deepEqual([said, remaining], [limit, 0]);
  const retry = Number(reply.headers.get("retry-after"));
  assert.ok(retry >= 1 && reset >= retry, `${retry} ${reset}`);
  return retry;
}

test("of one visitor the 101st event is refused, also across the edge of a window, and taken when it says so", async () => {
  const { visitor, token } = await engine.visitor({ writeKey: "fwp_page" });
  const send = (count) => engine.post("/v1/batch", { batch: events(count) }, { authorization: `Bearer ${token}` });
  // Half of them just before the clock enters the next period, half of them after.
  await sleep(PER_MS - (Date.now() % PER_MS) - 600);
  const began = Date.now();
  for (let n = 10; n <= 100; n += 10) {
    if (n === 60) await sleep(Math.max(0, 900 - (Date.now() - began)));
    const reply = await send(10);
    assert.equal(reply.status, 200, `${n}: ${reply.text}`);
    assert.deepEqual(limits(reply).slice(0, 2), ["100", String(100 - n)]);
  }
  assert.ok(Math.floor(began / PER_MS) < Math.floor(Date.now() / PER_MS), "the burst lies across an edge");
  assertRefused(await send(1), 100);
  await sleep(Math.max(0, began + PER_MS - Date.now() - 250));
  const retry = assertRefused(await send(1), 100);
  assert.equal(retry, 1);
  await sleep(1_000);
  assert.equal((await send(1)).status, 200);
  assert.equal((await engine.inspect(visitor)).session.events, 101);
});

test("a refusal writes nothing", async () => {
  const { visitor, token } = await engine.visitor({ writeKey: "fwp_page" });
  const send = (count) => engine.post("/v1/batch", { batch: events(count) }, { authorization: `Bearer ${token}` });
  assert.equal((await send(60)).status, 200);
  const rows = async () => (await engine.inspect(visitor)).runtime.rows_written;
  const before = await rows();
  assert.equal((await send(41)).status, 429);
  assert.equal(await rows(), before);
  assert.equal((await send(40)).status, 200);
});

test("one visitor's excess never sinks what a batch has for others", async () => {
  await asSource("fws_free", ...events(100, { anonymousId: "much" }));
  const batch = [...events(2, { anonymousId: "much" }), track("thing", { anonymousId: "little" })];
  const { status, json, headers } = await asSource("fws_free", ...batch);
  assert.deepEqual([status, json.accepted], [200, 1]);
  assert.deepEqual(json.rejections.map(({ index, code, pointer }) => [index, code, pointer]), [
    [0, "rate_limited", "/batch/0"],
    [1, "rate_limited", "/batch/1"],
  ]);
  assert.ok(json.rejections[0].retry_after_ms > 0 && Number(headers.get("retry-after")) > 0);
  assert.equal((await engine.admin("GET", "demo/visitors?anonymousId=little")).json.session.events, 1);
});

test("on a socket a frame that comes too soon is refused whole, and may come again", async () => {
  const { visitor, token } = await engine.visitor({ writeKey: "fwp_page" });
  const socket = await engine.connect(token);
  const frame = (number, batch) => socket.send({ type: "events", frame: number, events: batch });
  frame(1, events(60));
  await socket.next("ack");
  const late = events(60);
  frame(2, late);
  const nack = await socket.next("nack");
  assert.deepEqual([nack.frame, nack.code], [2, "rate_limited"]);
  assert.ok(nack.retry_after_ms > 0 && nack.retry_after_ms <= PER_MS, String(nack.retry_after_ms));
  assert.equal((await engine.inspect(visitor)).session.events, 60);
  await sleep(nack.retry_after_ms + 20);
  frame(3, late);
  assert.equal((await socket.next("ack")).accepted, 60);
  assert.equal((await engine.inspect(visitor)).session.events, 120);
});

test("what pages send of a visitor does not keep out what a server has to say", async () => {
  const page = (count) => engine.post("/v1/batch", { batch: events(count, { anonymousId: "known" }), writeKey: "fwp_page" });
  assert.equal((await page(100)).status, 200);
  assertRefused(await page(1), 100);
  assert.equal((await asSource("fws_free", track("thing", { anonymousId: "known" }))).status, 200);
});

test("of one source the 101st event is refused, whichever visitors and keys it comes with", async () => {
  const one = (n, key = SLOW) => asSource(key, track("thing", { anonymousId: `of-source-${n}` }));
  for (let n = 1; n <= 100; n += 1) {
    const reply = await one(n % 7, n % 2 ? SLOW : ROTATED);
    assert.deepEqual([reply.status, ...limits(reply).slice(0, 2)], [200, "100", String(100 - n)]);
  }
  assertRefused(await one(1), 100);
  assertRefused(await one(2, ROTATED), 100);
  assert.equal((await asSource("fws_free", track("thing", { anonymousId: "of-source-1" }))).status, 200);
});

test("a source's limit survives that its limiter is put to sleep, and a refused batch takes nothing", async () => {
  const one = (count) => asSource("fws_few", ...events(count, { anonymousId: "few" }));
  assert.equal((await one(2)).status, 200);
  assertRefusedWhole(await one(2));
  await engine.evictObject("Limiter", "v1:demo:limiter:source-few");
  assertRefusedWhole(await one(2));
  const last = await one(1);
  assert.deepEqual([last.status, limits(last)[1]], [200, "0"]);
  await engine.evictObject("Limiter", "v1:demo:limiter:source-few");
  assertRefused(await one(1), 3);
  const { holds } = await engine.objectStorage("Limiter", "v1:demo:limiter:source-few");
  assert.deepEqual(holds, { window: 1 });

  function assertRefusedWhole(reply) {
    assert.deepEqual([reply.status, limits(reply)[1]], [429, "1"], reply.text);
  }
});

test("a site may limit all its sources; without a limit there is no limiter", async () => {
  const one = () => asSource("fws_other", track("thing", { anonymousId: "a" }));
  assert.deepEqual(limits(await one()).slice(0, 2), ["2", "1"]);
  await one();
  assertRefused(await one(), 2);
  const free = await asSource("fws_free", track("thing", { anonymousId: "free" }));
  assert.deepEqual(limits(free).slice(0, 2), ["100", "99"], "the visitor's own limit");
  const before = (await engine.objects("Limiter")).length;
  assert.equal(before, 3, "slow, few and other");
});

test("requests of one address are counted about, but not those of servers", async () => {
  const from = { "cf-connecting-ip": "203.0.113.77" };
  const ask = () => engine.post("/v1/visitor", { writeKey: "fwp_page" }, from);
  const replies = [];
  for (let n = 0; n < 120; n += 1) replies.push(await ask());
  const refused = replies.find(({ status }) => status === 429);
  assert.ok(refused && replies.indexOf(refused) >= 50, `${replies.indexOf(refused)}`);
  assert.deepEqual([refused.json.code, refused.headers.get("retry-after")], ["rate_limited", "10"]);
  const server = await engine.post("/v1/track", track("thing", { anonymousId: "s" }), { ...from, authorization: basic("fws_free") });
  assert.equal(server.status, 200);
  assert.equal((await engine.post("/v1/visitor", { writeKey: "fwp_page" }, { "cf-connecting-ip": "203.0.113.78" })).status, 200);
});
