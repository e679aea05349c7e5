// What visits cost by the price list: pure, from counted usage and prices.

/** Assumptions that cannot be counted on one machine; the page says them. */
export const ASSUMED = {
  /** Wall-clock time that an object runs for a request, a message or an alarm, in milliseconds: mostly its commit. */
  active_ms: 10,
  object_gb: 0.128,
  /** A visitor's visits in a month. */
  visits: 2,
  visitors: 1_000_000,
  /** Storage of a visitor's object: an empty database, and what a visitor has. */
  object_kb: 16,
  /** Rows of the database for each record: the row and its entry in the index. */
  d1_rows: 2,
};

/** The share of a bill that is about the visitor's object: what the targets speak of. */
export const OBJECT = ['worker_requests', 'worker_cpu_ms', 'object_requests', 'object_gb_s', 'rows_written', 'rows_read'];

/** Billed quantities of one visit of Footfall, from what was counted. */
export function footfallVisit(counted, { visit, cpu_ms }) {
  const { worker_requests, object_requests, socket_messages, alarms } = counted;
  const runs = object_requests + socket_messages + alarms;
  return {
    worker_requests,
    // Measured for Worker and object together, of which only the Worker's is billed: an upper bound.
    worker_cpu_ms: cpu_ms * visit.events,
    object_requests: object_requests + alarms + socket_messages / 20,
    object_gb_s: (runs * ASSUMED.active_ms * ASSUMED.object_gb) / 1_000,
    rows_written: counted.rows_written + alarms,
    rows_read: counted.rows_read,
    queue_operations: 3 * Math.max(counted.queue_messages, counted.queue_bytes / 64_000),
    d1_rows_written: (visit.events + 2) * ASSUMED.d1_rows, // a session begins and ends,
  };
}

/**
 * One visit of the objects that others would write: state in one value, an alarm that ends the session. As commonly written
 * each event is a request with a write and an alarm; batched, each batch. They hand no records to anybody.
 */
export function othersVisit({ way, batch }, { visit, cpu_ms }) {
  const batches = Math.ceil(visit.events / batch);
  const requests = way === 'http' ? batches : 1;
  const messages = way === 'http' ? 0 : batches;
  const runs = requests + messages + 1;
  return {
    worker_requests: requests,
    worker_cpu_ms: cpu_ms * visit.events,
    object_requests: requests + 1 + messages / 20,
    object_gb_s: (runs * ASSUMED.active_ms * ASSUMED.object_gb) / 1_000,
    rows_written: 2 * batches + 1, // a write and an alarm for each, and a write when the session ends
    rows_read: 1,
  };
}

/** What further events use: a long visit less a short one. */
export function further(short, long, events) {
  const difference = Object.fromEntries(Object.keys(long).map((item) => [item, (long[item] - short[item]) / events]));
  return Object.fromEntries(Object.entries(difference).map(([item, each]) => [item, Math.max(0, each)]));
}

/** Dollars of a visit's quantities, without what the plan includes; only of some items where they are named. */
export function dollars(used, prices, items = Object.keys(used)) {
  return items.reduce((sum, item) => sum + ((used[item] ?? 0) * prices[item].per_million) / 1e6, 0);
}

/** Dollars of a million events. */
export const perMillion = (used, prices, visit, items) => (dollars(used, prices, items) * 1e6) / visit.events;

/** Dollars of an hour of a visitor who is there. */
export const perHour = (used, prices, visit, items) => (dollars(used, prices, items) * 60) / visit.minutes;

/** A month of many visitors, with what the plan includes. */
export function month(used, prices) {
  const count = ASSUMED.visitors * ASSUMED.visits;
  const items = Object.entries(used).map(([item, each]) => {
    const { per_million, included } = prices[item];
    return (Math.max(0, each * count - included) * per_million) / 1e6;
  });
  const storage = Math.max(0, (ASSUMED.visitors * ASSUMED.object_kb) / 1e6 - prices.object_gb_month.included) * prices.object_gb_month.each;
  return prices.plan_month + storage + items.reduce((sum, item) => sum + item, 0);
}

/** The design's choices, each undone alone: [what, what it does to a visit's counts]. */
export function choices({ visit }, base) {
  const records = visit.events + 2; // a session begins and ends
  return [
    ['as it is', (counted) => counted],
    ['the alarm is set with every batch, instead of only earlier', (counted) => ({ ...counted, alarms: counted.alarms + Math.ceil(visit.events / base.batch) })],
    ['state in three rows (session, cart, profile) instead of one', (counted) => ({ ...counted, rows_written: counted.rows_written + 2 * counted.commits })],
    ['records in a table of their own, each put in and taken out', (counted) => ({ ...counted, rows_written: counted.rows_written + 2 * records })],
    ['a queue message for each record', (counted) => ({ ...counted, queue_messages: records })],
  ];
}
