// The script tag, page views, consent, beacons and slots in a real browser; skipped where there is no Chromium.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { JsonObject, Push } from '../src/index.ts';
import { INCARNATION, pause, TestEngine, until } from './server.ts';

const CHROMIUM = process.env.FOOTFALL_CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';
const skip = existsSync(CHROMIUM) ? false : `no Chromium at ${CHROMIUM}`;

let browser: Browser;
let script = '';

before(async () => {
  if (skip) return;
  const entry = new URL('../src/script.ts', import.meta.url).pathname;
  const built = await build({ entryPoints: [entry], bundle: true, format: 'iife', write: false });
  script = built.outputFiles[0]?.text ?? '';
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS.split(' ') });
});

after(() => browser?.close());

function html(kind: string, attributes = ''): string {
  return `<!doctype html><title>${kind}</title><meta name="footfall:page" content="${kind}">
<script src="/footfall.js" data-write-key="wk" ${attributes} defer></script>
<a href="/other">other</a><footfall-slot name="s"></footfall-slot><footfall-slot name="p" scope="page"></footfall-slot>`;
}

function inBrowser(name: string, attributes: string, run: (page: Page, engine: TestEngine) => Promise<void>): void {
  test(name, { skip }, async () => {
    const engine = new TestEngine();
    const base = await engine.listen();
    engine.files.set('/', html('home', attributes));
    engine.files.set('/other', html('product', attributes));
    engine.files.set('/footfall.js', script);
    const context = await browser.newContext();
    const page = await context.newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    try {
      engine.requiresConsent = attributes.includes('unknown');
      await page.goto(`${base}/?utm_source=letter&utm_campaign=autumn`);
      await run(page, engine);
      assert.deepEqual(errors, []);
    } finally {
      await context.close();
      await engine.close();
    }
  });
}

function push(seq: number, content: JsonObject, more: Partial<Push> = {}): Push {
  return { type: 'push', seq, slot: 's', rule: 'r', priority: 0, content, tab: '', at_ms: Date.now(), expires_at_ms: Date.now() + 60_000, ...more };
}

const kinds = (engine: TestEngine): unknown[] => engine.events.filter((event) => event.type === 'page').map((event) => event.properties?.kind);
const tracked = (engine: TestEngine, name: string): number => engine.events.filter((event) => event.event === name).length;
/** The same without repeats: what was not acknowledged yet is sent again when the client is closed. */
const told = (engine: TestEngine, name: string): number =>
  new Set(engine.events.filter((event) => event.event === name).map(({ messageId }) => messageId)).size;

inBrowser('the script tag alone reports the page view, its kind and its campaign', '', async (_page, engine) => {
  await until('page view', () => engine.events.length === 1);
  const [event] = engine.events;
  assert.equal(event?.type, 'page');
  assert.equal(event?.context.page?.kind, 'home');
  assert.deepEqual(event?.context.campaign, { source: 'letter', name: 'autumn' });
});

inBrowser('navigation inside the document is a new page view, a fragment is not', '', async (page, engine) => {
  await until('page view', () => engine.events.length === 1);
  await page.evaluate(() => {
    history.pushState(null, '', '/list');
    document.title = 'List';
  });
  await until('second', () => kinds(engine).length === 2);
  await page.evaluate(() => {
    history.replaceState(null, '', '/list#top');
    history.replaceState(null, '', '/list');
  });
  await page.goBack();
  await until('third', () => kinds(engine).length === 3);
  await pause(150);
  assert.equal(kinds(engine).length, 3);
  assert.equal(engine.events[1]?.context.page?.title, 'List');
  assert.ok(engine.events[1]?.context.page?.referrer.includes('utm_source'));
});

