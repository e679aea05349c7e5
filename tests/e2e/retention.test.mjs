// Past the retention time a visitor is gone whole, and comes back as somebody new: nothing is taken for a repeat.

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DEMO, showOn, start, until } from "./support.mjs";

const RETENTION_MS = 3_000;
const BRIEF = { ...DEMO, session_idle: "1s", flush_after: "200ms", retention: `${RETENTION_MS}ms` };

let engine;
before(async (t) => {
  engine = await start(t, { sites: { demo: BRIEF } });
  const { status, text } = await engine.admin("PUT", "demo/rules/hello", showOn("hello", "wave"));
  assert.ok(status < 300, text);
});

/** The platform's own list of alarms: the time, or nothing. */
function alarm({ id, file }) {
  const database = new DatabaseSync(join(dirname(file), "metadata.sqlite"), { readOnly: true });
  try {
    return database.prepare("SELECT CAST(scheduled_time AS TEXT) AS scheduled_time FROM _cf_ALARM WHERE actor_id = ?").get(id)?.scheduled_time;
  } finally {
    database.close();
  }
}

const records = (visitor) => engine.query("SELECT id, incarnation, name, kind FROM records WHERE visitor = ?", visitor);
const gone = (visitor) => until(async () => Object.keys((await engine.storage(visitor)).holds).length === 0, RETENTION_MS + 12_000, 200);

// They mostly wait: side by side they take the time of one.
describe("past the retention time", { concurrency: true }, () => {
  test("a visitor idle past the retention time is gone, and returns as somebody new", async (t) => {
    const { visitor, token } = await engine.visitor();
    // The very same events, ids included, as a page sends them that kept them in its own storage.
    const wave = (n) => ({ type: "track", messageId: `wave-${n}`, event: "wave" });
    const page = await engine.connect(token);
    await page.events(1, wave(1), wave(2), wave(3));
    const pushes = [await page.next("push"), await page.next("push"), await page.next("push")];
    assert.deepEqual(pushes.map(({ seq }) => seq), [1, 2, 3]);
    const first = await engine.inspect(visitor);
    const cursor = { incarnation: first.incarnation, seq: 3 };
    await page.close();
    const there = await engine.storage(visitor);
    assert.deepEqual(there.holds, { hot: 1 });
    assert.ok(alarm(there) !== undefined);
    const last_ms = (await engine.inspect(visitor)).last_activity_ms;

    await gone(visitor);
    const late_ms = Date.now() - last_ms - RETENTION_MS;
    assert.ok(late_ms >= 0, `gone ${-late_ms} ms too early`);
    t.diagnostic(`gone at most ${late_ms} ms after the retention time, looked for every 200 ms`);
    assert.equal(alarm(await engine.storage(visitor)), undefined);
    const before = await until(async () => {
      const rows = await records(visitor);
      return rows.some(({ kind }) => kind === "session_ended") && rows;
    }, 15_000, 200);
    assert.equal(before.filter(({ kind }) => kind === "event").length, 3);

    // Looks, with the engine asleep and awake.
    for (let look = 0; look < 3; look += 1) {
      const { stage, session, cart, profile, timers } = await engine.inspect(visitor);
      assert.deepEqual([stage, session, cart.lines, profile.sessions, timers], ["new", undefined, [], 0, []]);
      const state = await engine.call("/v1/state", { headers: { authorization: `Bearer ${token}` } });
      assert.equal(state.json.session, undefined);
      if (look === 1) await engine.evict(visitor);
    }
    await sleep(300);
    const after = await engine.storage(visitor);
    assert.deepEqual([after.holds, alarm(after)], [{}, undefined]);

    const back = await engine.connect(token, { cursor });
    await back.events(1, wave(1), wave(2));
    const again = [await back.next("push"), await back.next("push")];
    assert.deepEqual(again.map(({ seq }) => seq), [1, 2]);
    const second = await engine.inspect(visitor);
    assert.notEqual(second.incarnation, first.incarnation);
    assert.deepEqual([second.session.events, second.profile.sessions], [2, 1]);
    // Another page still has the cursor of the visitor's first life, which is ahead of what there is now.
    const other = await engine.connect(token, { tab: "tab-2", cursor });
    assert.deepEqual([(await other.next("push")).seq, (await other.next("push")).seq], [1, 2]);
    const current = await engine.connect(token, { tab: "tab-3", cursor: { incarnation: second.incarnation, seq: 2 } });
    await sleep(200);
    assert.equal(current.received.some(({ type }) => type === "push"), false);
    for (const socket of [back, other, current]) await socket.close();

    const all = await until(async () => {
      const rows = await records(visitor);
      return rows.filter(({ kind }) => kind === "event").length === 5 && rows;
    }, 15_000, 200);
    assert.deepEqual(all.filter((row) => row.incarnation === first.incarnation).length, before.length);
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
    assert.equal(new Set(all.map(({ incarnation }) => incarnation)).size, 2);
  });

  test("a page whose socket is still open is welcomed anew with what it sends, and told everything from then on", async () => {
    const { visitor, token } = await engine.visitor();
    const wave = (n) => ({ type: "track", messageId: `open-${n}`, event: "wave", context: { tab: "tab-1" } });
    const page = await engine.connect(token);
    await page.events(1, wave(1), wave(2), wave(3));
    for (let n = 0; n < 3; n += 1) await page.next("push");
    page.send({ type: "seen", seq: 3, version: page.received.findLast(({ type }) => type === "state").version });
    await gone(visitor);
    const before = page.received.length;
    await page.events(2, wave(4));
    await page.next("push");
    const [welcome, ...after] = page.received.slice(before);
    assert.equal(welcome.type, "welcome");
    assert.notEqual(welcome.incarnation, page.welcome.incarnation);
    assert.deepEqual(after.filter(({ type }) => type === "push").map(({ seq }) => seq), [1]);
    const { incarnation, tabs } = await engine.inspect(visitor);
    assert.deepEqual([welcome.incarnation, tabs.map(({ tab, connected }) => [tab, connected])], [incarnation, [["tab-1", true]]]);
    await engine.post("/v1/track", wave(5), { authorization: `Bearer ${token}` });
    assert.equal((await page.next("push")).seq, 2);
    // What it says that it has seen counts from there as well.
    for (const { version } of page.received.slice(before).filter(({ type }) => type === "state")) page.send({ type: "seen", seq: 0, version });
    await page.events(3, wave(4));
    assert.equal(page.received.filter(({ type }) => type === "welcome").length, 2, "once");
    await page.close();
  });

  test("a visitor who is asleep is forgotten as well, and only that one", async () => {
    const [idle, active] = [await engine.visitor(), await engine.visitor()];
    const view = (token) => engine.post("/v1/track", { type: "track", event: "Product Viewed", properties: { sku: "a" } }, { authorization: `Bearer ${token}` });
    await view(idle.token);
    await view(active.token);
    await engine.evict(idle.visitor);
    const until_ms = Date.now() + RETENTION_MS + 3_000;
    while (Date.now() < until_ms) {
      await view(active.token);
      await sleep(400);
    }
    await gone(idle.visitor);
    const { profile } = await engine.inspect(active.visitor);
    assert.deepEqual([profile.sessions, profile.recent_products], [1, ["a"]]);
  });
});
