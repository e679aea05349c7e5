// Versions: every change is one, none ever changes, any two are compared, and an old one is restored as a new one.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DEMO, showOn, start, track } from "./support.mjs";

let engine;
before(async (t) => {
  engine = await start(t, { sites: { demo: DEMO, other: {} } });
});

const get = async (path) => {
  const { status, json, text } = await engine.admin("GET", path);
  assert.equal(status, 200, text);
  return json;
};
const say = (id, text) => showOn(id, "wave", { text });

test("each version keeps the documents as they were, with its author, time and hash", async () => {
  const ana = engine.operator({ role: "author", sub: "ana" });
  await engine.admin("PUT", "demo/rules/a", say("a", "one"), ana);
  await engine.admin("PUT", "demo/rules/b", say("b", "one"));
  await engine.admin("PUT", "demo/rules/a", say("a", "two"));
  await engine.admin("DELETE", "demo/rules/b");
  await engine.admin("PUT", "demo/segments/s", { id: "s", when: { "cart.count": 1 } });
  await engine.admin("PUT", "demo/rules/b", say("b", "again"));
  const rules = async (n) => (await get(`demo/versions/${n}`)).documents.rules.map((r) => [r.id, r.actions[0].push.content.text]);
  assert.deepEqual(await rules(1), [["a", "one"]]);
  assert.deepEqual(await rules(2), [["a", "one"], ["b", "one"]]);
  assert.deepEqual(await rules(3), [["a", "two"], ["b", "one"]]);
  assert.deepEqual(await rules(4), [["a", "two"]]);
  assert.deepEqual(await rules(6), [["a", "two"], ["b", "again"]]);
  const first = await get("demo/versions/1");
  assert.deepEqual([first.author, first.role, first.change, first.restored, first.comment], ["ana", "author", "put rules/a", null, null]);
  assert.match(first.hash, /^[0-9a-f]{64}$/);
  assert.ok(Math.abs(first.at_ms - Date.now()) < 60_000);
  assert.deepEqual((await get("demo/versions/5")).documents.segments, [{ id: "s", when: { "cart.count": 1 } }]);
  assert.equal((await engine.admin("GET", "demo/versions/7")).status, 404);
  assert.equal((await engine.admin("GET", "demo/versions/x")).status, 404);
});

test("versions are listed by pages, the newest first", async () => {
  const numbers = async (query) => {
    const { items, next } = await get(`demo/versions${query}`);
    return [items.map(({ version }) => version), next];
  };
  assert.deepEqual(await numbers(""), [[6, 5, 4, 3, 2, 1], null]);
  assert.deepEqual(await numbers("?limit=2"), [[6, 5], 5]);
  assert.deepEqual(await numbers("?limit=2&before=5"), [[4, 3], 3]);
  assert.deepEqual(await numbers("?limit=2&before=3"), [[2, 1], null]);
  for (const query of ["limit=0", "limit=101", "limit=x", "before=0"]) {
    assert.equal((await engine.admin("GET", `demo/versions?${query}`)).json.code, "malformed", query);
  }
});

test("two versions are compared, document by document, with pointers to what changed", async () => {
  const diff = await get("demo/versions/2/diff/6");
  assert.deepEqual(diff.added.map(({ kind, id }) => `${kind}/${id}`), ["segments/s"]);
  assert.deepEqual(diff.removed, []);
  const step = (value, was) => ({ op: "replace", path: "/actions/0/push/content/text", value, was });
  assert.deepEqual(diff.changed, [
    { kind: "rules", id: "a", patch: [step("two", "one")] },
    { kind: "rules", id: "b", patch: [step("again", "one")] },
  ]);
  const back = await get("demo/versions/6/diff/2");
  assert.deepEqual([back.added.length, back.removed.map(({ id }) => id)], [0, ["s"]]);
  assert.deepEqual(back.changed[0].patch, [step("one", "two")]);
});

test("an old version is restored as a new one, and acts", async () => {
  const { token } = await engine.visitor();
  const socket = await engine.connect(token);
  const { status, json, text } = await engine.admin("POST", "demo/versions/2/restore", { comment: "Too loud" });
  assert.equal(status, 200, text);
  assert.equal(json.version, 7);
  assert.deepEqual(json.changes.map(({ id, change }) => [id, change]), [["a", "changed"], ["b", "changed"], ["s", "removed"]]);
  const seventh = await get("demo/versions/7");
  assert.deepEqual([seventh.change, seventh.restored, seventh.comment], ["restore 2", 2, "Too loud"]);
  const second = await get("demo/versions/2");
  assert.deepEqual([seventh.documents, seventh.hash], [second.documents, second.hash]);
  assert.equal((await engine.admin("POST", "demo/versions/2/restore")).json.code, "nothing_changed");
  await sleep(5_000);
  await socket.events(1, track("wave"));
  assert.deepEqual((await socket.next("push")).content, { text: "one" });
});

