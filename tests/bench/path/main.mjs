// The whole path, over HTTP and on disk: Footfall beside the platform's floor and beside what others would build, in
// interleaved rounds of one run. `scripts/bench.sh path` builds what this needs and calls it.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bare, floor, footfall, party, plain, rulesEngine } from './candidates.mjs';
import { startQueue } from './queue.mjs';
import { SCRIPT, VISITORS, eventsOf, firing, rulesOf } from './traffic.mjs';
import { start } from './workerd.mjs';

const { values: wanted } = parseArgs({
  options: {
    work: { type: 'string' },
    only: { type: 'string' },
    build: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    rate: { type: 'string', default: '300' },
  },
});
const here = import.meta.dirname;
const work = path.resolve(wanted.work ?? path.join(here, '../target/path'), `run-${Date.now()}`);
const generator = path.resolve(here, '../target/release/footfall-bench-generator');
const say = (sentence) => process.stderr.write(`bench  ${sentence}\n`);

const usedTicks = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return Number(fields[11]) + Number(fields[12]);
};
/** Continues a candidate, and waits until it has done what fell due while it was stopped. */
async function resume({ runtime }) {
  runtime.resume();
  for (let quiet = 0, before = usedTicks(runtime.pid), tries = 0; quiet < 3 && tries < 100; tries += 1) {
    await sleep(100);
    const now = usedTicks(runtime.pid);
    quiet = now - before <= 1 ? quiet + 1 : 0;
    before = now;
  }
}

/** Lets this run go before what else the machine does, where that is allowed. */
function favour(pid, nice = -10) {
  try {
    setPriority(pid, nice);
    writeFileSync(`/proc/${pid}/autogroup`, String(nice)); // between sessions the kernel looks at this one
  } catch {}
}

let runs = 0;
/** Plays requests against a candidate. */
async function generate(candidate, options) {
  runs += 1;
  const flags = { address: candidate.runtime.address, requests: candidate.requests, pid: candidate.runtime.pid, from: candidate.at, run: runs, expect: candidate.expect, ...options };
  const child = spawn(generator, Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]), { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (more) => { out += more; });
  favour(child.pid);
  const code = await new Promise((done) => child.once('close', done));
  if (code !== 0) throw new Error(`the generator failed for ${candidate.name}`);
  const seen = JSON.parse(out);
  if (seen.failures > 0) throw new Error(`${candidate.name}: ${seen.failures} failures, the first: ${seen.failure}\n${candidate.runtime.log()}`);
  candidate.at = seen.next;
  return seen;
}

const queue = await startQueue();
mkdirSync(work, { recursive: true });
const scripts = eventsOf();
const rules = rulesOf(100, scripts);

async function ready(name, candidate) {
  const runtime = await start(candidate, path.join(work, name), queue.port);
  favour(runtime.pid);
  const prepared = await candidate.prepare(runtime, VISITORS);
  const file = path.join(work, `${name}.requests`);
  const parts = [];
  for (let at = 0; at < SCRIPT.length; at += 1) {
    for (let visitor = 0; visitor < VISITORS; visitor += 1) {
      const bytes = candidate.ask(runtime, prepared, visitor, [scripts[visitor][at]]);
      const head = Buffer.alloc(4);
      head.writeUInt32LE(bytes.length);
      parts.push(head, bytes);
    }
  }
  writeFileSync(file, Buffer.concat(parts));
  const made = { ...candidate, name, runtime, prepared, requests: file, at: 0, rounds: [], paced: [] };
  // One whole script for everybody: tables are made, carts were filled and emptied, code is compiled.
  await generate(made, { count: SCRIPT.length * VISITORS });
  if (candidate.fired) await checkFired(made);
  return made;
}

/** All that have rules do the same work: the same ones fire for the same events. */
async function checkFired({ name, fired, runtime, prepared }) {
  let count = 0;
  for (let visitor = 0; visitor < VISITORS; visitor += 10) {
    const expected = firing(scripts[visitor], rules);
    const found = await fired(runtime, prepared, visitor);
    if (JSON.stringify(found) !== JSON.stringify(expected)) throw new Error(`${name}: visitor ${visitor} had ${found}, and not ${expected}`);
    count += found.length;
  }
  say(`${name}: ${count} pushes of ${VISITORS / 10} visitors are the right ones`);
}

