// What each page of the store does once it is there: fills in the cart, tracks, reacts to forms.

import type { Footfall } from '../../client-js/src/index.ts';
import { tabMemory } from '../../console/src/memory.ts';
import * as cart from './cart.ts';
import { asSegmentProduct, bySku, CURRENCY, FREE_SHIPPING_FROM, money, PRODUCTS, roundMoney, stockOf } from './catalogue.ts';
import { compare, find, queryOf, remember } from './finding.ts';
import { rename } from './navigate.ts';

export interface Store {
  /** Absent when the engine is not reached: the store works without. */
  readonly client: Footfall | undefined;
  go(path: string): void;
}

/** Brings the page that is in `main` to life. */
export function mount(main: HTMLElement, store: Store): void {
  const { kind, sku } = main.dataset;
  const box = document.querySelector<HTMLInputElement>('[role=search] [name=q]');
  if (box) box.value = kind === 'search' ? queryOf(location.search) : '';
  if (kind === 'home') home(main, store);
  if (kind === 'product') product(main, store, sku ?? '');
  if (kind === 'search') find(main, store);
  if (kind === 'compare') compare(main);
  if (kind === 'cart') cartPage(main, store);
  if (kind === 'checkout') checkout(main, store);
  if (kind === 'confirmation') confirmation(main);
}

/** Tracks a change of a line's quantity as what was added or removed. */
export function change(store: Store, sku: string, quantity: number): void {
  const difference = cart.setQuantity(sku, quantity);
  const item = bySku(sku);
  if (!item || difference === 0) return;
  const { goods } = cart.totals();
  const event = difference > 0 ? 'product_added' : 'product_removed';
  store.client?.track(event, { ...asSegmentProduct(item), quantity: Math.abs(difference), cart_value: goods });
}

function home(main: HTMLElement, store: Store): void {
  const buttons = main.querySelectorAll<HTMLButtonElement>('[data-filter]');
  for (const button of buttons) {
    button.addEventListener('click', () => {
      const category = button.dataset.filter ?? '';
      for (const other of buttons) other.setAttribute('aria-pressed', String(other === button));
      for (const card of main.querySelectorAll<HTMLElement>('.card')) {
        card.hidden = category !== '' && card.dataset.category !== category;
      }
      const products = PRODUCTS.filter((item) => category === '' || item.category === category);
      store.client?.track('product_list_viewed', { category: category || 'All', products: products.map(asSegmentProduct) });
    });
  }
}

function product(main: HTMLElement, store: Store, sku: string): void {
  const item = bySku(sku);
  if (!item) return;
  const stock = stockOf(item);
  store.client?.track('product_viewed', { ...asSegmentProduct(item), stock, availability: stock > 0 ? 'in_stock' : 'out_of_stock' });
  remember(sku);
  for (const details of main.querySelectorAll<HTMLDetailsElement>('details[data-opened]')) {
    details.addEventListener('toggle', () => details.open && store.client?.track(details.dataset.opened ?? '', { sku }));
  }
  const form = main.querySelector<HTMLFormElement>('[data-buy]');
  const said = main.querySelector('[data-said]');
  if (!form || !said) return;
  const add = (asked: FormDataEntryValue | null): void => {
    const before = cart.quantityOf(sku);
    change(store, sku, before + Math.max(1, Number(asked) || 1));
    const now = cart.quantityOf(sku);
    const link = Object.assign(document.createElement('a'), { href: '/cart/', textContent: 'Go to the cart' });
    said.replaceChildren(now > before ? `In your cart: ${now}. ` : `${cart.QUANTITY_MAX} is as many as we sell at once. `, link);
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    add(new FormData(form).get('quantity'));
  });
  // Who was quicker than this script has sent the form without it.
  const sent = new URLSearchParams(location.search).get('quantity');
  if (sent !== null) {
    rename(location.pathname);
    add(sent);
  }
}

function cartPage(main: HTMLElement, store: Store): void {
  const list = main.querySelector<HTMLElement>('[data-cart-lines]');
  if (!list) return;
  const coupon = main.querySelector<HTMLFormElement>('[data-coupon]');
  store.client?.track('cart_viewed', { currency: CURRENCY, products: cart.asSegmentProducts() });
  const draw = (focus?: string): void => {
    drawLines(list, (sku, quantity, control) => {
      change(store, sku, quantity);
      draw(control);
    });
    summarise(main, 'Check out', '/checkout/');
    if (coupon) coupon.hidden = cart.count() === 0;
    const control = focus === undefined ? null : list.querySelector<HTMLElement>(`[data-control="${focus}"]:not(:disabled)`);
    if (focus !== undefined) (control ?? main).focus();
  };
  draw();
  coupon?.addEventListener('submit', (event) => {
    event.preventDefault();
    const code = String(new FormData(coupon).get('code')).trim().toUpperCase();
    const taken = cart.redeem(code);
    store.client?.track(taken ? 'coupon_applied' : 'coupon_denied', { coupon_id: code, ...(taken ? { discount: cart.totals().discount } : { reason: 'unknown' }) });
    const said = coupon.querySelector('[data-said]');
    if (said) said.textContent = taken ? `${code} is redeemed.` : `${code} is none of our codes.`;
    draw();
  });
}

