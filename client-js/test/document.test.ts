// What a document's life does to a client: the back/forward cache, prerendering, and what other pages do meanwhile.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { createFootfall, type Footfall, type FootfallOptions } from '../src/index.ts';
import { ofTab, shared, TestDocument } from './document.ts';
import { pause, TestEngine, until } from './server.ts';
import { push, TIMING } from './support.ts';

/** Sockets that end only where a test ends them. */
const CALM = { ...TIMING, pingMs: 10_000, ackMs: 1_000 };

beforeEach(() => {
  shared.clear();
  ofTab.clear();
});

/** `open` makes a client for the document that shows. */
async function withEngine(run: (engine: TestEngine, open: (options?: Partial<FootfallOptions>) => Footfall) => Promise<void>): Promise<void> {
  const engine = new TestEngine();
  const host = await engine.listen();
  const clients: Footfall[] = [];
  const open = (options: Partial<FootfallOptions> = {}): Footfall => {
    const client = createFootfall({ host, writeKey: 'wk', consent: 'granted', timing: CALM, ...options });
    clients.push(client);
    return client;
  };
  try {
    await run(engine, open);
  } finally {
    for (const client of clients) client.close();
    await engine.close();
  }
}

test('a page that comes back goes on from where the tab has come meanwhile', () =>
  withEngine(async (engine, open) => {
    const documentA = new TestDocument().show();
    const a = open();
    await until('connected', () => a.connected);
    const applied: number[] = [];
    a.on('push', ({ seq }) => applied.push(seq));
    engine.send(push(1));
    await until('pushed', () => applied.length === 1);
    documentA.leave();

    const documentB = new TestDocument().show();
    const b = open();
    b.on('push', ({ seq }) => applied.push(seq));
    await until('connected', () => b.connected);
    assert.equal(b.slot('s')?.push.seq, 1);
    b.dismiss(push(1));
    for (const seq of [2, 3]) engine.send(push(seq));
    await until('pushed', () => applied.length === 3);
    const shown = b.slot('s');
    assert.ok(shown);
    shown.shown = true;
    documentB.leave();

    let refreshed = 0;
    a.on('slots', () => (refreshed += 1));
    documentA.restore();
    await until('connected', () => a.connected);
    assert.deepEqual(engine.peers.map(({ hello }) => hello.cursor?.seq), [undefined, 1, 3]);
    assert.deepEqual([a.slot('s')?.push.seq, a.slot('s')?.shown, refreshed > 0], [3, true, true]);
    for (const seq of [1, 2, 3, 4]) engine.send(push(seq));
    await until('pushed', () => applied.length === 4);
    assert.deepEqual(applied, [1, 2, 3, 4]);
  }));

test('a tab that was only out of sight has all its pushes still', () =>
  withEngine(async (engine, open) => {
    const page = new TestDocument().show();
    const client = open();
    await until('connected', () => client.connected);
    engine.send(push(1, { tab: client.tab }));
    await until('pushed', () => client.slot('s', true) !== undefined);
    page.hide();
    assert.ok(ofTab.has('footfall:tab'));
    page.reveal();
    assert.equal(client.slot('s', true)?.push.seq, 1);
    assert.equal(ofTab.size, 0, 'a copy of the tab gets an id of its own');
    assert.equal(engine.peers.length, 1);
  }));

test('a page that hears late of an erasure leaves alone who has consented since', () =>
  withEngine(async (engine, open) => {
    const page = new TestDocument().show();
    const frozen = open();
    await until('connected', () => frozen.connected);
    ofTab.clear();
    new TestDocument().show();
    const other = open();
    await until('connected', () => other.connected);
    other.consent('denied');
    await until('heard', () => engine.visitorRequests.length === 3);
    Object.assign(engine, { visitor: 'v-2', token: 'f1.new' });
    other.consent('granted');
    await until('connected anew', () => other.connected && other.visitor === 'v-2');
    const said = engine.visitorRequests.length;

    page.show();
    const heard: string[] = [];
    frozen.on('consent', (state) => heard.push(state));
    frozen.on('erased', () => heard.push('erased'));
    engine.peers[0]?.socket.close(4003, 'erased');
    await until('erased', () => heard.includes('erased'));
    await pause(50);
    page.window.dispatchEvent(new Event('online'));
    await pause(50);
    assert.deepEqual(engine.visitorRequests.slice(said), []);
    assert.deepEqual([shared.get('footfall:token'), shared.get('footfall:consent')], ['f1.new', undefined]);
    assert.deepEqual([heard, frozen.visitor, frozen.connected], [['denied', 'erased'], undefined, false]);

    frozen.consent('denied');
    await until('the visitor says no here as well', () => engine.visitorRequests.length > said);
    assert.equal(shared.get('footfall:token'), undefined);
  }));

/** A page that the tab goes back to, and another one on which the visitor says something meanwhile. */
async function meanwhile(engine: TestEngine, open: (options?: Partial<FootfallOptions>) => Footfall, says: (other: Footfall) => unknown): Promise<[TestDocument, Footfall, string[]]> {
  const page = new TestDocument().show();
  const client = open();
  const heard: string[] = [];
  client.on('erased', () => heard.push('erased'));
  await until('connected', () => client.connected);
  client.track('before');
  await until('taken', () => engine.events.some(({ event }) => event === 'before'));
  page.leave();
  const next = new TestDocument().show();
  const other = open();
  await until('connected', () => other.connected);
  const asked = engine.visitorRequests.length;
  await says(other);
  await until('heard', () => engine.visitorRequests.length > asked);
  next.leave();
  engine.events.length = 0;
  engine.batches.length = 0;
  return [page, client, heard];
}

