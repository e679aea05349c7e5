// The client against a real server on loopback: consent, delivery, reconnecting, resuming.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFootfall, type Footfall, type FootfallOptions, type JsonObject, type Push } from '../src/index.ts';
import { INCARNATION, pause, TestEngine, until } from './server.ts';

const TIMING = { batchMs: 5, backoffMs: 10, fallbackMs: 1_000, pingMs: 40, pongMs: 40, ackMs: 80, openMs: 500, stableMs: 1_000 };

async function withClient(
  options: Partial<FootfallOptions>,
  prepare: (engine: TestEngine) => void,
  run: (client: Footfall, engine: TestEngine) => Promise<void>,
): Promise<void> {
  const engine = new TestEngine();
  prepare(engine);
  const host = await engine.listen();
  // Where there are sockets, a slow machine must not be taken for one without.
  const timing = engine.refusesSockets ? { ...TIMING, fallbackMs: 60 } : TIMING;
  const client = createFootfall({ host, writeKey: 'wk', timing, ...options });
  try {
    await run(client, engine);
  } finally {
    client.close();
    await engine.close();
  }
}

function push(seq: number): Push {
  return { type: 'push', seq, slot: 's', rule: 'r', priority: 0, content: { title: `${seq}` }, tab: '', at_ms: 0, expires_at_ms: 1e15 };
}

const names = (engine: TestEngine): (string | undefined)[] => engine.events.map((event) => event.event);

test('a page is named, welcomed, and its events are acknowledged', () =>
  withClient({ consent: 'granted', inspect: true }, () => {}, async (client, engine) => {
    client.track('product_viewed', { sku: 'A' });
    client.identify('u-1', { email: 'a@example.com' }, 'u1.1.signed');
    await until('events', () => engine.events.length === 2);
    assert.deepEqual(engine.visitorRequests, [{ writeKey: 'wk', consent: 'granted' }]);
    const [peer] = engine.peers;
    assert.equal(peer?.protocols.replaceAll(' ', ''), 'footfall.v1,token.f1.token');
    assert.deepEqual(peer?.hello, { type: 'hello', tab: client.tab, visible: true, inspect: true });
    const [track, identify] = engine.events;
    assert.equal(track?.event, 'product_viewed');
    assert.deepEqual(track?.context, { tab: client.tab, consent: 'granted' });
    assert.deepEqual([identify?.userId, identify?.context.userSignature], ['u-1', 'u1.1.signed']);
    assert.equal(client.visitor, 'v-1');
    assert.equal(engine.batches.length, 0);
  }));

test('nothing leaves the page before consent, and what waited leaves with it', () =>
  withClient({}, (engine) => { engine.requiresConsent = true; }, async (client, engine) => {
    const heard: string[] = [];
    client.on('consent', (state) => heard.push(state));
    client.track('product_viewed');
    await until('consent required', () => heard.includes('required'));
    await pause(100);
    assert.deepEqual([engine.peers.length, engine.events.length, engine.batches.length], [0, 0, 0]);
    client.consent('granted');
    await until('event', () => engine.events.length === 1);
    assert.equal(engine.events[0]?.context.consent, 'granted');
  }));

test('consent that is withdrawn ends everything and is told to the engine', () =>
  withClient({ consent: 'granted' }, () => {}, async (client, engine) => {
    await until('connected', () => client.connected);
    client.consent('denied');
    client.track('product_viewed');
    await until('told', () => engine.visitorRequests.length === 2);
    await pause(100);
    assert.deepEqual(engine.visitorRequests[1], { writeKey: 'wk', consent: 'denied', token: 'f1.token' });
    assert.deepEqual([engine.events.length, client.state, client.connected], [0, null, false]);
    client.consent('granted');
    client.track('cart_viewed');
    await until('event', () => engine.events.length === 1);
  }));

