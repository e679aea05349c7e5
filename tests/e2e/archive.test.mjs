// The archive: files by day that DuckDB reads, sealed with a key for each visitor, and opened with the keys that are left.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { before, test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { DEMO, start, track, until } from "./support.mjs";

const TOOL = "target/debug/footfall";
const DAY_MS = 24 * 3600 * 1000;

before(() => execFileSync("cargo", ["build", "--locked", "--quiet", "-p", "footfall-cli"], { stdio: "inherit" }));

/** An engine with an archive, and a directory for copies of its files. */
async function begin(t) {
  const sites = { demo: { ...DEMO, flush_after: "100ms", sinks: { archive: true } } };
  const engine = await start(t, { sites, queue: { wait: 0 } });
  const directory = mkdtempSync(join(tmpdir(), "footfall-archive-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const copy = async () => {
    for (const [name, text] of Object.entries(await engine.files())) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
      writeFileSync(join(directory, name), text);
    }
    return Object.keys(await engine.files()).map((name) => join(directory, name));
  };
  const keys = async () => {
    const file = join(directory, "keys.json");
    writeFileSync(file, "");
    let after = "";
    do {
      const { json, text } = await engine.admin("GET", `demo/archive-keys?limit=2${after && `&after=${after}`}`);
      writeFileSync(file, `${text}\n`, { flag: "a" });
      after = json.next;
    } while (after);
    return file;
  };
  return { engine, directory, copy, keys };
}

async function ask(sql) {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    connection.closeSync();
  }
}

const open = (keys, files) => spawnSync(TOOL, ["archive", "--keys", keys, ...files], { encoding: "utf8", maxBuffer: 1 << 28 });

/** Records of a visitor on two days, put into the queue as its object would. */
function message(visitor, day) {
  const at_ms = Date.UTC(2026, 10, 20 + day, 12);
  const record = (seq, kind, name) => ({ seq, at_ms: at_ms + seq, kind, name, session: 1, data: { of: visitor } });
  const records = [record(day * 10 + 1, "event", "page_viewed"), record(day * 10 + 2, "event", "product_added"), record(day * 10 + 3, "stage_changed", "carting")];
  return JSON.stringify({ v: 1, site: "demo", visitor, incarnation: visitor, records });
}

const visitors = [1, 2, 3, 4, 5].map((n) => `00000000-0000-4000-8000-00000000000${n}`);

test("DuckDB reads the files by day and kind, and after they are opened everything in them", async (t) => {
  const { engine, directory, copy, keys } = await begin(t);
  for (const visitor of visitors) for (const day of [0, 1]) await engine.enqueue("ARCHIVE", message(visitor, day));
  const lines = async () => Object.values(await engine.files()).join("").split("\n").length - 1;
  await until(async () => (await lines()) === 30);
  const files = await copy();
  assert.ok(files.every((file) => /\/demo\/date=2026-11-2[01]\/\d+-[0-9a-f]{16}\.ndjson$/.test(file)), files.join());

  const glob = `read_ndjson('${directory}/demo/*/*.ndjson', hive_partitioning = true)`;
  const counts = await ask(`SELECT CAST(date AS VARCHAR) AS date, kind, count(DISTINCT id) AS n FROM ${glob} GROUP BY ALL ORDER BY ALL`);
  assert.deepEqual(counts, [
    { date: "2026-11-20", kind: "event", n: "10" },
    { date: "2026-11-20", kind: "stage_changed", n: "5" },
    { date: "2026-11-21", kind: "event", n: "10" },
    { date: "2026-11-21", kind: "stage_changed", n: "5" },
  ]);
  // What is in the clear is about nobody.
  const columns = await ask(`SELECT column_name FROM (DESCRIBE SELECT * FROM ${glob}) ORDER BY 1`);
  assert.deepEqual(columns.map(({ column_name }) => column_name), ["at_ms", "date", "id", "key", "kind", "sealed", "site", "v"]);
  const clear = Object.values(await engine.files()).join("");
  for (const word of [...visitors, ...visitors.map((id) => id.replaceAll("-", "")), "page_viewed", "product_added"]) assert.ok(!clear.includes(word), word);

  const opened = open(await keys(), files);
  assert.deepEqual([opened.status, opened.stderr], [0, "30 records opened, 0 without their key, 0 damaged\n"]);
  writeFileSync(join(directory, "opened.ndjson"), opened.stdout);
  const names = await ask(`SELECT visitor, name, count(*) AS n FROM '${directory}/opened.ndjson' WHERE data.of = visitor GROUP BY ALL`);
  assert.equal(names.length, 15);
  assert.ok(names.every(({ n }) => n === "2"));
});

