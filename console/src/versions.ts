// Lists the published versions of a site's documents, shows what each changed, and brings an old one back.

import type { Json, JsonObject } from '../../client-js/src/index.ts';
import { type Admin, AdminError, type Difference, type Version } from './admin.ts';
import { attempt, h } from './dom.ts';

export class Versions {
  readonly #root: HTMLElement;
  readonly #admin: Admin;
  readonly #list = h('ol', 'list');
  readonly #detail = h('div', 'editor');
  readonly #said = h('p', 'said', [], { role: 'status' });

  constructor(root: HTMLElement, admin: Admin) {
    this.#root = root;
    this.#admin = admin;
    root.replaceChildren(h('div', 'documents', [h('div', 'side', [this.#list]), h('div', '', [this.#said, this.#detail])]));
  }

  async load(): Promise<void> {
    await attempt(this.#said, async () => {
      const versions = await this.#admin.versions();
      this.#list.replaceChildren(...versions.map((version) => this.#row(version)));
      if (versions.length === 0) this.#list.replaceChildren(h('li', 'none', 'Nothing was published yet.'));
    });
  }

  #row(version: Version): HTMLElement {
    const { at_ms, author, change, restored, comment } = version;
    const what = restored === null ? change : `${change} of ${restored}`;
    const facts = [what, author, new Date(at_ms).toLocaleString()].filter(Boolean).join(' · ');
    const choose = h('button', 'choose', [h('strong', '', `Version ${version.version}`), comment ? h('em', '', comment) : undefined, h('span', '', facts)], { type: 'button' });
    choose.addEventListener('click', () => {
      for (const other of this.#root.querySelectorAll('[aria-current]')) other.removeAttribute('aria-current');
      choose.setAttribute('aria-current', 'true');
      void attempt(this.#said, () => this.#show(version.version));
    });
    return h('li', '', [choose]);
  }

  async #show(version: number): Promise<void> {
    const difference = await this.#admin.difference(version - 1, version).catch((error: unknown) => {
      if (error instanceof AdminError && error.status === 404) return undefined;
      throw error;
    });
    const what = difference ? rows(difference) : [h('p', '', 'No version before it is kept that it could be compared with.')];
    const restore = h('button', '', `Bring version ${version} back`, { type: 'button' });
    restore.addEventListener('click', () => {
      if (!confirm(`Publish the documents of version ${version} again?`)) return;
      void attempt(this.#said, async () => {
        const made = await this.#admin.restore(version);
        await this.load();
        this.#detail.replaceChildren();
        this.#said.textContent = `Version ${made} has the documents of version ${version}. Visitors see them within seconds.`;
      });
    });
    this.#detail.replaceChildren(h('h2', '', `What version ${version} changed`), ...what, h('div', 'actions', [restore]));
  }
}

function rows({ added, removed, changed }: Difference): readonly HTMLElement[] {
  const whole = (what: string) => ({ kind, id }: { readonly kind: string; readonly id: string }) => h('section', 'difference', [h('h3', '', `${kind}/${id}`), h('p', '', what)]);
  const edited = changed.map(({ kind, id, patch }) => h('section', 'difference', [h('h3', '', `${kind}/${id}`), h('dl', '', patch.map(operation))]));
  const all = [...added.map(whole('added')), ...removed.map(whole('removed')), ...edited];
  return all.length > 0 ? all : [h('p', '', 'No document is another one.')];
}

/** One operation of a patch: the place, what was there and what is there now. */
function operation({ op, path, value, was }: JsonObject): HTMLElement {
  const text = (json: Json | undefined): string => JSON.stringify(json) ?? '';
  const before = op === 'add' ? undefined : h('del', '', text(was));
  const after = op === 'remove' ? undefined : h('ins', '', text(value));
  return h('div', '', [h('dt', '', [h('code', '', String(path))]), h('dd', '', [before, before && after ? ' ' : undefined, after])]);
}
