// The bar above the documents: whether the draft is written or what is published, what the draft changes, and its end.

import { type Admin, AdminError, type Draft } from './admin.ts';
import { h } from './dom.ts';

/** What the bar needs of the page around it. */
export interface Around {
  /** The author's own visitor in this browser, if there is one. */
  visitor(): string | undefined;
  /** Asks before text that is not saved is lost; whether it may be. */
  mayLeave(): boolean;
  /** The author goes over to the draft, or back. */
  choose(draft: boolean): void;
  /** The documents are others now. */
  reload(): void;
}

export class DraftBar {
  readonly #root: HTMLElement;
  readonly #admin: Admin;
  readonly #around: Around;
  readonly #changes = h('div', 'changes');
  readonly #said = h('p', 'told', [], { role: 'status' });
  readonly #comment = h('input', '', [], { 'aria-label': 'What this version is about', placeholder: 'What it is about', maxlength: '200' });
  readonly #publishing: HTMLElement;
  readonly #actions: HTMLElement;
  /** As the author sees it; what is published or thrown away is this one. */
  #draft: Draft | undefined;

  constructor(root: HTMLElement, admin: Admin, around: Around) {
    this.#root = root;
    this.#admin = admin;
    this.#around = around;
    const on = admin.room === 'draft';
    const toggle = h('button', 'switch', [], { type: 'button', role: 'switch', 'aria-checked': String(on), 'aria-label': 'Work in the draft' });
    toggle.addEventListener('click', () => around.mayLeave() && around.choose(!on));
    const button = (label: string, className: string, act: () => Promise<string>): HTMLElement => {
      const made = h('button', className, label, { type: 'button' });
      made.addEventListener('click', () => void this.#attempt(act));
      return made;
    };
    this.#publishing = button('Publish', 'strong', () => this.#publish());
    this.#actions = h('div', 'actions', [
      this.#comment,
      this.#publishing,
      button('Show it to me', '', () => this.#preview()),
      button('Throw away', 'danger', () => this.#discard()),
    ]);
    root.replaceChildren(h('div', 'room', [toggle, h('b', '', 'Work in the draft'), this.#changes]), this.#actions, this.#said);
    this.#actions.hidden = true;
  }

  /** Asks anew what the draft changes. */
  async load(): Promise<void> {
    try {
      this.#draft = await this.#admin.draft();
    } catch {
      // The list below says why: it asks with the same token.
      this.#root.hidden = true;
      return;
    }
    const draft = this.#draft;
    const names = (draft?.changes ?? []).map(({ kind, id, change }) => h('li', change, [h('a', '', id, { href: `#${kind}` }), ` ${change}`]));
    const empty = draft ? 'The draft changes nothing.' : 'There is no draft.';
    this.#changes.replaceChildren(names.length > 0 ? h('ul', '', names) : h('span', 'none', empty));
    const beneath = draft && !draft.current ? draft.version : undefined;
    if (beneath !== undefined) this.#changes.append(h('p', '', `It was made from version ${draft?.base}; version ${beneath} has other documents.`));
    this.#publishing.textContent = beneath === undefined ? 'Publish' : `Publish on top of version ${beneath}`;
    this.#actions.hidden = this.#admin.room !== 'draft' || !draft;
  }

  async #publish(): Promise<string> {
    const draft = this.#draft;
    if (!draft || !this.#around.mayLeave()) return '';
    const { version, overwritten } = await this.#admin.publish(draft, this.#comment.value.trim());
    this.#comment.value = '';
    this.#around.reload();
    const instead = overwritten.length > 0 ? ` The draft's word stands instead of what version ${draft.version} says: ${overwritten.join(', ')}.` : '';
    return `Published as version ${version}. Visitors see it within seconds.${instead}`;
  }

  async #preview(): Promise<string> {
    const visitor = this.#around.visitor();
    if (!visitor) return 'This browser is no visitor yet: open a page of the store in it first.';
    await this.#admin.preview(visitor);
    return 'For an hour this browser, and nobody else, sees the store as the draft has it.';
  }

  async #discard(): Promise<string> {
    const draft = this.#draft;
    if (!draft || !confirm('Throw the draft away?') || !this.#around.mayLeave()) return '';
    await this.#admin.discard(draft);
    this.#around.reload();
    return 'The draft is gone; what is published goes on.';
  }

  async #attempt(act: () => Promise<string>): Promise<void> {
    this.#say('');
    try {
      this.#say(await act());
    } catch (error) {
      const faults = error instanceof AdminError ? error.faults.map(({ pointer, message }) => `${pointer}: ${message}`) : [];
      this.#say([error instanceof Error ? error.message : String(error), ...faults].join('\n'), true);
    }
    await this.load();
  }

  #say(what: string, bad = false): void {
    this.#said.textContent = what;
    this.#said.classList.toggle('bad', bad);
  }
}
