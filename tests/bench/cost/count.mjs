// Counts what visits use, by the engine's own counters on the real runtime (a value that is put or deleted is a row, as on the price
// list), and writes results/cost.json: count.mjs [BUILD]
//
// A visit is played sixty times as fast: its events, the waits of the records and the session's end keep their proportions, so
// that every timer fires as often as it would.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { footfall, operator, publicKey } from '../path/candidates.mjs';
import { Harness, say } from '../path/harness.mjs';
import { startQueue } from '../path/queue.mjs';
import { ID, SCRIPT, eventsOf, rulesOf } from '../path/traffic.mjs';

const FASTER = 60;
const VISIT = { events: 32, minutes: 8, session_idle_minutes: 30 };
/** The same ten times as long: what further events use is the difference. */
const LONG = { ...VISIT, events: 320, minutes: 80 };
/** How long records wait for a flush unless a site says otherwise. */
const DEFAULT_MINUTES = 60;
const VISITORS = 24;
const here = import.meta.dirname;
const build = path.resolve(process.argv[2] ?? path.join(here, '../../../build'));
const ms = (minutes) => Math.round((minutes * 60_000) / FASTER);

/** Ways of sending, and how long records wait for a flush. */
const WAYS = ['http', 'socket'];
const BATCHES = [1, 10];
const FLUSH_MINUTES = [0.5, 5, 60];

let made = 0;
const unique = (event) => JSON.parse(JSON.stringify(event).replaceAll(ID, () => String((made += 1)).padStart(12, '0')));

async function inspect(address, visitor) {
  const reply = await fetch(`http://${address}/admin/v1/sites/bench/visitors/${visitor}`, { headers: operator() });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${reply.status} ${text}`);
  return JSON.parse(text);
}

/** A socket that counts what it sends. */
async function open(address, token) {
  const socket = new WebSocket(`ws://${address}/v1/socket`, ['footfall.v1', `token.${token}`], { origin: `http://${address}` });
  const waiting = [];
  const seen = { seq: 0, version: 0, messages: 0, told: 0 };
  socket.on('message', (data) => {
    const message = JSON.parse(String(data));
    seen.messages += 1;
    if (message.seq) seen.seq = message.seq;
    if (message.version) seen.version = message.version;
    if (message.type === 'welcome' || message.type === 'ack') waiting.shift()?.();
    if (message.type === 'nack' || message.type === 'error') throw new Error(String(data));
  });
  await new Promise((done, failed) => socket.once('open', done).once('error', failed));
  let sent = 0;
  const ask = (message) => {
    sent += 1;
    const answered = new Promise((done) => waiting.push(done));
    socket.send(JSON.stringify(message));
    return answered;
  };
  await ask({ type: 'hello', tab: 'tab-1', visible: true });
  return {
    events: async (events) => {
      await ask({ type: 'events', frame: sent, events });
      if (seen.messages - seen.told < 16) return;
      seen.told = seen.messages;
      sent += 1;
      socket.send(JSON.stringify({ type: 'seen', seq: seen.seq, version: seen.version }));
    },
    close: () => socket.close(),
    sent: () => sent,
  };
}

/** One visit; gives what it used besides what the object counts. */
async function visit({ address }, way, size, script, { visitor, token }, { events: count, minutes, session_idle_minutes }) {
  const used = { worker_requests: 0, object_requests: 0, socket_messages: 0 };
  const socket = way === 'socket' ? await open(address, token) : undefined;
  if (socket) {
    used.worker_requests += 1;
    used.object_requests += 1;
  }
  const batches = Math.ceil(count / size);
  for (let batch = 0, at = 0; batch < batches; batch += 1) {
    const events = [];
    for (; events.length < size && at < count; at += 1) events.push(unique(script[at % SCRIPT.length]));
    if (socket) {
      await socket.events(events);
    } else {
      used.worker_requests += 1;
      used.object_requests += 1;
      const body = JSON.stringify({ batch: events, writeKey: publicKey, token });
      const reply = await fetch(`http://${address}/v1/batch`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      const { accepted } = await reply.json();
      if (accepted !== events.length) throw new Error(`${accepted} of ${events.length} events were taken`);
    }
    await sleep(ms(minutes) / batches);
  }
  if (socket) {
    used.socket_messages = socket.sent() + 1; // its end is an event of the object as well
    socket.close();
  }
  const before = Date.now();
  for (;;) {
    await sleep(500);
    const { session, outbox, runtime } = await inspect(address, visitor);
    const over = Date.now() - before > ms(session_idle_minutes);
    if (!session && outbox.hot === 0 && outbox.pages === 0 && over) {
      return { ...used, rows_written: runtime.rows_written, rows_read: runtime.rows_read, alarms: runtime.alarms_set, commits: runtime.commits };
    }
    if (Date.now() - before > ms(session_idle_minutes) + 60_000) throw new Error(`the visit does not end: ${JSON.stringify({ session, outbox })}`);
  }
}

const harness = await Harness.open(path.join(here, '../target/cost'));
const scripts = eventsOf(VISITORS);
const rules = rulesOf(100, eventsOf());

/** The visits of one way; each has its own runtime and queue. */
async function count(way, batch, flush_minutes, what) {
  const queue = await startQueue();
  const site = { flush_after: `${ms(flush_minutes)}ms`, session_idle: `${ms(what.session_idle_minutes)}ms` };
  const candidate = await harness.add(`${way} ${batch} ${flush_minutes}`, footfall(rules, { build, site }), VISITORS, queue);
  const found = await Promise.all(candidate.prepared.visitors.map((one, at) => visit(candidate.runtime, way, batch, scripts[at], one, what)));
  const mean = Object.fromEntries(Object.keys(found[0]).map((key) => [key, found.reduce((sum, one) => sum + one[key], 0) / VISITORS]));
  const { messages, bytes } = queue.counted;
  await candidate.runtime.stop();
  queue.stop();
  const used = { way, batch, flush_minutes, events: what.events, ...mean, queue_messages: messages / VISITORS, queue_bytes: Math.round(bytes / VISITORS) };
  say(JSON.stringify(used));
  return used;
}

// All at once: they wait more than they work.
const ways = WAYS.flatMap((way) => BATCHES.map((batch) => [way, batch]));
const usual = FLUSH_MINUTES.flatMap((flush_minutes) => ways.map(([way, batch]) => count(way, batch, flush_minutes, VISIT)));
const longer = ways.map(([way, batch]) => count(way, batch, DEFAULT_MINUTES, LONG));
const [counted, long] = await Promise.all([Promise.all(usual), Promise.all(longer)]);
await harness.close();
const file = path.join(here, '../results/path.json');
let cpu_ms = 0.5;
try {
  cpu_ms = JSON.parse(readFileSync(file, 'utf8')).http.by.footfall.cpu_us.median / 1_000;
} catch {}
writeFileSync(path.join(here, '../results/cost.json'), `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), default_minutes: DEFAULT_MINUTES, visit: VISIT, visitors: VISITORS, cpu_ms, counted, long }, null, 2)}\n`);
say('wrote tests/bench/results/cost.json');
