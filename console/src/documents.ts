// Lists the rules, segments or stages of a site, and edits one of them as JSON.

import { isObject, type JsonObject } from '../../client-js/src/index.ts';
import { type Admin, AdminError, type Fault, type Kind, type Stored, type Written } from './admin.ts';
import { h } from './dom.ts';
import { Explain } from './explain.ts';
import { locate } from './locate.ts';

const NEW: Readonly<Record<Kind, JsonObject>> = {
  rules: {
    id: 'new-rule',
    name: 'New rule',
    priority: 0,
    enabled: true,
    pattern: { event: { name: 'product_added' } },
    condition: { 'cart.value': { $gte: 100 } },
    limits: { per_session: 1 },
    actions: [{ push: { slot: 'cart-side', content: { title: 'Title', text: 'Text' }, expires: '5m' } }],
  },
  segments: { id: 'new-segment', name: 'New segment', when: { 'session.pages': { $gte: 5 } } },
  stages: { id: 'new-stage', name: 'New stage', rank: 25, enter: [{ from: ['browsing', 'considering'], when: { 'session.product_views': { $gte: 5 } } }] },
};

const ONE: Readonly<Record<Kind, string>> = { rules: 'rule', segments: 'segment', stages: 'stage' };

export class Documents {
  readonly #root: HTMLElement;
  readonly #admin: Admin;
  readonly #kind: Kind;
  readonly #changed: () => Promise<void>;
  readonly #explanation: Explain;
  readonly #list = h('ul', 'list');
  readonly #said = h('p', 'said', [], { role: 'status' });
  readonly #faults = h('ol', 'faults');
  readonly #text = h('textarea', 'json', [], { spellcheck: 'false', 'aria-label': 'Document as JSON', autocapitalize: 'off', autocomplete: 'off' });
  readonly #heading = h('h2');
  readonly #remove = h('button', 'danger', 'Delete', { type: 'button' });
  readonly #editor: HTMLElement;
  #documents: readonly JsonObject[] = [];
  #open: ({ readonly id: string } & Stored) | undefined;
  /** The text as it was loaded or last saved. */
  #saved = '';

  /** `changed` is called after each change that was made; `visitor` is that of this browser. */
  constructor(root: HTMLElement, admin: Admin, kind: Kind, { changed, visitor }: { changed(): Promise<void>; visitor(): string | undefined }) {
    this.#root = root;
    this.#changed = changed;
    this.#explanation = new Explain(admin, visitor);
    this.#admin = admin;
    this.#kind = kind;
    const save = h('button', 'strong', admin.room === 'draft' ? 'Save to the draft' : 'Save', { type: 'button' });
    const create = h('button', 'wide', `New ${ONE[kind]}`, { type: 'button' });
    create.addEventListener('click', () => this.mayLeave() && this.#begin());
    save.addEventListener('click', () => void this.#save());
    this.#remove.addEventListener('click', () => void this.#delete());
    this.#text.addEventListener('keydown', (event) => {
      if (event.key === 's' && (event.metaKey || event.ctrlKey)) {
        event.preventDefault();
        void this.#save();
      }
    });
    this.#editor = h('div', 'editor', [this.#heading, this.#text, h('div', 'actions', [save, this.#remove]), this.#said, this.#faults, this.#explanation.element]);
    this.#editor.hidden = true;
    root.replaceChildren(h('div', 'documents', [h('div', 'side', [create, this.#list]), this.#editor]));
  }

  /** Whether text was written that is not saved. */
  get dirty(): boolean {
    return !this.#editor.hidden && this.#text.value !== this.#saved;
  }

  /** Asks before such text is lost; whether it may be. */
  mayLeave(): boolean {
    return !this.dirty || confirm('What you wrote is not saved, and would be lost. Go on?');
  }

  async load(): Promise<void> {
    try {
      this.#documents = await this.#admin.list(this.#kind);
    } catch (error) {
      this.#root.replaceChildren(h('p', 'said bad', error instanceof AdminError ? error.message : String(error)));
      return;
    }
    this.#draw();
  }

  #draw(): void {
    const items = this.#documents.map((document) => {
      const id = text(document.id);
      const choose = h('button', 'choose', [h('strong', '', text(document.name) || id), h('span', '', id)], { type: 'button' });
      if (this.#open?.id === id) choose.setAttribute('aria-current', 'true');
      choose.addEventListener('click', () => this.mayLeave() && void this.#choose(id));
      return h('li', '', [choose, this.#kind === 'rules' && this.#toggle(document, id)]);
    });
    this.#list.replaceChildren(...items);
    if (items.length === 0) this.#list.replaceChildren(h('li', 'none', `No ${this.#kind} yet.`));
  }

  /** The kill switch of a rule: acts at once on what is published. */
  #toggle(document: JsonObject, id: string): HTMLElement {
    const on = document.enabled !== false;
    const toggle = h('button', 'switch', [], { type: 'button', role: 'switch', 'aria-checked': String(on), 'aria-label': `${id} is live` });
    toggle.addEventListener('click', async () => {
      // The text that is open would bring back what the switch changes: it is loaded anew.
      if (this.#open?.id === id && !this.mayLeave()) return;
      await this.#attempt(async () => {
        const stored = await this.#admin.read(this.#kind, id);
        await this.#admin.replace(this.#kind, id, JSON.stringify({ ...stored.document, enabled: !on }), stored);
        await this.#changed();
        await this.load();
        if (this.#open?.id === id) await this.#choose(id);
        this.#list.querySelector<HTMLElement>(`[aria-label="${CSS.escape(id)} is live"]`)?.focus();
      });
    });
    return toggle;
  }

  async #choose(id: string): Promise<void> {
    await this.#attempt(async () => {
      const stored = await this.#admin.read(this.#kind, id);
      this.#show(id, stored);
    });
  }

  #begin(): void {
    this.#show('', { document: NEW[this.#kind], etag: undefined });
    this.#text.focus();
  }

  #show(id: string, stored: Stored): void {
    this.#open = { id, ...stored };
    this.#heading.textContent = id || `New ${ONE[this.#kind]}`;
    this.#text.value = JSON.stringify(stored.document, null, 2);
    this.#saved = this.#text.value;
    this.#text.rows = Math.min(30, this.#text.value.split('\n').length + 1);
    this.#remove.hidden = id === '';
    this.#explanation.of(this.#kind === 'rules' ? id : '');
    this.#editor.hidden = false;
    this.#say('');
    this.#draw();
  }

