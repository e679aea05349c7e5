// The page around the client: where it is, when a new page view begins, and whether somebody looks at it.

import type { EventContext, JsonObject, PageContext } from './protocol.ts';

/** Whether there is a page: the client runs without one as well. */
export function onPage(): boolean {
  return typeof document !== 'undefined';
}

/** Whether the browser made the page for somebody who may come: nobody sees it yet. */
export function isPrerendered(): boolean {
  return onPage() && (document as { readonly prerendering?: boolean }).prerendering === true;
}

/** Runs it when somebody sees the page: now, unless it is prerendered. */
export function whenSeen(run: () => void): void {
  if (isPrerendered()) document.addEventListener('prerenderingchange', run, { once: true });
  else run();
}

/** The kind that the page itself names: `<meta name="footfall:page" content="product">`. */
export function declaredKind(): string | undefined {
  return document.querySelector<HTMLMetaElement>('meta[name="footfall:page"]')?.content || undefined;
}

export function currentPage(kind: string, referrer: string): PageContext {
  return { url: location.href, path: location.pathname, title: document.title, referrer, kind };
}

/** The campaign that the address names (`utm_*`), or nothing. */
export function campaignOf(search: string): JsonObject | undefined {
  const parameters = new URLSearchParams(search);
  const campaign: Record<string, string> = {};
  for (const member of ['source', 'medium', 'campaign', 'term', 'content']) {
    const value = parameters.get(`utm_${member}`);
    if (value) campaign[member === 'campaign' ? 'name' : member] = value;
  }
  return Object.keys(campaign).length > 0 ? campaign : undefined;
}

/** The page view that is under way: its kind, where its visitor came from, and what its events say of both. */
export class PageView {
  readonly #otherwise: string;
  #kind: string;
  #referrer = onPage() ? document.referrer : '';
  #exitTold = false;

  /** `kind` is that of pages that do not name one. */
  constructor(kind = 'other') {
    this.#otherwise = kind;
    this.#kind = kind;
  }

  /** Another view begins. Gives what is to be said of it. */
  begin(kind?: string): JsonObject & { readonly kind: string } {
    this.#exitTold = false;
    this.#kind = kind ?? (onPage() ? declaredKind() : undefined) ?? this.#otherwise;
    return onPage() ? { ...currentPage(this.#kind, this.#referrer) } : { kind: this.#kind };
  }

  /** History has moved on from this address. */
  moved(previous: string): void {
    this.#referrer = previous;
  }

  /** The pointer leaves the page. Whether that is still to be told of this view. */
  exit(): boolean {
    const told = this.#exitTold;
    this.#exitTold = true;
    return !told;
  }

  context(): Partial<EventContext> {
    if (!onPage()) return {};
    const campaign = campaignOf(location.search);
    return { page: currentPage(this.#kind, this.#referrer), locale: navigator.language, ...(campaign && { campaign }) };
  }
}

export interface PageHandlers {
  /** A new page view inside the document: history moved to another address. */
  moved(previous: string): void;
  hidden(): void;
  visible(): void;
  /** The document goes, perhaps into the back/forward cache. */
  left(): void;
  /** The document is back from the back/forward cache. */
  restored(): void;
  online(): void;
  /** The pointer leaves through the window's top. */
  exit(): void;
}

/** Watches until the returned function is called. */
export function watchPage(handlers: PageHandlers, autoPage: boolean, exitIntent: boolean): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  document.addEventListener(
    'visibilitychange',
    () => (document.visibilityState === 'hidden' ? handlers.hidden() : handlers.visible()),
    { signal },
  );
  addEventListener('pagehide', () => handlers.left(), { signal });
  addEventListener('pageshow', (event) => event.persisted && handlers.restored(), { signal });
  addEventListener('online', () => handlers.online(), { signal });
  if (exitIntent) watchExit(handlers.exit, signal);
  const unwatch = autoPage ? watchHistory(handlers.moved, signal) : () => {};
  return () => {
    stop.abort();
    unwatch();
  };
}

/** Tells when the pointer goes out of the window through its top; what is left to an `iframe` stays inside. */
function watchExit(leaves: () => void, signal: AbortSignal): void {
  const look = ({ clientY }: MouseEvent): void => {
    if (clientY <= 0) leaves();
  };
  document.documentElement.addEventListener('mouseleave', look, { signal });
}

/** Single-page navigation: another path or query is another page view, another fragment is not. */
function watchHistory(moved: (previous: string) => void, signal: AbortSignal): () => void {
  const address = (): string => location.href.split('#', 1)[0] ?? '';
  let last = address();
  const look = (): void => {
    // Later, so that the page has had the time to set its title and kind.
    setTimeout(() => {
      const now = address();
      if (now === last || signal.aborted) return;
      const previous = last;
      last = now;
      moved(previous);
    });
  };
  addEventListener('popstate', look, { signal });
  const { pushState, replaceState } = history;
  history.pushState = (...move) => {
    pushState.apply(history, move);
    look();
  };
  history.replaceState = (...move) => {
    replaceState.apply(history, move);
    look();
  };
  return () => Object.assign(history, { pushState, replaceState });
}

/** Whether the page is in sight; without a document there is nothing to hide. */
export function isVisible(): boolean {
  return !onPage() || document.visibilityState !== 'hidden';
}
