// A thousand timers in a minute: how late each is, beside bare alarms; both at the same time on the same machine.
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';
import { floor, footfall } from './candidates.mjs';
import { say } from './harness.mjs';

const TIMERS = 1_000;
const MINUTE_MS = 60_000;
/** Long enough for objects to sleep meanwhile. */
const AFTER_MS = 12_000;
/** How long one is waited for before it counts as lost. */
const LOST_MS = 20_000;

const ARM = { id: 'arm', document: { id: 'arm', name: 'arm', pattern: { event: { name: 'Timer Wanted' } }, actions: [{ start: { rule: 'ring', after: `${AFTER_MS / 1_000}s` } }] } };
const RING = { id: 'ring', document: { id: 'ring', name: 'ring', pattern: { started: {} }, actions: [{ push: { slot: 'side', content: { text: 'It is time.' } } }] } };

const KINDS = {
  floor: {
    url: (address, _prepared, at) => [`ws://${address}/visitor-${at}`],
    arm: () => [`alarm ${AFTER_MS}`],
    rang: 'rang',
  },
  footfall: {
    url: (address, { tokens }, at) => [`ws://${address}/v1/socket`, ['footfall.v1', `token.${tokens[at]}`], { origin: `http://${address}` }],
    first: { type: 'hello', tab: 'benchmark', visible: true },
    arm: (at) => [JSON.stringify({ type: 'events', frame: 1, events: [{ type: 'track', event: 'Timer Wanted', messageId: `timer-${at}`, context: { tab: 'benchmark' } }] })],
    rang: 'push',
  },
};

/** One timer: gives its lateness in milliseconds. */
async function timer({ name, runtime, prepared }, at) {
  const { url, first, arm, rang } = KINDS[name];
  const socket = new WebSocket(...url(runtime.address, prepared, at));
  await new Promise((done, failed) => socket.once('open', done).once('error', failed));
  if (first) socket.send(JSON.stringify(first));
  await sleep((at / TIMERS) * MINUTE_MS);
  const due = Date.now() + AFTER_MS;
  const heard = new Promise((done, failed) => {
    const lost = setTimeout(() => failed(new Error(`${name}: timer ${at} was lost`)), AFTER_MS + LOST_MS);
    socket.on('message', (data) => {
      if (JSON.parse(String(data)).type !== rang) return;
      clearTimeout(lost);
      done(Date.now());
    });
  });
  for (const message of arm(at)) socket.send(message);
  const late = (await heard) - due;
  socket.terminate();
  if (late < 0) throw new Error(`${name}: timer ${at} was ${-late} ms early`);
  return late;
}

function percentiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part) => sorted[Math.round((sorted.length - 1) * part)];
  return { timers: sorted.length, p50_ms: at(0.5), p99_ms: at(0.99), most_ms: at(1) };
}

/** Fails when one is lost or early. */
export async function compareTimers(harness, { build, bytes }) {
  const candidates = [
    await harness.add('floor', { ...floor(bytes), evicts: true }, TIMERS),
    await harness.add('footfall', { ...footfall([ARM, RING], { build, site: { flush_after: '60m' } }), evicts: true }, TIMERS),
  ];
  say(`${TIMERS} timers of each in a minute`);
  const found = await Promise.all(
    candidates.map((candidate) => Promise.all(Array.from({ length: TIMERS }, (_, at) => timer(candidate, at)))),
  );
  for (const { runtime } of candidates) await runtime.stop();
  return { floor: percentiles(found[0]), footfall: percentiles(found[1]) };
}
