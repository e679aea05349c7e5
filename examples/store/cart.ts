// The cart, kept in the browser for the next visit; every change is told to whoever listens, in all tabs.

import { browserMemory } from '../../console/src/memory.ts';
import { asSegmentProduct, bySku, FREE_SHIPPING_FROM, SHIPPING } from './catalogue.ts';

export interface CartLine {
  readonly sku: string;
  readonly quantity: number;
}

const KEY = 'fernweh:cart';
const COUPON_KEY = 'fernweh:coupon';
export const QUANTITY_MAX = 99;
/** The coupon codes that the store takes, and what share of the goods' price each takes off. */
const COUPONS: Readonly<Record<string, number>> = { GIPFEL10: 0.1 };

export function lines(): readonly CartLine[] {
  try {
    const stored: unknown = JSON.parse(browserMemory.get(KEY) ?? '[]');
    return Array.isArray(stored) ? (stored as CartLine[]).filter((line) => bySku(line.sku)) : [];
  } catch {
    return [];
  }
}

/** Sets a line's quantity; 0 takes it out. Gives how many were added (or, negative, removed). */
export function setQuantity(sku: string, quantity: number): number {
  const wanted = Math.max(0, Math.min(QUANTITY_MAX, Math.floor(quantity)));
  const before = quantityOf(sku);
  const there = lines().some((line) => line.sku === sku);
  const next = there
    ? lines().map((line) => (line.sku === sku ? { sku, quantity: wanted } : line))
    : [...lines(), { sku, quantity: wanted }];
  save(next.filter((line) => line.quantity > 0));
  return wanted - before;
}

export function quantityOf(sku: string): number {
  return lines().find((line) => line.sku === sku)?.quantity ?? 0;
}

export function clear(): void {
  browserMemory.remove(COUPON_KEY);
  save([]);
}

/** Whether the store takes the code; if it does, totals count it from now on. */
export function redeem(code: string): boolean {
  if (!Object.hasOwn(COUPONS, code)) return false;
  browserMemory.set(COUPON_KEY, code);
  return true;
}

export function coupon(): string | undefined {
  return browserMemory.get(COUPON_KEY);
}

export function count(): number {
  return lines().reduce((sum, line) => sum + line.quantity, 0);
}

export interface Totals {
  readonly goods: number;
  /** What the coupon takes off. */
  readonly discount: number;
  readonly shipping: number;
  readonly total: number;
}

export function totals(): Totals {
  const cents = lines().reduce((sum, line) => sum + Math.round((bySku(line.sku)?.price ?? 0) * 100) * line.quantity, 0);
  const discount = Math.round(cents * (COUPONS[coupon() ?? ''] ?? 0));
  const shipping = cents === 0 || cents >= FREE_SHIPPING_FROM * 100 ? 0 : Math.round(SHIPPING * 100);
  return { goods: cents / 100, discount: discount / 100, shipping: shipping / 100, total: (cents - discount + shipping) / 100 };
}

/** The lines as Segment's e-commerce events name them. */
export function asSegmentProducts(): ReturnType<typeof segmentLine>[] {
  return lines().map(segmentLine);
}

function segmentLine(line: CartLine) {
  const product = bySku(line.sku);
  if (!product) throw new Error('lines() gives only what the catalogue knows');
  return { ...asSegmentProduct(product), quantity: line.quantity };
}

function save(next: readonly CartLine[]): void {
  browserMemory.set(KEY, JSON.stringify(next));
  dispatchEvent(new Event('cart-changed'));
}

/** Calls back after every change of the cart, by this tab or by another. */
export function watch(changed: () => void): void {
  addEventListener('cart-changed', changed);
  addEventListener('storage', ({ key }) => key === KEY && changed());
}
