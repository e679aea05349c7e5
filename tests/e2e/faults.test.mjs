// What can go wrong around the engine, done to it: a disk that is full, clocks that jump, repeats, late news, panics under
// load. What happens then is listed in docs/faults.md.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fillableDisk, movableClock } from "../support/wrapped-runtime.mjs";
import { buildWithHooks, DEMO, showOn, start, track, until } from "./support.mjs";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const PANICS_MS = 4_000;

const piece = (more = {}) => track("Product Added", { properties: { sku: "a", price: 1 }, ...more });
const absence = (time) => ({
  id: "unfinished",
  name: "unfinished",
  pattern: { absence: { after: { event: { name: "begin" } }, of: { event: { name: "finish" } }, for: time } },
  actions: [{ record: { name: "unfinished" } }],
});
const everyFifth = {
  id: "every-fifth",
  name: "every-fifth",
  pattern: { count: { of: { event: { name: "product_added" } }, at_least: 5 } },
  actions: [{ push: { slot: "hero", content: { text: "five" } } }],
};

const dwell = (id, kind, time) => ({ ...showOn(id, ""), pattern: { dwell: { for: time, where: { "page.kind": kind } } } });
const opens = (tab, kind) => ({ type: "page", messageId: `${tab}-${kind}`, context: { tab }, properties: { path: `/${kind}`, kind } });

async function rules(engine, ...documents) {
  for (const document of documents) {
    const { status, text } = await engine.admin("PUT", `demo/rules/${document.id}`, document);
    assert.ok(status < 300, text);
  }
}

const known = async (engine, anonymousId) => (await engine.admin("GET", `demo/visitors?anonymousId=${anonymousId}`)).json;
const fired = ({ fired: list }, rule) => list.find((one) => one.rule === rule)?.count ?? 0;
/** A batch that is sent until it is taken; how often it was refused. */
async function insist(engine, events) {
  for (let refused = 0; ; refused += 1) {
    const { status, json } = await engine.send(...events);
    if (status === 200) {
      assert.deepEqual(json, { success: true, accepted: events.length });
      return refused;
    }
    assert.equal(status, 503);
    await sleep(100);
  }
}

/** Moves the clock of a running engine. Its sleeping threads notice when something wakes them; idle connections then end. */
async function leap(engine, clock, ms) {
  clock.ahead(ms);
  for (let calls = 0; calls < 10; calls += 1) await engine.call("/health/live").catch(() => {});
}

test("a disk that is full refuses what it cannot keep; afterwards nothing is lost or counted twice, and timers fire", async (t) => {
  const disk = fillableDisk(t);
  if (!disk) return t.diagnostic("a full disk is not checked here: there is no prlimit");
  const engine = await start(t, { env: disk.env });
  await rules(engine, absence("2s"), everyFifth);
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token, { tab: "t" });
  const [before, during] = [Array.from({ length: 4 }, () => piece({ anonymousId: "x" })), [piece({ anonymousId: "x" }), piece({ anonymousId: "new" })]];
  await engine.send(...before, track("begin", { anonymousId: "x" }));

  disk.full(engine.facts.runtime_pid);
  for (let tries = 0; tries < 3; tries += 1) {
    const { status, json } = await engine.send(...during);
    assert.deepEqual([status, json.code], [503, "not_committed"]);
  }
  const frame = { type: "events", frame: 1, events: [piece()] };
  socket.send(frame);
  await sleep(3_000); // the absence comes due and cannot be kept
  assert.deepEqual(socket.received.filter(({ type }) => type === "ack" || type === "push"), [], "nothing is said that is not on disk");
  disk.free(engine.facts.runtime_pid);

  t.diagnostic(`the batch was refused ${await insist(engine, during)} more times once there was room`);
  await insist(engine, during);
  const back = await engine.connect(token, { tab: "t" });
  await back.events(...[1, ...frame.events]);
  const x = await until(async () => {
    const state = await known(engine, "x");
    return fired(state, "unfinished") === 1 && state;
  }, 60_000, 500);
  assert.deepEqual([x.cart.count, fired(x, "every-fifth"), x.session.events], [5, 1, 6]);
  assert.deepEqual([(await known(engine, "new")).cart.count, (await engine.inspect(visitor)).cart.count], [1, 1]);
  const rows = async () => engine.query("SELECT id FROM records WHERE kind = 'event'");
  await until(async () => (await rows()).length === 8, 90_000, 500);
});

