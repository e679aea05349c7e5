// The draft: written while it is still wrong, checked as a whole, and published as one version or not at all.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { showOn, start, track, until } from "./support.mjs";

let engine;
before(async (t) => {
  engine = await start(t, { sites: Object.fromEntries(["demo", "two", "three", "four", "many"].map((site) => [site, {}])) });
});

const api = (site) => (method, path, body, headers = {}) =>
  engine.call(`/admin/v1/sites/${site}/${path}`, {
    method,
    body,
    headers: { authorization: `Bearer ${engine.adminToken}`, ...headers },
  });
const wrong = (id) => ({ ...showOn(id, "product_viewed"), pattern: { event: { where: { "cart.valeu": 1 } } } });
const code = ({ status, json }) => [status, json.code];

test("a draft is made by its first write, holds what does not compile, and nothing of it is published", async () => {
  const demo = api("demo");
  assert.deepEqual(code(await demo("GET", "draft")), [404, "no_draft"]);
  await demo("PUT", "rules/kept", showOn("kept", "wave"));
  await demo("PUT", "rules/gone", showOn("gone", "wave"));
  const put = await demo("PUT", "draft/rules/new", wrong("new"));
  assert.equal(put.status, 201, put.text);
  assert.deepEqual(put.json.faults.map(({ pointer }) => pointer), ["/pattern/event/name", "/pattern/event/where/cart.valeu"]);
  assert.equal((await demo("PUT", "draft/rules/kept", showOn("kept", "nod"))).status, 200);
  assert.equal((await demo("DELETE", "draft/rules/gone")).status, 200);
  assert.equal((await demo("POST", "draft/segments", { id: "big", when: { "cart.value": { $gte: 1 } } })).status, 201);
  assert.deepEqual(code(await demo("POST", "draft/segments", { id: "big" })), [409, "exists"]);
  const { json: draft } = await demo("GET", "draft");
  assert.deepEqual([draft.base, draft.version, draft.base_is_current], [2, 2, true]);
  assert.deepEqual(draft.changes, [
    { kind: "rules", id: "gone", change: "removed" },
    { kind: "rules", id: "kept", change: "changed" },
    { kind: "rules", id: "new", change: "added" },
    { kind: "segments", id: "big", change: "added" },
  ]);
  const { json: list } = await demo("GET", "draft/rules");
  assert.deepEqual(list.items.map(({ id, change }) => [id, change]), [["kept", "changed"], ["new", "added"]]);
  assert.deepEqual((await demo("GET", "draft/rules/kept")).json.pattern, { event: { name: "nod" } });
  assert.equal((await demo("GET", "draft/rules/gone")).status, 404);
  assert.equal((await demo("GET", "rules")).json.version, 2);
  assert.deepEqual((await demo("GET", "rules/kept")).json, showOn("kept", "wave"));
  // A document that is put back as it was is no change.
  await demo("PUT", "draft/rules/kept", showOn("kept", "wave"));
  assert.equal((await demo("GET", "draft")).json.changes.length, 3);
});

test("a draft with faults is refused with all of them at once, and changes nothing", async () => {
  const demo = api("demo");
  await demo("PUT", "draft/rules/worse", { ...wrong("worse"), actions: [] });
  const { json: checked } = await demo("POST", "draft/validate");
  const places = (faults) => faults.map(({ kind, id, pointer }) => `${kind}/${id}#${pointer}`);
  const all = [
    "rules/new#/pattern/event/name",
    "rules/new#/pattern/event/where/cart.valeu",
    "rules/worse#/actions",
    "rules/worse#/pattern/event/name",
    "rules/worse#/pattern/event/where/cart.valeu",
  ];
  assert.deepEqual([checked.valid, places(checked.faults).sort()], [false, all]);
  const refused = await demo("POST", "draft/publish", {});
  assert.deepEqual([...code(refused), places(refused.json.faults).sort()], [422, "refused", all]);
  assert.equal((await demo("GET", "rules")).json.version, 2);
});

