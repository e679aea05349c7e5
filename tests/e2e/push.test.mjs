// What is pushed: over HTTP for pages without a socket, to several tabs each with its cursor, across eviction, kill and
// another build, and no further than a page takes it.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { basic, buildWithHooks, DEMO, showOn, start, track, until } from "./support.mjs";

/** As in protocol/src/limits.rs. */
const UNSEEN_MAX = 256;
const MAILBOX_MAX = 16;
/** The platform puts an object to sleep that nobody needs for ten seconds. */
const ASLEEP_MS = 13_000;

let engine;
before(async (t) => {
  engine = await start(t);
  const flash = showOn("flash", "flash");
  flash.actions[0].push.expires = "1s";
  const poster = showOn("poster", "poster");
  Object.assign(poster, { condition: { "profile.traits.poster": "up" } });
  poster.actions[0].push.retract = true;
  for (const rule of [showOn("wave", "wave", { n: "{{event.properties.n}}" }), flash, poster]) {
    const { status, text } = await engine.admin("PUT", `demo/rules/${rule.id}`, rule);
    assert.ok(status < 300, text);
  }
});

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const wave = (n) => track("wave", { properties: { n } });
/** What an answer brings, in short: `+` a push, `-` a retraction of one. */
const brought = ({ json }) => json.pushes?.messages.map(({ type, seq, push }) => (type === "push" ? `+${seq}` : `-${push}`)) ?? [];
const told = (socket) => socket.received.filter(({ type }) => type === "push").map(({ seq }) => seq);

test("what is pushed comes with the answers to the visitor's own requests, and is told until the cursor passes it", async () => {
  const { token } = await engine.visitor();
  const ask = (path, body, cursor, tab = "t") =>
    engine.post(path, { ...body, context: { tab, ...(cursor && { cursor }) } }, bearer(token));
  const first = await ask("/v1/track", wave(1));
  assert.deepEqual(brought(first), ["+1"]);
  const { incarnation, seq, messages } = first.json.pushes;
  assert.deepEqual([seq, messages[0].content], [1, { n: "1" }]);
  assert.deepEqual(brought(await ask("/v1/batch", { batch: [wave(2), wave(3)] })), ["+1", "+2", "+3"]);
  assert.deepEqual(brought(await ask("/v1/batch", { batch: [] }, { incarnation, seq: 2 })), ["+3"]);
  assert.deepEqual(brought(await ask("/v1/beacon", { batch: [wave(4)] }, { incarnation, seq: 3 })), ["+4"]);
  const done = await ask("/v1/batch", { batch: [] }, { incarnation, seq: 4 });
  assert.deepEqual([done.status, done.json], [200, { success: true, accepted: 0 }]);
});

test("a retraction comes with an answer to a page that may have the push", async () => {
  const { token } = await engine.visitor();
  const ask = (batch, cursor) => engine.post("/v1/batch", { batch, context: { tab: "t", cursor } }, bearer(token));
  const traits = (poster) => ({ type: "identify", messageId: `poster-${poster}`, userId: "u", traits: { poster } });
  const up = await ask([traits("up"), track("poster")]);
  const { incarnation } = up.json.pushes;
  assert.deepEqual(brought(up), ["+1"]);
  assert.deepEqual(brought(await ask([traits("down")], { incarnation, seq: 1 })), ["-1"]);
  assert.deepEqual(brought(await ask([], { incarnation, seq: 2 })), []);
  assert.deepEqual(brought(await ask([])), ["-1"], "who had nothing when it said so may have got it with another answer since");
});

test("nobody but the visitor is told what was pushed, and nobody who does not ask", async () => {
  const { visitor, token } = await engine.visitor();
  const context = { tab: "t" };
  await engine.post("/v1/track", wave(1), bearer(token));
  const server = await engine.post("/v1/batch", { batch: [{ ...wave(2), context: { visitor } }], context }, { authorization: basic(engine.writeKey) });
  const anybody = await engine.post("/v1/batch", { batch: [{ ...wave(3), anonymousId: "p" }], context, writeKey: engine.publicKey });
  const silent = await engine.post("/v1/track", wave(4), bearer(token));
  const other = await engine.post("/v1/track", { ...wave(5), context }, bearer((await engine.visitor()).token));
  assert.deepEqual([server, anybody, silent].map(({ status, json }) => [status, json.accepted, json.pushes]), Array(3).fill([200, 1, undefined]));
  assert.deepEqual(brought(other), ["+1"], "its own");
});

