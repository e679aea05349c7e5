// A changed rule acts on visitors who are connected already, within five seconds; a wrong one changes nothing.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DEMO, showOn, start, track } from "./support.mjs";

/** From the answer to the author until the change acts at the latest. */
const ACTS_WITHIN_MS = 5_000;
const EVERY_MS = 50;

let engine;
before(async (t) => {
  engine = await start(t, { sites: { demo: { ...DEMO, flush_after: "10m" } } });
});

async function publish(document) {
  const { status, text } = await engine.admin("PUT", `demo/rules/${document.id}`, document);
  assert.ok(status < 300, text);
  return performance.now();
}

async function remove(id) {
  const { status, text } = await engine.admin("DELETE", `demo/rules/${id}`);
  assert.ok(status < 300, text);
  return performance.now();
}

/** Sends an event again and again until `acts` says that the pushes are those of the change; how long it took. */
async function actsAfter(socket, accepted, acts, event = "wave") {
  for (let frame = 100; ; frame += 1) {
    const from = socket.received.length;
    await socket.events(frame, track(event));
    await sleep(EVERY_MS / 2);
    const after_ms = performance.now() - accepted;
    if (acts(socket.received.slice(from).filter(({ type }) => type === "push"))) return Math.round(after_ms);
    assert.ok(after_ms <= ACTS_WITHIN_MS, `no effect after ${after_ms} ms`);
    await sleep(EVERY_MS / 2);
  }
}

// They mostly wait: side by side they take the time of one.
describe("a change of the rules", { concurrency: true }, () => {
  test("a rule that is made, changed, switched off or deleted acts on an open socket within five seconds", async (t) => {
    const { token } = await engine.visitor();
    const socket = await engine.connect(token);
    await socket.events(1, track("wave"));
    const shows = (text) => (pushes) => pushes.some(({ content }) => content.text === text);
    const nothing = (pushes) => pushes.length === 0;
    const rule = (text) => showOn("wave", "wave", { text });
    const took = [];
    for (const [change, document, acts] of [
      ["made", rule("one"), shows("one")],
      ["changed", rule("two"), shows("two")],
      ["switched off", { ...rule("two"), enabled: false }, nothing],
      ["switched on", rule("three"), shows("three")],
    ]) {
      took.push([change, await actsAfter(socket, await publish(document), acts)]);
    }
    took.push(["deleted", await actsAfter(socket, await remove("wave"), nothing)]);
    t.diagnostic(took.map(([change, ms]) => `${change} ${ms} ms`).join(", "));
    await socket.close();
  });

  test("a changed rule acts on the next wake of a visitor who sends nothing", async () => {
    const dwell = (id, text) => ({
      id,
      name: id,
      pattern: { dwell: { for: "7s", where: { "page.path": `/${id}` } } },
      actions: [{ push: { slot: "proof", content: { text } } }],
    });
    const quiet = async (id) => {
      await publish(dwell(id, "before"));
      const socket = await engine.connect((await engine.visitor()).token, { tab: id });
      // The rule has to be known before its page is opened.
      await sleep(ACTS_WITHIN_MS);
      await socket.events(1, { type: "page", messageId: id, context: { tab: id, page: { path: `/${id}` } } });
      return socket;
    };
    const [reworded, deleted] = await Promise.all([quiet("reworded"), quiet("deleted")]);
    await publish(dwell("reworded", "after"));
    await remove("deleted");
    const push = await reworded.next("push", 12_000);
    assert.equal(push.content.text, "after");
    await sleep(1_500);
    assert.equal(deleted.received.some(({ type }) => type === "push"), false);
    await Promise.all([reworded.close(), deleted.close()]);
  });

  test("a rule that is wrong is refused with a pointer, and the one before it goes on", async () => {
    const { token } = await engine.visitor();
    const socket = await engine.connect(token);
    const good = showOn("kept", "nod", { text: "kept" });
    await actsAfter(socket, await publish(good), (pushes) => pushes.some(({ rule }) => rule === "kept"), "nod");
    const { json: before } = await engine.admin("GET", "demo/rules/kept");
    for (const [wrong, pointer] of [
      [{ ...good, pattern: { event: { name: "nod", where: { "cart.valeu": { $gt: 1 } } } } }, "/pattern/event/where/cart.valeu"],
      [{ ...good, pattern: { event: { name: "nod", where: { "cart.value": { $above: 1 } } } } }, "/pattern/event/where/cart.value/$above"],
      [{ ...good, pattern: { dwell: { for: "a while" } } }, "/pattern/dwell/for"],
      [{ ...good, actions: [] }, "/actions"],
      [{ ...good, limits: { cap: { count: 0, per: "1h" } } }, "/limits/cap/count"],
    ]) {
      const { status, headers, json, text } = await engine.admin("PUT", "demo/rules/kept", wrong);
      assert.equal(status, 422, text);
      assert.match(headers.get("content-type"), /^application\/problem\+json/);
      const faults = json.faults ?? json.errors ?? [];
      assert.ok(faults.some((fault) => fault.pointer === pointer), `${pointer}: ${text}`);
      for (const fault of faults) assert.match(fault.message, /\w+ \w+ \w+/);
    }
    const { json: after } = await engine.admin("GET", "demo/rules/kept");
    assert.deepEqual(after, before);
    // Longer than any copy of the rules is kept: it is the published one that goes on.
    await sleep(ACTS_WITHIN_MS);
    await socket.events(1, track("nod"));
    await sleep(100);
    assert.equal(socket.received.filter(({ type }) => type === "push").at(-1).rule, "kept");
    await socket.close();
  });
});
