// Documents without a browser, for what none can be made to do on demand: the back/forward cache, prerendering.

const kept = { localStorage: new Map<string, string>(), sessionStorage: new Map<string, string>() };

/** What all tabs of the browser share, and what the documents of the one tab do. */
export const { localStorage: shared, sessionStorage: ofTab } = kept;

export class TestDocument extends EventTarget {
  visibilityState = 'visible';
  prerendering = false;
  readonly title = '';
  readonly referrer = '';
  readonly documentElement = new EventTarget();
  readonly window = new EventTarget();

  /** From now on this is the tab's document. */
  show(): this {
    const { window } = this;
    const location = { href: 'http://shop.example/', origin: 'http://shop.example', hostname: 'shop.example', pathname: '/', search: '' };
    const globals = { document: this, location, history: { pushState: () => {}, replaceState: () => {} }, addEventListener: window.addEventListener.bind(window) };
    for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    return this;
  }

  querySelector(): null {
    return null;
  }

  hide(): void {
    this.visibilityState = 'hidden';
    this.dispatchEvent(new Event('visibilitychange'));
  }

  reveal(): void {
    this.visibilityState = 'visible';
    this.dispatchEvent(new Event('visibilitychange'));
  }

  /** The tab goes to another document; this one stays in the back/forward cache. */
  leave(): void {
    this.window.dispatchEvent(new Event('pagehide'));
    this.hide();
  }

  /** The visitor comes back to it. */
  restore(): void {
    this.show();
    this.reveal();
    this.window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
  }

  activate(): void {
    this.prerendering = false;
    this.dispatchEvent(new Event('prerenderingchange'));
    this.reveal();
  }
}

for (const [name, map] of Object.entries(kept)) {
  const value = {
    getItem: (key: string): string | null => map.get(key) ?? null,
    setItem: (key: string, text: string): void => void map.set(key, text),
    removeItem: (key: string): void => void map.delete(key),
  };
  Object.defineProperty(globalThis, name, { value, configurable: true });
}
