// `<footfall-slot name="…">`: a place of the page that shows what the engine pushes to it.

import type { Footfall } from './client.ts';
import { isObject, type Json, type Push } from './protocol.ts';
import { safeUrl, sanitise } from './sanitise.ts';

const STYLE = `
:host{display:block}
:host([hidden]){display:none}
.card{display:flex;gap:var(--footfall-gap,.875rem);align-items:start;
padding:var(--footfall-padding,.875rem 1rem);font:inherit;line-height:1.45;color:var(--footfall-color,inherit);
background:var(--footfall-background,color-mix(in srgb,currentColor 5%,transparent));
border:var(--footfall-border,1px solid color-mix(in srgb,currentColor 14%,transparent));
border-radius:var(--footfall-radius,.75rem);animation:in .28s cubic-bezier(.2,.8,.2,1)}
@keyframes in{from{opacity:0;transform:translateY(.4rem)}}
@media (prefers-reduced-motion:reduce){.card{animation:none}}
img{display:block;flex:none;width:var(--footfall-image-size,3rem);height:var(--footfall-image-size,3rem);object-fit:cover;border-radius:.5rem}
.body{flex:1;min-width:0}
.title{margin:0;font-weight:650}
.text{margin:.125rem 0 0}
.body :is(.html>:first-child){margin-top:0}
.body :is(.html>:last-child){margin-bottom:0}
.action{display:inline-block;margin-top:.375rem;font-weight:600;color:var(--footfall-accent,currentColor);text-underline-offset:.2em}
button{all:unset;flex:none;box-sizing:border-box;width:1.75rem;height:1.75rem;margin:-.25rem -.375rem 0 0;border-radius:50%;display:grid;place-items:center;cursor:pointer;opacity:.65}
button:hover{opacity:1;background:color-mix(in srgb,currentColor 10%,transparent)}
:is(button,a):focus-visible{outline:2px solid var(--footfall-accent,currentColor);outline-offset:2px;opacity:1}
`;

/**
 * Defines the element, once per page, and ties it to a client. An empty slot takes no room; a slot that shows
 * something has the attribute `filled`. `scope="page"` shows only what came during the present page view.
 * Theming: the parts `card image title text html action close`, and the custom properties in the style above.
 */
export function defineSlots(client: Footfall, elementName = 'footfall-slot'): void {
  if (customElements.get(elementName)) return;
  customElements.define(elementName, slotElement(client));
}

// Made on demand: where there is no DOM, there is no HTMLElement to extend, and importing must still work.
function slotElement(client: Footfall): CustomElementConstructor {
  return class FootfallSlot extends HTMLElement {
    static readonly observedAttributes = ['name', 'scope'];
    readonly #region = document.createElement('div');
    #shown: Push | undefined;
    #expiry: ReturnType<typeof setTimeout> | undefined;
    #unlisten: (() => void) | undefined;

    constructor() {
      super();
      const root = this.attachShadow({ mode: 'open' });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet];
      // There from the start, so that assistive technology watches it before anything is said in it.
      this.#region.setAttribute('role', 'status');
      this.#region.setAttribute('aria-live', 'polite');
      root.append(this.#region);
    }

    connectedCallback(): void {
      this.#unlisten = client.on('slots', () => this.#refresh());
      this.#refresh();
    }

    disconnectedCallback(): void {
      this.#unlisten?.();
      clearTimeout(this.#expiry);
    }

    attributeChangedCallback(): void {
      if (this.isConnected) this.#refresh();
    }

    #refresh(): void {
      const held = client.slot(this.getAttribute('name') ?? '', this.getAttribute('scope') === 'page');
      clearTimeout(this.#expiry);
      if (held) {
        const leftMs = held.push.expires_at_ms - client.now();
        this.#expiry = setTimeout(() => this.#refresh(), Math.min(Math.max(leftMs, 0) + 50, 2 ** 31 - 1));
      }
      if (held?.push === this.#shown) return;
      this.#shown = held?.push;
      this.#region.replaceChildren(...(held ? [this.#card(held.push)] : []));
      this.toggleAttribute('filled', held !== undefined);
      if (!held || held.shown) return;
      held.shown = true;
      client.track('push_shown', facts(held.push));
    }

    #card(push: Push): HTMLElement {
      const { title, text: words, html, image, action } = push.content;
      const card = part('div', 'card');
      if (isObject(image)) {
        const src = safeUrl(text(image.src), true);
        const picture = part('img', 'image');
        picture.src = src ?? '';
        picture.alt = text(image.alt);
        if (src !== undefined) card.append(picture);
      }
      const body = part('div', 'body');
      if (title) body.append(part('p', 'title', text(title)));
      if (words) body.append(part('p', 'text', text(words)));
      if (html) {
        const block = part('div', 'html');
        block.append(sanitise(text(html)));
        body.append(block);
      }
      const href = isObject(action) ? safeUrl(text(action.href)) : undefined;
      if (isObject(action) && href !== undefined) {
        const link = part('a', 'action', text(action.label));
        link.href = href;
        body.append(link);
      }
      body.addEventListener('click', (event) => {
        if (event.target instanceof Element && event.target.closest('a')) client.track('push_clicked', facts(push));
      });
      const close = part('button', 'close', '✕');
      close.type = 'button';
      close.setAttribute('aria-label', this.getAttribute('close-label') ?? 'Dismiss');
      close.addEventListener('click', () => client.dismiss(push));
      card.append(body, close);
      return card;
    }
  };
}

function facts(push: Push): { push: number; slot: string; rule: string } {
  return { push: push.seq, slot: push.slot, rule: push.rule };
}

function text(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

function part<K extends keyof HTMLElementTagNameMap>(tag: K, name: string, content = ''): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = name;
  element.setAttribute('part', name);
  element.textContent = content;
  return element;
}
