// What operators ask about a visitor and its rules: why not yet, what if, and what made it fire.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { DEMO, showOn, start, track, until } from "./support.mjs";

const push = [{ push: { slot: "hero", content: { text: "t" } } }];
const product = { type: "page", properties: { path: "/p/tent", kind: "product" }, context: { tab: "tab-1" } };
const proof = {
  id: "proof",
  pattern: { dwell: { for: "60s", where: { "page.kind": "product" } } },
  condition: { "cart.count": 0 },
  limits: { per_session: 1 },
  actions: push,
};
const twice = { id: "twice", pattern: { count: { of: { event: { name: "search" } }, at_least: 2, within: "1h" } }, actions: push };

let engine;
before(async (t) => {
  engine = await begin(t, "10m");
});

/** An engine with both rules, which keeps records back as long as this. */
async function begin(t, flush_after) {
  const begun = await start(t, { sites: { demo: { ...DEMO, flush_after } } });
  for (const rule of [proof, twice]) assert.equal((await begun.admin("PUT", `demo/rules/${rule.id}`, rule)).status, 201);
  return begun;
}

const explain = async (visitor, rule) => engine.admin("GET", `demo/visitors/${visitor}/explain/${rule}`);
const ofVisitor = (token) => ({ authorization: `Bearer ${token}` });

/** Every byte on disk of a visitor, and the counters of what was ever written. */
async function kept(visitor) {
  const { file, holds } = await engine.storage(visitor);
  const bytes = (end) => {
    try {
      return readFileSync(`${file}${end}`).toString("base64");
    } catch {
      return "";
    }
  };
  const { runtime } = await engine.inspect(visitor);
  return { holds, main: bytes(""), log: bytes("-wal"), commits: runtime.commits, rows: runtime.rows_written, alarms: runtime.alarms_set };
}

/** What is known of a visitor, but for the time it is told. */
async function known(visitor) {
  const { now_ms, runtime, ...view } = await engine.inspect(visitor);
  assert.ok(now_ms > 0 && runtime);
  return view;
}

describe("an explanation", () => {
  test("says in how many seconds a rule fires and unless what", async () => {
    const { visitor, token } = await engine.visitor();
    const socket = await engine.connect(token);
    await socket.events(1, product);
    const { status, json } = await explain(visitor, "proof");
    assert.equal(status, 200);
    assert.match(json.awaits.join(), /^fires in (60|5\d) s unless its condition \{"page.kind":"product"\} stops holding$/);
    assert.deepEqual(json.condition, { field: "cart.count", test: 0, value: 0, holds: true });
    assert.equal(json.pattern.clocks[0].due_at_ms - json.at_ms, json.pattern.clocks[0].left_ms);
    assert.deepEqual(json.limits, [{ limit: "per_session", allows: true, used: 0, most: 1 }]);
    assert.deepEqual([json.would_fire, json.preview, json.rules_version], [true, false, 2]);
    await socket.events(2, track("Product Added", { properties: { sku: "tent" }, context: { tab: "tab-1" } }));
    const after = (await explain(visitor, "proof")).json;
    assert.deepEqual([after.would_fire, after.condition.holds, after.condition.value], [false, false, 1]);
    assert.ok(after.awaits.includes("its condition does not hold now"));
    await engine.evict(visitor);
    assert.deepEqual((await explain(visitor, "proof")).json.pattern.clocks[0].due_at_ms, json.pattern.clocks[0].due_at_ms);
    await socket.close();
  });

  test("of a rule that does not run is a problem with its own code", async () => {
    const { visitor } = await engine.visitor();
    for (const rule of ["nobody", "PROOF", "%20", "x".repeat(65)]) {
      const { status, json } = await explain(visitor, rule);
      assert.deepEqual([status, json.code], [404, "unknown_rule"], rule);
    }
    const other = await engine.admin("GET", "demo/visitors/somebody/explain/proof");
    assert.deepEqual([other.status, other.json.code], [400, "malformed"]);
  });

  test("goes by the draft for a visitor who previews it, and by what is published for everybody else", async () => {
    const [{ visitor }, other] = await Promise.all([engine.visitor(), engine.visitor()]);
    const draft = showOn("drafted", "wave");
    assert.ok([200, 201].includes((await engine.admin("PUT", "demo/draft/rules/drafted", draft)).status));
    assert.equal((await engine.admin("PUT", `demo/previews/${visitor}`, { for: "1h" })).status, 201);
    const told = await until(async () => {
      const { status, json } = await explain(visitor, "drafted");
      return status === 200 && json;
    });
    assert.deepEqual([told.preview, told.awaits], [true, ["waits for wave"]]);
    assert.equal((await explain(other.visitor, "drafted")).status, 404);
    assert.equal((await engine.admin("DELETE", `demo/previews/${visitor}`)).status, 204);
    await until(async () => (await explain(visitor, "drafted")).status === 404);
  });
});

