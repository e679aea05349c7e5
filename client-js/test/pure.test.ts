// The pure parts: back-off, buffer and merge patches.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BACKOFF_MAX_MS, backoffMs } from '../src/backoff.ts';
import { BUFFER_EVENTS_MAX, EventBuffer, FRAME_BYTES_MAX, FRAME_EVENTS_MAX, FRAMES_IN_FLIGHT_MAX } from '../src/buffer.ts';
import { mergePatch } from '../src/merge.ts';
import type { Json, SegmentEvent } from '../src/protocol.ts';

let count = 0;

function event(name: string, padding = ''): SegmentEvent {
  count += 1;
  return {
    type: 'track',
    messageId: `m${count}`,
    timestamp: '2026-11-21T09:30:00.000Z',
    event: name,
    properties: { padding },
    context: { tab: 't', consent: 'granted' },
  };
}

const names = (events: readonly SegmentEvent[]): (string | undefined)[] => events.map((one) => one.event);

test('back-off doubles to its ceiling and is spread over the whole of it', () => {
  const ceilings = [0, 1, 2, 5, 6, 100].map((attempt) => backoffMs(attempt, () => 0.999999));
  assert.deepEqual(ceilings, [499, 999, 1999, 15999, 29999, 29999]);
  assert.equal(backoffMs(9, () => 0), 0);
  assert.equal(backoffMs(1e9, () => 0.5), BACKOFF_MAX_MS / 2);
});

test('a frame holds at most twenty events, in the order they happened', () => {
  const buffer = new EventBuffer();
  for (let at = 0; at < 25; at += 1) buffer.add(event(`e${at}`));
  const first = buffer.take();
  const second = buffer.take();
  assert.equal(first?.events.length, FRAME_EVENTS_MAX);
  assert.deepEqual(names(second?.events ?? []), ['e20', 'e21', 'e22', 'e23', 'e24']);
  assert.equal(buffer.take(), undefined);
  assert.equal(buffer.size, 25);
});

test('an acknowledged frame is gone and an unknown one does no harm', () => {
  const buffer = new EventBuffer();
  buffer.add(event('a'));
  const frame = buffer.take();
  assert.deepEqual(names(buffer.ack(frame?.number ?? 0)), ['a']);
  assert.deepEqual(buffer.ack(99), []);
  assert.equal(buffer.size, 0);
});

test('after a lost connection the same events go again, in order, in new frames', () => {
  const buffer = new EventBuffer();
  for (let at = 0; at < 45; at += 1) buffer.add(event(`e${at}`));
  const before = [buffer.take(), buffer.take()].flatMap((frame) => frame?.events ?? []);
  buffer.reopen();
  const after = [buffer.take(), buffer.take(), buffer.take()];
  assert.deepEqual(after.flatMap((frame) => frame?.events ?? []).slice(0, 40), before);
  assert.deepEqual(after.map((frame) => frame?.number), [3, 4, 5]);
});

for (const refused of [[1, 2, 3, 4], [3, 4], [4, 2]]) {
  test(`of frames that are refused (${refused}) the events go again in the order they happened`, () => {
    const buffer = new EventBuffer();
    const all = Array.from({ length: 90 }, (_, at) => `e${at}`);
    for (const name of all) buffer.add(event(name));
    for (let at = 0; at < FRAMES_IN_FLIGHT_MAX; at += 1) buffer.take();
    for (const number of refused) buffer.nack(number);
    const again = buffer.take();
    assert.deepEqual(names(again?.events ?? []), all.slice((Math.min(...refused) - 1) * 20).slice(0, 20));
    assert.deepEqual(names(buffer.pieces().flat()), all);
    const rest: string[] = all.filter((_, at) => at >= 80 || refused.includes(Math.floor(at / 20) + 1));
    for (let number = 1; number <= FRAMES_IN_FLIGHT_MAX; number += 1) if (!refused.includes(number)) buffer.ack(number);
    const sent = names(again?.events ?? []);
    for (let frame = buffer.take(); frame; frame = buffer.take()) sent.push(...names(frame.events));
    assert.deepEqual(sent, rest.slice(0, 80));
  });
}

test('a batch on its way over HTTP stays in flight when the socket is lost', () => {
  const buffer = new EventBuffer();
  buffer.add(event('a'));
  const posting = buffer.take();
  buffer.reopen(posting?.number);
  assert.equal(buffer.waiting, 0);
  assert.equal(buffer.inFlight, 1);
});