test("a commit that fails in the middle leaves the visitor as it was, readable, and others alone", async (t) => {
  const engine = await start(t, { build: buildWithHooks() });
  const traits = (text) => Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`t${i}`, text.repeat(250)]));
  const identify = (text) => ({ type: "identify", messageId: `identify-${text}`, userId: "u", anonymousId: "x", traits: traits(text) });
  // Traits outgrow the hot row: they are on a page of their own, which is written before it.
  await insist(engine, [identify("a"), piece({ anonymousId: "x" })]);
  const { visitor } = await known(engine, "x");
  assert.equal((await engine.storage(visitor)).holds.page, 1);
  for (let tries = 0; tries < 2; tries += 1) {
    const failing = await engine.send(identify("b"), track("footfall_test_full_disk", { anonymousId: "x" }), piece({ anonymousId: "other" }));
    assert.deepEqual([failing.status, failing.json.code], [503, "not_committed"]);
    await engine.evict(visitor);
    const { cart, profile } = await engine.inspect(visitor);
    assert.deepEqual([cart.count, profile.traits], [1, traits("a")]);
  }
  await insist(engine, [identify("c"), piece({ anonymousId: "x" })]);
  await engine.evict(visitor);
  assert.deepEqual((await engine.inspect(visitor)).profile.traits, traits("c"));
  assert.ok((await known(engine, "other")).cart.count >= 1);
});

test("a page that went down with the engine has ten seconds to come back: what came due until then fires, the rest waits for it", async (t) => {
  const engine = await start(t);
  await rules(engine, dwell("long", "product", "26s"), dwell("short", "list", "1s"));
  engine.port = Number(new URL(engine.address).port);
  const { visitor, token } = await engine.visitor();
  const [page, other] = await Promise.all(["page", "other"].map((tab) => engine.connect(token, { tab })));
  await page.events(1, opens("page", "product"));
  await other.events(1, opens("other", "list"));
  const { timers } = await engine.inspect(visitor);
  const due_ms = timers.find(({ rule }) => rule === "long").due_at_ms;
  await engine.kill();
  await sleep(1_500);
  await engine.start();
  await until(async () => fired(await engine.inspect(visitor), "short") === 1);
  await sleep(due_ms + 1_500 - Date.now());
  const state = await engine.inspect(visitor);
  assert.deepEqual([fired(state, "short"), fired(state, "long")], [1, 0]);
  assert.deepEqual(state.tabs.map(({ tab, connected, visible }) => [tab, connected, visible]), [["page", false, false], ["other", false, false]]);
  assert.ok(state.session.engaged_ms < 26_000 && !state.session.attentive_since_ms, JSON.stringify(state.session));
  const back = await engine.connect(token, { tab: "page" });
  const push = await back.next("push", 27_000);
  assert.equal(push.rule, "long");
  assert.ok(push.at_ms > due_ms + 1_500);
});

test("a socket that ends while the disk is full has ended: its tab's dwell fires for nobody", async (t) => {
  const disk = fillableDisk(t);
  if (!disk) return t.diagnostic("a full disk is not checked here: there is no prlimit");
  const engine = await start(t, { env: disk.env });
  await rules(engine, dwell("long", "product", "20s"));
  const { visitor, token } = await engine.visitor();
  const page = await engine.connect(token, { tab: "page" });
  await page.events(1, opens("page", "product"));
  const due_ms = (await engine.inspect(visitor)).timers.find(({ rule }) => rule === "long").due_at_ms;
  disk.full(engine.facts.runtime_pid);
  page.socket.terminate();
  await sleep(1_000);
  disk.free(engine.facts.runtime_pid);
  await sleep(due_ms + 3_000 - Date.now());
  const state = await until(() => engine.inspect(visitor));
  assert.deepEqual([fired(state, "long"), state.tabs[0].connected], [0, false]);
});

