// Why a rule has not fired yet for a visitor, or may not: what it awaits, and the tree of what held with the values it saw.

import { isObject, type Json, type JsonObject } from '../../client-js/src/index.ts';
import type { Admin } from './admin.ts';
import { h, span, words } from './dom.ts';

export class Explain {
  readonly element: HTMLElement;
  readonly #admin: Admin;
  readonly #own: () => string | undefined;
  readonly #visitor = h('input', '', [], { 'aria-label': "Visitor's id", placeholder: 'This browser', spellcheck: 'false', autocomplete: 'off' });
  readonly #answer = h('div', 'answer', [], { role: 'status' });
  #rule = '';

  /** `own` is the visitor of this browser, who is meant when no other is named. */
  constructor(admin: Admin, own: () => string | undefined) {
    this.#admin = admin;
    this.#own = own;
    const form = h('form', 'actions', [h('h3', '', 'How it stands for a visitor'), this.#visitor, h('button', '', 'Explain', { type: 'submit' })]);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#ask();
    });
    this.element = h('section', 'explain', [form, this.#answer], { 'aria-label': 'Explanation' });
    this.of('');
  }

  /** Turns to another rule; nothing is to be explained of one that is not saved. */
  of(rule: string): void {
    if (rule !== this.#rule) this.#answer.replaceChildren();
    this.#rule = rule;
    this.element.hidden = rule === '';
  }

  async #ask(): Promise<void> {
    const visitor = this.#visitor.value.trim() || this.#own();
    if (!visitor) {
      this.#answer.replaceChildren(h('p', 'bad', 'This browser is no visitor yet: open a page of the store in it first.'));
      return;
    }
    try {
      this.#answer.replaceChildren(...drawn(await this.#admin.explain(visitor, this.#rule)));
    } catch (error) {
      this.#answer.replaceChildren(h('p', 'bad', error instanceof Error ? error.message : String(error)));
    }
  }
}

function drawn({ would_fire, awaits, pattern, condition, limits, schedule, fired, preview }: JsonObject): readonly HTMLElement[] {
  const sentences = Array.isArray(awaits) ? awaits.map((sentence) => h('li', '', String(sentence))) : [];
  const verdict = would_fire === true ? 'All but the pattern lets it fire now.' : 'It would not fire now, even if its pattern occurred.';
  const parts = Object.entries({ pattern, condition, limits, schedule, fired }).flatMap(([name, part]) =>
    part === undefined ? [] : [h('dt', '', words(name)), h('dd', '', [tree(part)])],
  );
  return [
    h('p', would_fire === true ? 'yes' : 'no', `${verdict}${preview === true ? ' By the draft, which this visitor previews.' : ''}`),
    h('ul', 'awaits', sentences),
    h('dl', 'tree', parts),
  ];
}

/** A part of the explanation. What says whether it holds is marked with that. */
function tree(part: Json): HTMLElement {
  if (Array.isArray(part)) return part.length === 0 ? h('span', 'none', 'none') : h('ul', '', part.map((one: Json) => h('li', '', [tree(one)])));
  if (!isObject(part)) return h('code', '', JSON.stringify(part));
  const { holds, allows, field, test, value, ...rest } = part;
  const mark = holds ?? allows;
  const line: (HTMLElement | string)[] = [];
  if (typeof mark === 'boolean') line.push(h('b', mark ? 'yes' : 'no', mark ? '✓ ' : '✗ '));
  if (typeof field === 'string') line.push(h('code', '', `${field} ${JSON.stringify(test)}`), ` is ${JSON.stringify(value ?? null)}`);
  const simple = Object.entries(rest).filter(([, one]) => isSimple(one));
  if (simple.length > 0) line.push(h('span', '', simple.map(([name, one]) => fact(name, one)).join(', ')));
  const deep = Object.entries(rest).filter(([, one]) => !isSimple(one));
  const below = deep.map(([name, one]) => h('li', '', [h('em', '', words(name)), ' ', tree(one ?? null)]));
  return h('div', '', [...line, below.length > 0 && h('ul', '', below)]);
}

/** Whether it stands on one line: what is no object, and a list of such. */
function isSimple(value: Json | undefined): boolean {
  return Array.isArray(value) ? value.length > 0 && value.every((one: Json) => !isObject(one) && !Array.isArray(one)) : !isObject(value);
}

/** A member with its value, times in words. */
function fact(name: string, value: Json | undefined): string {
  if (Array.isArray(value) && name.endsWith('_ms')) return value.map((one: Json) => fact(name, one)).join(', ');
  if (typeof value === 'number' && name.endsWith('_at_ms')) return `${words(name.slice(0, -3))} ${new Date(value).toLocaleTimeString()}`;
  if (typeof value === 'number' && name.endsWith('_ms')) return `${words(name.slice(0, -3))} ${span(value)}`;
  return name === 'kind' || name === 'limit' ? words(String(value)) : `${words(name)} ${typeof value === 'string' ? value : JSON.stringify(value)}`;
}