test("asking makes nothing of a visitor of whom nothing is known", async () => {
  const { visitor, token } = await engine.visitor();
  const { status, json } = await engine.post("/v1/batch", { batch: [], context: { tab: "t" } }, bearer(token));
  assert.deepEqual([status, json], [200, { success: true, accepted: 0 }]);
  assert.deepEqual((await engine.storage(visitor)).holds, {});
});

test("a push that has expired is told to nobody any more", async () => {
  const { token } = await engine.visitor();
  const live = await engine.connect(token, { tab: "live" });
  await engine.post("/v1/track", track("flash"), bearer(token));
  assert.equal((await live.next("push")).rule, "flash");
  await sleep(1_100);
  const late = await engine.connect(token, { tab: "late" });
  const { json } = await engine.post("/v1/batch", { batch: [], context: { tab: "late" } }, bearer(token));
  assert.deepEqual([told(late), json.pushes, late.welcome.seq], [[], undefined, 1]);
});

test("for a visitor without a socket the newest pushes are kept, in order", async () => {
  const { token } = await engine.visitor();
  for (let n = 1; n <= MAILBOX_MAX + 4; n += 1) await engine.post("/v1/track", wave(n), bearer(token));
  const newest = Array.from({ length: MAILBOX_MAX }, (_, i) => i + 5);
  const { json } = await engine.post("/v1/batch", { batch: [], context: { tab: "t" } }, bearer(token));
  assert.deepEqual(json.pushes.messages.map(({ seq }) => seq), newest);
  const socket = await engine.connect(token);
  await until(() => told(socket).length === MAILBOX_MAX);
  assert.deepEqual(told(socket), newest);
});

/** A tab on a device of its own that breaks and comes back: its cursor and its version are all that it keeps. */
class Tab {
  applied = [];

  constructor(token, tab) {
    Object.assign(this, { token, tab });
  }

  async come() {
    this.socket?.socket.terminate();
    this.socket = await engine.connect(this.token, { tab: this.tab, ...(this.cursor && { cursor: this.cursor }) });
    const { incarnation, version } = this.socket.welcome;
    assert.ok(version >= (this.version ?? 0), `the version went back from ${this.version} to ${version}`);
    this.cursor = { incarnation, seq: this.cursor?.seq ?? 0 };
    this.version = version;
    this.at = 0;
  }

  /** Applies what has come: patches have to fit, pushes to be new. */
  hear() {
    for (const message of this.socket.received.slice(this.at)) {
      if (message.type === "state") {
        assert.equal(message.base, this.version, "a patch that does not fit");
        this.version = message.version;
      } else if (message.type === "push") {
        assert.ok(message.seq > this.cursor.seq, `${this.tab} was told ${message.seq} after ${this.cursor.seq}`);
        this.cursor.seq = message.seq;
        this.applied.push(Number(message.content.n));
      }
    }
    this.at = this.socket.received.length;
  }
}

/** Waves to three tabs on two devices; between every two of them something happens to the engine or to a tab. */
async function waves(count, between) {
  const { visitor, token } = await engine.visitor();
  const tabs = ["phone", "laptop-1", "laptop-2"].map((tab) => new Tab(token, tab));
  for (const tab of tabs) await tab.come();
  for (let n = 1; n <= count; n += 1) {
    // One tab is away at each wave, in turn.
    const away = tabs[n % tabs.length];
    away.hear();
    away.socket.socket.terminate();
    await between({ visitor, n, tabs });
    await engine.post("/v1/track", wave(n), bearer(token));
    await between({ visitor, n, tabs });
    await away.come();
    await until(() => {
      for (const tab of tabs) tab.hear();
      return tabs.every((tab) => tab.applied.at(-1) === n);
    });
  }
  const expected = Array.from({ length: count }, (_, i) => i + 1);
  for (const { tab, applied } of tabs) assert.deepEqual(applied, expected, tab);
}