test('what the page does to an event later changes neither what is sent nor what is sent again', () => {
  const buffer = new EventBuffer();
  const lines = [{ sku: 'A' }];
  buffer.add({ ...event('cart_viewed'), properties: { lines } });
  lines.push({ sku: 'B' });
  const sent = (): unknown => buffer.take()?.events[0]?.properties;
  assert.deepEqual(sent(), { lines: [{ sku: 'A' }] });
  lines.length = 0;
  buffer.reopen();
  assert.deepEqual(sent(), { lines: [{ sku: 'A' }] });
});

test('when full the oldest event goes and is counted', () => {
  const buffer = new EventBuffer();
  for (let at = 0; at < BUFFER_EVENTS_MAX + 3; at += 1) buffer.add(event(`e${at}`));
  assert.equal(buffer.size, BUFFER_EVENTS_MAX);
  assert.equal(buffer.dropped, 3);
  assert.equal(buffer.take()?.events[0]?.event, 'e3');
});

test('an event beyond its bound is not taken', () => {
  const buffer = new EventBuffer();
  assert.equal(buffer.add(event('huge', 'ü'.repeat(17_000))), false);
  assert.deepEqual([buffer.size, buffer.dropped], [0, 1]);
});

test('a frame stays below its bytes', () => {
  const buffer = new EventBuffer();
  for (let at = 0; at < 4; at += 1) buffer.add(event(`e${at}`, 'x'.repeat(20_000)));
  const frame = buffer.take();
  assert.equal(frame?.events.length, 2);
  assert.ok(JSON.stringify(frame?.events).length <= FRAME_BYTES_MAX);
  assert.deepEqual(buffer.pieces().map((piece) => piece.length), [2, 2]);
});

test('only so many frames are in flight', () => {
  const buffer = new EventBuffer();
  for (let at = 0; at < 150; at += 1) buffer.add(event(`e${at}`));
  for (let at = 0; at < FRAMES_IN_FLIGHT_MAX; at += 1) assert.ok(buffer.take());
  assert.equal(buffer.take(), undefined);
  buffer.ack(1);
  assert.ok(buffer.take());
});

test('frames that come too soon become smaller, down to one event, and go one at a time; taken ones become larger', () => {
  const buffer = new EventBuffer();
  for (let at = 0; at < 100; at += 1) buffer.add(event(`e${at}`));
  const flying = [1, 2, 3, 4].map(() => buffer.take()?.number ?? 0);
  for (const number of flying) buffer.nack(number, true);
  const lengths: (number | undefined)[] = [];
  for (let at = 0; at < 5; at += 1) {
    const frame = buffer.take();
    lengths.push(frame?.events.length);
    assert.equal(buffer.take(), undefined, 'one at a time');
    assert.deepEqual(new Set(buffer.pieces().slice(0, -1).map((piece) => piece.length)), new Set([frame?.events.length]));
    buffer.nack(frame?.number ?? 0, true);
  }
  for (let at = 0; at < 7; at += 1) {
    const frame = buffer.take();
    lengths.push(frame?.events.length);
    buffer.ack(frame?.number ?? 0);
  }
  assert.deepEqual(lengths, [10, 5, 2, 1, 1, 1, 2, 4, 8, 16, 20, 20]);
  buffer.take();
  assert.ok(buffer.take());
});

test('a frame that is refused for another reason comes again as large', () => {
  const buffer = new EventBuffer();
  for (let at = 0; at < 20; at += 1) buffer.add(event(`e${at}`));
  buffer.nack(buffer.take()?.number ?? 0);
  assert.equal(buffer.take()?.events.length, 20);
});

test('an event that the server cannot read is given up after three times', () => {
  const buffer = new EventBuffer();
  buffer.add(event('odd'));
  for (let at = 0; at < 3; at += 1) {
    assert.ok(buffer.take());
    buffer.nackUnreadable();
  }
  assert.deepEqual([buffer.size, buffer.dropped], [0, 1]);
});

// RFC 7396, appendix A: original, patch, result.
const APPENDIX_A: readonly (readonly [Json, Json, Json])[] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [['a', 'b'], ['c', 'd'], ['c', 'd']],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];

for (const [original, patch, result] of APPENDIX_A) {
  test(`merge patch: ${JSON.stringify(original)} with ${JSON.stringify(patch)}`, () => {
    const before = JSON.stringify(original);
    assert.deepEqual(mergePatch(original, patch), result);
    assert.equal(JSON.stringify(original), before, 'the original stays as it was');
  });
}

test('a member called __proto__ is only a member', () => {
  const merged = mergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}') as Json);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  assert.equal(JSON.stringify(merged), '{"__proto__":{"polluted":true}}');
});