inBrowser('without consent nothing is stored or sent', 'data-consent="unknown"', async (page, engine) => {
  await until('asked', () => engine.visitorRequests.length === 1);
  await pause(200);
  const stored = (): Promise<unknown[]> => page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);
  assert.deepEqual(await stored(), [0, 0, '']);
  await page.goto(`${new URL(page.url()).origin}/other`);
  await until('asked again', () => engine.visitorRequests.length === 2);
  assert.deepEqual(await stored(), [0, 0, '']);
  assert.deepEqual([engine.events.length, engine.beacons.length, engine.peers.length], [0, 0, 0]);
  await page.evaluate(() => window.footfall?.consent('granted'));
  await until('what waited', () => engine.events.length === 1);
  assert.deepEqual(kinds(engine), ['product'], 'what an earlier document knew is gone with it');
});

inBrowser('what was said about consent reaches the engine by the next document, if not by this one', '', async (page, engine) => {
  const owed = (): Promise<string | null> => page.evaluate(() => localStorage.getItem('footfall:consent'));
  const other = `${new URL(page.url()).origin}/other`;
  await until('page view', () => engine.events.length === 1);
  engine.visitorStatus = 503;
  await page.evaluate(() => window.footfall?.consent('denied'));
  await until('not heard', () => engine.visitorRequests.length >= 2);
  assert.match((await owed()) ?? '', /^\{"denied":\{"token":"f1.token","atMs":\d+\}\}$/);
  await page.goto(other);
  engine.visitorStatus = 200;
  const before = engine.visitorRequests.length;
  await until('told', () => engine.visitorRequests.length > before);
  assert.deepEqual(engine.visitorRequests.at(-1), { writeKey: 'wk', consent: 'denied', webdriver: true, token: 'f1.token' });
  await page.waitForFunction(() => localStorage.getItem('footfall:consent') === null);
  assert.deepEqual(await page.evaluate(() => Object.keys(localStorage)), ['footfall:withdrawn'], 'a time, and nothing of the visitor');
  await pause(150);
  assert.equal(kinds(engine).length, 1, 'and nothing is recorded meanwhile');
  engine.visitorStatus = 503;
  await page.evaluate(() => window.footfall?.consent('granted'));
  assert.equal(await owed(), '{"granted":true}');
  engine.requiresConsent = true;
  await page.goto(other);
  engine.visitorStatus = 200;
  await until('page view of a visitor who has consented', () => kinds(engine).length === 2);
  assert.equal(await owed(), null);
});

inBrowser('leaving the page is told by beacon, and the next document goes on in the same tab', '', async (page, engine) => {
  await until('page view', () => engine.events.length === 1);
  engine.send(push(1, { title: 'Stays' }));
  engine.send(push(2, { title: 'Was about that page' }, { slot: 'p' }));
  await page.locator('footfall-slot[name=s] .title').waitFor();
  await page.locator('footfall-slot[name=p] .title').waitFor();
  await page.click('a');
  await until('next hello', () => engine.peers.length === 2);
  assert.equal(tracked(engine, 'page_left'), 1);
  assert.equal(tracked(engine, 'page_hidden'), 0);
  assert.equal(engine.beacons[0]?.token, 'f1.token');
  assert.equal(engine.peers[1]?.hello.tab, engine.peers[0]?.hello.tab);
  assert.deepEqual(engine.peers[1]?.hello.cursor, { incarnation: INCARNATION, seq: 2 });
  await page.locator('footfall-slot[name=s] .title').waitFor();
  assert.equal(await page.locator('footfall-slot[name=p] .title').count(), 0);
  await pause(150);
  assert.equal(tracked(engine, 'push_shown'), 2, 'each push is reported once, not once per document');
});

