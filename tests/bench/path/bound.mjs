// What an event costs a visitor whose every list is full, beside an empty one: the same events, rules and requests.
import path from 'node:path';
import { footfall } from './candidates.mjs';
import { figures } from './figures.mjs';
import { bytesKept, say, requestsFile } from './harness.mjs';
import { ID, SCRIPT, eventsOf } from './traffic.mjs';

const VISITORS = 200;
const WORDS = 'x'.repeat(200);

const raw = (document) => ({ id: document.id, document: { name: document.id, ...document } });
const filled = { event: { name: 'Lists Filled' } };
const push = (at) => ({ push: { slot: `slot-${at}`, content: { text: WORDS }, expires: '24h' } });

/** Rules that one event makes remember something: firings, pushes, starts, partial matches. */
const FILLING = [
  ...Array.from({ length: 64 }, (_, at) => raw({ id: `fired-${at}`, pattern: filled, limits: { per_session: 1 }, actions: [push(at)] })),
  ...Array.from({ length: 32 }, (_, at) => raw({ id: `later-${at}`, pattern: { started: {} }, actions: [push(at)] })),
  ...Array.from({ length: 4 }, (_, at) =>
    raw({ id: `starts-${at}`, pattern: filled, actions: Array.from({ length: 8 }, (_, n) => ({ start: { rule: `later-${at * 8 + n}`, after: '24h' } })) }),
  ),
  ...Array.from({ length: 64 }, (_, at) =>
    raw({ id: `partly-${at}`, pattern: { sequence: { steps: [filled, { event: { name: 'Never Sent' }, within: '24h' }] } }, actions: [push(at)] }),
  ),
];

const event = (more) => ({ messageId: `bench-${ID}`, context: { tab: 'tab-1' }, ...more });
const track = (name, properties = {}, tab = 'tab-1') => event({ type: 'track', event: name, properties, context: { tab } });

/** Requests that fill every list of a visitor; each at most 500 events and 500 KB. */
function filling() {
  const traits = Object.fromEntries(Array.from({ length: 32 }, (_, at) => [`trait-${at}`, WORDS]));
  const many = (count, make) => Array.from({ length: count }, (_, at) => make(at));
  return [
    [
      event({ type: 'identify', traits }),
      ...many(8, (at) => event({ type: 'group', groupId: `group-${at}`, traits: { name: WORDS, about: WORDS } })),
      ...many(32, (at) => track('Order Completed', { order_id: `order-${at}`, total: 10, currency: 'EUR', products: [{ sku: `SKU-${at}`, price: 10 }] })),
      ...many(8, (at) => event({ type: 'page', properties: { path: `/page-${at}/${WORDS}` }, context: { tab: `tab-${at}`, page: { path: `/page-${at}/${WORDS}` } } })),
      ...many(50, (at) => track('Product Added', { sku: `SKU-${at}-${WORDS.slice(0, 100)}`, name: WORDS.slice(0, 128), category: `category-${at}-${WORDS.slice(0, 100)}`, brand: WORDS.slice(0, 128), price: 10, quantity: 1, currency: 'EUR' })),
      track('Lists Filled'),
    ],
    many(500, (at) => track('Product Viewed', { sku: `SKU-${at}-${WORDS.slice(0, 100)}`, name: WORDS.slice(0, 128), category: `category-${at}-${WORDS.slice(0, 100)}`, price: 10, currency: 'EUR' })),
  ];
}

/** Events a second and processor time for an event, of full visitors and of empty ones. */
export async function compareBounds(harness, { rules, build, rounds, seconds }) {
  const scripts = eventsOf(VISITORS);
  const candidates = [];
  for (const name of ['empty', 'full']) {
    const made = await harness.add(name, footfall([...rules, ...FILLING], { build }), VISITORS);
    const ask = (visitor, events) => made.ask(made.runtime, made.prepared, visitor, events);
    if (name === 'full') {
      const list = filling().flatMap((events) => scripts.map((_, visitor) => ask(visitor, events)));
      made.requests = requestsFile(`${made.folder}.filling`, list);
      await harness.generate(made, { count: list.length });
    }
    // Views and pages: what the cart holds stays as it is.
    const calm = SCRIPT.map((kind, at) => [kind, at]).filter(([kind]) => kind === 'viewed' || kind === 'page');
    made.requests = requestsFile(`${made.folder}.requests`, calm.flatMap(([, at]) => scripts.map((script, visitor) => ask(visitor, [script[at]]))));
    made.at = 0;
    candidates.push(made);
    made.runtime.pause();
  }
  const found = { empty: [], full: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const candidate of candidates) {
      found[candidate.name].push(await harness.measure(candidate, () => harness.generate(candidate, { seconds, warm: VISITORS, connections: 32 })));
    }
    say(`lists at their bounds, round ${round + 1}: ${candidates.map(({ name }) => `${name} ${found[name].at(-1).cpu_us.toFixed(0)} µs`).join(', ')}`);
  }
  const sizes = candidates.map(({ folder }) => bytesKept(path.join(folder, 'objects/Visitor')));
  for (const { runtime } of candidates) await runtime.stop();
  const keys = ['rate', 'cpu_us'];
  return { empty: { ...figures(found.empty, undefined, keys), bytes: sizes[0] }, full: { ...figures(found.full, found.empty, keys), bytes: sizes[1] } };
}
