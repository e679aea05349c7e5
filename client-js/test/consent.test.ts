// What is kept of the visitor's consent when several tabs of one browser share it.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Admission } from '../src/consent.ts';
import type { Consent } from '../src/protocol.ts';
import { TestEngine, until } from './server.ts';

const KEY = 'footfall:consent';

/** What a browser's tabs share: Node has no `localStorage` of its own unless it is given a file. */
const kept = new Map<string, string>();
const storage = {
  getItem: (key: string): string | null => kept.get(key) ?? null,
  setItem: (key: string, text: string): void => void kept.set(key, text),
  removeItem: (key: string): void => void kept.delete(key),
};
Object.defineProperty(globalThis, 'localStorage', { value: storage, configurable: true });
beforeEach(() => kept.clear());

const owed = (): { denied?: { token?: string }; granted?: true } => JSON.parse(kept.get(KEY) ?? '{}');

/** `open` is a new tab of the browser, which the end of the test closes. */
async function withEngine(run: (engine: TestEngine, open: () => Admission) => Promise<void>): Promise<void> {
  const engine = new TestEngine();
  const host = await engine.listen();
  const tabs: Admission[] = [];
  const open = (): Admission => {
    const tab = new Admission(host, 'wk', 10, { admitted: () => {}, refused: () => {} });
    tabs.push(tab);
    return tab;
  };
  try {
    await run(engine, open);
  } finally {
    for (const tab of tabs) tab.stop();
    await engine.close();
  }
}

const asked = (engine: TestEngine): unknown[] => engine.visitorRequests.map(({ consent }) => consent);

/** The visitor says so in this tab while the engine is out of reach, and closes it. */
async function sayUnheard(engine: TestEngine, tab: Admission, consent: Consent, token?: string): Promise<void> {
  engine.visitorStatus = 503;
  tab.say(consent, token);
  await tab.begin(consent, token);
  tab.stop();
  engine.visitorStatus = 200;
  engine.visitorRequests.length = 0;
}

test('a withdrawal in one tab outlives the answer that another tab gets, and is told by the next document', () =>
  withEngine(async (engine, open) => {
    const [first, second] = [open(), open()];
    first.say('granted', undefined);
    await first.begin('granted', undefined);
    assert.equal(kept.size, 0, 'it is heard');
    await sayUnheard(engine, second, 'denied');
    await first.begin('granted', 'f1.token');
    assert.deepEqual(asked(engine), ['granted'], 'an older consent is not told after the withdrawal');
    assert.ok(owed().denied);
    const next = open();
    assert.equal(next.unheard, 'denied');
    await next.begin('denied', undefined);
    assert.deepEqual([asked(engine), kept.size], [['granted', 'denied'], 0]);
  }));

test('a withdrawal overtakes what other tabs were told, also after the clock was set back', () =>
  withEngine(async (_engine, open) => {
    kept.set('footfall:withdrawn', String(Date.now() + 3_600_000));
    const [first, second] = [open(), open()];
    assert.deepEqual([first.overtaken, second.overtaken], [false, false]);
    second.say('denied', undefined);
    assert.deepEqual([first.overtaken, second.overtaken], [true, false]);
    first.say('granted', undefined);
    assert.equal(first.overtaken, false);
  }));

test('a withdrawal that an earlier version of the client has kept is told as well', () =>
  withEngine(async (engine, open) => {
    const first = open();
    kept.set(KEY, '{"denied":{}}');
    await first.begin('granted', undefined);
    assert.deepEqual(owed(), { denied: {} });
    await open().begin('denied', undefined);
    assert.deepEqual([asked(engine), kept.size], [['granted', 'denied'], 0]);
  }));

test('consent given in one tab is told after the withdrawal that another tab could not tell', () =>
  withEngine(async (engine, open) => {
    const [first, second] = [open(), open()];
    await sayUnheard(engine, second, 'denied', 'f1.token');
    first.say('granted', undefined);
    assert.deepEqual([owed().denied?.token, owed().granted], ['f1.token', true]);
    await first.begin('granted', undefined);
    assert.deepEqual(asked(engine), ['denied', 'granted']);
    assert.equal(engine.visitorRequests[0]?.token, 'f1.token');
    assert.equal(kept.size, 0);
  }));

