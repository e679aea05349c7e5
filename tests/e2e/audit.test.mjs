// The audit trail: every write of an operator is in it, with who, when, what, and between which versions.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { showOn, start } from "./support.mjs";

/** A name that no header could hold as it stands. */
const BOB = "Bób Žižka, 100%";
let engine;
before(async (t) => {
  engine = await start(t);
});

test("every write is in the audit trail, the newest first", async () => {
  const ana = engine.operator({ role: "author", sub: "ana" });
  const bob = engine.operator({ role: "admin", sub: BOB });
  const { visitor } = await engine.visitor();
  const as = (token) => async (method, path, body) => {
    const { status, text } = await engine.admin(method, `demo/${path}`, body, token);
    assert.ok(status < 300, text);
  };
  await as(ana)("PUT", "rules/a", showOn("a", "wave"));
  await as(ana)("PUT", "draft/rules/b", { id: "b" });
  await as(ana)("PUT", `previews/${visitor}`, { for: "1h" });
  await as(bob)("DELETE", `previews/${visitor}`);
  await as(bob)("PUT", `previews/${visitor}`, { for: "1h" });
  await as(ana)("DELETE", "draft");
  await as(ana)("PUT", "draft/rules/b", showOn("b", "wave"));
  await as(bob)("POST", "draft/publish", { comment: "Summer" });
  await as(bob)("POST", "versions/1/restore", { comment: "Back" });
  await as(bob)("DELETE", "rules/a");
  const { json } = await engine.admin("GET", "demo/audit");
  const told = json.items.map((e) => [e.subject, e.role, e.action, e.kind, e.id, e.from_version, e.to_version, e.comment]);
  const preview = ["previews", visitor, null, null];
  for (const entry of told.filter(([, , action]) => action === "preview.begin")) {
    assert.match(entry[7], /^until \d+$/);
    entry[7] = null;
  }
  assert.deepEqual(told, [
    [BOB, "admin", "document.delete", "rules", "a", 3, 4, null],
    [BOB, "admin", "version.restore", null, null, 2, 3, "Back"],
    [BOB, "admin", "draft.publish", null, null, 1, 2, "Summer"],
    ["ana", "author", "draft.put", "rules", "b", 1, null, null],
    ["ana", "author", "draft.discard", null, null, 1, null, null],
    ["ana", "author", "preview.end", ...preview, null],
    [BOB, "admin", "preview.begin", ...preview, null],
    [BOB, "admin", "preview.end", ...preview, null],
    ["ana", "author", "preview.begin", ...preview, null],
    ["ana", "author", "draft.put", "rules", "b", 1, null, null],
    ["ana", "author", "document.put", "rules", "a", 0, 1, null],
  ]);
  assert.ok(json.items.every(({ at_ms }) => Math.abs(at_ms - Date.now()) < 60_000));
});

test("the audit trail is read by pages", async () => {
  const { json: first } = await engine.admin("GET", "demo/audit?limit=4");
  const { json: second } = await engine.admin("GET", `demo/audit?limit=100&before=${first.next}`);
  assert.deepEqual([first.items, second.items].flat().map(({ seq }) => seq), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
  assert.equal(second.next, null);
});

test("what is refused leaves no trace, and a look makes no storage", async () => {
  const count = async () => (await engine.admin("GET", "demo/audit")).json.items.length;
  const before = await count();
  await engine.admin("PUT", "demo/rules/a", { id: "a" });
  await engine.admin("POST", "demo/draft/validate");
  await engine.admin("POST", "demo/validate", {});
  assert.equal(await count(), before);
});

test("viewers read and check, authors write drafts, publish, restore and preview", async () => {
  const viewer = engine.operator({ role: "viewer" });
  const author = engine.operator({ role: "author" });
  const { visitor } = await engine.visitor();
  const ask = (token) => async (method, path, body) => (await engine.admin(method, `demo/${path}`, body, token)).status;
  for (const path of ["draft", "draft/rules", "versions", "versions/1", "versions/1/diff/2", "audit", "previews"]) {
    assert.ok([200, 404].includes(await ask(viewer)("GET", path)), path);
  }
  assert.equal(await ask(viewer)("POST", "validate", {}), 200);
  const writes = [
    ["PUT", "draft/rules/x", showOn("x", "wave")],
    ["POST", "draft/rules", showOn("y", "wave")],
    ["PUT", `previews/${visitor}`, { for: "1h" }],
    ["DELETE", `previews/${visitor}`],
    ["DELETE", "draft/rules/y"],
    ["POST", "draft/publish", {}],
    ["POST", "versions/1/restore", {}],
    ["PUT", "draft/rules/x", showOn("x", "nod")],
    ["PUT", "draft", { segments: [] }],
    ["DELETE", "draft"],
  ];
  for (const [method, path, body] of writes) {
    assert.equal(await ask(viewer)(method, path, body), 403, `${method} ${path}`);
    assert.ok((await ask(author)(method, path, body)) < 300, `${method} ${path}`);
  }
  assert.equal(await ask(viewer)("POST", "draft/validate"), 404);
});
