// Writes docs/scaling.md from the simulation and from what visits were counted to use; a test compares.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ASSUMED, LIMITS, asks, day, fullest, reached } from './simulate.mjs';

const here = import.meta.dirname;
export const FILE = path.resolve(here, '../../../docs/scaling.md');
const SIZES = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8];

const round = (value) => (value >= 100 ? Number(value.toPrecision(2)).toLocaleString('en-GB') : value >= 10 ? value.toFixed(0) : value.toPrecision(2));
const bytes = (value) => (value >= 1e12 ? `${round(value / 1e12)} TB` : value >= 1e9 ? `${round(value / 1e9)} GB` : `${round(value / 1e6)} MB`);
const days = (value) => (value >= 1 ? `${round(value)} d` : `${round(value * 24)} h`);

/** The page. */
export function page({ visit, counted, default_minutes } = JSON.parse(readFileSync(path.join(here, '../results/cost.json'), 'utf8'))) {
  const usual = counted.find(({ way, batch, flush_minutes }) => way === 'socket' && batch === 1 && flush_minutes === default_minutes);
  const of = (visitors) => day(visitors, visit, usual);
  const rows = SIZES.map(of);
  const table = rows.map((row) => {
    const [least, most] = [asks(row.packed, row.events_s), asks(row.spread, row.events_s)];
    return `| ${row.visitors.toLocaleString('en-GB')} | ${round(row.events_s)} | ${round(row.there)} | ${round(row.awake)} | ${round(row.packed)}–${round(row.spread)} | ${round(least)}–${round(most)} | ${round(row.messages_s)} | ${row.queues} | ${bytes(row.bytes_day)} | ${days(row.full_days)} |`;
  });
  const asked = (isolates) => (visitors) => {
    const row = of(visitors);
    return asks(Math.max(1, row[isolates]), row.events_s, 20);
  };
  const met = {
    writer: reached(1, (visitors) => of(visitors).databases_busy),
    queue: reached(LIMITS.queue_messages_s.value, (visitors) => of(visitors).messages_s),
    spread: reached(LIMITS.object_requests_s.value, asked('spread')),
    packed: reached(LIMITS.object_requests_s.value, asked('packed')),
    year: reached(1, (visitors) => 365 / of(visitors).full_days),
    month: reached(1, (visitors) => 30 / of(visitors).full_days),
  };
  const evenness = [2, 4, 16, 64].map((queues) => `${queues} queues ${fullest(queues).toFixed(2)}`).join(', ');
  const limit = Object.entries(LIMITS).map(([name, { value, source }]) => `| ${name.replaceAll('_', ' ')} | ${value.toLocaleString('en-GB')} | [page](${source}) |`);
  return `# How it grows

From a thousand visitors a day to a hundred million: what each part does then, which limit of the platform is met first, and what
an operator does about it. Written by \`node tests/bench/scaling/page.mjs\`: the numbers are of a seeded simulation
([simulate.mjs](../tests/bench/scaling/simulate.mjs)) fed with what a visit was counted to use ([what it costs](cost.md)), one event at a
time over a WebSocket, and a test compares. Nothing here was measured in production.

A visitor comes once a day: ${visit.events} events in ${visit.minutes} minutes; the busiest hour has ${ASSUMED.peak} times the mean. At that hour, for one site:

| Visitors a day | events/s | there at once | objects awake | isolates | version asks/s | queue messages/s of a sink | queues | records a day in D1 | 10 GB are full after |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
${table.join('\n')}

Isolates: from full ones (${round(LIMITS.isolate_bytes.value / ASSUMED.object_bytes)} awake objects of ${ASSUMED.object_bytes / 1_000} KB in 128 MB) to ten times as many, each a tenth full; the platform decides.

## In the order in which limits are met

1. **The database's size, 10 GB.** Records are kept until their visitor is erased, so this is a matter of time: within a year from
   ${round(met.year)} visitors a day, within a month from ${round(met.month)}. Then D1 takes no more, the queue's messages are tried for a day and a
   quarter and go to the dead letters; visitors, rules and the other sinks go on. *The operator* keeps history elsewhere (the origin's own
   database or the archive, both with queues of their own) and deletes old records from D1 in pieces, long before: the log and the
   state at a past time then reach back only so far. Large sites get a deployment, and with it a database, of their own.
2. **The database's writer.** One statement for each message, one after the other: at ${ASSUMED.statement_ms} ms for each, ${round(1_000 / ASSUMED.statement_ms)} messages a second, which ${round(met.writer)} visitors a
   day send in the busiest hour. Above it the queue grows during the peak and empties at night, up to some three times as many; its backlog
   may be days old, and nothing is lost. *The operator* does the same as above. What a page is shown never waits for it.
3. **One queue, 5,000 messages a second**, for each sink: ${round(met.queue)} visitors a day. *The operator* binds more queues
   ([sinks](sinks.md)); visitors are spread over them by 32 bits of their ids. The fullest queue against the mean, with one
   visitor in a hundred sending a hundred times as much: ${evenness}. A queue's ${LIMITS.consumers.value} consumers take a hundred messages each.
4. **The rulebook's object, about 1,000 requests a second.** An isolate with events asks for the version at most every ${ASSUMED.fresh_s} s, however many
   visitors it holds: the asks grow with isolates, and not with events. ${round(met.spread)} visitors a day when isolates are a tenth full, ${round(met.packed)} when they
   are full. Nothing breaks above it: an ask that fails leaves the isolate with its last good rules, changes only take longer than five seconds to arrive, and a
   new isolate answers 503 until it is heard. *The operator* has no switch for it today; the version's time to live would have to grow, or
   a copy of the version for each region stand between.

## What is not met

- **Visitors' objects**: one for each visitor, each far below its 1,000 requests a second, and the platform sets no limit to their number
  or their storage. A client that floods its own object hurts itself: the site's \`limits.visitor\` refuses before anything is written.
- **Sockets**: a visitor has at most 32, the platform allows 32,768 to an object; while their objects sleep they cost nothing.
- **Users' objects**: a letter for what a visitor's contribution changes; at most 64 visitors to a user, so that no object is one that many write to.
- **Limiters**: one object for each source that was given a rate, asked once for each request: a server that sends more than 1,000 requests a second
  batches its events (500 to a request), or has no rate.
- **KV** is not used: rules are pieces that never change, in the rulebook's object, and an isolate fetches one only when the version is another. A publication makes every
  isolate fetch once, within some two seconds: at ${round(rows.at(-1).packed)} isolates ${round(rows.at(-1).packed / ASSUMED.fresh_s)} fetches a second, as many as asks.
- **The archive**: a file for each batch of a hundred messages, in R2, which has no limit that this meets.
- **The Worker**: stateless, on the platform's account of as many isolates as it wants.

## Limits and assumptions

| | | |
|---|---:|---|
${limit.join('\n')}

Assumed: the peak; that events of a visit come evenly; ${ASSUMED.statement_ms} ms for a statement of D1 (the platform's own example; batches
may do better); a record takes ${ASSUMED.database_overhead} times its JSON in the database. The memory of an awake object was measured on workerd.
`;
}

if (process.argv[1] === import.meta.filename) {
  writeFileSync(FILE, page());
  process.stderr.write('scaling  wrote docs/scaling.md\n');
}
