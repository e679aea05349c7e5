// Optimistic concurrency: every readable resource has an entity tag, and every write honours If-Match and If-None-Match.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { showOn, start } from "./support.mjs";

let engine;
before(async (t) => {
  engine = await start(t);
});

const ask = (method, path, { body, ...headers } = {}) =>
  engine.call(`/admin/v1/sites/demo/${path}`, {
    method,
    body,
    headers: { authorization: `Bearer ${engine.adminToken}`, ...headers },
  });
const tag = async (path) => (await ask("GET", path)).headers.get("etag");
const rule = (text) => showOn("a", "wave", { text });

test("every readable resource has an entity tag, and who has it is told so", async () => {
  const { visitor } = await engine.visitor();
  await ask("PUT", "rules/a", { body: rule("one") });
  await ask("PUT", "rules/a", { body: rule("two") });
  await ask("PUT", "draft/rules/a", { body: rule("three") });
  await ask("PUT", `previews/${visitor}`, { body: { for: "1h" } });
  for (const path of [
    "rules",
    "rules/a",
    "draft",
    "draft/rules",
    "draft/rules/a",
    "versions",
    "versions/1",
    "versions/1/diff/2",
    "audit",
    "previews",
    `visitors/${visitor}/records`,
    "../../openapi.json",
  ]) {
    const etag = await tag(path);
    assert.match(etag ?? "none", /^"[\w.-]+"$/, path);
    const again = await ask("GET", path, { "if-none-match": `"x", W/${etag}` });
    assert.deepEqual([again.status, again.text, again.headers.get("etag")], [304, "", etag], path);
    const other = await ask("GET", path, { "if-none-match": '"x"' });
    assert.equal(other.status, 200, path);
  }
  const before = await tag("rules");
  await ask("PUT", "rules/b", { body: showOn("b", "wave") });
  assert.notEqual(await tag("rules"), before);
  assert.equal((await ask("GET", "rules", { "if-none-match": before })).status, 200);
});

test("a write to something that was changed meanwhile is refused, and changes nothing", async () => {
  const { visitor } = await engine.visitor();
  await ask("PUT", `previews/${visitor}`, { body: { for: "1h" } });
  const stale = { "if-match": '"stale"' };
  const refused = async (method, path, headers, body) => {
    const { status, json } = await ask(method, path, { body, ...headers });
    assert.deepEqual([status, json.code], [412, "changed_meanwhile"], `${method} ${path}`);
  };
  const { json: before } = await ask("GET", "audit");
  for (const [method, path, body] of [
    ["PUT", "rules/a", rule("x")],
    ["DELETE", "rules/a"],
    ["POST", "rules", showOn("new", "wave")],
    ["PUT", "draft/rules/a", rule("x")],
    ["DELETE", "draft/rules/a"],
    ["POST", "draft/rules", showOn("new", "wave")],
    ["POST", "draft/publish", {}],
    ["PUT", "draft", { rules: [] }],
    ["DELETE", "draft"],
    ["POST", "versions/1/restore", {}],
    ["PUT", `previews/${visitor}`, { for: "2h" }],
    ["DELETE", `previews/${visitor}`],
  ]) {
    await refused(method, path, stale, body);
  }
  for (const [path, body] of [["rules/a", rule("x")], ["draft/rules/a", rule("x")], [`previews/${visitor}`, { for: "2h" }]]) {
    await refused("PUT", path, { "if-none-match": "*" }, body);
  }
  assert.deepEqual((await ask("GET", "audit")).json, before);
});

test("a write to what was read is made", async () => {
  const made = async (method, path, headers, body) => {
    const { status, text } = await ask(method, path, { body, ...headers });
    assert.ok(status < 300, `${method} ${path}: ${text}`);
  };
  const match = async (path) => ({ "if-match": await tag(path) });
  await made("PUT", "rules/c", { "if-none-match": "*" }, showOn("c", "wave"));
  await made("POST", "rules", { "if-none-match": "*" }, showOn("d", "wave"));
  await made("PUT", "draft/rules/e", { "if-none-match": "*" }, showOn("e", "wave"));
  await made("PUT", "rules/a", await match("rules/a"), rule("four"));
  await made("PUT", "draft/rules/a", await match("draft/rules/a"), rule("five"));
  // The tag of the draft also says what is published: who publishes has seen both.
  const seen = await match("draft");
  await made("PUT", "rules/c", {}, showOn("c", "nod"));
  assert.equal((await ask("POST", "draft/publish", { ...seen, body: { rebase: true } })).status, 412);
  await made("POST", "draft/publish", await match("draft"), { rebase: true });
  await made("POST", "versions/1/restore", await match("rules"));
  await made("PUT", "draft/rules/a", {}, rule("six"));
  await made("DELETE", "draft", await match("draft"));
});
