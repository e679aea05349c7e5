// Lists a site's dead letters: what a sink refused or could not take, to be sent once more or deleted.

import { type Admin, type DeadLetter } from './admin.ts';
import { ago, attempt, h, words } from './dom.ts';

export class Letters {
  readonly #admin: Admin;
  readonly #list = h('ul', 'list letters', [], { 'aria-label': 'Dead letters' });
  readonly #more = h('div', 'actions');
  readonly #said = h('p', 'said', [], { role: 'status' });

  constructor(root: HTMLElement, admin: Admin) {
    this.#admin = admin;
    root.replaceChildren(this.#said, this.#list, this.#more);
  }

  async load(): Promise<void> {
    await attempt(this.#said, async () => {
      this.#list.replaceChildren();
      await this.#page(undefined);
      if (!this.#list.hasChildNodes()) this.#list.replaceChildren(h('li', 'none', 'There are none: every sink has taken what it was sent.'));
    });
  }

  /** Adds the letters before a place, and the way to those before them. */
  async #page(before: string | undefined): Promise<void> {
    const { items, next } = await this.#admin.letters(before);
    this.#list.append(...items.map((letter) => this.#row(letter)));
    const more = h('button', '', 'Older ones', { type: 'button' });
    more.addEventListener('click', () => void attempt(this.#said, () => this.#page(next)));
    this.#more.replaceChildren(...(next === undefined ? [] : [more]));
  }

  #row(letter: DeadLetter): HTMLElement {
    const { id, sink, reason, answer, at_ms, attempts, bytes } = letter;
    const facts = [`${ago(Date.now() - at_ms)} ago`, `${attempts} ${attempts === 1 ? 'try' : 'tries'}`, `${bytes} bytes`].join(' · ');
    const button = (label: string, className: string, act: () => Promise<void>, done: string): HTMLElement => {
      const made = h('button', className, label, { type: 'button', 'aria-label': `${label} ${id}` });
      made.addEventListener('click', () =>
        void attempt(this.#said, async () => {
          await act();
          await this.load();
          this.#said.textContent = done;
        }),
      );
      return made;
    };
    const what = h('div', 'what', [h('strong', '', `${sink}: ${words(reason)}`), answer ? h('code', '', answer) : undefined, h('span', '', facts)]);
    return h('li', '', [
      what,
      button('Replay', '', () => this.#admin.replay(id), 'It is in the queue of its sink again.'),
      button('Delete', 'danger', () => this.#remove(id), 'It is gone: the sink never gets it.'),
    ]);
  }

  async #remove(id: string): Promise<void> {
    if (!confirm('Delete this letter? Its records never reach the sink.')) throw new Error('Nothing was deleted.');
    await this.#admin.removeLetter(id);
  }
}