for (const [what, says] of [
  ['withdrawn', (other: Footfall) => other.consent('denied')],
  ['asked to be forgotten', (other: Footfall) => other.erase()],
] as const)
  test(`a page that comes back after the visitor has ${what} on another one stops, and says nothing anew`, () =>
    withEngine(async (engine, open) => {
      const [page, client, heard] = await meanwhile(engine, open, says);
      const [peers, asked] = [engine.peers.length, engine.visitorRequests.length];
      page.restore();
      client.track('after');
      await until('erased', () => heard.length === 1);
      client.track('long after');
      await pause(150);
      assert.deepEqual([engine.peers.length, engine.visitorRequests.length, engine.events, engine.batches, heard], [peers, asked, [], [], ['erased']]);
      assert.deepEqual([client.visitor, ofTab.size, shared.get('footfall:token')], [undefined, 0, undefined]);
      client.consent('granted');
      client.track('anew');
      await until('with consent', () => engine.events.some(({ event }) => event === 'anew'));
    }));

test('a page that has lost its socket does not go on with a consent that was withdrawn in another tab', () =>
  withEngine(async (engine, open) => {
    new TestDocument().show();
    const client = open();
    await until('connected', () => client.connected);
    ofTab.clear();
    new TestDocument().show();
    const other = open();
    await until('connected', () => other.connected);
    engine.refusesSockets = true;
    engine.peers[0]?.socket.terminate();
    other.consent('denied');
    engine.refusesSockets = false;
    await until('stopped', () => client.visitor === undefined);
    client.track('after');
    await pause(100);
    assert.deepEqual([engine.peers.length, engine.events.filter(({ event }) => event === 'after')], [2, []]);
  }));

test('consent given anew on another page does not make a page go on that had the earlier one', () =>
  withEngine(async (engine, open) => {
    const [page, , heard] = await meanwhile(engine, open, (other) => {
      other.consent('denied');
      Object.assign(engine, { visitor: 'v-2', token: 'f1.new' });
      other.consent('granted');
      return until('connected anew', () => other.visitor === 'v-2');
    });
    page.restore();
    await until('erased', () => heard.length === 1);
    assert.equal(shared.get('footfall:token'), 'f1.new');
    new TestDocument().show();
    const next = open();
    await until('the next document goes on', () => next.connected);
  }));

test('of somebody who was never followed a withdrawal leaves nothing', () =>
  withEngine(async (engine, open) => {
    engine.requiresConsent = true;
    new TestDocument().show();
    const client = open({ consent: 'unknown' });
    await until('asked', () => engine.visitorRequests.length === 1);
    client.consent('denied');
    await until('told', () => engine.visitorRequests.length === 2);
    await until('heard', () => shared.size === 0);
  }));

test('a prerendered page asks and tells nothing until somebody sees it, and is one page view then', () =>
  withEngine(async (engine, open) => {
    const page = new TestDocument().show();
    Object.assign(page, { prerendering: true, visibilityState: 'hidden' });
    const client = open({ consent: 'unknown' });
    client.consent('granted');
    client.track('product_viewed');
    await pause(100);
    assert.deepEqual([engine.visitorRequests, engine.peers, shared.size], [[], [], 0]);
    page.activate();
    await until('connected', () => client.connected);
    await until('page view', () => engine.events.some(({ type }) => type === 'page'));
    await pause(50);
    assert.deepEqual(engine.visitorRequests, [{ writeKey: 'wk', consent: 'granted' }]);
    assert.equal(engine.events.filter(({ type }) => type === 'page').length, 1);
    assert.ok(engine.events.some(({ event }) => event === 'product_viewed'), 'what the page itself tells is not lost');
  }));

test('a prerendered page that nobody sees, or that is closed before, leaves no trace', () =>
  withEngine(async (engine, open) => {
    const page = new TestDocument().show();
    Object.assign(page, { prerendering: true, visibilityState: 'hidden' });
    open().close();
    page.activate();
    await pause(100);
    assert.deepEqual([engine.visitorRequests, engine.events, shared.size], [[], [], 0]);
  }));

test('a page that was prerendered before a withdrawal does not go on with its consent', () =>
  withEngine(async (engine, open) => {
    const shown = new TestDocument().show();
    const front = open();
    await until('connected', () => front.connected);
    const page = new TestDocument().show();
    Object.assign(page, { prerendering: true, visibilityState: 'hidden' });
    const client = open({ consent: 'unknown' });
    client.consent('granted');
    shown.show();
    front.consent('denied');
    await until('heard', () => engine.visitorRequests.length === 2);
    page.show().activate();
    client.track('after');
    await pause(100);
    assert.deepEqual([engine.visitorRequests.length, engine.peers.length, engine.events.filter(({ event }) => event === 'after')], [2, 1, []]);
  }));