test("a draft is published as one version, which acts on visitors", async () => {
  const demo = api("demo");
  await demo("DELETE", "draft/rules/worse");
  await demo("PUT", "draft/rules/new", showOn("new", "wave", { text: "new" }));
  assert.equal((await demo("POST", "draft/validate")).json.valid, true);
  const { status, json, text } = await demo("POST", "draft/publish", { comment: "Summer" });
  assert.deepEqual([status, json.version, json.base, json.overwritten], [200, 3, 2, []], text);
  assert.equal(json.changes.length, 3);
  assert.deepEqual(code(await demo("GET", "draft")), [404, "no_draft"]);
  assert.deepEqual((await demo("GET", "rules")).json.items.map(({ id }) => id), ["kept", "new"]);
  const { json: versions } = await demo("GET", "versions?limit=1");
  assert.deepEqual([versions.items[0].change, versions.items[0].comment], ["publish", "Summer"]);
  const { visitor } = await engine.visitor();
  await until(async () => {
    await engine.send(track("wave", { context: { visitor } }));
    return (await engine.inspect(visitor)).pushes?.some(({ rule }) => rule === "new");
  });
});

test("a draft whose base has changed waits for a decision: rebased, its changes come on top", async () => {
  const two = api("two");
  for (const id of ["a", "b", "c"]) await two("PUT", `rules/${id}`, showOn(id, "wave", { text: "base" }));
  await two("PUT", "draft/rules/a", showOn("a", "wave", { text: "draft" }));
  await two("PUT", "draft/rules/b", showOn("b", "wave", { text: "draft" }));
  await two("PUT", "rules/b", showOn("b", "wave", { text: "meanwhile" }));
  await two("PUT", "rules/c", showOn("c", "wave", { text: "meanwhile" }));
  // The draft still shows what it was made from.
  assert.equal((await two("GET", "draft/rules/c")).json.actions[0].push.content.text, "base");
  const refused = await two("POST", "draft/publish");
  assert.deepEqual(code(refused), [409, "base_changed"]);
  assert.match(refused.json.detail, /versions\/3\/diff\/5.*rebase/);
  const { status, json, text } = await two("POST", "draft/publish", { rebase: true });
  assert.equal(status, 200, text);
  assert.deepEqual(json.overwritten, [{ kind: "rules", id: "b" }]);
  const { json: list } = await two("GET", "rules");
  const texts = list.items.map(({ document }) => document.actions[0].push.content.text);
  assert.deepEqual(texts, ["draft", "draft", "meanwhile"]);
});

test("a draft is discarded, and one that changes nothing is not published", async () => {
  const three = api("three");
  await three("PUT", "rules/a", showOn("a", "wave"));
  await three("PUT", "draft/rules/b", wrong("b"));
  assert.equal((await three("DELETE", "draft")).status, 204);
  assert.deepEqual(code(await three("DELETE", "draft")), [404, "no_draft"]);
  await three("PUT", "draft/rules/a", showOn("a", "wave"));
  assert.deepEqual(code(await three("POST", "draft/publish")), [409, "nothing_changed"]);
});

test("a whole repository of rules is drafted and published at once", async (t) => {
  const many = api("many");
  const rules = Array.from({ length: 10_000 }, (_, at) => showOn(`rule-${at}`, `event-${at}`));
  const timed = async (...call) => {
    const began = performance.now();
    const answer = await many(...call);
    return Object.assign(answer, { ms: Math.round(performance.now() - began) });
  };
  await many("PUT", "stages/new", { id: "new", rank: 0 });
  const first = await timed("PUT", "draft", { rules: [...rules, { id: "rule-1" }] });
  assert.deepEqual([first.status, first.json.faults.map(({ code: of, pointer }) => [of, pointer])], [422, [["too_many", "/rules"]]]);
  const drafted = await timed("PUT", "draft", { rules: [...rules.slice(1), { id: "rule-0" }], segments: [{ id: "s", when: {} }] });
  assert.deepEqual([drafted.status, drafted.json.changes.length], [201, 10_001], drafted.text.slice(0, 500));
  assert.deepEqual([...new Set(drafted.json.faults.map(({ id }) => id))], ["rule-0"]);
  const mended = await timed("PUT", "draft/rules/rule-0", rules[0]);
  assert.equal(mended.status, 200);
  const published = await timed("POST", "draft/publish");
  assert.deepEqual([published.status, published.json.changes?.length], [200, 10_001], published.text.slice(0, 500));
  const changed = await timed("PUT", "rules/rule-7", showOn("rule-7", "wave"));
  assert.equal(changed.status, 200);
  // What a repository no longer has is removed; kinds that were not sent stay.
  const fewer = await many("PUT", "draft", { rules: rules.slice(0, 9_999) });
  assert.deepEqual(fewer.json.changes, [
    { kind: "rules", id: "rule-7", change: "changed" },
    { kind: "rules", id: "rule-9999", change: "removed" },
  ]);
  const duplicate = await many("PUT", "draft", { rules: [rules[0], rules[0], { id: "A" }] });
  assert.deepEqual(duplicate.json.faults.map(({ pointer }) => pointer), ["/rules/1/id", "/rules/2/id"]);
  const ms = { drafted, mended, published, changed };
  t.diagnostic(`10,000 rules: ${Object.entries(ms).map(([name, call]) => `${name} ${call.ms} ms`).join(", ")}`);
});

