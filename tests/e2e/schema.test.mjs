// The schema of authored documents, where editors look for it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { start } from "./support.mjs";

const file = join(resolve(import.meta.dirname, "../.."), "docs/rule.schema.json");

test("editors read the schema without a token, at its own address", async (t) => {
  const engine = await start(t);
  const schema = JSON.parse(readFileSync(file, "utf8"));
  const { status, headers, json } = await engine.call(schema.$id);
  assert.equal(status, 200);
  assert.match(headers.get("content-type"), /^application\/json/);
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.deepEqual(json, schema);
});

test("a document may say where its schema is", async (t) => {
  const engine = await start(t);
  const rule = {
    $schema: `${engine.address}/admin/v1/rule.schema.json`,
    id: "linked",
    pattern: { event: { name: "page_viewed" } },
    actions: [{ push: { slot: "banner", content: { text: "Hello" } } }],
  };
  assert.equal((await engine.admin("POST", "demo/rules", rule)).status, 201);
  assert.equal((await engine.admin("PUT", "demo/rules/linked", { ...rule, $schema: 3 })).status, 422);
});
