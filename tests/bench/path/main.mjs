// The whole path on disk: Footfall beside the platform's floor and beside what others would build, in interleaved rounds of
// one run. Writes results/path.json and its part of docs/benchmarks.md. `scripts/bench.sh path` builds what this needs and
// calls it.
import { execFileSync } from 'node:child_process';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, statfsSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { median } from './figures.mjs';
import { Harness, say } from './harness.mjs';
import { compareBeginnings } from './begin.mjs';
import { compareBounds } from './bound.mjs';
import { compareManyRules, compareOverHttp } from './http.mjs';
import { compareBatches, comparePushes } from './sockets.mjs';
import { compareTimers } from './timers.mjs';
import { VISITORS, eventsOf, rulesOf } from './traffic.mjs';
import { writePage } from '../page.mjs';

const HELP = `Measures the whole path; without options everything, which takes about ten minutes.

  --part NAME      only http, many (10,000 rules), batches (WebSocket), pushes, timers, bound or begin;
                   repeatable
  --only A,B       of the part http only these beside footfall and floor: bare, plain, party, rules-engine
  --build DIR      the Worker that is measured (default build)
  --rounds N       rounds in turn (default 4)
  --seconds S      of each measurement (default 3)
  --rate N         events a second of the paced part (default 300)
  --work DIR       where the objects' files are (default tests/bench/target/path: a disk, not memory)
  --dry            write neither results nor documentation
`;

const { values: wanted } = parseArgs({
  options: {
    part: { type: 'string', multiple: true },
    only: { type: 'string' },
    build: { type: 'string' },
    rounds: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '300' },
    work: { type: 'string' },
    dry: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (wanted.help) {
  process.stdout.write(HELP);
  process.exit();
}
const here = import.meta.dirname;
const root = path.resolve(here, '../../..');
const work = path.resolve(wanted.work ?? path.join(here, '../target/path'));
const build = path.resolve(wanted.build ?? path.join(root, 'build'));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const TMPFS = 0x01021994;
function statfsOf(folder) {
  mkdirSync(folder, { recursive: true });
  return statfsSync(folder).type;
}

/** What the disk takes to make four kilobytes durable: the floor of every answer. */
function durableUs() {
  const file = path.join(work, 'probe');
  const open = openSync(file, 'w');
  const page = Buffer.alloc(4_096);
  const taken = Array.from({ length: 100 }, (_, at) => {
    const began = performance.now();
    writeSync(open, page, 0, page.length, at * page.length);
    fsyncSync(open);
    return (performance.now() - began) * 1_000;
  });
  closeSync(open);
  unlinkSync(file);
  return Math.round(median(taken));
}

const lockVersion = (file, name) => new RegExp(`name = "${name}"\nversion = "([^"]+)"`).exec(readFileSync(file, 'utf8'))[1];
const packageVersion = (folder, name) => JSON.parse(readFileSync(path.join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;
const bench = path.resolve(here, '..');

const file = path.join(bench, 'results/path.json');
const results = {
  date: new Date().toISOString().slice(0, 16).replace('T', ' '),
  on_disk: statfsOf(work) !== TMPFS,
  machine: { processor: cpus()[0].model, cores: cpus().length, load_at_start: loadavg()[0], durable_write_us: durableUs() },
  versions: {
    workerd: packageVersion(root, 'workerd'),
    node: process.versions.node,
    rustc: execFileSync('rustc', ['--version']).toString().split(' ')[1],
    worker: lockVersion(path.join(root, 'Cargo.lock'), 'worker'),
    partyserver: packageVersion(bench, 'partyserver'),
    'json-logic-js': packageVersion(bench, 'json-logic-js'),
    'json-rules-engine': packageVersion(bench, 'json-rules-engine'),
  },
  visitors: VISITORS,
  rounds: Number(wanted.rounds),
  seconds: Number(wanted.seconds),
  rate: Number(wanted.rate),
};
const harness = await Harness.open(work);
const scripts = eventsOf();
const options = { scripts, build, rounds: Number(wanted.rounds), seconds: wanted.seconds };
const parts = wanted.part ?? ['http', 'many', 'batches', 'pushes', 'timers', 'bound', 'begin'];
let bytes = 2_048;
if (parts.includes('http')) {
  const only = wanted.only?.split(',');
  results.http = await compareOverHttp(harness, { ...options, rules: rulesOf(100, scripts), rate: wanted.rate, only });
  bytes = results.http.row_bytes;
}
if (parts.includes('many')) {
  say('10,000 rules');
  results.many = await compareManyRules(harness, { ...options, rules: rulesOf(10_000, scripts), bytes, rounds: 3 });
}
const hundred = rulesOf(100, scripts);
if (parts.includes('batches')) results.batches = await compareBatches(harness, { ...options, rules: hundred, bytes, rounds: 3 });
if (parts.includes('pushes')) results.pushes = await comparePushes(harness, { ...options, bytes, rounds: 3 });
if (parts.includes('timers')) results.timers = await compareTimers(harness, { build, bytes });
if (parts.includes('bound')) results.bound = await compareBounds(harness, { ...options, rules: hundred });
if (parts.includes('begin')) results.begin = await compareBeginnings(harness, { build, bytes });
results.machine.load_at_end = loadavg()[0];
await harness.close();

for (const [title, by] of [['100 rules', results.http?.by], ['10,000 rules', results.many]]) {
  for (const [name, { rate, cpu_us, paced, messages }] of Object.entries(by ?? {})) {
    const late = paced ? `, paced p50 ${paced.p50_us.median} µs (${paced.p50_us.ratio.median}), p99 ${paced.p99_us.median} µs (${paced.p99_us.ratio.median})` : '';
    process.stdout.write(`${title}  ${name.padEnd(12)} ${rate.median}/s (${rate.ratio.median} of the floor), ${cpu_us.median} µs of CPU for an event (${cpu_us.ratio.median})${late}, ${messages.median} queue messages\n`);
  }
}
for (const part of ['batches', 'pushes', 'timers', 'bound', 'begin']) {
  for (const [name, found] of Object.entries(results[part] ?? {})) process.stdout.write(`${part}  ${name}: ${JSON.stringify(found)}\n`);
}
if (!wanted.dry && !wanted.part && !wanted.only) {
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  writePage();
  say('wrote tests/bench/results/path.json and docs/benchmarks.md');
}
