// A product in a list, as HTML: for pages as they are built, and for what a search finds.

import { money, type Product } from './catalogue.ts';

export function card(product: Product): string {
  return `<li class="card" data-category="${product.category}">
<a href="/product/${product.slug}/">
<img src="/pictures/${product.slug}.svg" width="400" height="400" alt="" loading="lazy">
<span class="card-text"><strong>${product.name}</strong><span class="muted">${product.line}</span></span>
<span class="price">${money(product.price)}</span>
</a>
</li>`;
}