  async #save(): Promise<void> {
    const open = this.#open;
    if (!open) return;
    let document: unknown;
    try {
      document = JSON.parse(this.#text.value);
    } catch (error) {
      this.#say(`This is not JSON: ${error instanceof Error ? error.message : ''}`, true);
      return;
    }
    const id = isObject(document) ? text(document.id) : '';
    if (!isObject(document) || !id) {
      this.#say(`A ${ONE[this.#kind]} needs an id: a short name such as "free-shipping".`, true);
      return;
    }
    // Another id is another document.
    const known = id === open.id;
    await this.#attempt(async () => {
      const text = this.#text.value;
      const done = known ? await this.#admin.replace(this.#kind, id, text, open) : await this.#admin.create(this.#kind, text);
      this.#open = { id, document, etag: done.etag };
      this.#saved = text;
      this.#heading.textContent = id;
      this.#remove.hidden = false;
      this.#explanation.of(this.#kind === 'rules' ? id : '');
      await this.#changed();
      await this.load();
      this.#say(this.#outcome(done), done.faults.length > 0);
      this.#explain([...done.faults, ...done.warnings]);
    });
  }

  #outcome({ faults, warnings }: Written): string {
    if (faults.length > 0) return 'Kept in the draft, which cannot be published like this:';
    const draft = this.#admin.room === 'draft';
    if (warnings.length > 0) return `${draft ? 'Kept in the draft' : 'Saved'}. Have a second look at this:`;
    return draft ? 'Kept in the draft. Nobody sees it before it is published.' : 'Saved. Visitors see it within seconds.';
  }

  async #delete(): Promise<void> {
    const open = this.#open;
    if (!open || !confirm(`Delete the ${ONE[this.#kind]} ${open.id}?`)) return;
    await this.#attempt(async () => {
      await this.#admin.remove(this.#kind, open.id, open);
      this.#open = undefined;
      this.#saved = this.#text.value;
      this.#editor.hidden = true;
      await this.#changed();
      await this.load();
    });
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    this.#say('');
    try {
      await action();
    } catch (error) {
      this.#editor.hidden = false;
      this.#say(error instanceof Error ? error.message : String(error), true);
      if (error instanceof AdminError) this.#explain(error.faults);
      // What others did meanwhile shows in the draft as well.
      if (error instanceof AdminError && error.status === 412) void this.#changed();
      // On a small screen it stands below the text.
      this.#said.scrollIntoView({ block: 'nearest' });
    }
  }

  /** Each fault beside the document; choosing one selects the place it is about. */
  #explain(faults: readonly Fault[]): void {
    const rows = faults.map((fault) => {
      const button = h('button', '', [h('code', '', fault.pointer || '/'), fault.message], { type: 'button' });
      button.addEventListener('click', () => {
        const place = locate(this.#text.value, fault.pointer);
        this.#text.focus();
        if (place) this.#text.setSelectionRange(place.start, place.end);
      });
      return h('li', '', [button]);
    });
    this.#faults.replaceChildren(...rows);
  }

  #say(what: string, bad = false): void {
    this.#said.textContent = what;
    this.#said.classList.toggle('bad', bad);
    this.#faults.replaceChildren();
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
