// Writes docs/cost.md from the price list and from what was counted: page.mjs writes it, and a test compares.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ASSUMED, OBJECT, choices, dollars, footfallVisit, further, month, othersVisit, perHour, perMillion } from './model.mjs';

const here = import.meta.dirname;
const read = (file) => JSON.parse(readFileSync(path.join(here, file), 'utf8'));
export const FILE = path.resolve(here, '../../../docs/cost.md');

const money = (value) => (value >= 10 ? value.toFixed(0) : value.toPrecision(3));
const count = (value) => (value < 10 ? value.toFixed(1) : value.toFixed(0));
const WAYS = { http: 'HTTP', socket: 'WebSocket' };
const title = ({ way, batch }) => `${WAYS[way]}, ${batch === 1 ? 'one event at a time' : `batches of ${batch}`}`;

/** A million further events of somebody who is there already: [Footfall's, the others'] dollars for the object. */
function furtherEvents(usage, prices, long) {
  const { way, batch } = long;
  const short = usage.counted.find((one) => one.way === way && one.batch === batch && one.flush_minutes === usage.default_minutes);
  const events = long.events - usage.visit.events;
  const of = (visit, one) => footfallVisit(one, { ...usage, visit });
  const longer = { ...usage.visit, events: long.events };
  const ours = further(of(usage.visit, short), of(longer, long), events);
  const others = further(othersVisit(long, usage), othersVisit(long, { ...usage, visit: longer }), events);
  return [ours, others].map((used) => dollars(used, prices, OBJECT) * 1e6);
}

/** What it is to show: [what, target, measured, whether it was met]. */
export function targets(usage, prices) {
  const object = (used) => perMillion(used, prices, usage.visit, OBJECT);
  const rows = [];
  for (const way of ['http', 'socket']) {
    const one = usage.counted.find((some) => some.way === way && some.batch === 10 && some.flush_minutes === usage.default_minutes);
    const visits = [object(footfallVisit(one, usage)), object(othersVisit({ way: 'http', batch: 1 }, usage)), object(othersVisit(one, usage))];
    const long = usage.long.find((some) => some.way === way && some.batch === 10);
    const naive = usage.long.find((some) => some.way === 'http' && some.batch === 1);
    const [ours, batched] = furtherEvents(usage, prices, long);
    for (const [what, [ten, commonly, same]] of [
      ['a whole visit of a new visitor', visits],
      ['further events', [ours, furtherEvents(usage, prices, naive)[1], batched]],
    ]) {
      rows.push([`${WAYS[way]} in batches of ten, ${what}: of the others as commonly written`, 'at most 0.25', (ten / commonly).toFixed(2), ten <= commonly / 4]);
      rows.push(['of the others with the same batches', 'at most 1', (ten / same).toFixed(2), ten <= same]);
      rows.push(['a million events', 'at most $0.15', `$${money(ten)}`, ten <= 0.15]);
    }
  }
  return rows;
}

