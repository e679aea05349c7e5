// A visitor who sends nothing more: the dwell timer fires, never early, and as late as a bare alarm of the platform.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { bareAlarms } from "../support/bare-alarm.mjs";
import { DEMO, start } from "./support.mjs";

const SHORT_S = 2;
/** Longer than the 10 seconds after which the platform puts an idle object to sleep. */
const LONG_S = 14;
const RESTART_S = 7;
const AT_ONCE = 12;
/** What a busy machine may add to either side. */
const SLACK_MS = 250;
/** Between two timers that are compared, so that they do not queue behind each other. */
const STEP_MS = 60;

const dwell = (id, seconds) => ({
  id,
  name: id,
  pattern: { dwell: { for: `${seconds}s`, where: { "page.path": `/${id}` } } },
  actions: [{ push: { slot: "proof", content: { text: "Others look at this" } } }],
});
const page = (path) => ({
  type: "page",
  messageId: `page-${path}`,
  context: { tab: "t", page: { url: `https://shop.example/${path}`, path: `/${path}`, kind: "product" } },
});

let engine;
let bare;
before(async (t) => {
  // Records wait longer than the tests, so that only the dwell timer can wake an object.
  engine = await start(t, { sites: { demo: { ...DEMO, flush_after: "10m" } } });
  bare = await bareAlarms(t);
  for (const [id, seconds] of [["short", SHORT_S], ["long", LONG_S], ["restart", RESTART_S]]) {
    const { status, text } = await engine.admin("PUT", `demo/rules/${id}`, dwell(id, seconds));
    assert.ok(status < 300, text);
  }
});

/** A visitor on a page, silent from now on. The socket is raw: nothing on it speaks by itself. */
async function silent(path) {
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token, { tab: "t", inspect: true });
  const began = Date.now();
  await socket.events(1, page(path));
  const state = await socket.next("state");
  const due_ms = state.patch.timers.find(({ reason }) => reason === "dwell").due_at_ms;
  return { visitor, token, socket, began, due_ms };
}

/** Waits for the push; how late it was heard of, in milliseconds. */
async function heard({ socket, began, due_ms }, seconds) {
  const push = await socket.next("push", seconds * 1_000 + 10_000);
  const now = Date.now();
  assert.equal(push.slot, "proof");
  assert.ok(push.at_ms >= due_ms, `fired ${due_ms - push.at_ms} ms early`);
  assert.ok(now - began >= seconds * 1_000, `heard of after ${now - began} ms`);
  return now - due_ms;
}

const spread = (late_ms) => {
  const sorted = late_ms.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)], most: sorted.at(-1) };
};
const words = ({ median, most }) => `median ${median} ms, at most ${most} ms`;

/** Fires `count` timers one shortly after the other, with the platform's own beside them. */
async function race(count, seconds, prepare = () => {}) {
  const [own, platforms] = [[], []];
  for (let i = 0; i < count; i += 1) {
    const visit = await silent(seconds === LONG_S ? "long" : "short");
    await prepare(visit);
    own.push(heard(visit, seconds));
    await sleep(STEP_MS / 2);
    platforms.push(bare(`${seconds}-${i}`, seconds * 1_000));
    await sleep(STEP_MS / 2);
  }
  return { own: spread(await Promise.all(own)), platforms: spread(await Promise.all(platforms)) };
}

function judge(t, what, { own, platforms }) {
  t.diagnostic(`${what}: ${words(own)}; bare alarm: ${words(platforms)}`);
  assert.ok(own.median <= platforms.median + SLACK_MS / 5, `${words(own)}; bare alarm: ${words(platforms)}`);
  assert.ok(own.most <= platforms.most + SLACK_MS, `${words(own)}; bare alarm: ${words(platforms)}`);
}

/** The object was made anew for its alarm and not before; its socket and what it knew are still there. */
async function slept({ visitor, socket, due_ms }, instance) {
  const { runtime, session } = await engine.inspect(visitor);
  assert.notEqual(runtime.instance, instance);
  assert.ok(runtime.constructed_at_ms >= due_ms, "the object was awake before its alarm");
  await engine.evict(visitor);
  await socket.events(2, { type: "track", messageId: "after", event: "x" });
  assert.deepEqual([session.pages, (await engine.inspect(visitor)).session.events], [1, 2]);
}

test("a dwell timer never fires early, and as late as a bare alarm", async (t) => {
  judge(t, "awake", await race(AT_ONCE, SHORT_S));
});

test("a dwell timer fires after its object was evicted and its socket hibernated", async (t) => {
  const visits = [];
  const result = await race(AT_ONCE, SHORT_S, async (visit) => {
    const { runtime } = await engine.inspect(visit.visitor);
    assert.deepEqual(await engine.evict(visit.visitor), { evicted: true });
    visits.push([visit, runtime.instance]);
  });
  for (const [visit, instance] of visits) await slept(visit, instance);
  judge(t, "evicted", result);
});

test("a dwell timer fires after its object fell asleep by itself", async (t) => {
  const visits = [];
  const result = await race(4, LONG_S, async (visit) => {
    visits.push([visit, (await engine.inspect(visit.visitor)).runtime.instance]);
  });
  for (const [visit, instance] of visits) await slept(visit, instance);
  judge(t, `asleep after ${LONG_S} s`, result);
});

test("a dwell timer fires after kill -9 and a restart before its deadline", async (t) => {
  const [back, gone] = [await silent("restart"), await silent("restart")];
  await engine.kill();
  await engine.start();
  const left_ms = Math.min(back.due_ms, gone.due_ms) - Date.now();
  assert.ok(left_ms > 1_000, `the restart took too long for this test: ${left_ms} ms are left`);
  // One page comes back before the deadline, the other after it.
  back.socket = await engine.connect(back.token, { tab: "t" });
  const late_ms = await heard(back, RESTART_S);
  await sleep(gone.due_ms + 1_000 - Date.now());
  const { pushes } = await engine.inspect(gone.visitor);
  assert.equal(pushes.length, 1);
  const waited_ms = pushes[0].at_ms - gone.due_ms;
  assert.ok(waited_ms >= 0 && waited_ms <= 1_000, `fired ${waited_ms} ms after its time`);
  const socket = await engine.connect(gone.token, { tab: "t" });
  assert.equal((await socket.next("push")).at_ms, pushes[0].at_ms);
  assert.ok(late_ms <= 1_000, `${late_ms} ms late`);
  t.diagnostic(`after kill -9: ${late_ms} ms late with its page back, ${waited_ms} ms late without`);
});
