// Small pieces of DOM and of formatting, for the panel and the console.

type Child = Node | string | undefined | false;

/** An element with a class, attributes and children; text is never read as markup. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = '',
  children: readonly Child[] | string = [],
  attributes: Readonly<Record<string, string>> = {},
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  const list = typeof children === 'string' ? [children] : children;
  element.append(...list.filter((child) => child !== undefined && child !== false));
  return element;
}

/** Does something, and says what went wrong. */
export async function attempt(said: HTMLElement, act: () => Promise<void>): Promise<void> {
  said.textContent = '';
  said.classList.remove('bad');
  try {
    await act();
  } catch (error) {
    said.textContent = error instanceof Error ? error.message : String(error);
    said.classList.add('bad');
  }
}

/** `product_viewed` → `product viewed`. */
export function words(name: string): string {
  return name.replaceAll('_', ' ').replaceAll('-', ' ');
}

/** A running clock: `0:42.3`, `12:05.0`, `1:02:09`. */
export function clock(ms: number): string {
  const tenths = Math.floor(Math.max(0, ms) / 100);
  const seconds = Math.floor(tenths / 10);
  const pad = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  if (hours > 0) return `${hours}:${pad(Math.floor(seconds / 60) % 60)}:${pad(seconds % 60)}`;
  return `${Math.floor(seconds / 60)}:${pad(seconds % 60)}.${tenths % 10}`;
}

/** What is left of a span: `12.3 s`, `29:41`, `5 h 12 min`, `30 days`. */
export function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** How long ago: `now`, `12 s`, `4 min`, `3 h`. */
export function ago(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  if (seconds < 2) return 'now';
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86_400)} days`;
}

/** An amount in its currency; plain when the currency is not known. */
export function amount(value: number, currency: string | undefined): string {
  if (currency === undefined) return value.toFixed(2);
  try {
    return new Intl.NumberFormat('en-IE', { style: 'currency', currency }).format(value);
  } catch {
    return value.toFixed(2);
  }
}
