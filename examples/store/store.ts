// Starts the demo store: the client, the page, and the live panel beside it.

import { type Consent, createFootfall, defineSlots, type Footfall } from '../../client-js/src/index.ts';
import { readConfig, type SiteConfig } from '../../console/src/config.ts';
import { browserMemory, tabMemory } from '../../console/src/memory.ts';
import { Panel } from '../../console/src/panel.ts';
import * as cart from './cart.ts';
import { takeOverLinks } from './navigate.ts';
import { mount, type Store } from './views.ts';

const CONSENT_KEY = 'fernweh:consent';
const COLLAPSED_KEY = 'fernweh:panel';

async function start(): Promise<void> {
  const config = await readConfig();
  const client = config && createFootfall({ writeKey: config.write_key, consent: rememberedConsent(), inspect: true, exitIntent: true });
  if (client) defineSlots(client);

  const store: Store = {
    client,
    go: takeOverLinks((main) => mount(main, store)),
  };
  showCount();
  cart.watch(showCount);
  dock(client);
  if (client && config) privacy(client, config);
  const main = document.querySelector('main');
  if (main) mount(main, store);
  if (client) Object.assign(window, { footfall: client });
}

function showCount(): void {
  const count = cart.count();
  for (const badge of document.querySelectorAll<HTMLElement>('[data-cart-count]')) {
    badge.textContent = String(count);
    badge.hidden = count === 0;
  }
}

/** The panel, docked on wide screens and a drawer on narrow ones. */
function dock(client: Footfall | undefined): void {
  const aside = document.querySelector<HTMLElement>('[data-panel]');
  if (!aside) return;
  const remembered = tabMemory.get(COLLAPSED_KEY);
  const body = document.createElement('div');
  body.className = 'dock-body';
  body.id = 'dock-body';
  const toggle = document.createElement('button');
  toggle.type = 'button';
  toggle.className = 'dock-toggle';
  toggle.setAttribute('aria-controls', body.id);
  const set = (open: boolean): void => {
    document.body.classList.toggle('docked', open);
    body.hidden = !open;
    toggle.setAttribute('aria-expanded', String(open));
    toggle.innerHTML = open ? '<span aria-hidden="true">⟩</span><span class="sr">Hide the live state</span>' : '<span class="pulse" aria-hidden="true"></span>Live state';
  };
  toggle.addEventListener('click', () => {
    const open = body.hidden === true;
    set(open);
    tabMemory.set(COLLAPSED_KEY, open ? 'open' : 'closed');
  });
  set(remembered === undefined ? matchMedia('(min-width: 1100px)').matches : remembered === 'open');
  aside.append(toggle, body);
  new Panel(body, client);
}

function rememberedConsent(): Consent {
  const remembered = browserMemory.get(CONSENT_KEY);
  return remembered === 'granted' || remembered === 'denied' ? remembered : 'unknown';
}

/** The question about consent: asked by itself where the site requires it, and at hand in the footer always. */
function privacy(client: Footfall, config: SiteConfig): void {
  const bar = document.createElement('section');
  bar.className = 'consent';
  bar.setAttribute('aria-label', 'Privacy');
  bar.hidden = true;
  bar.innerHTML = `<p><strong>May we remember this visit?</strong> Pages and cart, to show what helps. Otherwise nothing is stored or sent.</p>
<div><button type="button" data-answer="denied">No, thanks</button><button type="button" class="primary" data-answer="granted">Yes</button></div>`;
  document.querySelector('.store')?.append(bar);
  for (const button of bar.querySelectorAll<HTMLButtonElement>('[data-answer]')) {
    button.addEventListener('click', () => {
      const answer = button.dataset.answer === 'granted' ? 'granted' : 'denied';
      client.consent(answer);
      browserMemory.set(CONSENT_KEY, answer);
      bar.hidden = true;
    });
  }
  document.querySelector('[data-consent]')?.addEventListener('click', () => {
    bar.hidden = false;
    bar.querySelector('button')?.focus();
  });
  if (config.consent === 'required' && browserMemory.get(CONSENT_KEY) === undefined) bar.hidden = false;
}

void start();
