// How events reach a real server on loopback, and pushes the page: over sockets that break, plain HTTP, rate limits.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../src/index.ts';
import { INCARNATION, pause, until } from './server.ts';
import { names, push, TIMING, withClient } from './support.ts';

test('unacknowledged events are sent again after a reconnect, with the same ids', () =>
  withClient({ consent: 'granted' }, (engine) => { engine.acks = false; }, async (client, engine) => {
    client.track('one');
    client.track('two');
    await until('first time', () => engine.events.length === 2);
    engine.acks = true;
    engine.peers[0]?.socket.terminate();
    await until('second time', () => engine.events.length === 4);
    assert.deepEqual(names(engine), ['one', 'two', 'one', 'two']);
    assert.deepEqual(engine.events.slice(2), engine.events.slice(0, 2));
    await pause(120);
    assert.equal(engine.events.length, 4);
  }));

test('a socket that does not acknowledge is replaced', () =>
  withClient({ consent: 'granted' }, (engine) => { engine.acks = false; }, async (client, engine) => {
    client.track('one');
    await until('another socket', () => engine.peers.length >= 2);
  }));

test('a frame that was refused comes again later', () =>
  withClient({ consent: 'granted' }, (engine) => { engine.acks = false; }, async (client, engine) => {
    client.track('one');
    await until('first time', () => engine.events.length === 1);
    engine.acks = true;
    engine.send({ type: 'nack', frame: 1, code: 'unavailable', message: 'later' });
    await until('second time', () => engine.events.length === 2);
    assert.equal(engine.peers.length, 1);
  }));

for (const isLost of [false, true])
  test(`a frame that came too soon comes again no sooner than the engine said${isLost ? ', also over another socket' : ''}`, () =>
    withClient({ consent: 'granted' }, (engine) => { engine.acks = false; }, async (client, engine) => {
      client.track('one');
      await until('first time', () => engine.events.length === 1);
      engine.acks = true;
      const refusedAt = Date.now();
      engine.send({ type: 'nack', frame: 1, code: 'rate_limited', message: 'too many', retry_after_ms: 700 });
      await pause(20);
      if (isLost) engine.peers[0]?.socket.terminate();
      await until('second time', () => engine.events.length === 2);
      const waitedMs = Date.now() - refusedAt;
      assert.ok(waitedMs >= 695, `${waitedMs} ms`);
      assert.equal(engine.peers.length, isLost ? 2 : 1);
    }));

for (const way of ['the socket', 'plain HTTP'])
  test(`more events than the rate limit ever lets in at once arrive over ${way} all the same, in order`, () =>
    withClient({ consent: 'granted' }, (engine) => { engine.rateMax = 3; engine.refusesSockets = way !== 'the socket'; }, async (client, engine) => {
      const all = Array.from({ length: 40 }, (_, at) => `e${at}`);
      for (const name of all) client.track(name);
      await until('all', () => engine.events.length === all.length);
      assert.deepEqual(names(engine), all);
    }));

test('a batch of which the engine took only what it had already is sent again', () =>
  withClient({ consent: 'granted' }, (engine) => { engine.refusesSockets = true; engine.rejections = [{ index: 0, code: 'rate_limited', retry_after_ms: 1 }]; }, async (client, engine) => {
    client.track('one');
    await until('refused', () => engine.batches.length >= 2);
    engine.rejections = [];
    const { length } = engine.batches;
    await until('taken', () => engine.batches.length > length);
    assert.deepEqual(engine.batches.at(-1)?.batch, engine.batches[0]?.batch);
  }));

test('without a socket, events go over plain HTTP', () =>
  withClient({ consent: 'granted' }, (engine) => { engine.refusesSockets = true; }, async (client, engine) => {
    client.track('one');
    await until('batch', () => engine.batches.length === 1);
    const [batch] = engine.batches;
    assert.deepEqual([batch?.writeKey, batch?.token], ['wk', 'f1.token']);
    assert.deepEqual(names(engine), ['one']);
    await pause(100);
    assert.equal(engine.batches.length, 1);
  }));

test('sockets that are refused again and again do not put the fall-back off', async () => {
  const { random } = Math;
  Math.random = () => 0.99;
  try {
    await withClient({ consent: 'granted', timing: { ...TIMING, fallbackMs: 300 } }, (engine) => { engine.refusesSockets = true; }, async (client, engine) => {
      client.track('one');
      await until('named', () => engine.visitorRequests.length === 1);
      const namedAt = performance.now();
      await until('batch', () => engine.batches.length === 1);
      const waitedMs = performance.now() - namedAt;
      assert.ok(waitedMs > 250 && waitedMs < 450, `${waitedMs} ms`);
    });
  } finally {
    Math.random = random;
  }
});