describe("a dry run", () => {
  test("says what would happen, and changes nothing", async () => {
    const { visitor, token } = await engine.visitor();
    const socket = await engine.connect(token);
    await socket.events(1, product);
    const run = (asked) => engine.admin("POST", `demo/visitors/${visitor}/dry-run`, asked);
    const before = [await known(visitor), await kept(visitor)];
    const { status, json } = await run({ pass: "2m" });
    assert.equal(status, 200);
    assert.deepEqual(json.fired.map(({ name }) => name), ["proof"]);
    assert.equal(json.fired[0].at_ms, before[0].tabs[0].opened_at_ms + 60_000);
    assert.deepEqual([json.complete, json.until_ms - json.from_ms, json.preview], [true, 120_000, false]);
    assert.deepEqual([json.messages[0].slot, json.messages[0].rule], ["hero", "proof"]);

    const tried = await run({
      rules: [{ ...proof, limits: { cooldown: "1h" } }, showOn("tried", "search")],
      segments: [{ id: "searching", when: { "session.events": { $gt: 1 } } }],
      events: [
        { type: "page", after: "10s", properties: { path: "/", kind: "home" }, context: { tab: "tab-1" } },
        { type: "track", event: "search", after: "5s", properties: { query: "tent" } },
      ],
      pass: "5m",
    });
    assert.equal(tried.status, 200, tried.text);
    assert.deepEqual(tried.json.fired.map(({ name, at_ms }) => [name, at_ms - tried.json.from_ms]), [["tried", 15_000]]);
    assert.deepEqual(tried.json.explained.map(({ rule }) => rule), ["proof", "tried"]);
    assert.deepEqual(tried.json.view.segments, ["searching"]);
    // A whole life: it ends with the visitor forgotten.
    assert.equal((await run({ pass: "100d" })).json.complete, false);
    assert.equal((await run("")).status, 200);

    assert.deepEqual([await known(visitor), await kept(visitor)], before);
    assert.equal(socket.received.filter(({ type }) => type === "push").length, 0);
    await engine.evict(visitor);
    const { runtime: _runtime, ...after } = await known(visitor);
    assert.deepEqual(after, before[0]);
    await socket.close();
  });

  test("that is asked wrongly hears every fault with its place", async () => {
    const { visitor } = await engine.visitor();
    const run = (asked) => engine.admin("POST", `demo/visitors/${visitor}/dry-run`, asked);
    const { status, json } = await run({ rules: [{ id: "x", actions: push }], pass: "soon", events: [{ type: "track" }], stage: [] });
    assert.deepEqual([status, json.code], [422, "refused"]);
    const places = json.faults.map(({ code, pointer }) => `${pointer} ${code}`).sort();
    assert.deepEqual(places, ["/events/0/event missing", "/pass invalid", "/rules/0/pattern missing", "/stage unknown_member"]);
    assert.deepEqual((await run("{")).json.code, "malformed");
    assert.deepEqual((await run("[]")).json.code, "refused");
    assert.equal((await engine.admin("POST", `demo/visitors/${visitor}/dry-run`, {}, engine.operator({ role: "viewer" }))).status, 200);
    const elsewhere = engine.operator({ role: "admin", sites: ["other"] });
    assert.equal((await engine.admin("POST", `demo/visitors/${visitor}/dry-run`, {}, elsewhere)).status, 403);
  });
});

