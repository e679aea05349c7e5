// Dead letters: what ends there, with which answer, and how it is seen, replayed and deleted.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { SECRET, startOrigin } from "./origin.mjs";
import { DEMO, start, track, until } from "./support.mjs";

const vars = { ORIGIN_SECRETS: JSON.stringify({ demo: SECRET }) };

async function begin(t, more = {}) {
  const origin = await startOrigin(t);
  const sites = { demo: { ...DEMO, flush_after: "100ms", sinks: { origin: { url: origin.url, ...more }, archive: true } } };
  return { origin, engine: await start(t, { sites, vars, queue: { wait: 0 } }) };
}

const viewed = (anonymousId, sku) => track("Product Viewed", { anonymousId, properties: { sku } });
const list = async (engine, query = "", token = undefined) => {
  const { status, json, text } = await engine.admin("GET", `demo/dead-letters${query}`, undefined, token);
  assert.equal(status, 200, text);
  return json.items;
};
const letters = (engine, n, query) => until(async () => ((await list(engine, query)).length === n ? list(engine, query) : undefined), 20_000);
const skus = (origin) => [...origin.records.values()].filter(({ kind }) => kind === "event").map(({ data }) => data.properties.sku).sort();

/** Takes everything but what a product makes impossible. */
const refuseSku = (sku, status = 422, answer = `no product ${sku}`) => (_, response, { text }) => {
  if (!text.includes(sku)) return "take";
  response.writeHead(status, { location: "/elsewhere" }).end(answer);
  return undefined;
};

/** A message as a visitor's object sends it. */
const message = (visitor, incarnation, seq = 1, kind = "event") => JSON.stringify({
  v: 1, site: "demo", visitor, incarnation, records: [{ seq, at_ms: Date.now(), kind, name: "search", session: 1, data: {} }],
});
const A = "00000000-0000-4000-8000-00000000000a";
const B = "00000000-0000-4000-8000-00000000000b";
const tombstone = (engine, incarnation) =>
  engine.query("INSERT INTO tombstones (subject, at_ms) VALUES (?, 1)", createHash("sha256").update(`demo:${incarnation}`).digest("hex"));

test("what the origin refuses is set aside alone, with the answer, and replayed when the origin is mended", async (t) => {
  const { origin, engine } = await begin(t);
  origin.behave = refuseSku("impossible");
  await engine.send(viewed("a", "tent"), viewed("b", "impossible"), viewed("c", "lamp"));
  const [letter] = await letters(engine, 1);
  assert.deepEqual([letter.sink, letter.reason, letter.answer, letter.attempts], ["origin", "refused", "422 no product impossible", 1]);
  await until(() => skus(origin).length === 2);
  assert.deepEqual(skus(origin), ["lamp", "tent"]);
  const { json: whole } = await engine.admin("GET", `demo/dead-letters/${letter.id}`);
  assert.equal(whole.body.length, letter.bytes);
  assert.ok(JSON.parse(whole.body).records.some(({ data }) => data.properties?.sku === "impossible"));

  // Not mended: it is the same letter again.
  await engine.admin("POST", `demo/dead-letters/${letter.id}/replay`);
  const [again] = await letters(engine, 1);
  assert.equal(again.id, letter.id);
  origin.behave = undefined;
  const { json } = await engine.admin("POST", "demo/dead-letters/replay?sink=origin");
  assert.deepEqual(json, { replayed: 1, left: 0 });
  await until(() => skus(origin).includes("impossible"));
  assert.deepEqual(await list(engine), []);
});

test("a redirection is not followed", async (t) => {
  const { origin, engine } = await begin(t);
  origin.behave = refuseSku("tent", 307, "");
  await engine.send(viewed("a", "tent"));
  const [letter] = await letters(engine, 1);
  assert.deepEqual([letter.reason, letter.answer], ["refused", "307"]);
  assert.ok(origin.deliveries.every(({ headers }) => headers.host.endsWith(String(origin.port))));
});

test("what a sink cannot take in all its tries is set aside", async (t) => {
  const { origin, engine } = await begin(t, { tries: 2 });
  origin.behave = (_, response) => void response.writeHead(503).end("later ".repeat(1_000));
  await engine.send(viewed("a", "tent"));
  const [letter] = await letters(engine, 1);
  assert.deepEqual([letter.reason, letter.attempts, letter.answer.slice(0, 9)], ["out_of_tries", 2, "503 later"]);
  assert.equal(letter.answer.length, 1_024);
  assert.equal(origin.deliveries.length, 2);
});

