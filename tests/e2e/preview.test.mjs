// A preview: one visitor runs the draft's rules for a while, and nobody else sees anything of it.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DEMO, showOn, start, track, until } from "./support.mjs";

/** From the answer to the author until the change acts at the latest. */
const ACTS_WITHIN_MS = 5_000;

let engine;
const sites = Object.fromEntries(["demo", "bounds"].map((site) => [site, { ...DEMO, flush_after: "10m" }]));
before(async (t) => {
  engine = await start(t, { sites });
});

const ok = async (method, path, body) => {
  const { status, text, json } = await engine.admin(method, path, body);
  assert.ok(status < 300, `${method} ${path}: ${text}`);
  return json;
};
let frame = 0;
/** What a visitor is shown for an event now. */
async function shown(socket, event) {
  const from = socket.received.length;
  frame += 1;
  await socket.events(frame, track(event));
  await sleep(20);
  return socket.received.slice(from).filter(({ type }) => type === "push").map(({ content }) => content.text);
}
const becomes = (socket, event, texts) =>
  until(async () => JSON.stringify(await shown(socket, event)) === JSON.stringify(texts), ACTS_WITHIN_MS, 50);

describe("a preview", () => {
  let tester;
  let other;
  before(async () => {
    const [one, two] = [await engine.visitor(), await engine.visitor()];
    tester = Object.assign(await engine.connect(one.token), one);
    other = Object.assign(await engine.connect(two.token), two);
  });

  test("shows the draft to its visitor within five seconds, and to nobody else", async () => {
    await ok("PUT", "demo/rules/greet", showOn("greet", "wave", { text: "published" }));
    await becomes(tester, "wave", ["published"]);
    await becomes(other, "wave", ["published"]);
    await ok("PUT", "demo/draft/rules/greet", showOn("greet", "wave", { text: "draft" }));
    await ok("PUT", "demo/draft/rules/second", showOn("second", "nod", { text: "second" }));
    // A draft with faults previews what compiles.
    await ok("PUT", "demo/draft/rules/wrong", { id: "wrong" });
    await ok("PUT", `demo/previews/${tester.visitor}`, { for: "1h" });
    assert.deepEqual((await ok("GET", "demo/previews")).items.map(({ visitor }) => visitor), [tester.visitor]);
    await becomes(tester, "wave", ["draft"]);
    assert.deepEqual(await shown(tester, "nod"), ["second"]);
    assert.deepEqual(await shown(other, "wave"), ["published"]);
    assert.deepEqual(await shown(other, "nod"), []);
  });

  test("follows the draft as it changes", async () => {
    await ok("PUT", "demo/draft/rules/greet", showOn("greet", "wave", { text: "draft two" }));
    await becomes(tester, "wave", ["draft two"]);
    await ok("PUT", "demo/draft/rules/wrong", showOn("wrong", "frown", { text: "mended" }));
    await becomes(tester, "frown", ["mended"]);
    await ok("DELETE", "demo/draft/rules/wrong");
    await becomes(tester, "frown", []);
    assert.deepEqual(await shown(other, "wave"), ["published"]);
  });

  test("survives the sleep of everybody concerned", async () => {
    await fetch(`${engine.control}/evict?class=Rulebook&name=v1:demo:rulebook`, { method: "POST" });
    await engine.evict(tester.visitor);
    assert.deepEqual(await shown(tester, "wave"), ["draft two"]);
  });

  test("gives the visitor segments and clocks of the draft, and takes them back", async () => {
    await ok("PUT", "demo/draft/segments/all", { id: "all", when: {} });
    const segments = async (visitor) => (await engine.inspect(visitor)).segments;
    await until(async () => (await shown(tester, "x")) && (await segments(tester.visitor)).includes("all"));
    await shown(other, "x");
    assert.deepEqual(await segments(other.visitor), []);
    assert.equal((await engine.admin("DELETE", `demo/previews/${tester.visitor}`)).status, 204);
    await becomes(tester, "wave", ["published"]);
    assert.deepEqual(await segments(tester.visitor), []);
    assert.deepEqual((await ok("GET", "demo/previews")).items, []);
  });

  test("ends with the draft that it shows", async () => {
    await ok("PUT", `demo/previews/${tester.visitor}`, { for: "1h" });
    await becomes(tester, "wave", ["draft two"]);
    await ok("POST", "demo/draft/publish");
    assert.deepEqual((await ok("GET", "demo/previews")).items, []);
    await becomes(other, "wave", ["draft two"]);
    await ok("PUT", "demo/draft/rules/greet", showOn("greet", "wave", { text: "another draft" }));
    await sleep(ACTS_WITHIN_MS);
    assert.deepEqual(await shown(tester, "wave"), ["draft two"]);
  });

  test("ends at its time", async () => {
    await ok("PUT", `demo/previews/${tester.visitor}`, { for: "1m" });
    await becomes(tester, "wave", ["another draft"]);
    // As if most of the minute had gone by.
    const { file } = await engine.storage("rulebook", "Rulebook");
    await engine.kill();
    const database = new DatabaseSync(file);
    const until_ms = Date.now() + 12_000;
    database.prepare("UPDATE previews SET until_ms = ?").run(until_ms);
    database.close();
    await engine.start();
    const socket = await engine.connect(tester.token);
    // A new socket is first given what waits for it.
    assert.equal((await shown(socket, "wave")).at(-1), "another draft");
    await sleep(until_ms - Date.now() - 1_000);
    assert.deepEqual(await shown(socket, "wave"), ["another draft"]);
    await sleep(1_500);
    assert.deepEqual(await shown(socket, "wave"), ["draft two"]);
    assert.deepEqual((await ok("GET", "demo/previews")).items, []);
  });
});

test("a preview needs a draft, a visitor's name and a fitting time, and there are at most eight", async () => {
  const { visitor } = await engine.visitor();
  const code = async (method, path, body) => {
    const { status, json } = await engine.admin(method, `bounds/previews/${path}`, body);
    return [status, json?.code, ...(json?.faults ?? []).map((fault) => fault.code)];
  };
  assert.deepEqual(await code("PUT", visitor, { for: "1h" }), [409, "no_draft"]);
  await ok("PUT", "bounds/draft/rules/a", showOn("a", "wave"));
  assert.deepEqual(await code("PUT", "somebody", { for: "1h" }), [400, "malformed"]);
  assert.deepEqual(await code("PUT", visitor, {}), [422, "refused", "missing"]);
  assert.deepEqual(await code("PUT", visitor, { for: "59s" }), [422, "refused", "out_of_range"]);
  assert.deepEqual(await code("PUT", visitor, { for: "25h" }), [422, "refused", "out_of_range"]);
  assert.deepEqual(await code("PUT", visitor, { for: "soon" }), [422, "refused", "invalid"]);
  const names = Array.from({ length: 8 }, (_, at) => `88408343-2717-5f76-886a-e80241903e2${at}`);
  for (const name of names) assert.deepEqual(await code("PUT", name, { for: "24h" }), [201, undefined]);
  assert.deepEqual(await code("PUT", names[0].toUpperCase(), { for: "1m" }), [200, undefined]);
  assert.deepEqual(await code("PUT", visitor, { for: "1h" }), [409, "too_many_previews"]);
  assert.deepEqual(await code("DELETE", visitor), [404, "not_found"]);
  assert.deepEqual(await code("DELETE", names[7]), [204, undefined]);
  assert.deepEqual(await code("PUT", visitor, { for: "1h" }), [201, undefined]);
});