describe("what is sent", () => {
  test("is refused with a pointer when it has another shape", async () => {
    const four = api("four");
    const faults = async (method, path, body) => {
      const { status, json } = await four(method, path, body);
      return [status, ...(json.faults ?? []).map(({ code: of, pointer }) => `${of} ${pointer}`)];
    };
    await four("PUT", "draft/rules/a", showOn("a", "wave"));
    assert.deepEqual(await faults("POST", "draft/publish", { rebase: 1 }), [422, "invalid /rebase"]);
    assert.deepEqual(await faults("POST", "draft/publish", { "re/base": true }), [422, "unknown_member /re~1base"]);
    assert.deepEqual(await faults("POST", "draft/publish", { comment: "x".repeat(513) }), [422, "too_long /comment"]);
    assert.deepEqual(await faults("POST", "draft/publish", "{"), [400]);
    assert.deepEqual(await faults("PUT", "draft/rules/a", "[]"), [422, "invalid "]);
    assert.deepEqual(await faults("PUT", "draft/rules/a", { id: "b" }), [422, "invalid /id"]);
    assert.deepEqual(await faults("POST", "draft/rules", { name: "x" }), [422, "missing /id"]);
    assert.deepEqual(await faults("POST", "draft/rules", { id: "A b" }), [422, "invalid /id"]);
    assert.equal((await four("PUT", "draft/rules/a", { name: "x".repeat(17_000) })).json.code, "too_large");
  });

  test("to be validated is compiled together, and nothing of it is stored", async () => {
    const four = api("four");
    const rules = [showOn("fine", "product_viewed"), wrong("bad"), showOn("fine", "wave"), { name: "x".repeat(17_000) }];
    const { json } = await four("POST", "validate", { rules, segments: [{ id: "s", when: { "cart.valeu": 1 } }] });
    assert.equal(json.valid, false);
    const found = (at, of) => json.faults.some(({ kind, index, code: is }) => kind === at[0] && index === at[1] && is === of);
    assert.ok(found(["rules", 1], "unknown_field") && found(["rules", 2], "duplicate"), JSON.stringify(json));
    assert.ok(found(["rules", 3], "too_large") && found(["segments", 0], "unknown_field"), JSON.stringify(json));
    assert.deepEqual((await four("POST", "validate", { rules: [showOn("fine", "product_viewed")] })).json, {
      valid: true,
      faults: [],
      warnings: [],
    });
    assert.equal((await four("POST", "validate", { rule: [] })).json.faults[0].pointer, "/rule");
    // More than a site may have is not looked into.
    for (const count of [10_001, 4_000_000]) {
      const refused = await four("POST", "validate", { rules: Array(count).fill(0) });
      assert.deepEqual([refused.status, refused.json.faults.map(({ code: of, pointer }) => [of, pointer])], [422, [["too_many", "/rules"]]]);
    }
    // More than a body of events may have: a whole rulebook is checked at once.
    const many = Array.from({ length: 5_000 }, (_, at) => showOn(`rule-${at}`, "product_viewed"));
    assert.equal((await four("POST", "validate", { rules: many })).json.valid, true);
    assert.deepEqual((await four("GET", "rules")).json, { version: 0, items: [] });
  });
});