test("with its key a visitor's records are gone, and nobody else's", async (t) => {
  const { engine, directory, copy, keys } = await begin(t);
  for (const visitor of visitors) await engine.enqueue("ARCHIVE", message(visitor, 0));
  await until(async () => Object.values(await engine.files()).join("").split("\n").length === 16);
  const files = await copy();
  await engine.query("DELETE FROM archive_keys WHERE site = 'demo' AND visitor = ?", visitors[1]);
  const opened = open(await keys(), files);
  assert.deepEqual([opened.status, opened.stderr], [0, "12 records opened, 3 without their key, 0 damaged\n"]);
  const left = new Set(opened.stdout.trim().split("\n").map((line) => JSON.parse(line).visitor));
  assert.deepEqual([...left].sort(), visitors.filter((visitor) => visitor !== visitors[1]));
  // Back in another life it gets another key, which does not open what was there before.
  await engine.enqueue("ARCHIVE", message(visitors[1], 1));
  await until(async () => (await engine.query("SELECT id FROM archive_keys")).length === 5);
  assert.match(open(await keys(), files).stderr, /^12 records opened, 3 without/);
  // A damaged line is said, and does not hide the others.
  const damaged = join(directory, "damaged.ndjson");
  writeFileSync(damaged, opened.stdout.split("\n")[0]);
  const bad = open(await keys(), [damaged, ...files]);
  assert.equal(bad.status, 1);
  assert.match(bad.stderr, /damaged\.ndjson, line 1: is no line of an archive[^]*12 records opened, 3 without their key, 1 damaged/);
});

test("what visitors really do ends in the archive as in the database", async (t) => {
  const { engine, copy, keys } = await begin(t);
  await engine.send(...Array.from({ length: 20 }, (_, n) => track("Product Viewed", { anonymousId: `a${n % 3}`, properties: { sku: "tent" } })));
  const rows = async () => engine.query("SELECT id, at_ms, kind, name FROM records ORDER BY id");
  await until(async () => (await rows()).filter(({ kind }) => kind === "event").length === 20);
  const all = await rows();
  const records = await until(async () => {
    const { stdout } = open(await keys(), await copy());
    const found = stdout.trim().split("\n").map((line) => line && JSON.parse(line));
    return found.length >= all.length && found;
  });
  const short = ({ id, at_ms, kind, name }) => ({ id, at_ms, kind, name });
  assert.deepEqual(records.map(short).sort((a, b) => (a.id < b.id ? -1 : 1)), all.map(short).sort((a, b) => (a.id < b.id ? -1 : 1)));
  assert.ok(records.every(({ at_ms }) => Math.abs(Date.now() - at_ms) < DAY_MS));
});

test("while the database is down the archive waits, since the keys are there", async (t) => {
  const { engine } = await begin(t);
  await engine.query("ALTER TABLE archive_keys RENAME TO archive_keys_away");
  await engine.enqueue("ARCHIVE", message(visitors[0], 0));
  await until(() => /the sink archive of `demo` does not take records/.test(engine.log));
  assert.deepEqual(await engine.files(), {});
  await engine.query("ALTER TABLE archive_keys_away RENAME TO archive_keys");
  await until(async () => Object.keys(await engine.files()).length === 1, 30_000);
});
