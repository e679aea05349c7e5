// The whole path's part of docs/benchmarks.md.

const NAMES = {
  floor: 'floor (a): JavaScript Worker and object, one value kept',
  bare: 'empty router and object in Rust (c), one row kept',
  footfall: '**Footfall**',
  plain: 'plain object with json-logic-js (b)',
  party: 'PartyServer with json-logic-js (b)',
  'rules-engine': 'plain object with json-rules-engine (b)',
};
const whole = (value) => Math.round(value).toLocaleString('en-GB');
const two = (value) => value.toFixed(2);
const span = ({ median, least, most }) => `${two(median)} (${two(least)}–${two(most)})`;

/** What a run was to show: [what, target, measured, whether it was met]. */
export function targets({ http: { by }, many, batches, pushes, bound }) {
  const rate = (name, of = by) => of[name].rate.ratio.median;
  const least = (what, wanted, value) => [what, `at least ${wanted}`, two(value), value >= wanted];
  const most = (what, wanted, value) => [what, `at most ${wanted}`, two(value), value <= wanted];
  const { paced } = by.footfall;
  return [
    least('Events a second over HTTP, of the empty Rust Worker (c)', 0.95, rate('footfall') / rate('bare')),
    least('of the floor (a)', 0.9, rate('footfall')),
    least('of PartyServer with json-logic-js', 1.2, rate('footfall') / rate('party')),
    least('of json-rules-engine', 3, rate('footfall') / rate('rules-engine')),
    least('with 10,000 rules, of json-logic-js', 10, rate('footfall', many) / rate('plain', many)),
    most('Processor time for an event, of the floor', 1.25, by.footfall.cpu_us.ratio.median),
    most('Latency at 300 events a second, p50, of the floor', 1.5, paced.p50_us.ratio.median),
    most('the same, p99', 1.5, paced.p99_us.ratio.median),
    least('Events a second in frames of ten, of the floor over HTTP', 15, batches.footfall.rate.median / by.floor.rate.median),
    most('From event to push, awake, p99, of the empty object\'s answer', 1.5, pushes.footfall.awake.p99_us.ratio.median),
    most('Processor time for an event with all lists full, of an empty visitor', 1.5, bound.full.cpu_us.ratio.median),
  ];
}

function httpTable(by) {
  const row = ([name, { rate, cpu_us, paced }]) =>
    `| ${NAMES[name]} | ${whole(rate.median)} | ${span(rate.ratio)} | ${whole(cpu_us.median)} | ${span(cpu_us.ratio)} | ${paced ? `${whole(paced.p50_us.median)} / ${whole(paced.p99_us.median)}` : ''} |`;
  return `| | Events/s | of the floor | CPU µs | of the floor | Paced p50 / p99 µs |
|---|---:|---:|---:|---:|---:|
${Object.entries(by).map(row).join('\n')}`;
}

const pair = ({ p50_us, p99_us }) => `${whole(p50_us.median)} / ${whole(p99_us.median)}`;
const kilobytes = (bytes) => (bytes < 102_400 ? (bytes / 1_024).toFixed(1) : whole(bytes / 1_024));

