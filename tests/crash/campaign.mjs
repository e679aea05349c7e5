// A crash campaign: mixed load on the real engine, which is killed at random moments, and what everybody wrote down.

import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../e2e/support.mjs";
import { seeded } from "../support/random.mjs";
import { clientScript, Wire } from "./browser.mjs";
import { ABSENCE_MS, COUNT, crowd, DWELL_MS, IDLE_MS, RULES } from "./load.mjs";

/** The engine's settings for a campaign. */
export const SITE = {
  origins: [], consent: "assumed", inspect: true, allow_headless: true, flush_after: "300ms", session_idle: `${IDLE_MS}ms`,
};
/** A flush that died with its object is begun again with its next alarm; then the queue takes its time. */
const SETTLE_MS = 180_000;

/**
 * Kills the engine `kills` times under load, or fewer when the time is over. Gives the evidence: what clients wrote
 * down, what the engine says of every visitor, and all rows of the database.
 */
export async function campaign(engine, { kills, seed, builds = ["build"], owners = 3, passers = 60, end_ms = Infinity, progress = () => {} }) {
  engine.port = Number(new URL(engine.address).port); // clients come back to the same address
  for (const rule of RULES) {
    const { status, text } = await engine.admin("PUT", `demo/rules/${rule.id}`, rule);
    if (status >= 300) throw new Error(`rule ${rule.id}: ${text}`);
  }
  const wire = new Wire();
  const own = await Promise.all(Array.from({ length: owners }, () => engine.visitor()));
  const everybody = crowd({ engine, owners: own, script: await clientScript(), wire, seed: seed * 1_000, passers });
  const { pages, servers, passers: door, strangers } = everybody;
  let going = true;
  const running = Promise.all([...pages, ...servers, door].map((one) => one.run(() => going)));
  const down = await strike(engine, { kills, builds, end_ms, progress, random: seeded(seed) });
  going = false;
  await running;
  progress("the load has ended; waiting for what is under way");
  await drained(wire);
  const names = [...strangers, ...door.names];
  const found = await Promise.all(names.map((id) => engine.admin("GET", `demo/visitors?anonymousId=${id}`)));
  const aliases = Object.fromEntries(found.map(({ json }, at) => [names[at], json.visitor]));
  const visitors = [...own.map(({ visitor }) => visitor), ...Object.values(aliases)];
  await settled(engine, visitors);
  return gather(engine, { pages, wire, own, visitors, aliases, down });
}

/** The kills: most come shortly after the start, some after quiet seconds in which timers and the consumer have their turn. */
async function strike(engine, { kills, builds, end_ms, progress, random }) {
  const down = [];
  for (let kill = 1; kill <= kills && Date.now() < end_ms; kill += 1) {
    await sleep(random.chance(0.2) ? random.between(1_500, 6_000) : random.between(40, 900));
    const how = random.pick(["all", "runtime", "parent"]);
    engine.build = random.pick(builds);
    const at_ms = Date.now();
    await engine.kill(how);
    await engine.start();
    down.push({ how, build: engine.build, at_ms, back_ms: Date.now() });
    progress(`${kill} of ${kills} kills (${how}), back after ${Date.now() - at_ms} ms`);
  }
  await sleep(DWELL_MS + 500);
  return down;
}

/** Until nothing more is acknowledged: what pages still had waiting is with the engine. */
async function drained(wire) {
  for (let before = -1; before !== wire.acknowledged.size; ) {
    before = wire.acknowledged.size;
    await sleep(2_500);
  }
}

/** Until every session has ended, every timer of the campaign is over, and all records are in the database. */
async function settled(engine, visitors) {
  const quiet = async (visitor) => {
    const { session, outbox, timers } = await engine.inspect(visitor);
    const over = timers.every(({ due_at_ms }) => due_at_ms > Date.now() + SETTLE_MS); // those that last for days
    return !session && over && outbox.hot === 0 && outbox.pages === 0;
  };
  for (const visitor of visitors) await until(() => quiet(visitor), SETTLE_MS, 500);
  let last = 0;
  for (const visitor of visitors) last += (await engine.inspect(visitor)).outbox.last_seq;
  const rows = async () => (await engine.query("SELECT count(*) AS n FROM records"))[0].n;
  await until(async () => (await rows()) >= last, SETTLE_MS / 3, 500).catch(() => {}); // the checker says what is missing
}

async function gather(engine, { pages, wire, own, visitors, aliases, down }) {
  const states = {};
  for (const visitor of visitors) states[visitor] = await engine.inspect(visitor);
  const views = {};
  for (const { visitor, token } of own) {
    views[visitor] = (await engine.call("/v1/state", { headers: { authorization: `Bearer ${token}` } })).json;
  }
  const rows = await engine.query("SELECT id, visitor, incarnation, at_ms, kind, name, session, data FROM records");
  const evidence = {
    rules: { dwell_ms: DWELL_MS, absence_ms: ABSENCE_MS, idle_ms: IDLE_MS, count: COUNT },
    down,
    sent: [...wire.sent].map(([id, { visitor, ...event }]) => ({ id, visitor: aliases[visitor] ?? visitor, ...event })),
    acknowledged: [...wire.acknowledged],
    rejected: wire.rejected,
    repeats: wire.repeats,
    tabs: pages.map(({ tab }) => ({
      visitor: tab.visitor,
      plain_http: tab.plainHttp,
      log: tab.log,
      banner: tab.shows("banner"),
      connected: tab.client.connected,
      state: JSON.parse(JSON.stringify(tab.client.state)),
    })),
    states,
    views,
    rows: rows.map((row) => ({ ...row, seq: Number(row.id.split("-").at(-1)), data: JSON.parse(row.data) })),
  };
  for (const { tab } of pages) tab.close();
  return evidence;
}
