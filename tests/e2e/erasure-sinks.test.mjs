// Erasure as the sinks see it: an origin is told, the archive cannot be read, and nothing of the visitor comes back from a
// queue or from the dead letters.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { SECRET, startOrigin } from "./origin.mjs";
import { DEMO, start, track, until } from "./support.mjs";

before(() => execFileSync("cargo", ["build", "--locked", "--quiet", "-p", "footfall-cli"], { stdio: "inherit" }));

/** Who is in the archive, opened with the keys that there are, and how many records no key opens. */
async function inArchive(engine) {
  const keys = join(engine.state, "keys.json");
  const file = join(engine.state, "archive.ndjson");
  writeFileSync(keys, (await engine.admin("GET", "demo/archive-keys")).text);
  writeFileSync(file, Object.values(await engine.files()).join(""));
  const { stdout, stderr, status } = spawnSync("target/debug/footfall", ["archive", "--keys", keys, file], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const visitors = new Set(stdout.split("\n").filter(Boolean).map((line) => JSON.parse(line).visitor));
  return { visitors, sealed: Number(/(\d+) without their key/.exec(stderr)[1]) };
}

test("an erasure reaches every sink, and what is delivered again is dropped", async (t) => {
  const origin = await startOrigin(t);
  const sites = { demo: { ...DEMO, flush_after: "100ms", sinks: { origin: { url: origin.url }, archive: true } } };
  const vars = { ORIGIN_SECRETS: JSON.stringify({ demo: SECRET }) };
  const engine = await start(t, { sites, vars, queue: { wait: 0 } });
  const viewed = (anonymousId, sku) => track("Product Viewed", { anonymousId, properties: { sku } });
  const at = (visitor) => [...origin.records.values()].filter((record) => record.visitor === visitor && record.kind !== "visitor_erased");
  const idOf = async (name) => (await engine.admin("GET", `demo/visitors?anonymousId=${name}`)).json.visitor;

  // Two visitors in every sink, and one message of the first among the dead letters.
  await engine.send(viewed("goes", "tent"), viewed("stays", "tent"));
  const [goes, stays] = [await idOf("goes"), await idOf("stays")];
  await until(() => at(goes).length > 0 && at(stays).length > 0);
  origin.behave = (_, response, { text }) => (text.includes("impossible") ? void response.writeHead(422).end(text) : "take");
  await engine.send(viewed("goes", "impossible"));
  const [letter] = await until(async () => {
    const { items } = (await engine.admin("GET", "demo/dead-letters")).json;
    return items.length === 1 && items;
  });
  const { body } = (await engine.admin("GET", `demo/dead-letters/${letter.id}`)).json;
  await until(async () => (await inArchive(engine)).visitors.size === 2);
  await until(async () => (await engine.query("SELECT id FROM records WHERE visitor = ? AND name = 'product_viewed'", goes)).length === 2);

  const erased = await engine.admin("DELETE", `demo/visitors/${goes}`);
  assert.equal(erased.status, 200, erased.text);
  const notice = await until(() => [...origin.records.values()].find(({ kind }) => kind === "visitor_erased"));
  assert.equal(notice.visitor, goes);
  assert.ok(notice.incarnations.includes(JSON.parse(body).incarnation));
  const archive = await inArchive(engine);
  assert.deepEqual([...archive.visitors], [stays]);
  assert.ok(archive.sealed > 0, "its records are there, and nobody opens them");

  // Every queue brings its message once more, and the platform gives it up as well.
  const before = at(goes).length;
  origin.behave = undefined;
  for (const queue of ["RECORDS", "ORIGIN", "ARCHIVE", "footfall-records-dead", "footfall-origin-dead", "footfall-archive-dead"]) {
    await engine.enqueue(queue, body);
  }
  await engine.send(viewed("stays", "after"));
  await until(() => at(stays).some(({ data }) => data.properties?.sku === "after"));
  await sleep(1_000); // what was put into the queues before is through by now
  assert.equal(at(goes).length, before);
  for (const table of ["records", "dead_letters", "archive_keys"]) {
    assert.deepEqual(await engine.query(`SELECT * FROM ${table} WHERE visitor = ?`, goes), [], table);
  }
  assert.deepEqual([...(await inArchive(engine)).visitors], [stays]);
});

test("an origin that cannot be told at first is told of every life when somebody asks again", async (t) => {
  const origin = await startOrigin(t);
  const sites = { demo: { ...DEMO, sinks: { origin: { url: origin.url }, archive: true } } };
  const vars = { ORIGIN_SECRETS: JSON.stringify({ demo: SECRET }) };
  const engine = await start(t, { sites, vars, queue: { wait: 0, refuses: "footfall-origin" } });
  // Earlier lives: of one the database has a record, of another only the key of what is archived.
  const [visitor, recorded, archived] = [1, 2, 3].map((n) => `00000000-0000-4000-8000-00000000000${n}`);
  await engine.query(
    "INSERT INTO records VALUES ('demo', ?, ?, ?, 1, 'event', 'wave', 1, '{}')",
    `${recorded.replaceAll("-", "")}-1`, visitor, recorded,
  );
  await engine.query("INSERT INTO archive_keys VALUES ('demo', ?, ?, 'id', 'key')", archived, visitor);
  const erase = () => engine.admin("DELETE", `demo/visitors/${visitor}`);
  assert.equal((await erase()).status, 503);
  await engine.stop();
  engine.queue = { wait: 0 };
  await engine.start();
  const { status, json } = await erase();
  assert.deepEqual([status, json.lives, json.removed.records, json.removed.archive_keys], [200, 2, 1, 1]);
  const notice = await until(() => [...origin.records.values()].find(({ kind }) => kind === "visitor_erased"));
  assert.deepEqual(notice.incarnations, [recorded, archived]);
  assert.equal((await engine.query("SELECT * FROM tombstones")).length, 2);
});
