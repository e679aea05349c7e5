// Over WebSockets: batches of ten at saturation, from event to push, and how long an object takes that sleeps.
import { floor, footfall, operator, party, plain } from './candidates.mjs';
import { figures, spread } from './figures.mjs';
import { requestsFile, say } from './harness.mjs';
import { FLUSH_EVERY, ID, SCRIPT, eventsOf } from './traffic.mjs';

const BATCH = 10;
/** Sockets: far below what the machine's limit of descriptors allows for all candidates together. */
const VISITORS = 500;

/** Writes the files of a candidate's sockets and of what is sent over them; gives the generator's flags. */
function files(harness, candidate, list, name) {
  const { runtime, prepared, folder } = candidate;
  const visitors = Array.from({ length: VISITORS }, (_, visitor) => visitor);
  candidate.requests = requestsFile(`${folder}.${name}`, list);
  candidate.at = 0;
  const flags = { sockets: requestsFile(`${folder}.sockets`, visitors.map((visitor) => candidate.open(runtime, prepared, visitor))), expect: '"ack"' };
  if (candidate.first) {
    flags.first = requestsFile(`${folder}.first`, visitors.map((visitor) => candidate.first(visitor)));
    flags.welcome = '"welcome"';
  }
  return flags;
}

/** The visitors' scripts in frames of so many events, in the order in which they come; eight frames of each. */
function framesOf(candidate, scripts, size) {
  return Array.from({ length: 8 }, (_, at) => at).flatMap((at) =>
    scripts.map((script) => candidate.send(Array.from({ length: size }, (_, n) => script[(at * size + n) % SCRIPT.length]), at)),
  );
}

/** A frame of each visitor, of one event and up to what a flush takes: so that visitors are at every stage between two flushes. */
const firstFrames = (candidate, scripts) =>
  scripts.map((script, visitor) => candidate.send(Array.from({ length: 1 + (visitor % FLUSH_EVERY) }, (_, n) => script[n % SCRIPT.length]), 1));

async function started(harness, list) {
  const made = [];
  for (const [name, candidate] of list) {
    made.push(await harness.add(name, candidate, VISITORS));
    made.at(-1).runtime.pause();
  }
  return made;
}

/** Frames of ten events at saturation. */
export async function compareBatches(harness, { rules, build, bytes, rounds, seconds }) {
  const scripts = eventsOf(VISITORS);
  const candidates = await started(harness, [
    ['floor', floor(bytes)],
    ['footfall', footfall(rules, { build })],
    ['plain', plain(rules, harness.folder('batch-plain'))],
    ['party', party(rules, harness.folder('batch-party'))],
  ]);
  const found = Object.fromEntries(candidates.map(({ name }) => [name, []]));
  for (const candidate of candidates) {
    const flags = files(harness, candidate, firstFrames(candidate, scripts), 'first-frames');
    await harness.measure(candidate, () => harness.generate(candidate, { ...flags, count: VISITORS, connections: 32 }));
    candidate.flags = files(harness, candidate, framesOf(candidate, scripts, BATCH), 'frames');
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const candidate of candidates) {
      const seen = await harness.measure(candidate, () => harness.generate(candidate, { ...candidate.flags, seconds, warm: VISITORS, connections: 32 }));
      found[candidate.name].push({ rate: seen.rate * BATCH, cpu_us: seen.cpu_us / BATCH });
    }
    say(`sockets, round ${round + 1}: ${candidates.map(({ name }) => `${name} ${found[name].at(-1).rate.toFixed(0)}/s ${found[name].at(-1).cpu_us.toFixed(0)} µs`).join(', ')}`);
  }
  for (const { runtime } of candidates) await runtime.stop();
  return Object.fromEntries(Object.entries(found).map(([name, of]) => [name, figures(of, found.floor, ['rate', 'cpu_us'])]));
}

/** Shows something at each event, with the event's own number, so that a push is known for whose it is. */
const ALWAYS = { id: 'always', name: 'product_viewed', comparisons: [['event.properties.price', '$gte', 0]], content: { of: '{{event.properties.number}}' } };
/** No flush in the sleep that is measured. */
const CALM = { flush_after: '60m' };

/** From an event that fires a rule to its push, beside the empty object's answer; awake, and after sleep. */
export async function comparePushes(harness, { build, bytes, rounds, seconds }) {
  const scripts = eventsOf(VISITORS);
  const viewed = scripts.map((script) => script[SCRIPT.indexOf('viewed')]).map(({ properties, ...event }) => ({ properties: { number: ID, ...properties }, ...event }));
  const candidates = await started(harness, [
    ['floor', { ...floor(bytes), evicts: true }],
    ['footfall', { ...footfall([ALWAYS], { build, site: CALM }), evicts: true }],
  ]);
  const found = { floor: { awake: [], asleep: [] }, footfall: { awake: [], asleep: [] } };
  for (const candidate of candidates) {
    const list = Array.from({ length: 8 }, (_, at) => at).flatMap((at) => viewed.map((event) => candidate.send([event], at * 8)));
    candidate.flags = { ...files(harness, candidate, list, 'pushes'), ...(candidate.name === 'footfall' && { expect: `{"of":"${ID}"}` }) };
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const candidate of candidates) {
      const { awake } = found[candidate.name];
      awake.push(await harness.measure(candidate, () => harness.generate(candidate, { ...candidate.flags, seconds, rate: 300, warm: VISITORS, connections: 32 })));
    }
  }
  for (let round = 0; round < 2; round += 1) {
    for (const candidate of candidates) {
      await harness.measure(candidate, async () => {
        const began = Date.now();
        // Objects are put to sleep after ten idle seconds; then each is sent one message.
        const seen = await harness.generate(candidate, { ...candidate.flags, warm: VISITORS, sleep: 12, count: VISITORS, rate: 100, connections: 32 });
        found[candidate.name].asleep.push({ ...seen, woken: await woken(candidate, began + 12_000) });
      });
    }
  }
  for (const { runtime } of candidates) await runtime.stop();
  const keys = ['p50_us', 'p99_us'];
  const of = (name) => ({
    awake: figures(found[name].awake, found.floor.awake, keys),
    asleep: { ...figures(found[name].asleep, found.floor.asleep, keys), woken: spread(found[name].asleep.map(({ woken: part }) => part)) },
  });
  return { floor: of('floor'), footfall: of('footfall') };
}

/** The part of some objects that were made anew since a time: those that slept. */
async function woken({ name, runtime, prepared }, since) {
  let count = 0;
  for (let visitor = 0; visitor < VISITORS; visitor += 10) {
    const where = name === 'floor' ? `/visitor-${visitor}` : `/admin/v1/sites/bench/visitors/${prepared.visitors[visitor].visitor}`;
    const reply = await fetch(`http://${runtime.address}${where}`, { headers: name === 'floor' ? {} : operator() });
    const told = await reply.json();
    if ((told.made ?? told.runtime.constructed_at_ms) >= since) count += 1;
  }
  return count / (VISITORS / 10);
}
