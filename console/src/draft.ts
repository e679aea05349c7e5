// The bar above the documents: whether the draft is written or what is published, what the draft changes, and its end.

import { type Admin, AdminError, type Change } from './admin.ts';
import { h } from './dom.ts';

/** What the bar needs of the page around it. */
export interface Around {
  /** The author's own visitor in this browser, if there is one. */
  visitor(): string | undefined;
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
  readonly #actions: HTMLElement;

  constructor(root: HTMLElement, admin: Admin, around: Around) {
    this.#root = root;
    this.#admin = admin;
    this.#around = around;
    const on = admin.room === 'draft';
    const toggle = h('button', 'switch', [], { type: 'button', role: 'switch', 'aria-checked': String(on), 'aria-label': 'Work in the draft' });
    toggle.addEventListener('click', () => around.choose(!on));
    const button = (label: string, className: string, act: () => Promise<string>): HTMLElement => {
      const made = h('button', className, label, { type: 'button' });
      made.addEventListener('click', () => void this.#attempt(act));
      return made;
    };
    this.#actions = h('div', 'actions', [
      this.#comment,
      button('Publish', 'strong', () => this.#publish()),
      button('Show it to me', '', () => this.#preview()),
      button('Throw away', 'danger', () => this.#discard()),
    ]);
    root.replaceChildren(h('div', 'room', [toggle, h('b', '', 'Work in the draft'), this.#changes]), this.#actions, this.#said);
    this.#actions.hidden = true;
  }

  /** Asks anew what the draft changes. */
  async load(): Promise<void> {
    let changes: readonly Change[] | undefined;
    try {
      changes = await this.#admin.changes();
    } catch {
      // The list below says why: it asks with the same token.
      this.#root.hidden = true;
      return;
    }
    const names = (changes ?? []).map(({ kind, id, change }) => h('li', change, [h('a', '', id, { href: `#${kind}` }), ` ${change}`]));
    const empty = changes === undefined ? 'There is no draft.' : 'The draft changes nothing.';
    this.#changes.replaceChildren(names.length > 0 ? h('ul', '', names) : h('span', 'none', empty));
    this.#actions.hidden = this.#admin.room !== 'draft' || changes === undefined;
  }

  async #publish(): Promise<string> {
    const version = await this.#admin.publish(this.#comment.value.trim());
    this.#comment.value = '';
    this.#around.reload();
    return `Published as version ${version}. Visitors see it within seconds.`;
  }

  async #preview(): Promise<string> {
    const visitor = this.#around.visitor();
    if (!visitor) return 'This browser is no visitor yet: open a page of the store in it first.';
    await this.#admin.preview(visitor);
    return 'For an hour this browser, and nobody else, sees the store as the draft has it.';
  }

  async #discard(): Promise<string> {
    if (!confirm('Throw the draft away?')) return '';
    await this.#admin.discard();
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
