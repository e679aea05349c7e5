// What of growth can be simulated: rulebook asks of many isolates, queues that visitors are spread over, the database's
// growth. Seeded: the same in every run.
import { seeded } from '../../support/random.mjs';

/** The limits of the platform that are spoken of, with where they are published. */
export const LIMITS = {
  object_requests_s: { value: 1_000, source: 'https://developers.cloudflare.com/durable-objects/platform/limits/' },
  queue_messages_s: { value: 5_000, source: 'https://developers.cloudflare.com/queues/platform/limits/' },
  consumers: { value: 250, source: 'https://developers.cloudflare.com/queues/platform/limits/' },
  database_bytes: { value: 10e9, source: 'https://developers.cloudflare.com/d1/platform/limits/' },
  isolate_bytes: { value: 128e6, source: 'https://developers.cloudflare.com/workers/platform/limits/' },
};

/** What is taken for granted. */
export const ASSUMED = {
  /** The busiest hour has so many times the day's mean. */
  peak: 3,
  /** An object with a socket that is awake takes so much (measured on workerd). */
  object_bytes: 260e3,
  /** An object stays awake so long after an event, in seconds. */
  awake_s: 10,
  /** A copy of the rules is used so long without asking, in seconds. */
  fresh_s: 2,
  /** One statement of the database, in milliseconds: the platform's own example of its throughput. */
  statement_ms: 1,
  /** A record in the database with its entry in the index, over its JSON. */
  database_overhead: 1.3,
};

/** Asks of a version in a second, of so many isolates which so many events a second are spread over. */
export function asks(isolates, events_s, seconds = 60) {
  const random = seeded(7);
  const uniform = () => (random.below(1e9) + 1) / 1e9;
  const each_s = events_s / isolates;
  const played = Math.min(isolates, 200); // isolates are alike: some stand for all
  let asked = 0;
  for (let isolate = 0; isolate < played; isolate += 1) {
    let [now, fresh] = [0, 0];
    for (;;) {
      now -= Math.log(uniform()) / each_s;
      if (now > seconds) break;
      if (now < fresh) continue;
      asked += 1;
      fresh = now + ASSUMED.fresh_s;
    }
  }
  return (asked / seconds) * (isolates / played);
}

/**
 * How evenly visitors fall on so many queues by 32 bits of their ids: the fullest against the mean. Visitors are unlike:
 * one in a hundred sends a hundred times as much.
 */
export function fullest(queues, visitors = 100_000) {
  const random = seeded(11);
  const loads = new Array(queues).fill(0);
  for (let visitor = 0; visitor < visitors; visitor += 1) {
    const bits = random.below(2 ** 32);
    loads[bits % queues] += random.chance(0.01) ? 100 : 1;
  }
  return Math.max(...loads) / (loads.reduce((sum, load) => sum + load, 0) / queues);
}

/** A day of so many visitors, one visit each as it was counted. */
export function day(visitors, visit, counted) {
  const events_s = ((visitors * visit.events) / 86_400) * ASSUMED.peak;
  const there = ((visitors * visit.minutes) / 1_440) * ASSUMED.peak;
  // Events come evenly, so an object is awake for a part of its visit, and for all of it when they come faster.
  const awake = there * Math.min(1, (ASSUMED.awake_s * visit.events) / (visit.minutes * 60));
  const packed = Math.ceil((awake * ASSUMED.object_bytes) / LIMITS.isolate_bytes.value);
  const messages_s = ((visitors * counted.queue_messages) / 86_400) * ASSUMED.peak;
  const bytes_day = visitors * counted.queue_bytes * ASSUMED.database_overhead;
  return {
    visitors, events_s, there, awake, messages_s, bytes_day, packed,
    spread: Math.max(1, Math.min(Math.round(awake), packed * 10)),
    full_days: LIMITS.database_bytes.value / bytes_day,
    databases_busy: (messages_s * ASSUMED.statement_ms) / 1_000,
    queues: Math.max(1, Math.ceil(messages_s / LIMITS.queue_messages_s.value)),
  };
}

/** The visitors a day at which something that grows with them reaches a limit. */
export function reached(limit, of) {
  let [low, high] = [1, 1e12];
  while (high / low > 1.001) {
    const middle = Math.sqrt(low * high);
    if (of(middle) < limit) low = middle;
    else high = middle;
  }
  return low;
}
