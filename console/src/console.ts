// Starts the console: the visitor's panel, and with an admin token the documents, their draft and their versions.

import { createFootfall, type Footfall } from '../../client-js/src/index.ts';
import { Admin, type Kind } from './admin.ts';
import { readConfig, siteName } from './config.ts';
import { Documents } from './documents.ts';
import { h } from './dom.ts';
import { DraftBar } from './draft.ts';
import { Letters } from './letters.ts';
import { tabMemory } from './memory.ts';
import { Panel } from './panel.ts';
import { Versions } from './versions.ts';

const TOKEN_KEY = 'footfall:admin';
const DRAFT_KEY = 'footfall:draft';
const KINDS: readonly string[] = ['rules', 'segments', 'stages'] satisfies readonly Kind[];

function place(selector: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
}

let client: Footfall | undefined;
/** The documents that are shown; text that is written there may not be lost unasked. */
let open: Documents | undefined;
const mayLeave = (): boolean => open?.mayLeave() ?? true;

async function start(): Promise<void> {
  const site = siteName();
  place('[data-site]').textContent = site;

  const form = place('[data-key]') as HTMLFormElement;
  const input = form.querySelector('input');
  const had = tabMemory.get(TOKEN_KEY) ?? '';
  if (input) input.value = had;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!mayLeave()) return;
    // In this tab only: it is gone when the tab is closed.
    if (input?.value) tabMemory.set(TOKEN_KEY, input.value.trim());
    else tabMemory.remove(TOKEN_KEY);
    show(site);
  });
  let shown = location.hash;
  addEventListener('hashchange', () => {
    // The skip link names a place on the page, and no part of the console.
    if (location.hash === '#main') return;
    if (!mayLeave()) return history.replaceState(history.state, '', shown || '#visitor');
    shown = location.hash;
    show(site);
  });
  addEventListener('beforeunload', (event) => open?.dirty && event.preventDefault());
  show(site);

  const config = await readConfig(site);
  client = config && createFootfall({ writeKey: config.write_key, inspect: true, observer: true, autoPage: false });
  new Panel(place('[data-panel]'), client);
}

/** Shows the part that the address names. */
function show(site: string): void {
  const name = location.hash.slice(1) || 'visitor';
  for (const link of document.querySelectorAll<HTMLAnchorElement>('[data-tabs] a')) {
    if (link.hash === `#${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const documents = place('[data-view=documents]');
  const authoring = KINDS.includes(name) || name === 'versions' || name === 'letters';
  const bar = place('[data-draft]');
  place('[data-view=visitor]').hidden = authoring;
  bar.hidden = true;
  open = undefined;
  documents.hidden = !authoring;
  if (!authoring) return;
  const token = tabMemory.get(TOKEN_KEY);
  if (!token) {
    documents.replaceChildren(h('p', 'said', `Paste an admin token above to see and change the ${name === 'letters' ? 'dead letters' : name} of this site. It is kept in this tab only.`));
    return;
  }
  if (name === 'versions') {
    void new Versions(documents, new Admin(site, token)).load();
    return;
  }
  if (name === 'letters') {
    void new Letters(documents, new Admin(site, token)).load();
    return;
  }
  const visitor = (): string | undefined => client?.visitor;
  const admin = new Admin(site, token, tabMemory.get(DRAFT_KEY) === undefined ? 'published' : 'draft');
  const list = (): void => {
    open = new Documents(documents, admin, name as Kind, { changed: () => draft.load(), visitor });
    void open.load();
  };
  const draft = new DraftBar(bar, admin, {
    visitor,
    mayLeave,
    choose: (on) => {
      if (on) tabMemory.set(DRAFT_KEY, 'on');
      else tabMemory.remove(DRAFT_KEY);
      show(site);
    },
    reload: list,
  });
  bar.hidden = false;
  list();
  void draft.load();
}

void start();