test("a version that has a rule unchanged lets its running clock go on when it is restored", async () => {
  const dwell = (text) => ({
    id: "still",
    pattern: { dwell: { for: "13s", where: { "page.path": "/still" } } },
    actions: [{ push: { slot: "hero", content: { text } } }],
  });
  await engine.admin("PUT", "demo/rules/still", dwell("old"));
  const { version } = await get("demo/rules");
  await sleep(5_000);
  const socket = await engine.connect((await engine.visitor()).token, { tab: "still" });
  const began = Date.now();
  await socket.events(1, { type: "page", messageId: "still", context: { tab: "still", page: { path: "/still" } } });
  await engine.admin("PUT", "demo/rules/still", dwell("new"));
  await sleep(5_000);
  await socket.events(2, track("nod"));
  await engine.admin("POST", `demo/versions/${version}/restore`);
  const push = await socket.next("push", 15_000);
  assert.deepEqual(push.content, { text: "old" });
  assert.ok(Date.now() - began < 16_000, "the clock began anew");
});

test("a change of one document writes as many rows beside a thousand others", async () => {
  const rows = async () => (await engine.storage("rulebook", "Rulebook")).holds;
  await engine.admin("PUT", "demo/draft/rules/r-0", say("r-0", "x"));
  for (let at = 1; at < 200; at += 1) await engine.admin("PUT", `demo/draft/rules/r-${at}`, say(`r-${at}`, "x"));
  assert.equal((await engine.admin("POST", "demo/draft/publish")).status, 200);
  const before = await rows();
  for (let at = 0; at < 10; at += 1) await engine.admin("PUT", "demo/rules/r-7", say("r-7", `${at}`));
  const after = await rows();
  const more = (table) => after[table] - before[table];
  assert.deepEqual(["documents", "superseded", "versions", "audit"].map(more), [0, 10, 10, 10]);
});

test("the oldest versions go when a bound is reached, and the rest still say what they were", async () => {
  const { file } = await engine.storage("rulebook", "Rulebook");
  const { version: newest } = await get("demo/rules");
  await engine.kill();
  const database = new DatabaseSync(file);
  // As if 995 further versions had been published since the fifth.
  for (const [table, column] of [["versions", "version"], ["documents", "version"], ["superseded", "version"], ["superseded", "until"]]) {
    database.exec(`UPDATE ${table} SET ${column} = ${column} + 1000000 WHERE ${column} > 5`);
    database.exec(`UPDATE ${table} SET ${column} = ${column} - 1000000 + 995 WHERE ${column} > 1000000`);
  }
  database.close();
  await engine.start();
  assert.deepEqual((await get("demo/versions/3")).documents.rules.length, 2);
  await engine.admin("PUT", "demo/rules/last", say("last", "x"));
  const present = newest + 995 + 1;
  assert.equal((await get("demo/rules")).version, present);
  assert.equal((await engine.admin("GET", "demo/versions/5")).status, 404);
  const oldest = present - 999;
  assert.deepEqual((await get(`demo/versions?before=${oldest + 1}`)).items.map(({ version }) => version).filter((n) => n < oldest), []);
  assert.ok((await get(`demo/versions/${present}`)).documents.rules.some(({ id }) => id === "last"));
});

test("a rulebook of the first release keeps its documents, versions and what it published", async (t) => {
  const old = await start(t);
  await old.admin("PUT", "demo/rules/x", say("x", "x"));
  const { file } = await old.storage("rulebook", "Rulebook");
  await old.kill();
  const database = new DatabaseSync(file);
  const tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'";
  for (const { name } of database.prepare(tables).all()) database.exec(`DROP TABLE "${name}"`);
  database.exec(readFileSync(new URL("../cases/rulebook-1.sql", import.meta.url), "utf8"));
  const pieces = () => database.prepare("SELECT hash, b FROM pieces ORDER BY hash").all();
  const kept = pieces();
  await old.start();
  const { json: list } = await old.admin("GET", "demo/rules");
  assert.deepEqual([list.version, list.items.map(({ id, version }) => [id, version])], [5, [["greet", 2]]]);
  assert.equal((await old.admin("GET", "demo/rules/greet")).headers.get("etag"), '"2"');
  const { json: versions } = await old.admin("GET", "demo/versions");
  assert.deepEqual(versions.items.map(({ version, change }) => [version, change]), [
    [5, "delete rules/gone"],
    [4, "put rules/gone"],
    [3, "put segments/big"],
    [2, "put rules/greet"],
    [1, "put rules/greet"],
  ]);
  assert.deepEqual(pieces(), kept);
  database.close();
  // The newest version is known; what the ones before it held, that release did not keep.
  const { json: newest } = await old.admin("GET", "demo/versions/5");
  assert.deepEqual([newest.documents.rules.map(({ id }) => id), newest.documents.segments.length], [["greet"], 1]);
  assert.equal((await old.admin("GET", "demo/versions/4")).json.documents, null);
  assert.equal((await old.admin("GET", "demo/versions/4/diff/5")).json.code, "documents_unknown");
  assert.equal((await old.admin("POST", "demo/versions/4/restore")).json.code, "documents_unknown");
  const socket = await old.connect((await old.visitor()).token);
  await socket.events(1, track("wave"));
  assert.deepEqual((await socket.next("push")).content, { text: "two" });
  // From here on everything is kept.
  const { version } = (await old.admin("PUT", "demo/rules/greet", say("greet", "three"))).json;
  const { json: diff } = await old.admin("GET", `demo/versions/5/diff/${version}`);
  assert.deepEqual(diff.changed.map(({ id }) => id), ["greet"]);
  assert.equal((await old.admin("POST", "demo/versions/5/restore")).status, 200);
  assert.deepEqual((await old.admin("GET", "demo/rules/greet")).json, showOn("greet", "wave", { text: "two" }));
});
