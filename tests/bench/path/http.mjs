// Events one by one over HTTP: at saturation, and paced.
import path from 'node:path';
import { bare, floor, footfall, party, plain, rulesEngine } from './candidates.mjs';
import { figures } from './figures.mjs';
import { bytesKept, requestsFile, say } from './harness.mjs';
import { FLUSH_EVERY, SCRIPT, VISITORS, firing } from './traffic.mjs';

/** So many of a visitor's events are sent before anything is measured. */
const BEFORE = 8;

/** Writes the requests of all visitors, in the order in which they come, and sends the first of them. */
async function warm(harness, candidate, scripts) {
  const list = SCRIPT.flatMap((_, at) => scripts.map((script, visitor) => candidate.ask(candidate.runtime, candidate.prepared, visitor, [script[at]])));
  candidate.requests = requestsFile(`${candidate.folder}.requests`, list);
  // Tables are made, code is compiled.
  await harness.generate(candidate, { count: BEFORE * scripts.length });
}

/** All that have rules do the same work: the same ones fire for the same events. */
async function checkFired({ name, fired, runtime, prepared }, rules, scripts) {
  let count = 0;
  for (let visitor = 0; visitor < VISITORS; visitor += 10) {
    const expected = firing(scripts[visitor].slice(0, BEFORE), rules);
    const found = await fired(runtime, prepared, visitor);
    if (JSON.stringify(found) !== JSON.stringify(expected)) throw new Error(`${name}: visitor ${visitor} was pushed ${found}, and not ${expected}`);
    count += found.length;
  }
  say(`${name}: ${count} pushes to ${VISITORS / 10} visitors are the right ones`);
}

async function start(harness, name, candidate, rules, scripts) {
  const made = await harness.add(name, candidate, VISITORS);
  await warm(harness, made, scripts);
  if (made.fired) await checkFired(made, rules, scripts);
  if (made.queues) await spread(harness, made, scripts);
  made.runtime.pause();
  return made;
}

/** Brings visitors to every stage between two flushes, as in a shop: a round then has its share of rows of each size, and of flushes. */
async function spread(harness, candidate, scripts) {
  const list = scripts.flatMap((script, visitor) =>
    Array.from({ length: visitor % FLUSH_EVERY }, (_, at) => candidate.ask(candidate.runtime, candidate.prepared, visitor, [script[(BEFORE + at) % SCRIPT.length]])),
  );
  await harness.generate({ ...candidate, at: 0, requests: requestsFile(`${candidate.folder}.spread`, list) }, { count: list.length });
}

/** Rounds in turn: what else the machine does falls on all of them alike. */
async function rounds(harness, candidates, { rounds: count, seconds, rate }) {
  const found = Object.fromEntries(candidates.map(({ name }) => [name, { full: [], paced: [] }]));
  for (let round = 0; round < count; round += 1) {
    for (const candidate of candidates) {
      await harness.measure(candidate, async () => {
        const before = harness.queue.counted.messages;
        const full = await harness.generate(candidate, { seconds, warm: VISITORS, connections: 32 });
        const messages = (harness.queue.counted.messages - before) / (full.requests + VISITORS);
        const own = { cores: full.cpu_ms / 1_000 / full.seconds, generator_cores: full.generator_cpu_ms / 1_000 / full.seconds };
        found[candidate.name].full.push({ ...full, ...own, messages });
        if (rate) found[candidate.name].paced.push(await harness.generate(candidate, { seconds, rate, connections: 64 }));
      });
    }
    const line = candidates.map(({ name }) => [name, found[name].full.at(-1)]).map(([name, { rate: all, cpu_us }]) => `${name} ${all.toFixed(0)}/s ${cpu_us.toFixed(0)} µs`);
    say(`round ${round + 1}: ${line.join(', ')}`);
  }
  const base = found.floor;
  return Object.fromEntries(
    Object.entries(found).map(([name, { full, paced }]) => [
      name,
      {
        ...figures(full, base.full, ['rate', 'cpu_us']),
        ...figures(full, undefined, ['cores', 'generator_cores', 'messages']),
        ...(rate && { paced: figures(paced, base.paced, ['p50_us', 'p99_us', 'cpu_us']) }),
      },
    ]),
  );
}

/** A hundred rules, all candidates. */
export async function compareOverHttp(harness, { rules, scripts, build, only, ...options }) {
  const candidates = [];
  const add = async (name, make) => {
    if (!only || only.includes(name) || name === 'footfall' || name === 'floor') candidates.push(await start(harness, name, make(), rules, scripts));
  };
  await add('footfall', () => footfall(rules, { build }));
  const bytes = bytesKept(path.join(candidates[0].folder, 'objects/Visitor'));
  say(`Footfall's rows have ${bytes} bytes on the average; the empty objects write as much for an event`);
  await add('floor', () => floor(bytes));
  await add('bare', () => bare(bytes));
  await add('plain', () => plain(rules, harness.folder('rules-of-plain')));
  await add('party', () => party(rules, harness.folder('rules-of-party')));
  await add('rules-engine', () => rulesEngine(rules, harness.folder('rules-of-rules-engine')));
  const found = await rounds(harness, candidates, options);
  for (const { runtime } of candidates) await runtime.stop();
  return { row_bytes: bytes, by: found };
}

/** Ten thousand rules: beside the floor the engine and json-logic-js on a plain object. */
export async function compareManyRules(harness, { rules, scripts, build, bytes, ...options }) {
  const candidates = [
    await start(harness, 'floor', floor(bytes), rules, scripts),
    await start(harness, 'footfall', footfall(rules, { build }), rules, scripts),
    await start(harness, 'plain', plain(rules, harness.folder('many-rules')), rules, scripts),
  ];
  const found = await rounds(harness, candidates, options);
  for (const { runtime } of candidates) await runtime.stop();
  return found;
}
