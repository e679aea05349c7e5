// The traffic of the whole-path benchmark: visitors of a store, their events of about 1 KB, and rules of which one fires
// for about every tenth event. The same in every run.
import { seeded } from '../../support/random.mjs';

export const VISITORS = 1_000;
/** Events of a visitor before they begin again; what one puts into the cart it takes out again. */
export const SCRIPT = ['page', 'viewed', 'viewed', 'page', 'viewed', 'viewed', 'added', 'viewed', 'page', 'viewed', 'viewed', 'removed', 'page', 'viewed', 'viewed', 'viewed'];
const EVENT_BYTES = 1_024;
/** After about so many events Footfall's records leave for their queue; its row grows until then. */
export const FLUSH_EVERY = 48;
/** The generator puts a number of its own here, so that no event is a repeat. */
export const ID = '@'.repeat(12);

const words = (prefix, count) => Array.from({ length: count }, (_, at) => `${prefix}-${at}`);
const CATEGORIES = words('category', 40);
const BRANDS = words('brand', 60);
const COLOURS = words('colour', 12);
const NAMES = { page: 'page_viewed', viewed: 'product_viewed', added: 'product_added', removed: 'product_removed' };

function product(random) {
  return {
    sku: `SKU-${random.between(1, 5_000)}`,
    product_id: '507f1f77bcf86cd799439011',
    name: 'Two-person tent, green',
    price: random.between(5, 500),
    quantity: 1,
    currency: 'EUR',
    category: random.pick(CATEGORIES),
    brand: random.pick(BRANDS),
    position: random.between(1, 40),
    colour: random.pick(COLOURS),
    url: 'https://shop.example/camping/tents/two-person-tent-green',
  };
}

// What libraries in pages add to each event.
const CONTEXT = {
  tab: '3f1c9a52',
  locale: 'de-DE',
  timezone: 'Europe/Berlin',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  library: { name: 'analytics.js', version: '2.11.1' },
  screen: { width: 2560, height: 1440, density: 2 },
  campaign: { name: 'autumn', source: 'newsletter', medium: 'email' },
};

/** An event as a page sends it; the address that a click has led to makes up what is missing to its size. */
function eventOf(kind, properties) {
  const path = `/camping/tents/${properties.sku ?? 'all'}`;
  const page = { path, title: 'Two-person tent, green', referrer: 'https://shop.example/', url: `https://shop.example${path}` };
  const event = {
    messageId: `bench-${ID}`,
    timestamp: '2026-11-21T10:15:30.123Z',
    ...(kind === 'page' ? { type: 'page' } : { type: 'track', event: { viewed: 'Product Viewed', added: 'Product Added', removed: 'Product Removed' }[kind] }),
    properties,
    context: { ...CONTEXT, page: { ...page, search: '' } },
  };
  event.context.page.search = `?click=${'x'.repeat(Math.max(0, EVENT_BYTES - 7 - JSON.stringify(event).length))}`;
  return event;
}

/** For each visitor its events, in their order. */
export function eventsOf(visitors = VISITORS) {
  const random = seeded(20_261_121);
  return Array.from({ length: visitors }, () => {
    let last;
    return SCRIPT.map((kind) => {
      if (kind === 'viewed' || kind === 'added') last = product(random);
      return eventOf(kind, kind === 'page' ? { section: random.pick(CATEGORIES) } : last);
    });
  }).map((script) => {
    // What goes out of the cart is what went in.
    const added = script[SCRIPT.indexOf('added')].properties;
    const at = SCRIPT.indexOf('removed');
    script[at] = eventOf('removed', added);
    return script;
  });
}

const FIELDS = {
  category: (random) => ['event.properties.category', ...among(random, CATEGORIES)],
  brand: (random) => ['event.properties.brand', ...among(random, BRANDS)],
  colour: (random) => ['event.properties.colour', ...among(random, COLOURS)],
  price: (random) => ['event.properties.price', random.pick(['$gte', '$lt']), random.between(5, 500)],
  position: (random) => ['event.properties.position', random.pick(['$gte', '$lt']), random.between(1, 40)],
  cart: (random) => ['cart.count', random.pick(['$gte', '$lt']), 1],
  value: (random) => ['cart.value', random.pick(['$gte', '$lt']), random.between(5, 500)],
  views: (random) => ['session.product_views', '$gte', random.between(1, 5)],
};