test('a withdrawal is the later word over a consent that another tab could not tell', () =>
  withEngine(async (engine, open) => {
    const [first, second] = [open(), open()];
    await sayUnheard(engine, second, 'granted');
    first.say('denied', undefined);
    assert.deepEqual([Boolean(owed().denied), owed().granted], [true, undefined]);
    await first.begin('denied', undefined);
    assert.deepEqual([asked(engine), kept.size], [['denied'], 0]);
  }));

test('a withdrawal that is heard leaves the consent which another tab was given meanwhile', () =>
  withEngine(async (engine, open) => {
    const [first, second] = [open(), open()];
    first.say('denied', undefined);
    const telling = first.begin('denied', undefined);
    second.say('granted', undefined);
    await telling;
    assert.deepEqual([asked(engine), owed()], [['denied'], { granted: true }]);
    assert.equal(open().unheard, 'granted');
  }));

for (const [whose, token] of [['of another token', 'f1.other'], ['of the same token', 'f1.token']] as const)
  test(`a withdrawal ${whose} that another tab says while the first is being told is told as well`, () =>
    withEngine(async (engine, open) => {
      const [first, second] = [open(), open()];
      first.say('denied', 'f1.token');
      const { denied } = owed();
      const telling = first.begin('denied', 'f1.token');
      // Two words of one millisecond are one.
      for (const now = Date.now(); Date.now() <= now; );
      second.say('denied', token);
      await telling;
      assert.notDeepEqual(owed().denied, denied);
      assert.equal(owed().denied?.token, token);
      await until('told as well', () => kept.size === 0);
      assert.deepEqual(engine.visitorRequests.map((request) => request.token), ['f1.token', token]);
    }));

test('consent that only another tab owes is left to be told by the next document', () =>
  withEngine(async (engine, open) => {
    const [first, second] = [open(), open()];
    await sayUnheard(engine, second, 'granted');
    await first.begin('granted', undefined);
    assert.deepEqual(owed(), { granted: true });
    const next = open();
    assert.equal(next.unheard, 'granted');
    await next.begin('granted', undefined);
    assert.equal(kept.size, 0);
  }));

test('consent that is answered while another tab withdraws and consents anew is still told after the withdrawal', () =>
  withEngine(async (engine, open) => {
    const [first, second] = [open(), open()];
    first.say('granted', undefined);
    const asking = first.begin('granted', undefined);
    second.say('denied', 'f1.token');
    second.say('granted', undefined);
    await asking;
    assert.deepEqual([Boolean(owed().denied), owed().granted], [true, true]);
    await second.begin('granted', undefined);
    assert.deepEqual([asked(engine), kept.size], [['granted', 'denied', 'granted'], 0]);
  }));

test('a withdrawal that another tab has told is not told again, which would undo what was granted since', () =>
  withEngine(async (engine, open) => {
    const first = open();
    await sayUnheard(engine, first, 'denied');
    await open().begin('granted', undefined);
    await first.begin('denied', undefined);
    assert.deepEqual(asked(engine), ['denied', 'granted']);
  }));

test('what storage does not take is told from memory', () =>
  withEngine(async (engine, open) => {
    Object.defineProperty(globalThis, 'localStorage', { value: undefined, configurable: true });
    try {
      const tab = open();
      await sayUnheard(engine, tab, 'denied', 'f1.token');
      tab.say('granted', undefined);
      await tab.begin('granted', undefined);
      await tab.begin('granted', undefined);
      assert.deepEqual([asked(engine), tab.unheard], [['denied', 'granted', 'granted'], undefined]);
    } finally {
      Object.defineProperty(globalThis, 'localStorage', { value: storage, configurable: true });
    }
  }));
