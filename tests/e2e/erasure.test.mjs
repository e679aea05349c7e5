// Erasure: afterwards nothing that can be read has anything of the visitor, its storage holds none of its bytes, and what is
// delivered once more is dropped.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { before, describe, test } from "node:test";
import { DEMO, showOn, start, track, until } from "./support.mjs";

let engine;
before(async (t) => {
  const sites = { demo: { ...DEMO, flush_after: "300ms" }, other: { ...DEMO }, closed: { ...DEMO, origins: ["https://shop.example"] } };
  engine = await start(t, { sites });
  const { status, text } = await engine.admin("PUT", "demo/rules/hello", showOn("hello", "wave"));
  assert.ok(status < 300, text);
});

const bearer = (token) => ({ authorization: `Bearer ${token}` });
const rows = (table, visitor) => engine.query(`SELECT * FROM ${table} WHERE visitor = ?`, visitor);
const mark = (name) => `marker-${name}-${Math.random().toString(36).slice(2)}`;

/** Files below the engine's state that hold some bytes. */
function filesWith(text) {
  const found = [];
  const look = (folder) => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) look(path);
      else if (readFileSync(path).includes(text)) found.push(relative(engine.state, path));
    }
  };
  look(engine.state);
  return found;
}

/** A visitor with a bit of everything, with markers wherever a page may put text. */
async function somebody() {
  const { visitor, token } = await engine.visitor();
  const marks = Object.fromEntries(["tab", "event", "trait", "sku", "path", "id", "user"].map((name) => [name, mark(name)]));
  const socket = await engine.connect(token, { tab: marks.tab });
  await socket.events(
    1,
    { type: "page", messageId: marks.id, properties: { path: `/${marks.path}`, kind: "product" } },
    track(marks.event),
    track("Product Added", { properties: { sku: marks.sku, price: 5 } }),
    { type: "identify", messageId: `${marks.id}-2`, userId: marks.user, traits: { secret: marks.trait } },
    track("wave"),
  );
  await socket.next("push");
  return { visitor, token, marks, socket };
}

/** Every surface that shows something of a visitor shows one of whom nothing is known. */
async function assertUnknown(visitor, token) {
  const { session, profile, cart, recent_events, outbox, fired, pushes, timers } = await engine.inspect(visitor);
  assert.deepEqual([session, profile.traits, profile.user_id, cart.lines, recent_events, outbox.last_seq, fired, pushes, timers], [undefined, {}, undefined, [], [], 0, [], [], []]);
  for (const path of ["events", "records", "triggers"]) assert.deepEqual((await engine.admin("GET", `demo/visitors/${visitor}/${path}`)).json.items, [], path);
  assert.equal((await engine.admin("GET", `demo/visitors/${visitor}/state?at=${Date.now()}`)).json.state, null);
  assert.equal((await engine.admin("GET", `demo/visitors/${visitor}/explain/hello`)).json.fired ?? 0, 0);
  if (token) {
    const state = await engine.call("/v1/state", { headers: bearer(token) });
    assert.deepEqual([state.json.session, state.json.profile.known], [undefined, false]);
    assert.deepEqual((await engine.call("/v1/log", { headers: bearer(token) })).json.items, []);
  }
  for (const table of ["records", "dead_letters", "archive_keys"]) assert.deepEqual(await rows(table, visitor), [], table);
  assert.deepEqual((await engine.storage(visitor)).holds, {});
}

