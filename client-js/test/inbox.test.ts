// The cursor, the pushes and the state; and the wire's cases, which the Rust side reads as well.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Inbox, PUSHES_MAX } from '../src/inbox.ts';
import { type ClientMessage, decode, type JsonObject, type Push, type Welcome } from '../src/protocol.ts';

const A = '7b0a1c9e-52cb-4f0e-8f5e-3a2d1b0c9f88';
const B = '11111111-2222-4333-8444-555555555555';

function push(seq: number, more: Partial<Push> = {}): Push {
  return { type: 'push', seq, slot: 's', rule: 'r', priority: 0, content: {}, tab: '', at_ms: 0, expires_at_ms: 1e15, ...more };
}

function welcome(incarnation: string | null, seq: number, state: JsonObject = {}): Welcome {
  return { type: 'welcome', protocol: 1, incarnation, seq, version: 1, state };
}

const seqs = (inbox: Inbox): number[] => inbox.pushes.map((held) => held.push.seq);

test('each push is applied once, and in order', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(A, 2), 0);
  assert.deepEqual([1, 2, 2, 1, 5].map((seq) => inbox.push(push(seq), 't', 0)), [true, true, false, false, true]);
  assert.deepEqual(seqs(inbox), [1, 2, 5]);
  assert.deepEqual(inbox.cursor, { incarnation: A, seq: 5 });
});

test('a welcome does not move the cursor past pushes that are still to come', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(A, 9), 0);
  assert.deepEqual(inbox.cursor, { incarnation: A, seq: 0 });
});

test('a new incarnation numbers anew', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(A, 0), 0);
  inbox.push(push(7), 't', 0);
  assert.equal(inbox.welcome(welcome(B, 1), 0), true);
  assert.deepEqual(seqs(inbox), []);
  assert.equal(inbox.push(push(1), 't', 0), true);
});

test('pushes that came before the incarnation was known belong to the one named next', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(null, 0), 0);
  inbox.push(push(1), 't', 0);
  assert.equal(inbox.cursor, undefined);
  inbox.welcome(welcome(A, 1), 0);
  assert.deepEqual(inbox.cursor, { incarnation: A, seq: 1 });
  assert.equal(inbox.push(push(1), 't', 0), false);
});

test('a push for another tab moves the cursor and is not shown', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(A, 0), 0);
  assert.equal(inbox.push(push(1, { tab: 'other' }), 't', 0), false);
  assert.equal(inbox.push(push(2, { tab: 't' }), 't', 0), true);
  assert.deepEqual(seqs(inbox), [2]);
});

test('a retraction takes its push away and has a place in the sequence', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(A, 0), 0);
  inbox.push(push(1), 't', 0);
  assert.equal(inbox.retract({ type: 'retract', seq: 2, push: 1, slot: 's' }), true);
  assert.deepEqual(seqs(inbox), []);
  assert.equal(inbox.push(push(2), 't', 0), false);
});

test('a retraction is applied once, also by the next document of the tab and for a push that is gone', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(A, 0), 0);
  inbox.push(push(1), 't', 0);
  inbox.push(push(2), 't', 0);
  const next = new Inbox();
  next.restore(JSON.parse(JSON.stringify(inbox.save(0))));
  const gone = { type: 'retract', seq: 3, push: 1, slot: 's' } as const;
  assert.deepEqual([next.retract(gone), next.retract(gone)], [true, false]);
  assert.deepEqual(seqs(next), [2]);
  assert.deepEqual(next.cursor, { incarnation: A, seq: 3 });
  next.drop(2);
  assert.equal(next.retract({ type: 'retract', seq: 4, push: 2, slot: 's' }), true);
  assert.equal(next.push(push(4), 't', 0), false);
  assert.equal(next.best('s', 0, false), undefined);
});

test('a slot shows the highest priority, then the newest, of what has not expired', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(A, 0), 0);
  inbox.push(push(1, { priority: 5, expires_at_ms: 100 }), 't', 0);
  inbox.push(push(2, { priority: 1 }), 't', 0);
  inbox.push(push(3, { priority: 1 }), 't', 0);
  inbox.push(push(4, { priority: 9, slot: 'elsewhere' }), 't', 0);
  assert.equal(inbox.best('s', 99, false)?.push.seq, 1);
  assert.equal(inbox.best('s', 100, false)?.push.seq, 3);
  inbox.drop(3);
  assert.equal(inbox.best('s', 100, false)?.push.seq, 2);
});

