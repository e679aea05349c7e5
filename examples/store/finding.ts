// How the store's visitors find things: the search, and the last two products side by side.

import { asSegmentProduct, bySku, money, type Product, search } from './catalogue.ts';
import { card } from './card.ts';
import type { Store } from './views.ts';

export function queryOf(address: string): string {
  return (new URLSearchParams(address).get('q') ?? '').trim();
}

/** What the address asks for, shown and told. */
export function find(main: HTMLElement, store: Store): void {
  const heading = main.querySelector('[data-found]');
  const list = main.querySelector('[data-results]');
  if (!heading || !list) return;
  const query = queryOf(location.search);
  if (query === '') return;
  const found = search(query);
  heading.textContent = found.length === 0 ? `Nothing for “${query}”` : `${found.length} for “${query}”`;
  list.innerHTML = found.map(card).join('\n');
  store.client?.track('products_searched', { query, results: found.length, products: found.map(asSegmentProduct) });
}

/** The products that were looked at last, the newest first; kept in memory, since nothing is stored without consent. */
let seen: readonly string[] = [];

export function remember(sku: string): void {
  seen = [sku, ...seen.filter((other) => other !== sku)].slice(0, 2);
}

export function compare(main: HTMLElement): void {
  const place = main.querySelector('[data-compare]');
  if (!place) return;
  const two = seen.map(bySku).filter((item) => item !== undefined);
  place.innerHTML = two.length < 2 ? '<p class="empty">Look at two products, and they stand here side by side.</p>' : table(two);
}

function table(two: readonly Product[]): string {
  const names = [...new Set(two.flatMap(({ facts }) => facts.map(([name]) => name)))];
  const cell = (item: Product, name: string): string => item.facts.find(([other]) => other === name)?.[1] ?? '–';
  const row = (name: string, cells: readonly string[]): string => `<tr><th scope="row">${name}</th>${cells.map((text) => `<td>${text}</td>`).join('')}</tr>`;
  const heads = two.map((item) => `<th scope="col"><a href="/product/${item.slug}/"><img src="/pictures/${item.slug}.svg" width="160" height="160" alt="">${item.name}</a></th>`);
  const prices = two.map(({ price }) => money(price));
  return `<table class="compare"><thead><tr><td></td>${heads.join('')}</tr></thead>
<tbody>${row('Price', prices)}${names.map((name) => row(name, two.map((item) => cell(item, name)))).join('')}</tbody></table>`;
}