test("a message that no release wrote is set aside, and what the platform gave up as well", async (t) => {
  const { engine } = await begin(t);
  await engine.enqueue("RECORDS", "poison");
  await engine.enqueue("ARCHIVE", '{"v":9}');
  await engine.enqueue("footfall-origin-dead", message(A, B));
  const found = (await letters(engine, 3)).map(({ sink, reason, visitor }) => [sink, reason, visitor]).sort();
  assert.deepEqual(found, [["archive", "unreadable", null], ["d1", "unreadable", null], ["origin", "given_up", A]]);
  // Who may see one site only sees what is of that site.
  const here = engine.operator({ sub: "here", role: "admin", sites: ["demo"] });
  assert.deepEqual((await list(engine, "", here)).map(({ sink }) => sink), ["origin"]);
  assert.deepEqual((await list(engine, "?sink=d1")).map(({ reason }) => reason), ["unreadable"]);
});

test("packed records of a later release are kept as they came, and are the same letter again after a replay", async (t) => {
  const { engine } = await begin(t);
  await engine.enqueue("RECORDS", new Uint8Array([9, 0, 255]));
  const [letter] = await letters(engine, 1);
  const { json: whole } = await engine.admin("GET", `demo/dead-letters/${letter.id}`);
  assert.deepEqual([letter.reason, whole.body], ["unreadable", "bytes:CQD_"]);
  assert.equal((await engine.admin("POST", `demo/dead-letters/${letter.id}/replay`)).json.replayed, 1);
  assert.deepEqual((await letters(engine, 1)).map(({ id }) => id), [letter.id]);
});

test("letters are listed in pages, and each is deleted by itself", async (t) => {
  const { engine } = await begin(t);
  for (let n = 0; n < 7; n += 1) await engine.enqueue("RECORDS", `poison ${n}`);
  await letters(engine, 7);
  const ids = [];
  let next = "";
  do {
    const { json } = await engine.admin("GET", `demo/dead-letters?limit=3${next && `&before=${next}`}`);
    ids.push(...json.items.map(({ id }) => id));
    next = json.next;
  } while (next);
  assert.equal(new Set(ids).size, 7);
  assert.equal((await engine.admin("DELETE", `demo/dead-letters/${ids[0]}`)).status, 204);
  assert.equal((await engine.admin("DELETE", `demo/dead-letters/${ids[0]}`)).json.code, "unknown_letter");
  assert.equal((await engine.admin("GET", `demo/dead-letters/${ids[0]}`)).status, 404);
  assert.equal((await engine.admin("POST", `demo/dead-letters/${ids[0]}/replay`)).status, 404);
  assert.equal((await list(engine)).length, 6);
  for (const query of ["?limit=0", "?limit=101", "?before=x", "?sink=kafka"]) {
    assert.equal((await engine.admin("GET", `demo/dead-letters${query}`)).json.code, "malformed", query);
  }
});

test("a letter is kept for thirty days", async (t) => {
  const { engine } = await begin(t);
  await engine.enqueue("footfall-records-dead", message(A, A));
  await engine.enqueue("footfall-records-dead", message(A, B));
  const [{ id }] = await letters(engine, 2);
  // The news of an erasure, which an origin was never told, is kept until it is.
  const news = JSON.stringify({ v: 1, site: "demo", visitor: A, incarnations: [A], at_ms: 1 });
  await engine.enqueue("footfall-origin-dead", news);
  const told = (await letters(engine, 3)).find(({ sink }) => sink === "origin");
  await engine.query("UPDATE dead_letters SET at_ms = at_ms - 30 * 86400000 WHERE id IN (?, ?)", id, told.id);
  await engine.enqueue("footfall-records-dead", message(B, B));
  await until(async () => !(await list(engine)).some((letter) => letter.id === id));
  assert.deepEqual((await list(engine)).filter(({ sink }) => sink === "origin").map((letter) => letter.id), [told.id]);
  assert.equal((await list(engine)).length, 3);
});

test("viewers see that there are letters, and only an admin reads, replays or deletes them or exports keys", async (t) => {
  const { engine } = await begin(t);
  await engine.enqueue("footfall-records-dead", message(A, B));
  const [{ id }] = await letters(engine, 1);
  const as = (role) => engine.operator({ sub: role, role });
  assert.equal((await list(engine, "", as("viewer"))).length, 1);
  for (const [method, path] of [
    ["GET", `dead-letters/${id}`], ["DELETE", `dead-letters/${id}`], ["POST", `dead-letters/${id}/replay`],
    ["POST", "dead-letters/replay"], ["GET", "archive-keys"],
  ]) {
    for (const role of ["viewer", "author"]) {
      assert.equal((await engine.admin(method, `demo/${path}`, undefined, as(role))).status, 403, `${role} ${method} ${path}`);
    }
    assert.equal((await engine.admin(method, `demo/${path}`, undefined, "")).status, 401, `${method} ${path}`);
  }
});