test('a slot of one page view leaves out what came before it', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(A, 0), 0);
  inbox.view = 1;
  inbox.push(push(1), 't', 0);
  assert.ok(inbox.best('s', 0, true));
  inbox.view = 2;
  assert.equal(inbox.best('s', 0, true), undefined);
  assert.ok(inbox.best('s', 0, false));
});

test('what was meant for this tab alone goes with the page view it was about', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(A, 0), 0);
  inbox.push(push(1, { tab: 't' }), 't', 0);
  inbox.push(push(2), 't', 0);
  assert.deepEqual(inbox.save(0).pushes.map((saved) => saved.push.seq), [2]);
  inbox.leavePage();
  assert.deepEqual(seqs(inbox), [2]);
});

test('the next document of the tab goes on from what was saved', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(A, 0), 0);
  inbox.push(push(1, { expires_at_ms: 50 }), 't', 0);
  inbox.push(push(2), 't', 0);
  const next = new Inbox();
  next.restore(JSON.parse(JSON.stringify(inbox.save(60))));
  assert.deepEqual(seqs(next), [2]);
  assert.deepEqual(next.cursor, { incarnation: A, seq: 2 });
  next.view = 1;
  assert.equal(next.best('s', 60, true), undefined);
});

test('held pushes are bounded', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(A, 0), 0);
  for (let seq = 1; seq <= PUSHES_MAX + 4; seq += 1) inbox.push(push(seq), 't', 0);
  assert.equal(inbox.pushes.length, PUSHES_MAX);
  assert.equal(seqs(inbox)[0], 5);
});

test('what has expired makes room before anything that is live goes', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(A, 0), 0);
  inbox.push(push(1), 't', 0);
  for (let seq = 2; seq <= PUSHES_MAX; seq += 1) inbox.push(push(seq, { slot: 'elsewhere', expires_at_ms: 100 }), 't', 0);
  inbox.push(push(PUSHES_MAX + 1), 't', 100);
  assert.deepEqual(seqs(inbox), [1, PUSHES_MAX + 1]);
});

test('a change is applied when it fits and refused when one was missed', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(A, 0, { stage: 'new', cart: { value: 1, count: 1 } }), 0);
  assert.equal(inbox.change({ type: 'state', base: 1, version: 2, patch: { cart: { value: 5 } } }), true);
  assert.deepEqual(inbox.state, { stage: 'new', cart: { value: 5, count: 1 } });
  assert.equal(inbox.change({ type: 'state', base: 3, version: 4, patch: { stage: 'lost' } }), false);
  assert.equal(inbox.state?.stage, 'new');
});

test('server time is known from the welcome', () => {
  const inbox = new Inbox();
  inbox.welcome(welcome(A, 0, { now_ms: 5_000 }), 3_000);
  assert.equal(inbox.offsetMs, 2_000);
});

interface Case {
  readonly name: string;
  readonly direction: 'to_server' | 'to_client';
  readonly message: JsonObject;
}

const file = new URL('../../protocol/cases/messages.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];

for (const { name, direction, message } of cases) {
  test(`wire case: ${name}`, () => {
    const decoded = decode(JSON.stringify(message));
    if (direction === 'to_client') assert.deepEqual(decoded, message);
    else assert.equal(decoded, undefined, 'what a page sends is nothing that it takes');
  });
}

test('the cases hold every message of both directions', () => {
  const of = (direction: Case['direction']): Set<unknown> =>
    new Set(cases.filter((one) => one.direction === direction).map((one) => one.message.type));
  assert.deepEqual(of('to_server'), new Set<ClientMessage['type']>(['hello', 'events', 'seen']));
  assert.deepEqual(of('to_client'), new Set(['welcome', 'ack', 'nack', 'push', 'retract', 'state', 'error']));
});

test('what is not a message is left alone', () => {
  for (const text of ['', '{', 'null', '[]', '{"type":7}', '{"type":"toString"}', '{"type":"push","seq":"1"}', '{"type":"from_the_future"}']) {
    assert.equal(decode(text), undefined, text);
  }
});
