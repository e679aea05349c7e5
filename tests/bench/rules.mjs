// Measures rule evaluation against other engines, all in one run; writes results/rules.json, docs/benchmarks.md and
// its chart. `scripts/bench.sh rules` builds what this needs and calls it: rules.mjs NATIVE_BINARY WASM_MODULE WORK_DIR
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PEERS, measure } from './rules/peers.mjs';
import { fastest, timer } from './rules/time.mjs';
import { writePage } from './page.mjs';
import { page } from './rules/page.mjs';
import { condition, document, logic, typedEvent, workload } from './rules/workload.mjs';

const [native, wasmModule, folder] = process.argv.slice(2);
const SIZES = ['10', '100', '1000', '10000'];
const BUDGET_MS = 700;
const PEER_BUDGET_MS = 1_600;
const say = (text) => process.stderr.write(`bench  ${text}\n`);

say('making rules and events');
const { events, sets } = workload();
const typed = typedEvent();
mkdirSync(folder, { recursive: true });
const put = (name, text) => writeFileSync(path.join(folder, name), text);
const json = (name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8'));
put('events.json', JSON.stringify(events));
put('typed.json', typed);
put('documents.json', JSON.stringify(sets[10000].map(document)));
const conditions = {};
for (const [name, rules] of Object.entries(sets)) {
  conditions[name] = JSON.stringify(rules.map(condition));
  put(`${name}.conditions.json`, conditions[name]);
  if (SIZES.includes(name)) put(`${name}.logic.json`, JSON.stringify(rules.map(logic)));
}

const names = Object.keys(sets);
const host = JSON.parse(execFileSync(native, [folder, ...names], { stdio: ['ignore', 'pipe', 'inherit'] }).toString());

const { Bench, module_memory: memory } = createRequire(import.meta.url)(path.resolve(wasmModule));
const bytes = () => memory().buffer.byteLength;
const bench = new Bench(JSON.stringify(events));
const inWasm = {};
const rates = {};
for (const name of names) {
  bench.load(conditions[name]);
  const expected = json(`${name}.native.json`);
  if (bench.matches() !== JSON.stringify(expected)) throw new Error(`wasm matches other rules than native: ${name}`);
  const matches = expected.reduce((sum, found) => sum + found.length, 0);
  rates[name] = matches / events.length;
  fastest(200, () => bench.evaluate(1)); // V8 compiles what is used much a second time, better.
  inWasm[name] = (fastest(BUDGET_MS, () => bench.evaluate(1)) * 1e6) / events.length;
  say(`wasm, ${name}: ${inWasm[name].toFixed(0)} ns for an event`);
}
// Orders of conjuncts in turn, so that what else the machine does falls on all of them alike.
const ORDERS = ['10000', 'reversed-10000', 'shuffled-10000'];
const orders = Object.fromEntries(ORDERS.map((name) => [name, Infinity]));
for (let round = 0; round < 4; round += 1) {
  for (const name of ORDERS) {
    bench.load(conditions[name]);
    const ns = (fastest(200, () => bench.evaluate(1)) * 1e6) / events.length;
    orders[name] = Math.min(orders[name], ns);
  }
}
fastest(200, () => bench.decode(typed, 100));
const wasmWhole = { decode_ns: (fastest(BUDGET_MS, () => bench.decode(typed, 100)) * 1e6) / 100 };
{
  const fresh = new Bench('[]');
  fresh.documents(readFileSync(path.join(folder, 'documents.json'), 'utf8'));
  wasmWhole.compile_ms = fastest(BUDGET_MS, () => fresh.publish());
  wasmWhole.open_ms = fastest(BUDGET_MS, () => fresh.open(), () => fresh.close());
  fresh.visit(typed);
  const apply = Array.from({ length: 200 }, () => {
    fresh.decode_events(100);
    const elapsed = timer();
    fresh.apply();
    return elapsed();
  });
  wasmWhole.apply_ns = (Math.min(...apply) * 1e6) / 100;
  wasmWhole.snapshot_ns = (fastest(BUDGET_MS, () => fresh.snapshot(100)) * 1e6) / 100;
  wasmWhole.load_ns = (fastest(BUDGET_MS, () => fresh.load_visitor(100)) * 1e6) / 100;
  fresh.free();
}
// Memory of wasm never shrinks, so it is told of a process that does nothing else.
const child = `
  const { Bench, module_memory: memory } = require(${JSON.stringify(path.resolve(wasmModule))});
  const bench = new Bench('[]');
  const before = memory().buffer.byteLength;
  bench.take(require('node:fs').readFileSync(${JSON.stringify(path.resolve(folder, 'piece'))}));
  bench.open();
  console.log(before + ' ' + memory().buffer.byteLength);`;
const [empty, loaded] = execFileSync(process.execPath, ['-e', child]).toString().split(' ').map(Number);
Object.assign(wasmWhole, { memory_empty_bytes: empty, memory_loaded_bytes: loaded });
say(`wasm: compile ${wasmWhole.compile_ms.toFixed(0)} ms, load ${wasmWhole.open_ms.toFixed(0)} ms, ${bytes() >> 20} MB at the end`);

const peers = { 'datalogic-rs': {} };
for (const size of SIZES) {
  const expected = json(`${size}.native.json`);
  if (JSON.stringify(json(`${size}.datalogic.json`)) !== JSON.stringify(expected)) {
    throw new Error(`datalogic-rs matches other rules: ${size}`);
  }
  peers['datalogic-rs'][size] = { ns: host.sets[size].datalogic_ns, checked: events.length };
  for (const peer of Object.keys(PEERS)) {
    const measured = await measure(peer, sets[size], events, expected, PEER_BUDGET_MS);
    (peers[peer] ??= {})[size] = measured;
    say(`${peer}, ${size}: ${(1e9 / measured.ns).toFixed(0)} events/s, ${measured.checked} events compared`);
  }
}

const version = (name) => JSON.parse(readFileSync(path.join(import.meta.dirname, `node_modules/${name}/package.json`), 'utf8')).version;
const lock = readFileSync(path.join(import.meta.dirname, 'Cargo.lock'), 'utf8');
const results = {
  date: new Date().toISOString().slice(0, 10),
  cores: cpus().length,
  processor: cpus()[0].model,
  versions: {
    node: process.versions.node,
    v8: process.versions.v8,
    rustc: execFileSync('rustc', ['--version']).toString().split(' ')[1],
    'datalogic-rs': /name = "datalogic-rs"\nversion = "([^"]+)"/.exec(lock)[1],
    growthbook: version('@growthbook/growthbook'),
    'json-logic-engine': version('json-logic-engine'),
    'json-logic-js': version('json-logic-js'),
    'json-rules-engine': version('json-rules-engine'),
  },
  events: events.length,
  matches_per_event: rates,
  ns_per_event: {
    'footfall in wasm': Object.fromEntries(SIZES.map((size) => [size, inWasm[size]])),
    'footfall native': Object.fromEntries(SIZES.map((size) => [size, host.sets[size].ns])),
    ...Object.fromEntries(
      Object.entries(peers).map(([peer, by]) => [peer, Object.fromEntries(SIZES.map((size) => [size, by[size].ns]))]),
    ),
  },
  events_compared: Object.fromEntries(
    Object.entries(peers).map(([peer, by]) => [peer, Object.fromEntries(SIZES.map((size) => [size, by[size].checked]))]),
  ),
  constant_matches_ns: {
    wasm: { 100: inWasm[100], 10000: inWasm['constant-10000'] },
    native: { 100: host.sets[100].ns, 10000: host.sets['constant-10000'].ns },
  },
  conjunct_order_ns: orders,
  whole: { native: host.whole, wasm: wasmWhole },
};
mkdirSync(path.join(import.meta.dirname, 'results'), { recursive: true });
writeFileSync(path.join(import.meta.dirname, 'results/rules.json'), `${JSON.stringify(results, null, 2)}\n`);
writePage();
say('wrote tests/bench/results/rules.json, docs/benchmarks.md and docs/benchmarks-rules.svg');
process.stdout.write(page(results));