test('a withdrawal that does not reach the engine is told until it does, and before anything that is said later', () =>
  withClient({ consent: 'granted' }, () => {}, async (client, engine) => {
    await until('connected', () => client.connected);
    engine.visitorStatus = 503;
    client.consent('denied');
    await until('told again', () => engine.visitorRequests.length >= 3);
    client.consent('granted');
    await pause(100);
    assert.ok(engine.visitorRequests.slice(1).every(({ consent, token }) => consent === 'denied' && token === 'f1.token'));
    engine.visitorStatus = 200;
    client.track('cart_viewed');
    await until('event', () => engine.events.length === 1);
    const [withdrawn, granted] = engine.visitorRequests.slice(-2);
    assert.deepEqual(withdrawn, { writeKey: 'wk', consent: 'denied', token: 'f1.token' });
    assert.deepEqual(granted, { writeKey: 'wk', consent: 'granted' });
  }));

test('a withdrawal that the engine refuses does not keep a visitor out who comes back', () =>
  withClient({ consent: 'granted' }, () => {}, async (client, engine) => {
    await until('connected', () => client.connected);
    engine.visitorStatus = 403;
    client.consent('denied');
    await until('told', () => engine.visitorRequests.length === 2);
    await pause(50);
    assert.equal(engine.visitorRequests.length, 2, 'it would be refused again');
    engine.visitorStatus = 200;
    client.consent('granted');
    await until('connected again', () => client.connected);
  }));

test('a page that asks to be forgotten stops, forgets its name and begins anew only with consent', () =>
  withClient({ consent: 'granted' }, (engine) => { engine.erasureStatus = 503; }, async (client, engine) => {
    const heard: string[] = [];
    client.on('erased', () => heard.push('erased'));
    await until('connected', () => client.connected);
    assert.equal(await client.erase(), false);
    assert.deepEqual([heard, client.connected], [[], true]);
    engine.erasureStatus = 200;
    assert.equal(await client.erase(), true);
    client.track('product_viewed');
    await until('told', () => engine.visitorRequests.length === 2);
    await pause(100);
    assert.deepEqual(engine.erasures, ['Bearer f1.token', 'Bearer f1.token']);
    assert.deepEqual(engine.visitorRequests[1], { writeKey: 'wk', consent: 'denied', token: 'f1.token' });
    assert.deepEqual([heard, engine.events.length, client.state, client.connected, client.visitor], [['erased'], 0, null, false, undefined]);
    client.consent('granted');
    client.track('cart_viewed');
    await until('event', () => engine.events.length === 1);
    assert.equal(engine.visitorRequests[2]?.token, undefined);
  }));

test('a page whose visitor was erased elsewhere stops and does not come back by itself', () =>
  withClient({ consent: 'granted' }, () => {}, async (client, engine) => {
    const heard: string[] = [];
    client.on('erased', () => heard.push('erased'));
    await until('connected', () => client.connected);
    engine.peers[0]?.socket.close(4003, 'erased');
    await until('erased', () => heard.length === 1);
    client.track('product_viewed');
    await pause(150);
    assert.deepEqual([engine.peers.length, engine.events.length, engine.erasures.length, client.visitor], [1, 0, 0, undefined]);
    assert.equal(engine.visitorRequests.length, 1, 'it says nothing about whoever is named next');
  }));

test('a page whose visitor the engine refuses at its hello stops as well', () =>
  withClient({ consent: 'granted' }, (engine) => { engine.welcomeAfterMs = 1_000; }, async (client, engine) => {
    const heard: string[] = [];
    client.on('erased', () => heard.push('erased'));
    client.track('product_viewed');
    await until('hello', () => engine.peers.length === 1);
    engine.peers[0]?.socket.close(4003, 'erased');
    await until('erased', () => heard.length === 1);
    await pause(150);
    assert.deepEqual([engine.peers.length, engine.events.length, engine.batches.length, engine.visitorRequests.length], [1, 0, 0, 1]);
  }));

test('an erasure that closes the socket before it is answered is told with the token that was erased', () =>
  withClient({ consent: 'granted' }, (engine) => { engine.erasureAfterMs = 50; }, async (client, engine) => {
    await until('connected', () => client.connected);
    const done = client.erase();
    await until('asked', () => engine.erasures.length === 1);
    engine.peers[0]?.socket.close(4003, 'erased');
    assert.equal(await done, true);
    await until('told', () => engine.visitorRequests.length === 2);
    await pause(50);
    assert.deepEqual(engine.visitorRequests.slice(1), [{ writeKey: 'wk', consent: 'denied', token: 'f1.token' }]);
  }));

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