inBrowser('a slot shows the highest priority, and what is closed, retracted or expired goes', '', async (page, engine) => {
  await until('page view', () => engine.events.length === 1);
  const title = (): Promise<string | null> => page.evaluate(() => document.querySelector('footfall-slot')?.shadowRoot?.querySelector('.title')?.textContent ?? null);
  const shows = async (wanted: string | null): Promise<void> => {
    for (let at = 0; at < 100 && (await title()) !== wanted; at += 1) await pause(10);
    assert.equal(await title(), wanted);
  };
  assert.equal(await page.evaluate(() => document.querySelector('footfall-slot')?.getBoundingClientRect().height), 0);
  engine.send(push(1, { title: 'low' }));
  engine.send(push(2, { title: 'high' }, { priority: 5 }));
  engine.send(push(3, { title: 'short' }, { priority: 9, expires_at_ms: Date.now() + 300 }));
  await shows('short');
  await shows('high');
  await page.locator('footfall-slot[name=s]').getByRole('button', { name: 'Dismiss' }).press('Enter');
  await shows('low');
  await until('dismissal', () => tracked(engine, 'push_dismissed') === 1);
  assert.equal(engine.events.find((event) => event.event === 'push_dismissed')?.properties?.push, 2);
  engine.send({ type: 'retract', seq: 4, push: 1, slot: 's' });
  await shows(null);
  assert.equal(await page.getByRole('status').first().getAttribute('aria-live'), 'polite');
});

inBrowser('pushed markup runs nothing', '', async (page, engine) => {
  await until('page view', () => engine.events.length === 1);
  const markup = `<p onclick="hit()">safe <b>bold</b></p><script>hit()</script><img src=x onerror="hit()"><a href="javascript:hit()">a</a>
<a href=" JaVa\tScript:hit()">b</a><svg onload="hit()"><a xlink:href="javascript:hit()"></a></svg><iframe srcdoc="<script>parent.hit()</script>"></iframe>
<style>*{display:none}</style><form action="javascript:hit()"><button formaction="javascript:hit()">go</button></form><math><mi xlink:href="javascript:hit()"></mi></math>`;
  await page.evaluate(() => Object.assign(window, { hit: () => Object.assign(window, { harmed: true }) }));
  engine.send(push(1, { html: markup, action: { label: 'x', href: 'javascript:hit()' }, image: { src: 'javascript:hit()', alt: '' } }));
  await page.locator('footfall-slot[name=s] .html b').waitFor();
  const shown = await page.evaluate(() => {
    const root = document.querySelector('footfall-slot')?.shadowRoot;
    for (const link of root?.querySelectorAll('a') ?? []) link.click();
    return root?.querySelector('.card')?.outerHTML ?? '';
  });
  assert.doesNotMatch(shown, /script|onclick|onerror|onload|iframe|<svg|<style|<form|<math|class="action"|class="image"/i);
  assert.match(shown, /safe <b>bold<\/b>/);
  await pause(50);
  assert.equal(await page.evaluate(() => 'harmed' in window), false);
});

const leaveThroughTheTop = async (page: Page): Promise<void> => {
  await page.mouse.move(300, 200);
  await page.mouse.move(300, 40);
  await page.mouse.move(300, -2);
};

inBrowser('the pointer that leaves through the top is told once in a page view, and through another side never', 'data-exit-intent', async (page, engine) => {
  await until('page view', () => engine.events.length === 1);
  const { width, height } = page.viewportSize() ?? { width: 0, height: 0 };
  for (const [x, y] of [[-2, 200], [width + 2, 200], [300, height + 2]] as const) {
    await page.mouse.move(300, 200);
    await page.mouse.move(x, y);
  }
  await pause(150);
  assert.equal(told(engine, 'exit_intent'), 0);
  await leaveThroughTheTop(page);
  await until('exit intent', () => told(engine, 'exit_intent') === 1);
  await leaveThroughTheTop(page);
  await page.evaluate(() => history.pushState(null, '', '/list'));
  await until('next page view', () => kinds(engine).length === 2);
  await leaveThroughTheTop(page);
  await until('exit intent of the next page view', () => told(engine, 'exit_intent') === 2);
  assert.equal(told(engine, 'exit_intent'), 2);
  await page.evaluate(() => window.footfall?.close());
  await page.evaluate(() => history.pushState(null, '', '/last'));
  await leaveThroughTheTop(page);
  await pause(150);
  assert.equal(told(engine, 'exit_intent'), 2, 'a client that is closed watches nothing');
});

inBrowser('where it is not asked for, nobody watches the pointer', '', async (page, engine) => {
  await until('page view', () => engine.events.length === 1);
  await leaveThroughTheTop(page);
  await pause(150);
  assert.equal(told(engine, 'exit_intent'), 0);
});