/** Over sockets, and what is measured once. */
function more({ batches, pushes, timers, bound, begin }) {
  const batch = Object.entries(batches).map(([name, { rate, cpu_us }]) => `| ${NAMES[name]} | ${whole(rate.median)} | ${span(rate.ratio)} | ${cpu_us.median.toFixed(0)} |`);
  const late = ({ timers: count, p50_ms, p99_ms, most_ms }) => `${p50_ms} / ${p99_ms} / ${most_ms} ms (${whole(count)} timers)`;
  const beginning = Object.entries(begin).map(([name, { ready_ms, bytes, gzip_bytes }]) => `| ${NAMES[name]} | ${whole(ready_ms.median)} ms | ${kilobytes(bytes)} | ${kilobytes(gzip_bytes)} |`);
  return `
### Over WebSockets

Frames of ten events at saturation, each answered when it is on disk:

| | Events/s | of the floor's frames | CPU µs for an event |
|---|---:|---:|---:|
${batch.join('\n')}

From an event that fires a rule to its push, beside the empty object's answer to a message of the same size, both durable (p50 / p99 in µs):

| | Awake, 300 events/s | Asleep before |
|---|---:|---:|
| empty object | ${pair(pushes.floor.awake)} | ${pair(pushes.floor.asleep)} |
| Footfall | ${pair(pushes.footfall.awake)} | ${pair(pushes.footfall.asleep)} |

Asleep: left alone for 12 seconds, then one message to each at 100 a second; of those looked at afterwards ${whole(100 * pushes.footfall.asleep.woken.least)} % (the empty
object's: ${whole(100 * pushes.floor.asleep.woken.least)} %) had been made anew.

Timers, a thousand in a minute, each ${12} s after it was asked for, so that objects sleep meanwhile; none was lost and none early. Late by
(p50 / p99 / most): a rule's start ${late(timers.footfall)}; a bare alarm ${late(timers.floor)}.

### Full lists

A visitor whose lists are at their bounds (cart, traits, groups, orders, pushes, firings, starts, partial matches, remembered events) has
${kilobytes(bound.full.bytes)} KB on disk instead of ${kilobytes(bound.empty.bytes)}. An event then takes ${whole(bound.full.cpu_us.median)} µs of CPU instead of ${whole(bound.empty.cpu_us.median)}:
${span(bound.full.cpu_us.ratio)} times.

### Start and size

From the start of the process to the first answer, and the upload in KB:

| | First answer | Upload | compressed |
|---|---:|---:|---:|
${beginning.join('\n')}
`;
}

/** The section. */
export function section(results) {
  const { http, many, machine, versions, date } = results;
  const rows = targets(results).map(([what, wanted, measured, met]) => `| ${what} | ${wanted} | ${measured}${met ? '' : ', **missed**'} |`);
  const disk = results.on_disk
    ? 'with its objects\' files on disk'
    : 'with its objects\' files **in memory**, because the disk was overloaded with other work when this was run (on a calm disk a commit costs everybody some 100 µs more, so that ratios come closer to 1)';
  return `
## The whole path

From the request's first byte to an answer that says the event is on disk. Of one run (${date}, ${machine.processor},
${machine.cores} cores shared with other work: load ${machine.load_at_start.toFixed(1)} at its begin and
${machine.load_at_end.toFixed(1)} at its end; ${machine.durable_write_us} µs for a durable write of 4 KB); workerd ${versions.workerd},
worker ${versions.worker}, partyserver ${versions.partyserver}, json-logic-js ${versions['json-logic-js']}, json-rules-engine
${versions['json-rules-engine']}. The figures are in [tests/bench/results/path.json](../tests/bench/results/path.json), the
sources of all candidates in [tests/bench/path](../tests/bench/path).

Each candidate runs alone on plain \`workerd\` (no Miniflare, whose entry Worker would be measured as well), ${disk};
the others' processes are stopped meanwhile. ${results.rounds} rounds in turn of ${results.seconds} s at
saturation (32 connections) and ${results.seconds} s at ${results.rate} events a second, where a request's latency counts from the
time that it was due. Ratios are of rounds next to each other: the median, and in parentheses the least and the greatest. CPU is what the kernel counts for the process of workerd; it is the steadier figure.

${whole(results.visitors)} visitors send events of 1 KB, one in a request. 100 rules of three or four comparisons; about one event in
ten fires one, which pushes. That each candidate with rules pushes the same for the same events is checked before anything is measured. Footfall's
visitors begin at every stage between two flushes, so that a round has its share of flushes and of rows that have grown until
then; the empty objects write as many bytes for an event as these rows have on the average (${whole(http.row_bytes)}), most of them
always the same. What only Footfall does besides: it
verifies a signed token with every request, and hands a record of each event to a queue (${two(http.by.footfall.messages.median)} messages for an event;
the queue itself is outside of the process, as in production). The others keep state, cart, repeats and pushes likewise, one write for
an event, and take any visitor's word.

![Processor time for an event](benchmarks-path.svg)

${httpTable(http.by)}

With 10,000 rules, of which the same hundred match:

${httpTable(many)}
${more(results)}
### What it is to show

| | Target | Measured |
|---|---|---|
${rows.join('\n')}
`;
}
