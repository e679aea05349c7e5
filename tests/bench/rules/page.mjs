// The results as a page of the documentation. Figures of one run, and above all how they stand to each other.

const SIZES = [10, 100, 1_000, 10_000];
const number = (value, digits = 0) =>
  value.toLocaleString('en-GB', { minimumFractionDigits: digits, maximumFractionDigits: digits });
const rate = (ns) => (ns > 1e8 ? number(1e9 / ns, 1) : number(Math.round(1e9 / ns)));
const megabytes = (bytes) => `${number(bytes / 1024 / 1024, 1)} MB`;

/** What a run was to show: [what, target, measured, whether it was met]. */
export function targets(results) {
  const { ns_per_event: ns, constant_matches_ns: constant, conjunct_order_ns: orders, whole } = results;
  const peers = Object.keys(ns).filter((name) => !name.startsWith('footfall'));
  const lead = (size) => Math.min(...peers.map((peer) => ns[peer][size])) / ns['footfall in wasm'][size];
  const times = (value) => `${number(value, value < 20 ? 2 : 0)} ×`;
  const growth = (by) => by[10_000] / by[100];
  const spread = Math.max(...Object.values(orders)) / Math.min(...Object.values(orders)) - 1;
  const wasmShare = ns['footfall in wasm'][10_000] / whole.wasm.decode_ns;
  const nativeShare = ns['footfall native'][10_000] / whole.native.decode_ns;
  return [
    ['1,000 rules in wasm against the fastest of the others', 'at least 50 ×', times(lead(1_000)), lead(1_000) >= 50],
    ['10,000 rules in wasm against the fastest of the others', 'at least 500 ×', times(lead(10_000)), lead(10_000) >= 500],
    ['From 100 to 10,000 rules with the same matches, in wasm', 'less than 3 ×', times(growth(constant.wasm)), growth(constant.wasm) < 3],
    ['The same, native', 'less than 3 ×', times(growth(constant.native)), growth(constant.native) < 3],
    ['The order in which conjuncts were written (10,000 rules, wasm)', 'less than 10 %', `${number(spread * 100, 1)} %`, spread < 0.1],
    ['Evaluating 10,000 rules against decoding an event of 1 KB, in wasm', 'at most 1 ×', times(wasmShare), wasmShare <= 1],
    ['The same, native', 'at most 1 ×', times(nativeShare), nativeShare <= 1],
    ['Loading 10,000 rules with their index, native', 'less than 50 ms', `${number(whole.native.open_ms)} ms`, whole.native.open_ms < 50],
  ];
}

/** The page. */
export function page(results) {
  const { ns_per_event: ns, versions, whole, matches_per_event: matches } = results;
  const best = (size) => ns['footfall in wasm'][size];
  const row = ([name, by]) => {
    const version = versions[name] ? ` ${versions[name]}` : '';
    const cells = SIZES.map((size) => `${rate(by[size])} (${number(by[size] / best(size), by[size] < 20 * best(size) ? 1 : 0)})`);
    return `| ${name}${version} | ${cells.join(' | ')} |`;
  };
  const target = ([what, wanted, measured, met]) => `| ${what} | ${wanted} | ${measured}${met ? '' : ', **missed**'} |`;
  const compared = Object.entries(results.events_compared).map(([peer, by]) => `${peer} ${by[10_000]}`);
  return `# Benchmarks

Written by \`make bench\` (\`make bench BENCH=rules\` and \`BENCH=path\` for one part). What counts is how figures of one run
stand to each other.

## Rules

Of one run (${results.date}, ${results.processor}, ${results.cores} cores, Node ${versions.node} with V8 ${versions.v8}, rustc
${versions.rustc}); the figures are in [tests/bench/results/rules.json](../tests/bench/results/rules.json).

Rules of three or four comparisons and ${results.events} events with ${17} fields, made from one seed
([workload.mjs](../tests/bench/rules/workload.mjs)). An event matches ${SIZES.map((size) => number(matches[size], 1)).join(', ')}
of 10, 100, 1,000 and 10,000 rules on the average. Every engine prepares its rules once, gets events that are parsed
already, and returns all rules that match; what it returns is compared with what Footfall returns for every event it has
time for (of 10,000 rules: ${compared.join(', ')} of ${results.events}), and the run fails at the first difference. Each
figure is that of the fastest of several batches.

![Events per second by the number of rules](benchmarks-rules.svg)

Events per second; in parentheses how many times as long it takes as Footfall in wasm.

| | ${SIZES.map((size) => `${number(size)} rules`).join(' | ')} |
|---|${SIZES.map(() => '---:').join('|')}|
${Object.entries(ns).map(row).join('\n')}

What it is to show:

| | Target | Measured |
|---|---|---|
${targets(results).map(target).join('\n')}

10,000 whole rules (pattern, condition, limits, a push):

| | Native | Wasm |
|---|---:|---:|
| Compiling the authored documents | ${number(whole.native.compile_ms)} ms | ${number(whole.wasm.compile_ms)} ms |
| Loading the piece of ${number(whole.native.piece_bytes / 1024)} KB, index included | ${number(whole.native.open_ms)} ms | ${number(whole.wasm.open_ms)} ms |
| Memory of rules and index | ${megabytes(whole.native.rules_bytes)} | ${megabytes(whole.wasm.memory_loaded_bytes - whole.wasm.memory_empty_bytes)} |
| of that the index | ${megabytes(whole.native.index_bytes)} | |
| Decoding one event of ${number(whole.native.typed_bytes)} bytes | ${number(whole.native.decode_ns)} ns | ${number(whole.wasm.decode_ns)} ns |
| Applying it to a visitor, with 100 rules, for the state, the records and the pushes | ${number(whole.native.apply_ns)} ns | ${number(whole.wasm.apply_ns)} ns |
| Making the visitor's snapshot of ${number(whole.native.snapshot_bytes)} bytes | ${number(whole.native.snapshot_ns)} ns | ${number(whole.wasm.snapshot_ns)} ns |
| Reading it, as an object does that wakes | ${number(whole.native.load_ns)} ns | ${number(whole.wasm.load_ns)} ns |
| Evaluating 10,000 rules for one event | ${number(ns['footfall native'][10_000])} ns | ${number(best(10_000))} ns |
`;
}
