// A visitor as all three objects keep it, and what an event does to it: the part that does not depend on the rule engine.

export interface ShopEvent {
  messageId: string;
  type: 'page' | 'track';
  event?: string;
  properties: Record<string, unknown>;
  context?: { campaign?: { source?: string } };
}

interface Line {
  price: number;
  quantity: number;
}

export interface Push {
  seq: number;
  rule: string;
  content: unknown;
}

export interface Visitor {
  session: { number: number; started: number; last: number; pages: number; events: number; product_views: number; source?: string };
  cart: { lines: Record<string, Line>; count: number; value: number };
  recent: string[];
  /** Ids of the newest events, so that one that is sent again counts once. */
  seen: string[];
  seq: number;
  /** The newest pushes, for a page that comes back. */
  mailbox: Push[];
}

/** What rules can read. */
export interface Facts {
  event: { properties: Record<string, unknown> };
  cart: Visitor['cart'];
  session: Visitor['session'];
}

const SESSION_IDLE_MS = 30 * 60 * 1_000;
const SEEN_MAX = 32;
const RECENT_MAX = 10;
const MAILBOX_MAX = 16;
const NAMES: Record<string, string> = { 'Product Viewed': 'product_viewed', 'Product Added': 'product_added', 'Product Removed': 'product_removed' };

export const visitorAt = (now: number): Visitor => ({
  session: { number: 1, started: now, last: now, pages: 0, events: 0, product_views: 0 },
  cart: { lines: {}, count: 0, value: 0 },
  recent: [],
  seen: [],
  seq: 0,
  mailbox: [],
});

/** Applies an event; gives its name, or nothing when it is a repeat. */
export function apply(visitor: Visitor, event: ShopEvent, now: number): string | undefined {
  if (visitor.seen.includes(event.messageId)) return undefined;
  keep(visitor.seen, event.messageId, SEEN_MAX);
  const { session } = visitor;
  if (now - session.last >= SESSION_IDLE_MS) {
    visitor.session = { number: session.number + 1, started: now, last: now, pages: 0, events: 0, product_views: 0 };
  }
  visitor.session.last = now;
  visitor.session.events += 1;
  visitor.session.source ??= event.context?.campaign?.source;
  const name = event.type === 'page' ? 'page_viewed' : (NAMES[event.event ?? ''] ?? event.event ?? '');
  if (name === 'page_viewed') visitor.session.pages += 1;
  if (name === 'product_viewed') {
    visitor.session.product_views += 1;
    keep(visitor.recent, String(event.properties.sku), RECENT_MAX);
  }
  if (name === 'product_added' || name === 'product_removed') change(visitor, event.properties, name === 'product_added');
  return name;
}

function change({ cart }: Visitor, properties: Record<string, unknown>, added: boolean): void {
  const sku = String(properties.sku);
  const quantity = Number(properties.quantity ?? 1);
  const line = (cart.lines[sku] ??= { price: Number(properties.price), quantity: 0 });
  line.quantity += added ? quantity : -quantity;
  if (line.quantity <= 0) delete cart.lines[sku];
  cart.count = 0;
  cart.value = 0;
  for (const { price, quantity: count } of Object.values(cart.lines)) {
    cart.count += count;
    cart.value += price * count;
  }
}

/** Keeps what a rule shows. */
export function push(visitor: Visitor, rule: string, content: unknown): Push {
  visitor.seq += 1;
  const made = { seq: visitor.seq, rule, content };
  keep(visitor.mailbox, made, MAILBOX_MAX);
  return made;
}

function keep<T>(list: T[], item: T, most: number): void {
  list.push(item);
  if (list.length > most) list.shift();
}

export const factsOf = (visitor: Visitor, event: ShopEvent): Facts => ({ event, cart: visitor.cart, session: visitor.session });
