// Rules and events that look like a store's, the same in every run.
import { seeded } from '../../support/random.mjs';

const words = (prefix, count) => Array.from({ length: count }, (_, at) => `${prefix}-${at}`);

// Field → how an event gets its value, and which comparisons rules make with it. Paths are those of the engine's tree.
const FIELDS = {
  'page.kind': { values: ['home', 'list', 'list', 'product', 'product', 'product', 'search', 'cart', 'checkout'] },
  'page.product.category': { values: words('category', 40) },
  'page.product.brand': { values: words('brand', 60) },
  'page.product.price': { least: 5, most: 500 },
  'cart.value': { least: 0, most: 400 },
  'cart.count': { least: 0, most: 8 },
  'session.pages': { least: 1, most: 30 },
  'session.product_views': { least: 0, most: 20 },
  'session.number': { least: 1, most: 12 },
  'session.campaign.source': { values: words('source', 12) },
  'geo.country': { values: ['DE', 'DE', 'DE', 'FR', 'FR', 'AT', 'NL', 'IT', 'ES', 'PL', 'US', 'GB', 'SE', 'BE', 'CH'] },
  'device.kind': { values: ['mobile', 'mobile', 'desktop', 'tablet'] },
  'device.os': { values: ['ios', 'android', 'windows', 'macos', 'linux'] },
  'profile.orders': { least: 0, most: 9 },
  'profile.revenue': { least: 0, most: 2_000 },
  stage: { values: ['new', 'browsing', 'considering', 'carting', 'checkout', 'purchased', 'lapsed'] },
  'time.hour': { least: 0, most: 23 },
};

export const read = (event, path) => path.split('.').reduce((value, key) => value[key], event);

function eventOf(random) {
  const event = {};
  for (const [path, field] of Object.entries(FIELDS)) {
    const keys = path.split('.');
    const last = keys.pop();
    const at = keys.reduce((inner, key) => (inner[key] ??= {}), event);
    at[last] = field.values ? random.pick(field.values) : random.between(field.least, field.most);
  }
  return event;
}

/** A comparison: [field, operator, operand]. */
function comparison(random, path) {
  const field = FIELDS[path];
  if (!field.values) {
    const operator = random.pick(['$gt', '$gte', '$lt', '$lte']);
    return [path, operator, random.between(field.least, field.most)];
  }
  const kind = random.below(10);
  if (kind < 6) return [path, '$eq', random.pick(field.values)];
  if (kind < 9) return [path, '$in', [...new Set([1, 2, 3].map(() => random.pick(field.values)))]];
  return [path, '$ne', random.pick(field.values)];
}

function ruleOf(random) {
  const paths = Object.keys(FIELDS);
  const wanted = random.between(3, 4);
  const rule = [];
  while (rule.length < wanted) {
    const path = paths.splice(random.below(paths.length), 1)[0];
    rule.push(comparison(random, path));
  }
  return rule;
}

const COMPARE = {
  $eq: (a, b) => a === b,
  $ne: (a, b) => a !== b,
  $gt: (a, b) => a > b,
  $gte: (a, b) => a >= b,
  $lt: (a, b) => a < b,
  $lte: (a, b) => a <= b,
  $in: (a, b) => b.includes(a),
};

const holds = (rule, event) => rule.every(([path, operator, operand]) => COMPARE[operator](read(event, path), operand));

/** A rule that holds for so many of the events, from the least to the most. */
function ruleWith(random, events, least, most) {
  for (;;) {
    const rule = ruleOf(random);
    const count = events.filter((event) => holds(rule, event)).length;
    if (count >= least && count <= most) return rule;
  }
}

/** Everything that is measured: events, and sets of rules by name. */
export function workload() {
  const random = seeded(20_261_121);
  const events = Array.from({ length: 512 }, () => eventOf(random));
  // From 1 to 9 of 512 events: 1 % on the average.
  const common = Array.from({ length: 10_000 }, () => ruleWith(random, events, 1, 9));
  // Of these no event matches one: with a hundred common ones the number of matches stays what it is.
  const silent = Array.from({ length: 9_900 }, () => ruleWith(random, events, 0, 0));
  const few = common.slice(0, 100);
  const constant = [...silent];
  few.forEach((rule, at) => constant.splice(at * 100, 0, rule));
  const shuffled = (rule) => {
    const left = [...rule];
    return rule.map(() => left.splice(random.below(left.length), 1)[0]);
  };
  return {
    events,
    sets: {
      10: common.slice(0, 10),
      100: few,
      1000: common.slice(0, 1_000),
      10000: common,
      'constant-10000': constant,
      'reversed-10000': common.map((rule) => [...rule].reverse()),
      'shuffled-10000': common.map(shuffled),
    },
  };
}

/** The condition as Footfall and GrowthBook read it. */
export const condition = (rule) =>
  Object.fromEntries(rule.map(([path, operator, operand]) => [path, { [operator]: operand }]));

const LOGIC = { $eq: '===', $ne: '!==', $gt: '>', $gte: '>=', $lt: '<', $lte: '<=', $in: 'in' };

/** The same as JSON Logic. */
export const logic = (rule) => ({
  and: rule.map(([path, operator, operand]) => ({ [LOGIC[operator]]: [{ var: path }, operand] })),
});

/** A whole rule as an author publishes it. */
export const document = (rule, at) => ({
  id: `rule-${at}`,
  name: `Rule ${at}`,
  pattern: { event: { name: 'page_viewed', where: condition(rule) } },
  limits: { per_session: 1 },
  actions: [{ push: { slot: 'side', content: { title: 'Hello', text: '{{page.product.name}} is popular.' } } }],
});

/** An event of 1 KB as a server's SDK sends it. */
export function typedEvent() {
  const event = {
    type: 'track',
    event: 'Product Viewed',
    messageId: '8a1f0c62-9f1e-4a8d-9d2b-3f6f6f3d2b11',
    anonymousId: '5d0f8a3e-6a0e-4c31-8f53-1f2f2a7f6c1d',
    timestamp: '2026-11-21T10:15:30.123Z',
    properties: {
      sku: 'TENT-2-GREEN', product_id: '507f1f77bcf86cd799439011', name: 'Two-person tent, green', price: 199.5,
      quantity: 1, currency: 'EUR', category: 'Camping', brand: 'Northern', position: 3, variant: 'green',
      url: 'https://shop.example/camping/tents/two-person-tent-green',
    },
    context: {
      ip: '203.0.113.7', locale: 'de-DE', timezone: 'Europe/Berlin', tab: '3f1c9a52',
      userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36',
      page: {
        path: '/camping/tents/two-person-tent-green', title: 'Two-person tent, green', referrer: 'https://www.example.com/',
        url: 'https://shop.example/camping/tents/two-person-tent-green',
      },
      campaign: { name: 'autumn', source: 'newsletter', medium: 'email' },
    },
  };
  const text = (note) => JSON.stringify({ batch: [{ ...event, properties: { ...event.properties, note } }] });
  return text('x'.repeat(Math.max(0, 1024 - text('').length)));
}