/** Bytes of the rows that objects keep, on the average. */
function bytesKept(folder, sql) {
  const files = readdirSync(folder).filter((file) => file.endsWith('.sqlite') && !file.startsWith('metadata'));
  const sizes = files.slice(0, 100).map((file) => {
    const database = new DatabaseSync(path.join(folder, file), { readOnly: true });
    const { bytes } = database.prepare(sql).get();
    database.close();
    return bytes;
  });
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length);
}

const candidates = [];
const add = async (name, candidate) => {
  say(`starting ${name}`);
  candidates.push(await ready(name, candidate));
  candidates.at(-1).runtime.pause();
};
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

await add('footfall', footfall(rules, wanted.build ? { build: path.resolve(wanted.build) } : {}));
const bytes = bytesKept(path.join(work, 'footfall/objects/Visitor'), 'SELECT sum(length(b)) AS bytes FROM hot');
say(`Footfall writes a row of ${bytes} bytes for an event; the others write as much`);
await add('floor', floor(bytes));
await add('bare', bare(bytes));
await add('plain', plain(rules, path.join(work, 'plain-rules')));
await add('party', party(rules, path.join(work, 'party-rules')));
await add('rules-engine', rulesEngine(rules, path.join(work, 'rules-engine-rules')));

for (let round = 0; round < Number(wanted.rounds); round += 1) {
  for (const candidate of candidates) {
    await resume(candidate);
    const taken = queue.counted.messages;
    const seen = await generate(candidate, { seconds: wanted.seconds, warm: VISITORS, connections: 32 });
    candidate.rounds.push({ rate: seen.requests / seen.seconds, cpu_us: (seen.cpu_ms * 1_000) / seen.requests, p50_us: seen.p50_us, cores: seen.cpu_ms / 1_000 / seen.seconds, generator: seen.generator_cpu_ms / 1_000 / seen.seconds, messages: (queue.counted.messages - taken) / (seen.requests + VISITORS) });
    const paced = await generate(candidate, { seconds: wanted.seconds, rate: wanted.rate, connections: 64 });
    candidate.paced.push({ p50_us: paced.p50_us, p99_us: paced.p99_us, cpu_us: (paced.cpu_ms * 1_000) / paced.requests });
    candidate.runtime.pause();
  }
  const line = candidates.map(({ name, rounds }) => `${name} ${rounds.at(-1).rate.toFixed(0)}/s ${rounds.at(-1).cpu_us.toFixed(0)} µs`);
  say(`round ${round + 1}: ${line.join(', ')}`);
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const base = candidates.find(({ name }) => name === 'floor');
for (const { name, rounds, paced } of candidates) {
  const ratio = (key) => median(rounds.map((round, at) => round[key] / base.rounds[at][key]));
  const pacedRatio = (key) => median(paced.map((round, at) => round[key] / base.paced[at][key]));
  process.stdout.write(`${name.padEnd(12)} rate ${median(rounds.map((r) => r.rate)).toFixed(0)}/s (${ratio('rate').toFixed(2)} of the floor)  cpu ${median(rounds.map((r) => r.cpu_us)).toFixed(0)} µs (${ratio('cpu_us').toFixed(2)})  paced p50 ${median(paced.map((r) => r.p50_us))} µs (${pacedRatio('p50_us').toFixed(2)}) p99 ${median(paced.map((r) => r.p99_us))} µs (${pacedRatio('p99_us').toFixed(2)}) cpu ${median(paced.map((r) => r.cpu_us)).toFixed(0)} µs  workerd ${median(rounds.map((r) => r.cores)).toFixed(2)} cores, generator ${median(rounds.map((r) => r.generator)).toFixed(2)}, queue messages for an event ${median(rounds.map((r) => r.messages)).toFixed(3)}\n`);
}
say(execFileSync('uptime').toString().trim());
for (const { runtime } of candidates) await runtime.stop();
queue.stop();
rmSync(work, { recursive: true, force: true });