describe("a list of triggers", () => {
  const triggers = async (of, visitor, query = "") => {
    const { status, json, text } = await of.admin("GET", `demo/visitors/${visitor}/triggers${query}`);
    assert.equal(status, 200, text);
    return json;
  };

  test("names the events that made each, before they are in the database and after", async (t) => {
    const stored = (of, visitor) => of.query("SELECT id FROM records WHERE visitor = ?", visitor);
    for (const of of [engine, await begin(t, "200ms")]) {
      const searches = [1, 2].map((n) => track("search", { anonymousId: "seeker", properties: { query: `q${n}` } }));
      assert.equal((await of.send(...searches)).json.accepted, 2);
      const { visitor } = (await of.admin("GET", "demo/visitors?anonymousId=seeker")).json;
      if (of === engine) assert.equal((await stored(of, visitor)).length, 0);
      else await until(async () => (await of.inspect(visitor)).outbox.hot === 0 && (await stored(of, visitor)).length >= 4);
      const { items, next } = await triggers(of, visitor);
      assert.deepEqual(items.map(({ rule, held_out, session }) => [rule, held_out, session]), [["twice", false, 1]]);
      assert.deepEqual(items[0].made_by.map(({ kind, name, data }) => [kind, name, data.properties.query]), [
        ["event", "products_searched", "q1"],
        ["event", "products_searched", "q2"],
      ]);
      assert.equal(next, null);
    }
  });

  test("is read page by page, the newest first, also when some of it is in the database and some is not", async (t) => {
    const of = await begin(t, "3s");
    const { visitor, token } = await of.visitor();
    const search = async (times) => {
      for (let n = 0; n < times; n += 1) await of.post("/v1/track", track("search"), ofVisitor(token));
    };
    await search(4);
    const stored = () => of.query("SELECT id FROM records WHERE visitor = ? AND kind = 'trigger_fired'", visitor);
    const early = await until(async () => ((await stored()).length > 0 ? stored() : undefined));
    await search(4);
    const whole = await triggers(of, visitor);
    assert.equal((await stored()).length, early.length);
    assert.ok(whole.items.length > early.length, JSON.stringify(whole));
    assert.ok(whole.items.every(({ made_by }) => made_by.length === 2 && made_by.every(({ name }) => name === "products_searched")));
    const found = [];
    let before = "";
    for (;;) {
      const { items, next } = await triggers(of, visitor, `?limit=1${before}`);
      found.push(...items);
      if (next === null) break;
      before = `&before=${next}`;
    }
    assert.deepEqual(found, whole.items);
    assert.deepEqual(found.map(({ seq }) => seq), found.map(({ seq }) => seq).sort((a, b) => b - a));
    for (const query of ["?limit=0", "?limit=101", "?limit=x", "?before=5", "?before=x-1", "?before=1-x"]) {
      const { status, json } = await of.admin("GET", `demo/visitors/${visitor}/triggers${query}`);
      assert.deepEqual([status, json.code], [400, "malformed"], query);
    }
  });
});

test("none of these looks leaves anything of an unknown visitor", async () => {
  const unknown = randomUUID();
  assert.equal((await explain(unknown, "proof")).json.would_fire, true);
  assert.equal((await engine.admin("POST", `demo/visitors/${unknown}/dry-run`, { events: [product], pass: "2m" })).json.fired[0].name, "proof");
  assert.deepEqual((await engine.admin("GET", `demo/visitors/${unknown}/triggers`)).json, { items: [], next: null });
  assert.deepEqual((await engine.storage(unknown)).holds, {});
});
