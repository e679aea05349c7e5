// How long a site's rules, segments and stages may be together, and that what is full can be made shorter.

import assert from "node:assert/strict";
import { test } from "node:test";
import { showOn, start } from "./support.mjs";

const EACH_BYTES = 8 * 1024;
const RULEBOOK_BYTES_MAX = 8_176 * 1024;

test("a rulebook that is full takes nothing more, and can be made shorter", async (t) => {
  const engine = await start(t);
  const ask = (method, path, body) => engine.admin(method, `demo/${path}`, body);
  const sized = (id, bytes) => {
    const filled = (text) => showOn(id, "wave", { text });
    return filled("x".repeat(bytes - JSON.stringify(filled("")).length));
  };
  const rules = Array.from({ length: RULEBOOK_BYTES_MAX / EACH_BYTES }, (_, at) => sized(`r${at}`, EACH_BYTES));
  const drafted = await ask("PUT", "draft", { rules });
  assert.equal(drafted.status, 201, drafted.text.slice(0, 500));
  const published = await ask("POST", "draft/publish");
  assert.deepEqual([published.status, published.json.version], [200, 1], published.text.slice(0, 500));
  const more = showOn("more", "wave");
  const longer = [
    ["PUT", "rules/more", more],
    ["POST", "rules", more],
    ["POST", "draft/rules", more],
    ["PUT", "draft", { segments: [{ id: "s", when: {} }] }],
  ];
  for (const call of longer) {
    const { status, json } = await ask(...call);
    assert.deepEqual([status, json.faults?.map(({ code, pointer }) => [code, pointer])], [422, [["too_large", ""]]], call.slice(0, 2).join(" "));
  }
  assert.equal((await ask("PUT", "draft/rules/r0", sized("r0", 1_000))).status, 200);
  assert.equal((await ask("POST", "draft/publish")).status, 200);
  assert.equal((await ask("PUT", "rules/r0", rules[0])).status, 200, "up to the bound");
  assert.equal((await ask("PUT", "rules/more", more)).status, 422);
  assert.equal((await ask("DELETE", "rules/r1")).status, 200);
  assert.equal((await ask("PUT", "rules/more", more)).status, 201);
  assert.equal((await ask("POST", "versions/1/restore")).status, 200);
  assert.equal((await ask("DELETE", "draft/rules/r1")).status, 200);
  assert.equal((await ask("POST", "draft/publish")).status, 200);
});