test('a clock that is set back does not put the fall-back off', async () => {
  const { now } = Date;
  try {
    await withClient({ consent: 'granted' }, (engine) => { engine.refusesSockets = true; }, async (client, engine) => {
      await until('named', () => client.visitor !== undefined);
      Date.now = () => now() - 3_600_000;
      client.track('one');
      await until('batch', () => engine.batches.length === 1);
    });
  } finally {
    Date.now = now;
  }
});

test('a socket that opens while a batch is on its way sends nothing before it', () =>
  withClient({ consent: 'granted' }, (engine) => { engine.refusesSockets = true; engine.batchAfterMs = 400; }, async (client, engine) => {
    client.track('one');
    await until('on its way', () => engine.batches.length === 1);
    engine.refusesSockets = false;
    client.track('two');
    await until('all', () => engine.events.length === 3);
    await pause(50);
    assert.deepEqual(names(engine), ['one', 'two', 'one']);
    assert.deepEqual(engine.events[2], engine.events[0], 'a repeat');
    client.track('three');
    await until('the next', () => names(engine).at(-1) === 'three');
  }));

test('an event after a slow start goes at once, not when the fall-back would have been due', () =>
  withClient({ consent: 'granted', timing: { ...TIMING, fallbackMs: 5_000 } }, (engine) => { engine.welcomeAfterMs = 50; }, async (client, engine) => {
    client.track('early');
    await until('early', () => engine.events.length === 1);
    client.track('late');
    await until('late', () => engine.events.length === 2);
  }));

test('a batch that the engine could not store is sent again', () =>
  withClient({ consent: 'granted' }, (engine) => { engine.refusesSockets = true; engine.batchStatus = 503; }, async (client, engine) => {
    client.track('one');
    await until('refused', () => engine.batches.length >= 2);
    engine.batchStatus = 200;
    await until('taken', () => engine.events.length === 1);
    assert.deepEqual(engine.batches.at(-1)?.batch, engine.batches[0]?.batch);
  }));

const owed = (...seqs: number[]): JsonObject => ({ incarnation: INCARNATION, seq: seqs.at(-1) ?? 0, messages: seqs.map((seq) => ({ ...push(seq) })) });

test('without a socket, what is pushed comes with the answers, each push once', () =>
  withClient({ consent: 'granted' }, (engine) => { engine.refusesSockets = true; engine.owed = owed(1, 2); }, async (client, engine) => {
    const seen: number[] = [];
    client.on('push', (one) => seen.push(one.seq));
    client.track('one');
    await until('pushes', () => seen.length === 2);
    assert.deepEqual(engine.batches[0]?.context, { tab: client.tab });
    engine.owed = owed(2, 3);
    client.track('two');
    await until('the next push', () => seen.length === 3);
    assert.deepEqual(engine.batches.at(-1)?.context, { tab: client.tab, cursor: { incarnation: INCARNATION, seq: 2 } });
    assert.deepEqual(seen, [1, 2, 3]);
  }));

test('without a socket, a page with nothing to say asks for what it has missed', () =>
  withClient({ consent: 'granted', timing: { ...TIMING, fallbackMs: 60, askMs: 40 } }, (engine) => { engine.refusesSockets = true; }, async (client, engine) => {
    await until('asked', () => engine.batches.some(({ batch }) => Array.isArray(batch) && batch.length === 0));
    engine.owed = owed(1);
    await until('push', () => client.slot('s')?.push.seq === 1);
  }));

test('an answer that cannot be understood brings nothing, and does no harm', () =>
  withClient({ consent: 'granted' }, (engine) => { engine.refusesSockets = true; }, async (client, engine) => {
    for (const [at, wrong] of [{ seq: 1 }, { incarnation: INCARNATION, seq: 1, messages: 7 }, { incarnation: INCARNATION, seq: 1, messages: [null, { type: 'push' }] }].entries()) {
      engine.owed = wrong as unknown as JsonObject;
      client.track('one');
      await until('taken', () => engine.events.length === at + 1);
    }
    await pause(50);
    assert.equal(client.slot('s'), undefined);
    assert.equal(engine.events.length, 3, 'acknowledged all the same');
  }));