function drawLines(list: HTMLElement, changed: (sku: string, quantity: number, control: string) => void): void {
  if (cart.count() === 0) {
    list.innerHTML = '<div class="empty"><p>Nothing in it yet.</p><p><a class="primary" href="/">See all gear</a></p></div>';
    return;
  }
  const rows = cart.lines().map(({ sku, quantity }) => {
    const item = bySku(sku);
    if (!item) return '';
    const button = (label: string, to: number, text: string, off: boolean): string =>
      `<button type="button" data-sku="${sku}" data-to="${to}" data-control="${sku}${text}" aria-label="${label}"${off ? ' disabled' : ''}>${text}</button>`;
    return `<li class="line"><img src="/pictures/${item.slug}.svg" width="88" height="88" alt="">
<div><a href="/product/${item.slug}/"><strong>${item.name}</strong></a><span class="muted">${money(item.price)}</span>
<span class="stepper">${button(`One fewer ${item.name}`, quantity - 1, '−', quantity <= 1)}<output aria-label="Quantity">${quantity}</output>${button(`One more ${item.name}`, quantity + 1, '+', quantity >= cart.QUANTITY_MAX)}
<button type="button" class="link" data-sku="${sku}" data-to="0" data-control="${sku}x">Remove</button></span></div>
<span class="price">${money(item.price * quantity)}</span></li>`;
  });
  list.innerHTML = `<ul class="lines">${rows.join('')}</ul>`;
  for (const button of list.querySelectorAll<HTMLButtonElement>('[data-to]')) {
    const { sku, to, control } = button.dataset;
    button.addEventListener('click', () => changed(sku ?? '', Number(to), control ?? ''));
  }
}

function summarise(main: HTMLElement, action?: string, href?: string): void {
  const summary = main.querySelector<HTMLElement>('[data-cart-summary]');
  if (!summary) return;
  const { goods, discount, shipping, total } = cart.totals();
  summary.hidden = cart.count() === 0;
  summary.innerHTML = `<dl><div><dt>Goods</dt><dd>${money(goods)}</dd></div>
${discount > 0 ? `<div><dt>Coupon</dt><dd>−${money(discount)}</dd></div>` : ''}
<div><dt>Shipping</dt><dd>${shipping === 0 ? 'Free' : money(shipping)}</dd></div>
<div class="total"><dt>Total</dt><dd>${money(total)}</dd></div></dl>
${action ? `<a class="primary" href="${href}">${action}</a>` : ''}
<p class="muted">Free shipping from ${roundMoney(FREE_SHIPPING_FROM)}.</p>`;
}

function checkout(main: HTMLElement, store: Store): void {
  const form = main.querySelector<HTMLFormElement>('[data-checkout]');
  if (!form) return;
  if (cart.count() === 0) {
    store.go('/cart/');
    return;
  }
  summarise(main);
  const { total } = cart.totals();
  store.client?.track('checkout_started', { currency: CURRENCY, value: total, products: cart.asSegmentProducts() });
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const answers = new FormData(form);
    const email = String(answers.get('email')).trim().toLowerCase();
    const order_id = `FO-${Date.now().toString(36).toUpperCase()}`;
    const { goods, discount, shipping, total } = cart.totals();
    store.client?.identify(email, { email, name: String(answers.get('name')).trim() });
    const revenue = Math.round((goods - discount) * 100) / 100;
    store.client?.track('order_completed', { order_id, currency: CURRENCY, revenue, discount, coupon: cart.coupon(), shipping, total, products: cart.asSegmentProducts() });
    cart.clear();
    tabMemory.set('fernweh:order', order_id);
    store.go('/thank-you/');
  });
}

function confirmation(main: HTMLElement): void {
  const order = tabMemory.get('fernweh:order');
  const said = main.querySelector('[data-order]');
  if (order && said) said.textContent = `Order ${order} is in. A confirmation would be on its way by now.`;
}