/** The page. */
export function page(usage = read('../results/cost.json'), prices = read('prices.json')) {
  const { visit } = usage;
  const ours = usage.counted.filter(({ flush_minutes }) => flush_minutes === usage.default_minutes);
  const line = (name, used) => {
    const object = perMillion(used, prices, visit, OBJECT);
    const all = perMillion(used, prices, visit);
    const d1 = used.d1_rows_written ? `$${money(all)}` : '';
    const queue = used.queue_operations ? `$${money(perMillion(used, prices, visit, [...OBJECT, 'queue_operations']))}` : '';
    return `| ${name} | $${money(object)} | ${queue} | ${d1} | $${perHour(used, prices, visit, OBJECT).toFixed(5)} | $${money(month(used, prices))} |`;
  };
  const others = ours.map((one) => line(`others, ${title(one)}`, othersVisit(one, usage)));
  const counts = ours.map((one) => `| ${title(one)} | ${count(one.worker_requests)} | ${count(one.object_requests)} | ${count(one.socket_messages)} | ${count(one.rows_written)} | ${count(one.alarms)} | ${count(one.queue_messages)} |`);
  const base = usage.counted.find(({ way, batch, flush_minutes }) => way === 'socket' && batch === 10 && flush_minutes === usage.default_minutes);
  const whole = (used) => perMillion(used, prices, visit, [...OBJECT, 'queue_operations']);
  const undone = choices(usage, base).map(([what, change]) => `| ${what} | $${money(whole(footfallVisit(change(base), usage)))} |`);
  const switched = usage.counted.map((one) => `| ${title(one)}, records wait ${one.flush_minutes} min | $${money(whole(footfallVisit(one, usage)))} |`);
  const items = Object.entries(prices).filter(([, item]) => item.source).map(([name, item]) => {
    const [price, unit] = item.each === undefined ? [item.per_million, 'a million'] : [item.each, 'a GB-month'];
    return `| ${name.replaceAll('_', ' ')} | $${price} ${unit} | ${item.included.toLocaleString('en-GB')} | [page](${item.source})${item.note ? `; ${item.note}` : ''} |`;
  });
  return `# What it costs

Written by \`node tests/bench/cost/page.mjs\` from two files: the published prices
([prices.json](../tests/bench/cost/prices.json), read on ${prices.read}) and what visits used, counted on the real runtime by the
engine's own counters ([cost.json](../tests/bench/results/cost.json), ${usage.date}; \`tests/bench/cost/count.mjs\` counts
again). A test compares this page with what the model computes. Check the prices before you rely on them.

A **visit** is that of a new visitor: ${visit.events} events of 1 KB in ${visit.minutes} minutes, and then the session's end. What is counted
with it: the page's \`hello\` and \`seen\`, every timer, every flush of records to the queue, the session's end.

| A visit uses | Worker requests | object requests | socket messages | rows written | alarms set | queue messages |
|---|---:|---:|---:|---:|---:|---:|
${counts.join('\n')}

An alarm costs a row when it is set and a request when it runs; 20 socket messages cost a request; a queue message costs three operations.

## Dollars

A million events, without what the plan includes: the visitor's object (Worker, requests, duration, rows, alarms), with the records
in the queue, and with the records in D1 as well. Then an hour of a visitor who is there (the object), and a month of
${ASSUMED.visitors.toLocaleString('en-GB')} visitors with ${ASSUMED.visits} visits each (everything, with what the plan includes).

| | object | with queue | with D1 | visitor-hour | month |
|---|---:|---:|---:|---:|---:|
${ours.map((one) => line(`**Footfall**, ${title(one)}`, footfallVisit(one, usage))).join('\n')}
${others.join('\n')}

A million further events, of somebody who is there already (the difference between a visit of ${usage.long[0].events} events and one of ${visit.events}), the object:

| | Footfall | others |
|---|---:|---:|
${usage.long.map((one) => [one, furtherEvents(usage, prices, one)]).map(([one, [own, other]]) => `| ${title(one)} | $${money(own)} | $${money(other)} |`).join('\n')}

The **others** are the objects that a good engineer would write ([sources](../tests/bench/path/typescript)) as such objects commonly are:
one value that is written and one alarm that is set for each request or message. They hand no records to
anybody, so only the first column compares. Records in D1 cost more than all the rest: each is
${ASSUMED.d1_rows} rows, one of them in an index. Every site's records go there today, whatever sinks it has
besides.

| What it is to show (the object) | Target | Computed |
|---|---|---|
${targets(usage, prices).map(([what, wanted, found, met]) => `| ${what} | ${wanted} | ${found}${met ? '' : ', **missed**'} |`).join('\n')}

## What drives it

Dollars of a million events with the queue. Each way of sending, with records that wait for a flush as long as the engine lets
them by default (${usage.default_minutes} min; a site's \`flush_after\`) and shorter:

| | a million events |
|---|---:|
${switched.join('\n')}

Choices of the design, each undone alone (WebSocket, batches of ten):

| | a million events |
|---|---:|
${undone.join('\n')}

## Prices and assumptions

| | Price | Included | |
|---|---:|---:|---|
${items.join('\n')}

The plan itself is $${prices.plan_month} a month. Assumed, because one machine cannot show it: an object runs ${ASSUMED.active_ms} ms for each request,
message and alarm (mostly its commit) with ${ASSUMED.object_gb * 1_000} MB; a visitor's object keeps ${ASSUMED.object_kb} KB; the Worker's processor time is
${usage.cpu_ms.toFixed(2)} ms an event, which is what [the benchmark](benchmarks.md) measures for Worker and object together. Traffic of files
(R2, static assets) and of people who read (D1 and KV) is not in it.
`;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(FILE, page());
  process.stderr.write('cost  wrote docs/cost.md\n');
}
