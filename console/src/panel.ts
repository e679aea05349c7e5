// The live panel: a visitor's own state as it changes. The store docks it, the console shows it full width.

import type { Footfall } from '../../client-js/src/index.ts';
import { ago, clock, h, span } from './dom.ts';
import { SECTIONS } from './sections.ts';
import type { View } from './state.ts';

/** How often running clocks are drawn, in milliseconds. */
const TICK_MS = 100;

export class Panel {
  readonly #root: HTMLElement;
  readonly #client: Footfall | undefined;
  readonly #status = h('p', 'fp-status', [], { role: 'status' });
  readonly #bodies = new Map<string, { readonly section: HTMLElement; readonly body: HTMLElement; drawn: string }>();
  /** The span a timer had when it was first seen, so that its bar starts full. */
  readonly #spans = new Map<string, { readonly due: number; readonly whole: number }>();
  #view: View = {};

  constructor(root: HTMLElement, client: Footfall | undefined) {
    this.#root = root;
    this.#client = client;
    root.classList.add('fp');
    root.append(this.#status);
    if (!client) {
      this.#say('off', 'The engine is not reached', 'The page works without it; nothing is measured or pushed.');
      return;
    }
    this.#say('off', 'Connecting', '');
    client.on('open', () => this.#say('on', 'Live', client.visitor?.slice(0, 8) ?? ''));
    client.on('close', () => this.#say('off', 'Reconnecting', 'Events wait until then.'));
    client.on('consent', (state) => {
      if (state === 'required') this.#say('off', 'Waiting for consent', 'Nothing is stored or sent.');
      if (state === 'denied') this.#say('off', 'Not followed', 'Consent was declined: nothing is stored or sent.');
      if (state !== 'granted') this.#empty();
    });
    client.on('error', ({ message }) => this.#say('off', 'The engine answered with an error', message));
    client.on('state', (state) => {
      this.#view = state as View;
      this.#draw();
    });
    setInterval(() => this.#tick(), TICK_MS);
  }

  #say(tone: 'on' | 'off', what: string, more: string): void {
    this.#status.replaceChildren(h('i', `fp-dot ${tone}`, [], { 'aria-hidden': 'true' }), h('b', '', what), h('span', 'fp-quiet', more));
  }

  #empty(): void {
    for (const { section } of this.#bodies.values()) section.remove();
    this.#bodies.clear();
  }

  #draw(): void {
    for (const { name, title, slice, draw } of SECTIONS) {
      const text = JSON.stringify(slice(this.#view)) ?? '';
      let place = this.#bodies.get(name);
      if (!place) {
        const body = h('div', 'fp-body');
        const section = h('section', `fp-section ${name}`, [h('h3', '', title), body]);
        place = { section, body, drawn: '\0' };
        this.#bodies.set(name, place);
        this.#root.append(section);
      }
      if (place.drawn === text) continue;
      const first = place.drawn === '\0';
      place.drawn = text;
      place.body.replaceChildren(...draw(this.#view));
      // Marks what has just changed, but for the first drawing.
      if (!first) {
        place.section.classList.remove('changed');
        void place.section.offsetWidth;
        place.section.classList.add('changed');
      }
    }
    this.#tick();
  }

  /** Brings everything that runs with time up to date, by the server's clock. */
  #tick(): void {
    if (!this.#client || this.#root.hidden) return;
    const now = this.#client.now();
    const each = (attribute: string, text: (at: number, element: HTMLElement) => string): void => {
      for (const element of this.#root.querySelectorAll<HTMLElement>(`[${attribute}]`)) {
        const next = text(Number(element.getAttribute(attribute)), element);
        if (element.textContent !== next) element.textContent = next;
      }
    };
    each('data-due', (at) => (at <= now ? 'due' : span(at - now)));
    each('data-left', (at) => (at <= now ? 'expired' : span(at - now)));
    each('data-ago', (at) => ago(now - at));
    each('data-engaged', (engaged, element) => clock(engaged + (element.dataset.since ? now - Number(element.dataset.since) : 0)));
    for (const bar of this.#root.querySelectorAll<HTMLElement>('[data-bar]')) {
      const due = Number(bar.dataset.bar);
      const key = bar.dataset.key ?? '';
      let known = this.#spans.get(key);
      if (known?.due !== due) {
        known = { due, whole: Math.max(1, due - now) };
        this.#spans.set(key, known);
      }
      bar.style.setProperty('--left', String(Math.min(1, Math.max(0, (due - now) / known.whole))));
    }
  }
}