test('a frame that came too soon comes again no sooner than the engine said', () =>
  withClient({ consent: 'granted' }, (engine) => { engine.acks = false; }, async (client, engine) => {
    client.track('one');
    await until('first time', () => engine.events.length === 1);
    engine.acks = true;
    const refusedAt = Date.now();
    engine.send({ type: 'nack', frame: 1, code: 'rate_limited', message: 'too many', retry_after_ms: 700 });
    await until('second time', () => engine.events.length === 2);
    const waitedMs = Date.now() - refusedAt;
    assert.ok(waitedMs >= 695, `${waitedMs} ms`);
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

test('a socket that is lost and comes back does not make a frame come sooner than the engine said', () =>
  withClient({ consent: 'granted' }, (engine) => { engine.acks = false; }, async (client, engine) => {
    client.track('one');
    await until('first time', () => engine.events.length === 1);
    engine.acks = true;
    const refusedAt = Date.now();
    engine.send({ type: 'nack', frame: 1, code: 'rate_limited', message: 'too many', retry_after_ms: 700 });
    await pause(20);
    engine.peers[0]?.socket.terminate();
    await until('second time', () => engine.events.length === 2);
    const waitedMs = Date.now() - refusedAt;
    assert.ok(waitedMs >= 695, `${waitedMs} ms`);
    assert.equal(engine.peers.length, 2);
  }));

test('a page that reconnects says what it has and applies each push once', () =>
  withClient({ consent: 'granted' }, () => {}, async (client, engine) => {
    const seen: number[] = [];
    client.on('push', (one) => seen.push(one.seq));
    await until('connected', () => client.connected);
    assert.equal(engine.peers[0]?.hello.cursor, undefined);
    engine.send(push(1));
    engine.send(push(2));
    await until('pushes', () => seen.length === 2);
    engine.peers[0]?.socket.close(1012);
    await until('reconnect', () => engine.peers.length === 2);
    assert.deepEqual(engine.peers[1]?.hello.cursor, { incarnation: INCARNATION, seq: 2 });
    engine.send(push(2));
    engine.send(push(3));
    await until('third push', () => seen.includes(3));
    assert.deepEqual(seen, [1, 2, 3]);
    assert.equal(client.slot('s')?.push.seq, 3);
  }));

test('a page whose tab id another page took goes on under a new one', () =>
  withClient({ consent: 'granted' }, () => {}, async (client, engine) => {
    await until('connected', () => client.connected);
    const { tab } = client;
    engine.peers[0]?.socket.close(4001);
    await until('another hello', () => engine.peers.length === 2);
    assert.notEqual(engine.peers[1]?.hello.tab, tab);
    assert.equal(engine.peers[1]?.hello.cursor, undefined);
  }));

test('patches keep the state current, and one that does not fit brings a whole state', () =>
  withClient({ consent: 'granted' }, () => {}, async (client, engine) => {
    await until('connected', () => client.connected);
    engine.send({ type: 'state', base: 1, version: 2, patch: { n: 1 } });
    await until('patched', () => client.state?.n === 1);
    engine.state = { stage: 'carting', n: 9 };
    engine.version = 9;
    engine.send({ type: 'state', base: 8, version: 9, patch: { n: 9 } });
    await until('whole state', () => client.state?.n === 9);
    assert.equal(client.state?.stage, 'carting');
    assert.equal(engine.peers.length, 2);
  }));

test('a heartbeat without an answer ends the socket', () =>
  withClient({ consent: 'granted' }, () => {}, async (client, engine) => {
    await until('connected', () => client.connected);
    await pause(150);
    assert.equal(engine.peers.length, 1, 'answered heartbeats keep it');
    engine.pongs = false;
    await until('another socket', () => engine.peers.length === 2);
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

test('a page says from time to time how far it has come', () =>
  withClient({ consent: 'granted' }, () => {}, async (client, engine) => {
    await until('connected', () => client.connected);
    for (let n = 1; n <= 20; n += 1) {
      engine.send(push(n));
      engine.send({ type: 'state', base: n, version: n + 1, patch: { n } });
    }
    await until('all', () => client.state?.n === 20);
    await until('said', () => engine.seen.length === 2);
    assert.deepEqual(engine.seen, [{ type: 'seen', seq: 8, version: 9 }, { type: 'seen', seq: 16, version: 17 }]);
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
