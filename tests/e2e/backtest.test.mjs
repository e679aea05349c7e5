// What happened live happens again in a backtest: the same triggers, for the same visitors, at the same times.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DEMO, start, track, until } from "./support.mjs";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
/** How much later than its time a wake may come on a busy machine; live, what it brings about is recorded then. */
const LATE_MS = 5_000;

const push = [{ push: { slot: "hero", content: { text: "t" } } }];
const event = (name) => ({ event: { name } });
const RULES = [
  { id: "dwell", pattern: { dwell: { for: "2s", where: { "page.kind": "product" } } }, actions: push },
  { id: "twice", pattern: { count: { of: event("search"), at_least: 2, within: "1h", by: "event.properties.query" } }, actions: push },
  { id: "abandoned", pattern: { absence: { after: event("product_added"), of: event("order_completed"), for: "3s" } }, actions: [{ start: { rule: "reminder", after: "1s" } }] },
  { id: "reminder", pattern: { started: {} }, actions: push },
  { id: "bounced", pattern: { session: { is: "ended" } }, condition: { "session.pages": { $lte: 1 } }, actions: push },
  { id: "gold", pattern: event("identified"), condition: { "profile.traits.tier": "gold" }, actions: push },
  { id: "way", pattern: { sequence: { steps: [event("page_viewed"), event("product_added"), event("order_completed")], within: "10m" } }, actions: push },
  { id: "half", pattern: event("page_viewed"), limits: { per_session: 1, holdout: { percent: 50 } }, actions: push },
  { id: "big", pattern: { segment: { entered: "big" } }, actions: push },
  { id: "spent", pattern: { aggregate: { of: event("order_completed"), fn: "sum", value: "event.properties.revenue", is: { $gte: 100 } } }, actions: push },
];
const SEGMENTS = [{ id: "big", when: { "cart.value": { $gt: 100 } } }];
const SITE = { ...DEMO, session_idle: "6s", flush_after: "200ms" };

const page = (kind, path, more = {}) => ({ type: "page", properties: { kind, path }, context: { tab: "tab-1" }, ...more });
const tabbed = (name, properties) => track(name, { properties, context: { tab: "tab-1" } });

/** Several visitors at once, each in its own way; resolves to their names when all have done what they do. */
async function live(engine) {
  const visit = async (does, hello) => {
    const { visitor, token } = await engine.visitor();
    const socket = hello && (await engine.connect(token, hello));
    let frame = 0;
    const send = async (...events) => {
      frame += 1;
      if (socket) return socket.events(frame, ...events);
      const { status, text } = await engine.post("/v1/batch", { batch: events }, { authorization: `Bearer ${token}` });
      assert.equal(status, 200, text);
    };
    await does(send, socket, visitor);
    await socket?.close();
    return visitor;
  };
  const visible = { visible: true };
  return Promise.all([
    // Looks at a product, silently, until the dwell is over.
    visit(async (send, socket) => {
      await send(page("product", "/p/tent"));
      await until(() => socket.received.some(({ type, rule }) => type === "push" && rule === "dwell"));
      await sleep(1_000);
    }, visible),
    // The page opens out of sight, and comes into sight later.
    visit(async (send) => {
      await send(page("product", "/p/lamp"));
      await sleep(3_000);
      await send(tabbed("page_visible"));
      await sleep(3_000);
    }, { visible: false }),
    // Goes out of sight in between, and away before the dwell is over.
    visit(async (send) => {
      await send(page("product", "/p/bag"), tabbed("Product Added", { sku: "bag", price: 149.5 }));
      await sleep(1_000);
      await send(tabbed("page_hidden"));
      await sleep(3_500);
      await send(tabbed("page_visible"), page("cart", "/cart"));
      await sleep(500);
      await send(tabbed("Order Completed", { order_id: "1", revenue: 149.5 }));
    }, visible),
    // Without a socket: comes back in a second session.
    visit(async (send) => {
      await send(page("home", "/"), tabbed("search", { query: "tent" }), tabbed("search", { query: "bag" }));
      await send(tabbed("search", { query: "tent" }));
      await sleep(8_000);
      await send(page("home", "/"), tabbed("Product Added", { sku: "mug", price: 9 }));
      await send(tabbed("Order Completed", { order_id: "2", revenue: 9 }));
    }),
    // A socket that goes away with its page in sight.
    visit(async (send, socket) => {
      await send(page("product", "/p/rope"));
      await sleep(800);
      await socket.close();
    }, visible),
    // Whom the store's server speaks of; who of them is held out is the same each time.
    (async () => {
      const told = Array.from({ length: 12 }, (_, n) => [
        { ...page("home", "/"), messageId: `page-${n}`, anonymousId: `told-${n}` },
        { type: "identify", messageId: `identify-${n}`, anonymousId: `told-${n}`, userId: `u${n}`, traits: { tier: n % 2 ? "gold" : "none" } },
      ]);
      assert.equal((await engine.send(...told.flat())).json.accepted, 24);
    })(),
    ...Array.from({ length: 6 }, (_, n) =>
      visit(async (send) => {
        await send(page("product", `/p/${n}`));
        await sleep(400 * n);
        await send(page("list", "/l"), tabbed("Product Added", { sku: `s${n}`, price: 30 * n, quantity: 2 }));
      }, n % 2 ? visible : undefined),
    ),
  ]);
}

