// The client against a real server on loopback: consent, erasure, reconnecting, resuming.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INCARNATION, pause, until } from './server.ts';
import { push, withClient } from './support.ts';

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
