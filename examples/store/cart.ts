// The cart, kept in the tab's own storage; every change is told to whoever listens.

import { asSegmentProduct, bySku, FREE_SHIPPING_FROM, SHIPPING } from './catalogue.ts';

export interface CartLine {
  readonly sku: string;
  readonly quantity: number;
}

const KEY = 'fernweh:cart';
export const QUANTITY_MAX = 9;

export function lines(): readonly CartLine[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
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
  save([]);
}

export function count(): number {
  return lines().reduce((sum, line) => sum + line.quantity, 0);
}

export interface Totals {
  readonly goods: number;
  readonly shipping: number;
  readonly total: number;
}

export function totals(): Totals {
  const cents = lines().reduce((sum, line) => sum + Math.round((bySku(line.sku)?.price ?? 0) * 100) * line.quantity, 0);
  const shipping = cents === 0 || cents >= FREE_SHIPPING_FROM * 100 ? 0 : Math.round(SHIPPING * 100);
  return { goods: cents / 100, shipping: shipping / 100, total: (cents + shipping) / 100 };
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
  sessionStorage.setItem(KEY, JSON.stringify(next));
  dispatchEvent(new Event('cart-changed'));
}