describe("erasure", { concurrency: true }, () => {
  test("leaves nothing of the visitor to read, nor in its storage, and drops what is delivered again", async (t) => {
    const { visitor, token, marks, socket } = await somebody();
    const { incarnation, outbox } = await engine.inspect(visitor);
    const there = await until(async () => {
      const found = await rows("records", visitor);
      return found.length >= outbox.last_seq && found;
    }, 15_000, 200);
    await engine.query("INSERT INTO archive_keys (site, incarnation, visitor, id, key) VALUES ('demo', ?, ?, 'i', 'k')", incarnation, visitor);
    await engine.query(
      "INSERT INTO dead_letters (site, id, visitor, incarnation, sink, at_ms, attempts, reason, answer, body) VALUES ('demo', ?, ?, ?, 'origin', 1, 1, 'refused', '', ?)",
      mark("letter"), visitor, incarnation, marks.trait,
    );
    assert.ok(filesWith(marks.trait).some((path) => path.includes("Visitor")), "the search finds what is there");
    // Somebody else, and the same id at another site, are not touched.
    const another = await somebody();
    await engine.query("INSERT INTO archive_keys (site, incarnation, visitor, id, key) VALUES ('other', ?, ?, 'i', 'k')", incarnation, visitor);

    const { status, json, text } = await engine.admin("DELETE", `demo/visitors/${visitor}`);
    assert.equal(status, 200, text);
    assert.deepEqual([json.erased, json.visitor, json.lives], [true, visitor, 1]);
    assert.deepEqual(json.removed, { records: there.length, dead_letters: 1, archive_keys: 1, storage: true, sockets: 1 });
    assert.ok(Math.abs(json.at_ms - Date.now()) < 5_000);
    assert.deepEqual(json.kept.map(({ place, until_ms }) => [place, (until_ms - json.at_ms) / 86_400_000]), [["durable_objects", 30], ["database", 30], ["queues", 14]]);
    assert.equal(await socket.closed, 4003);

    const { file } = await engine.storage(visitor);
    const folder = join(file, "..");
    const id = file.slice(folder.length + 1, -".sqlite".length);
    for (const [name, text] of Object.entries({ ...marks, incarnation })) {
      for (const entry of readdirSync(folder).filter((entry) => entry.startsWith(id))) {
        assert.equal(readFileSync(join(folder, entry)).includes(text), false, `${name} in ${entry}`);
      }
    }
    const places = new Set(Object.values(marks).flatMap(filesWith).map((path) => path.split("/").slice(0, 4).join("/")));
    t.diagnostic(`bytes left in files of the local runtime: ${[...places].join(", ") || "none"}`);
    assert.ok(![...places].some((path) => path.includes("Visitor")), [...places].join());
    assert.deepEqual((await engine.query("SELECT visitor FROM archive_keys WHERE visitor = ?", visitor)).length, 1);
    await engine.query("DELETE FROM archive_keys WHERE site = 'other'");
    await assertUnknown(visitor, token);

    // The queue delivers the same messages once more.
    const records = there.map(({ id, at_ms, kind, name, session, data }) => ({ seq: Number(id.split("-").at(-1)), at_ms, kind, name, session, data: JSON.parse(data) }));
    await engine.enqueue("RECORDS", { v: 1, site: "demo", visitor, incarnation, records });
    const fence = await somebody();
    await until(async () => (await rows("records", fence.visitor)).length > 0, 20_000, 200); // sent later, arrived
    assert.deepEqual(await rows("records", visitor), []);
    assert.ok((await rows("records", another.visitor)).length > 0);
    assert.equal((await engine.inspect(another.visitor)).profile.user_id, another.marks.user);

    // What is remembered names nobody.
    const tombstones = await engine.query("SELECT subject FROM tombstones");
    assert.ok(tombstones.length > 0 && tombstones.every(({ subject }) => /^[0-9a-f]{64}$/.test(subject)));

    // It may come back, as somebody new.
    const back = await engine.post("/v1/track", track("wave"), bearer(token));
    assert.equal(back.json.accepted, 1);
    const second = await engine.inspect(visitor);
    assert.notEqual(second.incarnation, incarnation);
    assert.deepEqual([second.profile.sessions, second.session.events, second.profile.traits], [1, 1, {}]);
    const anew = await until(async () => {
      const found = await rows("records", visitor);
      return found.length >= second.outbox.last_seq && found;
    }, 15_000, 200);
    assert.ok(anew.every((row) => row.incarnation === second.incarnation));
    for (const { socket } of [another, fence]) await socket.close();
  });

  test("before anything was flushed leaves nothing either, and can be repeated", async () => {
    const { visitor, token } = await engine.visitor();
    await engine.post("/v1/track", track("wave"), bearer(token));
    const first = await engine.post("/v1/erase", undefined, bearer(token));
    assert.deepEqual([first.status, first.json.erased, first.json.removed.storage], [200, true, true]);
    assert.match(first.headers.get("set-cookie"), /^footfall=;.*Max-Age=0/);
    await assertUnknown(visitor, token);
    const again = await engine.post("/v1/erase", undefined, bearer(token));
    assert.deepEqual([again.status, again.json.removed], [200, { records: 0, dead_letters: 0, archive_keys: 0, storage: false, sockets: 0 }]);
    // What may still have been on its way to the queue.
    await new Promise((done) => setTimeout(done, 6_500));
    await assertUnknown(visitor, token);
  });

  test("is for admins of the site, and for the visitor itself from pages of the site", async () => {
    const { visitor, token } = await engine.visitor();
    await engine.post("/v1/track", track("wave"), bearer(token));
    const path = `demo/visitors/${visitor}`;
    for (const role of ["viewer", "author"]) assert.equal((await engine.admin("DELETE", path, undefined, engine.operator({ role }))).status, 403);
    assert.equal((await engine.admin("DELETE", path, undefined, engine.operator({ role: "admin", sites: ["other"] }))).status, 403);
    assert.equal((await engine.admin("DELETE", path, undefined, null)).status, 401);
    const cookie = { cookie: `footfall=${token}` };
    const erase = (headers) => engine.post("/v1/erase", undefined, headers);
    assert.equal((await erase({})).status, 401);
    assert.equal((await erase(bearer(`${token}x`))).status, 401);
    assert.equal((await erase(cookie)).status, 403, "a cookie alone may have been sent by any page");
    assert.equal((await erase({ ...cookie, origin: "https://evil.example" })).status, 403);
    assert.equal((await erase({ ...bearer(token), origin: "https://evil.example" })).status, 403);
    assert.equal((await engine.call("/v1/erase", { headers: bearer(token) })).status, 405);
    const another = await engine.visitor();
    assert.equal((await engine.post(`/v1/erase?visitor=${visitor}`, undefined, bearer(another.token))).status, 403);
    assert.equal((await engine.inspect(visitor)).session.events, 1);
    assert.equal((await erase({ ...cookie, origin: engine.address })).status, 200);
    assert.equal((await engine.inspect(visitor)).session, undefined);
  });

  test("of somebody who was never here leaves nothing", async () => {
    const { visitor, token } = await engine.visitor();
    const { status, json } = await engine.post("/v1/erase", undefined, bearer(token));
    assert.deepEqual([status, json.lives, json.removed.storage], [200, 0, false]);
    assert.deepEqual((await engine.storage(visitor)).holds, {});
  });

  test("while events keep coming ends, and nothing of before is left", async () => {
    const { visitor, token } = await engine.visitor();
    const secret = mark("early");
    await engine.post("/v1/track", track(secret), bearer(token));
    let goes = true;
    const sender = (async () => {
      while (goes) await engine.post("/v1/track", track("wave"), bearer(token));
    })();
    const { status, json, text } = await engine.admin("DELETE", `demo/visitors/${visitor}`);
    assert.equal(status, 200, text);
    goes = false;
    await sender;
    assert.ok(json.lives >= 1);
    await until(async () => (await engine.inspect(visitor)).outbox.hot === 0, 10_000, 200);
    await new Promise((done) => setTimeout(done, 6_500));
    const { items } = (await engine.admin("GET", `demo/visitors/${visitor}/events?limit=1000`)).json;
    assert.equal(items.some(({ name }) => name === secret), false);
    assert.ok(items.every(({ at_ms }) => at_ms >= json.at_ms - 1_000));
  });
});

// By itself: it takes tombstones away.
test("reaches every life that the database knows", async () => {
  const { visitor, token } = await engine.visitor();
  const lives = [];
  for (let n = 0; n < 2; n += 1) {
    await engine.post("/v1/track", track("wave"), bearer(token));
    lives.push((await engine.inspect(visitor)).incarnation);
    await until(async () => (await rows("records", visitor)).some((row) => row.incarnation === lives[n]), 15_000, 200);
    // As after its retention time: the object is empty, the database keeps the records.
    if (n === 0) await engine.query("UPDATE records SET visitor = 'kept' WHERE visitor = ?", visitor);
    if (n === 0) await engine.post("/v1/erase", undefined, bearer(token));
    if (n === 0) await engine.query("DELETE FROM tombstones");
    if (n === 0) await engine.query("UPDATE records SET visitor = ? WHERE visitor = 'kept'", visitor);
  }
  assert.equal(new Set(lives).size, 2);
  const { json } = await engine.admin("DELETE", `demo/visitors/${visitor}`);
  assert.equal(json.lives, 2);
  await assertUnknown(visitor, token);
});