test("of a life that was erased nothing reaches any sink, nor the dead letters", async (t) => {
  const { origin, engine } = await begin(t);
  await tombstone(engine, B);
  await engine.enqueue("RECORDS", message(A, B));
  await engine.enqueue("ORIGIN", message(A, B));
  await engine.enqueue("ARCHIVE", message(A, B));
  await engine.enqueue("footfall-origin-dead", message(A, B));
  // Another life of the same visitor is none of that, and shows that the queues have been emptied.
  for (const queue of ["RECORDS", "ORIGIN", "ARCHIVE"]) await engine.enqueue(queue, message(A, A, 2));
  await until(() => origin.records.size > 0);
  await until(async () => Object.keys(await engine.files()).length > 0);
  await until(async () => (await engine.query("SELECT id FROM records")).length > 0);
  assert.deepEqual([...origin.records.keys()], [`${A.replaceAll("-", "")}-2`]);
  assert.deepEqual((await engine.query("SELECT id FROM records")).map(({ id }) => id), [`${A.replaceAll("-", "")}-2`]);
  const lines = Object.values(await engine.files()).join("").trim().split("\n");
  assert.equal(lines.length, 1);
  assert.deepEqual(await list(engine), []);
});

test("letters that are too old go with the next message of whichever site", async (t) => {
  const engine = await start(t, { sites: { demo: { ...DEMO, flush_after: "100ms" } }, queue: { wait: 0 } });
  const insert = (id, at_ms) =>
    engine.query(
      `INSERT INTO dead_letters (site, id, visitor, incarnation, sink, at_ms, attempts, reason, answer, body)
       VALUES ('silent', ?, '', '', 'origin', ?, 1, 'refused', '', '{}')`,
      id, at_ms,
    );
  const day_ms = 86_400_000;
  await insert("old", Date.now() - 30 * day_ms - 60_000);
  await insert("young", Date.now() - 29 * day_ms);
  await engine.send(track("note", { anonymousId: "a" }));
  await until(async () => (await engine.query("SELECT id FROM dead_letters")).length === 1);
  assert.deepEqual(await engine.query("SELECT id FROM dead_letters"), [{ id: "young" }]);
});

test("an erased life makes no key, and the origin is told by a notice of its own", async (t) => {
  const { origin, engine } = await begin(t);
  await tombstone(engine, B);
  await engine.enqueue("ARCHIVE", message(A, B));
  const erasure = { v: 1, site: "demo", visitor: A, incarnations: [B], at_ms: 1_795_261_953_892 };
  await engine.enqueue("ORIGIN", JSON.stringify(erasure));
  await until(() => origin.records.size > 0);
  const [notice] = origin.records.values();
  assert.deepEqual(notice, { ...erasure, id: `erased-${A.replaceAll("-", "")}-1795261953892`, kind: "visitor_erased" });
  assert.deepEqual(await engine.query("SELECT id FROM archive_keys"), []);
  assert.deepEqual(await engine.files(), {});
});

test("the command lists, shows, replays and deletes", async (t) => {
  const { engine } = await begin(t);
  await engine.enqueue("RECORDS", "poison");
  const [{ id }] = await letters(engine, 1);
  const env = { ...process.env, ADDRESS: engine.address, ADMIN_TOKEN: engine.adminToken };
  const command = (...args) => spawnSync(process.execPath, ["scripts/dead-letters.mjs", ...args], { env, encoding: "utf8" });
  assert.match(command("--help").stdout, /replay/);
  assert.match(command("list").stdout, new RegExp(`${id}  .*d1 .*unreadable`));
  assert.equal(JSON.parse(command("show", id).stdout).body, "poison");
  assert.match(command("replay", id).stdout, /replayed 1/);
  await letters(engine, 1);
  assert.match(command("replay", "--sink", "d1").stdout, /replayed 1, 0 left/);
  await letters(engine, 1);
  assert.match(command("delete", id).stdout, /deleted/);
  assert.match(command("list").stdout, /no dead letters/);
  const wrong = command("show", id);
  assert.deepEqual([wrong.status, /no such dead letter/.test(wrong.stderr)], [1, true]);
  assert.equal(command("sing").status, 2);
});
