// The demo store's pages as HTML; written to files when the site is built.

import { card } from './card.ts';
import { CATEGORIES, FREE_SHIPPING_FROM, money, type Product, PRODUCTS, roundMoney, SHIPPING, stockOf } from './catalogue.ts';

const MARK =
  '<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><path d="M2 26 12 8l5 8 3-4 10 14z" fill="currentColor"/><circle cx="24" cy="7" r="3.4" fill="var(--accent)"/></svg>';

const ICON = encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#1f4a3a"/><path d="M3 26 12 10l5 7 3-4 9 13z" fill="#fff"/><circle cx="24" cy="8" r="3" fill="#f06a2a"/></svg>',
);

interface Page {
  readonly kind: string;
  readonly title: string;
  readonly main: string;
  /** What the page is about, for the script. */
  readonly sku?: string;
}

function page({ kind, title, main, sku = '' }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="Fernweh Outfitters: the demo store of Footfall.">
<meta name="footfall:page" content="${kind}">
<link rel="icon" href="data:image/svg+xml,${ICON}">
<link rel="stylesheet" href="/store/style.css">
<script type="module" src="/store/store.js"></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<div class="store">
<header class="top">
<a class="brand" href="/">${MARK}<span>Fernweh</span> <small>Outfitters</small></a>
<form class="find" role="search" action="/search/" method="get">
<input name="q" type="search" aria-label="Search the store" placeholder="Search" autocomplete="off" required maxlength="60">
</form>
<nav aria-label="Store">
<a href="/">All gear</a>
<a class="cart-link" href="/cart/">Cart <span class="count" data-cart-count hidden></span></a>
</nav>
</header>
<footfall-slot name="banner" class="banner"></footfall-slot>
<main id="main" data-kind="${kind}" data-sku="${sku}" tabindex="-1">
${main}
</main>
<footer class="foot">
<p>Fernweh Outfitters is not a real shop. It is the demo store of Footfall, and its orders go nowhere.</p>
<p><a href="/console/">Console</a> <button type="button" class="link" data-consent>Privacy</button></p>
</footer>
</div>
<footfall-slot name="chat" class="chat"></footfall-slot>
<footfall-slot name="overlay" class="overlay"></footfall-slot>
<aside class="dock" aria-label="Live visitor state" data-panel></aside>
</body>
</html>
`;
}

const RIDGES = `<svg class="ridges" viewBox="0 0 1200 420" preserveAspectRatio="xMidYMax slice" aria-hidden="true">
<circle cx="905" cy="150" r="62" class="sun"/>
<path class="r1" d="M0 372l110-34 90 22 120-62 90 34 110-74 90 40 110-118 84 62 120-122 112 118 84-60 80 54v208H0z"/>
<path class="r2" d="M0 388l130-28 120 20 130-46 110 34 120-52 130 44 130-92 110 70 110-44 110 56v90H0z"/>
<path class="r3" d="M0 406l150-24 170 18 180-40 170 36 190-46 170 34 170-38v100H0z"/>
</svg>`;

function home(): string {
  const filters = ['All', ...CATEGORIES]
    .map((name, at) => `<button type="button" data-filter="${at === 0 ? '' : name}" aria-pressed="${at === 0}">${name}</button>`)
    .join('\n');
  return `<section class="hero">
${RIDGES}
<div class="hero-text">
<h1>Pack less.<br>Go further.</h1>
<p>Eight things that have earned their weight. Orders of ${roundMoney(FREE_SHIPPING_FROM)} and more ship free.</p>
</div>
</section>
<div class="filters" role="group" aria-label="Show only">
${filters}
</div>
<ul class="grid">
${PRODUCTS.map(card).join('\n')}
</ul>`;
}

const rows = (facts: readonly (readonly [string, string])[]): string => facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('');

function buy(item: Product): string {
  return `<form class="buy" data-buy="${item.sku}">
<label class="quantity">Quantity <input name="quantity" type="number" min="1" max="99" value="1" inputmode="numeric"></label>
<button class="primary" type="submit">Add to cart</button>
</form>`;
}

function product(item: Product): string {
  const facts = rows(item.facts);
  return `<article class="product">
<img class="product-picture" src="/pictures/${item.slug}.svg" width="400" height="400" alt="${item.name}">
<div class="product-text">
<p class="crumbs"><a href="/">All gear</a> / ${item.category}</p>
<h1>${item.name}</h1>
<p class="lead">${item.line}</p>
<p class="price big">${money(item.price)}</p>
${stockOf(item) > 0 ? buy(item) : '<p class="sold-out">Sold out</p>'}
<p class="said" role="status" data-said></p>
<footfall-slot name="product-side" scope="page"></footfall-slot>
<p>${item.description}</p>
<dl class="facts">${facts}</dl>
${item.sizes ? `<details data-opened="size_chart_opened"><summary>Size chart</summary><dl class="facts">${rows(item.sizes)}</dl></details>` : ''}
<details data-opened="delivery_info_opened"><summary>Delivery and returns</summary><p>Shipped within a day for ${money(SHIPPING)}, from ${roundMoney(FREE_SHIPPING_FROM)} free. Send back what does not fit within 30 days, at our cost.</p></details>
</div>
</article>
<section aria-labelledby="more"><h2 id="more">Goes along</h2>
<ul class="grid small">
${PRODUCTS.filter((other) => other.sku !== item.sku).slice(0, 4).map(card).join('\n')}
</ul></section>`;
}

const CART = `<h1>Your cart</h1>
<div class="split">
<div data-cart-lines></div>
<div class="side">
<div class="summary" data-cart-summary></div>
<form class="coupon" data-coupon hidden>
<label>Coupon <input name="code" autocomplete="off" required maxlength="20"></label>
<button type="submit">Redeem</button>
<p role="status" data-said></p>
</form>
<footfall-slot name="cart-side"></footfall-slot>
</div>
</div>`;

const SEARCH = `<h1 data-found>Search</h1>
<footfall-slot name="search-side"></footfall-slot>
<ul class="grid" data-results></ul>`;

const COMPARE = `<h1>Side by side</h1>
<div data-compare></div>`;

function field(name: string, label: string, autocomplete: string, type = 'text', wide = true): string {
  return `<label class="field${wide ? ' wide' : ''}">${label}<input name="${name}" type="${type}" autocomplete="${autocomplete}" required></label>`;
}

const CHECKOUT = `<h1>Checkout</h1>
<div class="split">
<form class="checkout" data-checkout>
<fieldset><legend>Who you are</legend>
${field('email', 'E-mail', 'email', 'email')}
${field('name', 'Full name', 'name')}
</fieldset>
<fieldset><legend>Where it goes</legend>
${field('street', 'Street and number', 'street-address')}
${field('postcode', 'Postcode', 'postal-code', 'text', false)}
${field('city', 'City', 'address-level2', 'text', false)}
</fieldset>
<button class="primary" type="submit">Place the order</button>
<p class="muted">No payment is asked for, and nothing is shipped.</p>
</form>
<div class="side">
<div class="summary" data-cart-summary></div>
<footfall-slot name="cart-side"></footfall-slot>
</div>
</div>`;

const THANKS = `<section class="thanks">
<h1>Thank you. See you out there.</h1>
<p class="lead" data-order>Your order is in.</p>
<p><a class="primary" href="/">Back to the store</a></p>
</section>`;

/** Path of each file of the site, and its text. */
export function pages(): Map<string, string> {
  const files = new Map<string, string>();
  files.set('index.html', page({ kind: 'home', title: 'Fernweh Outfitters', main: home() }));
  for (const item of PRODUCTS) {
    files.set(`product/${item.slug}/index.html`, page({ kind: 'product', title: `${item.name} · Fernweh`, main: product(item), sku: item.sku }));
  }
  files.set('cart/index.html', page({ kind: 'cart', title: 'Cart · Fernweh', main: CART }));
  files.set('search/index.html', page({ kind: 'search', title: 'Search · Fernweh', main: SEARCH }));
  files.set('compare/index.html', page({ kind: 'compare', title: 'Compare · Fernweh', main: COMPARE }));
  files.set('checkout/index.html', page({ kind: 'checkout', title: 'Checkout · Fernweh', main: CHECKOUT }));
  files.set('thank-you/index.html', page({ kind: 'confirmation', title: 'Thank you · Fernweh', main: THANKS }));
  return files;
}
