// The load tester's short form: a day in miniature that must be without a fault, and one for each falsified observation,
// which must fail and say which visitor it was.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const TESTER = join(ROOT, "tests/load/target/debug/footfall-load");
const SEED = 7;

/** Runs the tester; how it ended, what it said and its report. */
async function load(t, options) {
  const report = mkdtempSync(join(tmpdir(), "footfall-load-report-"));
  t.after(() => rmSync(report, { recursive: true, force: true }));
  const all = Object.entries({ seed: SEED, report, ...options }).flatMap(([name, value]) => [`--${name}`, String(value)]);
  // Nothing of the environment that this test runs in may change what is played.
  const { PATH, HOME } = process.env;
  const child = spawn(TESTER, all, { cwd: ROOT, env: { PATH, HOME }, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const code = await new Promise((ended) => child.once("exit", ended));
  const read = (name) => {
    try {
      return readFileSync(join(report, name), "utf8");
    } catch {
      assert.fail(`there is no ${name}: ${said}`);
    }
  };
  return code === 2 ? { code, said } : { code, said, page: read("load.html"), report: JSON.parse(read("load.json")) };
}

// At once: most of a run is waiting.
describe("the load tester", { concurrency: true }, () => {
  test("a short day is without a fault, and who sleeps in it is known", { timeout: 240_000 }, async (t) => {
    const { code, said, report, page } = await load(t, { visitors: 200, minutes: 0.3 });
    assert.equal(code, 0, said);
    assert.deepEqual(report.faults, []);
    const { counts, hibernation, latencies_ms } = report;
    t.diagnostic(`${counts.visitors} visitors, ${counts.pushes} pushes, ${counts.timers} timers, asleep ${hibernation.proved} of ${hibernation.naps}`);
    assert.ok(counts.visitors > 150 && counts.pushes > 300 && counts.timers > 60, JSON.stringify(counts));
    assert.ok(hibernation.naps >= 20 && hibernation.proved >= 0.95 * hibernation.naps, JSON.stringify(hibernation));
    // The two ways to know it agree: looking at who answers, and the count of all instances.
    assert.ok(hibernation.silences_borne_out >= 0.95 * hibernation.silences, JSON.stringify(hibernation));
    assert.ok(hibernation.instances.wake_ups >= hibernation.proved, JSON.stringify(hibernation));
    for (const kind of ["http_ack", "beacon_ack", "socket_ack", "push_awake", "push_hibernated", "timer_awake", "timer_hibernated"]) {
      assert.ok(latencies_ms[kind].count > 0, kind);
    }
    assert.ok(report.platform.counters.rows_written >= report.platform.counters.commits);
    assert.ok(page.includes("<svg") && !/(src|href)=/.test(page), "the page has charts, and fetches nothing");
  });

  for (const inject of ["lost", "repeated", "early"]) {
    test(`a push that is ${inject} fails the run, which names the seed and the visitor`, { timeout: 240_000 }, async (t) => {
      const { code, said, report } = await load(t, { visitors: 20, minutes: 0.1, patience: 12, inject });
      assert.equal(code, 1, said);
      assert.equal(report.passed, false);
      const [, number, visitor] = /injected: visitor (\d+) \(([0-9a-f-]+)\)/.exec(said) ?? assert.fail(said);
      const fault = report.faults.find((one) => one.kind === inject);
      assert.deepEqual([fault?.seed, fault?.number, fault?.visitor], [SEED, Number(number), visitor], said);
      assert.ok(said.includes(`${inject}: seed ${SEED}, visitor ${number}`), said);
    });
  }

  test("only what is on this machine is loaded", async (t) => {
    for (const address of ["http://192.0.2.1:80", "https://127.0.0.1:443", "http://shop.example:8787"]) {
      const { code, said } = await load(t, { address, "admin-token": "x" });
      assert.equal(code, 2, said);
      assert.match(said, /loopback/);
    }
  });
});