const among = (random, values) =>
  random.chance(0.6) ? ['$eq', random.pick(values)] : ['$in', [...new Set([1, 2, 3].map(() => random.pick(values)))]];

const COMPARE = {
  $eq: (a, b) => a === b,
  $gte: (a, b) => a >= b,
  $lt: (a, b) => a < b,
  $in: (a, b) => b.includes(a),
};

/** What rules can see at each event of some visitors, cart and session included. */
function scenes(scripts) {
  const found = [];
  for (const script of scripts) {
    let cart = { count: 0, value: 0 };
    let views = 0;
    for (const [at, { properties }] of script.entries()) {
      const kind = SCRIPT[at];
      if (kind === 'viewed') views += 1;
      if (kind === 'added') cart = { count: 1, value: properties.price };
      if (kind === 'removed') cart = { count: 0, value: 0 };
      found.push({ name: NAMES[kind], event: { properties }, cart, session: { product_views: views } });
    }
  }
  return found;
}

const read = (scene, path) => path.split('.').reduce((value, key) => value?.[key], scene);
const holds = (rule, scene) =>
  rule.name === scene.name && rule.comparisons.every(([path, operator, operand]) => COMPARE[operator](read(scene, path), operand));

function ruleWith(random, seen, least, most) {
  for (;;) {
    const names = Object.keys(FIELDS);
    const comparisons = [];
    for (let left = random.between(3, 4); left > 0; left -= 1) {
      comparisons.push(FIELDS[names.splice(random.below(names.length), 1)[0]](random));
    }
    const rule = { name: random.chance(0.9) ? NAMES.viewed : NAMES.added, comparisons };
    let count = 0;
    for (let at = 0; at < seen.length && count <= most; at += 1) count += holds(rule, seen[at]) ? 1 : 0;
    if (count >= least && count <= most) return rule;
  }
}

/** So many rules: a hundred of which each fires for about one event in a thousand, the others for none. */
export function rulesOf(count, scripts) {
  const random = seeded(5);
  const seen = scenes(scripts.slice(0, 128));
  const common = Array.from({ length: 100 }, () => ruleWith(random, seen, 1, 3));
  const all = count > 100 ? scenes(scripts) : [];
  const silent = Array.from({ length: Math.max(0, count - 100) }, () => ruleWith(random, all, 0, 0));
  return [...common, ...silent].slice(0, count).map((rule, at) => ({ ...rule, id: `rule-${at}` }));
}

/** The rules that fire for a visitor's script, in their order: what every candidate has to find. */
export function firing(script, rules) {
  const ordered = [...rules].sort((a, b) => (a.id < b.id ? -1 : 1));
  return scenes([script]).flatMap((scene) => ordered.filter((rule) => holds(rule, scene)).map(({ id }) => id));
}

export const CONTENT = { title: 'Hello', text: 'This one is popular at the moment.' };

/** The rule as an author publishes it in Footfall; what is written as such already stays. */
export function document({ id, name, comparisons, content = CONTENT, document: written }) {
  if (written) return written;
  const pattern = { event: { name, where: conditionOf(comparisons) } };
  return { id, name: id, pattern, actions: [{ push: { slot: 'side', content } }] };
}

function conditionOf(comparisons) {
  const condition = {};
  for (const [path, operator, operand] of comparisons) condition[path] = { [operator]: operand };
  return condition;
}

const LOGIC = { $eq: '===', $gte: '>=', $lt: '<', $in: 'in' };
/** The same as JSON Logic. */
export const logic = ({ id, name, comparisons }) => ({
  id,
  name,
  content: CONTENT,
  logic: { and: comparisons.map(([path, operator, operand]) => ({ [LOGIC[operator]]: [{ var: path }, operand] })) },
});