test("one event that comes many times, by every way at once, counts once and fires once", async (t) => {
  const engine = await start(t);
  await rules(engine, everyFifth, showOn("wave", "wave"));
  const { visitor, token } = await engine.visitor();
  const sockets = await Promise.all(["a", "b"].map((tab) => engine.connect(token, { tab })));
  const events = [...Array.from({ length: 5 }, () => piece({ context: { visitor } })), track("wave", { context: { visitor } })];
  const bearer = { authorization: `Bearer ${token}` };
  const rounds = Array.from({ length: 4 }, (_, round) => [
    engine.send(...events),
    engine.send(...events.toReversed()),
    engine.post("/v1/batch", { batch: events }, bearer),
    engine.post("/v1/beacon", { batch: events, token }),
    ...events.map((event) => engine.send(event)),
    ...sockets.map((socket) => socket.send({ type: "events", frame: round, events })),
  ]);
  const answers = (await Promise.all(rounds.flat())).filter(Boolean);
  assert.ok(answers.every(({ status }) => status === 200));
  for (const socket of sockets) for (let round = 0; round < 4; round += 1) assert.equal((await socket.next("ack")).accepted, 6);
  const state = await engine.inspect(visitor);
  assert.deepEqual([state.cart.count, state.session.events, fired(state, "every-fifth"), fired(state, "wave")], [5, 6, 1, 1]);
  for (const socket of sockets) assert.equal(socket.received.filter(({ type }) => type === "push").length, 2);
});

test("late news happens when it arrives, and begins no session of its own", async (t) => {
  const engine = await start(t, { sites: { demo: { ...DEMO, session_idle: "1s" } } });
  const days_ago = new Date(Date.now() - 3 * DAY_MS).toISOString();
  const before_ms = Date.now();
  await engine.send(piece({ anonymousId: "x", timestamp: days_ago }));
  const { visitor, session, last_activity_ms } = await known(engine, "x");
  assert.ok(session.started_at_ms >= before_ms && last_activity_ms >= before_ms, "arrival counts, not what the sender's clock says");
  await until(async () => !(await engine.inspect(visitor)).session);
  const late = ["page_hidden", "page_left", "Order Refunded"].map((name) => track(name, { anonymousId: "x", timestamp: days_ago, context: { tab: "t" } }));
  assert.equal((await engine.send(...late)).status, 200);
  const after = await engine.inspect(visitor);
  assert.deepEqual([after.session, after.profile.sessions, after.cart.count], [undefined, 1, 1]);
});

test("a clock that jumps forwards fires what has come due once, keeps sockets, and forgets whom it should", async (t) => {
  const clock = movableClock(t);
  if (!clock) return t.diagnostic("a clock that jumps is not checked here: there is no C compiler");
  const engine = await start(t, { env: clock.env, sites: { demo: { ...DEMO, retention: "40d" } } });
  await rules(engine, absence("10d"), everyFifth, showOn("wave", "wave"));
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token, { tab: "t" });
  await socket.events(1, piece(), track("begin"));
  const jump = (ms) => leap(engine, clock, ms);
  await jump(31 * MINUTE_MS);
  await until(async () => !(await engine.inspect(visitor)).session);
  assert.equal(fired(await engine.inspect(visitor), "unfinished"), 0, "nine days early");
  await jump(11 * DAY_MS);
  await until(async () => fired(await engine.inspect(visitor), "unfinished") === 1);
  await socket.events(2, track("wave"));
  const push = await socket.next("push");
  assert.ok(push.at_ms >= Date.now() + 11 * DAY_MS - MINUTE_MS);
  const { profile, session, last_push } = await engine.inspect(visitor);
  assert.deepEqual([profile.sessions, session.number, last_push], [2, 2, 1]);
  const rows = () => engine.query("SELECT kind, name FROM records WHERE visitor = ?", visitor);
  await until(async () => (await rows()).filter(({ kind }) => kind === "event").length === 3, 30_000);
  assert.equal((await rows()).filter(({ kind, name }) => kind === "emitted" && name === "unfinished").length, 1);
  await socket.close();
  await jump(60 * DAY_MS);
  await until(async () => Object.keys((await engine.storage(visitor)).holds).length === 0, 20_000);
});