test("with the object evicted between every two steps, every tab has every push once, in order, and patches that fit", async () => {
  const instances = new Set();
  await waves(12, async ({ visitor }) => {
    instances.add((await engine.inspect(visitor)).runtime.instance);
    assert.deepEqual(await engine.evict(visitor), { evicted: true });
  });
  assert.equal(instances.size, 24, "every step had an object of its own");
});

test("across kills and another build, every tab has every push once, in order", async () => {
  const builds = [buildWithHooks(), "build"];
  engine.port = Number(new URL(engine.address).port);
  await waves(4, async ({ n, tabs }) => {
    for (const tab of tabs) tab.hear();
    await engine.kill();
    engine.build = builds[n % 2];
    await engine.start();
    for (const tab of tabs.filter((_, at) => at !== n % tabs.length)) await tab.come();
  });
});

test("a page that does not take what it is sent is let go, and is told the rest when it is back", async () => {
  const { visitor, token } = await engine.visitor();
  const [slow, live] = [await engine.connect(token, { tab: "slow" }), await engine.connect(token, { tab: "live" })];
  const begun = slow.welcome.version;
  const changes = (socket) => socket.received.filter(({ type }) => type === "state").length;
  for (let n = 1; n <= UNSEEN_MAX + 20; n += 1) {
    // The object sleeps twice on the way: how far each page is, is known all the same.
    if (n % 100 === 0) await engine.evict(visitor);
    await engine.post("/v1/track", n % 50 === 0 ? wave(n) : track("look"), bearer(token));
    if (n % 16 === 0) live.send({ type: "seen", seq: told(live).at(-1) ?? 0, version: live.received.findLast(({ type }) => type === "state").version });
  }
  assert.equal(await slow.closed, 4004);
  assert.ok(changes(slow) + told(slow).length <= UNSEEN_MAX, `it was sent ${changes(slow)} changes`);
  assert.ok(changes(slow) > UNSEEN_MAX - 20, `it was let go after ${changes(slow)} changes already`);
  assert.equal(live.socket.readyState, 1, "who says what it has seen stays");
  const last = told(slow).at(-1);
  const { incarnation } = live.welcome.incarnation ? live.welcome : (await engine.inspect(visitor));
  const back = await engine.connect(token, { tab: "slow", cursor: { incarnation, seq: last } });
  assert.ok(back.welcome.version >= begun + UNSEEN_MAX + 20);
  assert.equal(back.welcome.state.session.events, UNSEEN_MAX + 20);
  await until(() => told(live).length === 5);
  await until(() => told(slow).length + told(back).length === 5);
  assert.deepEqual([...told(slow), ...told(back)], told(live));
  await engine.post("/v1/track", wave(0), bearer(token));
  assert.equal((await back.next("push")).seq, 6, "it is live again");
});

test("pushes for another tab alone do not count against a page that has all the rest", async () => {
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token);
  await engine.post("/v1/track", wave(1), bearer(token));
  const { version } = await socket.next("state");
  // It has said nothing of the push; the newest state says it all.
  socket.send({ type: "seen", seq: 0, version });
  socket.send({ type: "seen", seq: 99, version: 1_000_000 });
  await socket.events(1, track("look"));
  await engine.evict(visitor);
  await socket.events(2, track("look"));
  assert.equal(socket.socket.readyState, 1);
});

test("heartbeats neither keep the object awake nor wake it", async () => {
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token);
  await socket.events(1, track("look"));
  const { runtime: before } = await engine.inspect(visitor);
  for (const end = Date.now() + ASLEEP_MS; Date.now() < end; await sleep(500)) {
    socket.send("ping");
    await socket.next("pong");
  }
  const asked_ms = Date.now();
  const { runtime: after } = await engine.inspect(visitor);
  assert.notEqual(after.instance, before.instance, "it fell asleep under its heartbeats");
  assert.ok(after.constructed_at_ms >= asked_ms, "it was made anew for the question and for no heartbeat before");
  await socket.events(2, track("look"));
});