function tool() {
  const built = spawnSync("cargo", ["build", "--locked", "--quiet", "-p", "footfall-cli"], { cwd: ROOT, encoding: "utf8" });
  assert.equal(built.status, 0, built.stderr);
  return join(ROOT, process.env.CARGO_TARGET_DIR ?? "target", "debug/footfall");
}

/** What a backtest finds, by rule, visitor, incarnation, session and outcome. */
function backtest(directory, records) {
  const rules = join(directory, "rules.json");
  writeFileSync(rules, JSON.stringify({ rules: RULES, segments: SEGMENTS }));
  const args = ["backtest", "--rules", rules, "--site-settings", JSON.stringify(SITE), "--csv", records];
  const { status, stdout, stderr } = spawnSync(tool(), args, { encoding: "utf8" });
  assert.equal(status, 0, stdout + stderr);
  const lines = stdout.trim().split("\n").slice(1).map((line) => line.split(","));
  return lines.map(([, rule, visitor, incarnation, session, at_ms, outcome]) => ({ rule, visitor, incarnation, session: Number(session), at_ms: Number(at_ms), outcome }));
}

const seq = (id) => Number(id.split("-").at(-1));
const keyOf = ({ rule, visitor, incarnation, session, outcome }) => [visitor, incarnation, session, rule, outcome].join(" ");

test("a backtest of what was recorded live finds the same triggers for the same visitors at the same times", async (t) => {
  const engine = await start(t, { sites: { demo: SITE } });
  assert.equal((await engine.admin("PUT", "demo/draft", { rules: RULES, segments: SEGMENTS, stages: [] })).status, 201);
  const published = await engine.admin("POST", "demo/draft/publish");
  assert.equal(published.status, 200, published.text);
  await live(engine);

  // Until every session is over, nobody waits for anything, and everything is in the database.
  const all = () => engine.query("SELECT * FROM records");
  const visitors = [...new Set((await until(all)).map(({ visitor }) => visitor))];
  const rows = await until(async () => {
    const stored = await all();
    const views = await Promise.all([...new Set(stored.map(({ visitor }) => visitor))].map((visitor) => engine.inspect(visitor)));
    const later = ({ due_at_ms }) => due_at_ms > Date.now() + 60_000;
    const over = views.every(({ session, timers, outbox }) => !session && outbox.hot + outbox.pages === 0 && timers.every(later));
    const made = views.reduce((sum, { outbox }) => sum + outbox.last_seq, 0);
    return over && views.length >= visitors.length && stored.length === made && stored;
  }, 60_000, 500);

  const byId = new Map(rows.map((row) => [row.id, row]));
  const fired = rows
    .filter(({ kind }) => kind === "trigger_fired" || kind === "trigger_held_out")
    .sort((a, b) => seq(a.id) - seq(b.id))
    .map((row) => {
      const causes = JSON.parse(row.data).events.map((n) => byId.get(`${row.incarnation.replaceAll("-", "")}-${n}`));
      const atOnce = causes.some(({ kind, at_ms }) => kind === "event" && at_ms === row.at_ms);
      const outcome = row.kind === "trigger_fired" ? "fired" : "held_out";
      return { rule: row.name, visitor: row.visitor, incarnation: row.incarnation, session: row.session, at_ms: row.at_ms, outcome, atOnce };
    });
  const rules = new Set(fired.map(({ rule }) => rule));
  assert.deepEqual(RULES.map(({ id }) => id).filter((id) => !rules.has(id)), [], "every rule has fired");
  assert.deepEqual(new Set(fired.map(({ outcome }) => outcome)), new Set(["fired", "held_out"]));
  assert.ok(fired.some(({ session }) => session === 2));

  const directory = mkdtempSync(join(tmpdir(), "footfall-backtest-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const lines = join(directory, "records.ndjson");
  writeFileSync(lines, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const again = backtest(directory, lines);
  const grouped = (triggers) => Object.fromEntries([...Map.groupBy(triggers, keyOf)].map(([key, some]) => [key, some.map(({ at_ms }) => at_ms)]).sort());
  const [lived, relived] = [grouped(fired), grouped(again)];
  assert.deepEqual(Object.keys(relived), Object.keys(lived));
  const atOnce = new Set(fired.filter((one) => one.atOnce).map((one) => `${keyOf(one)} ${one.at_ms}`));
  for (const [key, times] of Object.entries(lived)) {
    assert.equal(relived[key].length, times.length, key);
    times.forEach((at_ms, n) => {
      const late_ms = at_ms - relived[key][n];
      // What an event made is at the event's own time; what a deadline made was recorded when its wake came.
      const most_ms = atOnce.has(`${key} ${at_ms}`) ? 0 : LATE_MS;
      assert.ok(late_ms >= 0 && late_ms <= most_ms, `${key}: live at ${at_ms}, again at ${relived[key][n]}`);
    });
  }
  t.diagnostic(`${rows.length} records of ${visitors.length} visitors, ${fired.length} triggers, ${atOnce.size} of them at once`);

  // What the database's command line tool prints does as well.
  const printed = join(directory, "records.json");
  writeFileSync(printed, JSON.stringify([{ results: rows, success: true, meta: {} }]));
  assert.deepEqual(backtest(directory, printed), again);

  // It does depend on what was recorded: without what is known of tabs out of sight, a dwell is over earlier.
  writeFileSync(printed, JSON.stringify(rows.filter(({ kind }) => kind !== "sight_changed")));
  assert.notDeepEqual(grouped(backtest(directory, printed)), relived);
});