test("a clock that has gone back when the engine starts again is held: nothing early, nothing twice, nothing lost", async (t) => {
  const clock = movableClock(t);
  if (!clock) return t.diagnostic("a clock that goes back is not checked here: there is no C compiler");
  const engine = await start(t, { env: clock.env });
  await rules(engine, absence("2s"), everyFifth);
  engine.port = Number(new URL(engine.address).port);
  clock.ahead(DAY_MS);
  await engine.send(...Array.from({ length: 4 }, () => piece({ anonymousId: "x" })), track("begin", { anonymousId: "x" }));
  const { visitor, last_activity_ms } = await known(engine, "x");
  assert.ok(last_activity_ms > Date.now() + DAY_MS - MINUTE_MS);
  await engine.kill();
  clock.ahead(0);
  await engine.start();
  await insist(engine, [piece({ anonymousId: "x" })]);
  await sleep(3_000);
  const held = await engine.inspect(visitor);
  assert.deepEqual([held.cart.count, fired(held, "every-fifth"), held.session.events], [5, 1, 6]);
  assert.ok(held.last_activity_ms >= last_activity_ms, "its time never runs backwards");
  assert.equal(fired(held, "unfinished"), 0, "its time stands still until the clock has caught up");
  await leap(engine, clock, DAY_MS + MINUTE_MS);
  await until(async () => fired(await engine.inspect(visitor), "unfinished") === 1);
  await until(async () => {
    const rows = await engine.query("SELECT id, at_ms, kind FROM records WHERE visitor = ?", visitor);
    const seq = ({ id }) => Number(id.split("-").at(-1));
    rows.sort((a, b) => seq(a) - seq(b));
    assert.ok(rows.every(({ at_ms }, at) => at === 0 || at_ms >= rows[at - 1].at_ms), "records are in the order of their times");
    return rows.filter(({ kind }) => kind === "event").length === 6;
  }, 90_000, 500);
});

test("panics in one visitor under load are that visitor's alone, and lose nothing of anybody", async (t) => {
  const engine = await start(t, { build: buildWithHooks() });
  const names = Array.from({ length: 12 }, (_, i) => `neighbour-${i}`);
  await engine.send(...["unlucky", ...names].map((anonymousId) => piece({ anonymousId })));
  const end = Date.now() + PANICS_MS;
  let [panics, slowest_ms] = [0, 0];
  const counts = new Map([["unlucky", 1], ...names.map((name) => [name, 1])]);
  /** One event after the other; all of them have to be taken, and soon. */
  const shop = async (anonymousId) => {
    while (Date.now() < end) {
      const began = performance.now();
      const { status } = await engine.send(piece({ anonymousId }));
      slowest_ms = Math.max(slowest_ms, performance.now() - began);
      assert.equal(status, 200, anonymousId);
      counts.set(anonymousId, counts.get(anonymousId) + 1);
    }
  };
  const panic = async () => {
    while (Date.now() < end) {
      // Half of them in a batch with a neighbour's event, which is taken all the same.
      const others = panics % 2 === 0 ? [] : [track("look", { anonymousId: names[0] })];
      const { status } = await engine.send(track("footfall_test_panic", { anonymousId: "unlucky" }), ...others);
      assert.equal(status, 503);
      panics += 1;
      await sleep(30);
    }
  };
  await Promise.all([...names, "unlucky"].map(shop).concat(panic()));
  for (const [anonymousId, count] of counts) assert.equal((await known(engine, anonymousId)).cart.count, count, anonymousId);
  t.diagnostic(`${panics} panics; ${[...counts.values()].reduce((a, b) => a + b)} events acknowledged, the slowest after ${Math.round(slowest_ms)} ms`);
  assert.ok(panics >= 8 && slowest_ms < 2_000, `${panics} panics, ${slowest_ms} ms`);
});
