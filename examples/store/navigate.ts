// Goes from page to page without a new document, so that the socket and the panel stay; without it, links still work.

/** What an entry of the history remembers of its page. */
interface Entry {
  readonly title: string;
  readonly kind: string;
}

function isEntry(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && 'title' in value && 'kind' in value;
}

function describe({ title, kind }: Entry): void {
  document.title = title;
  document.querySelector('meta[name="footfall:page"]')?.setAttribute('content', kind);
}

/** The address of the page that is in `main`, or on its way there by the history. */
let shown = '';

/** The address without its fragment, which is a place on the page and no other page. */
function address(): string {
  return location.pathname + location.search;
}

/** Names what the history's entry shows. */
function label(): void {
  const kind = document.querySelector('main')?.dataset.kind ?? 'other';
  history.replaceState({ title: document.title, kind } satisfies Entry, '');
}

/** Gives the page that is shown another address. */
export function rename(path: string): void {
  history.replaceState(history.state, '', path);
  shown = address();
}

/** Takes over links within the store; `arrived` is called with the new `main`, after the address has changed. */
export function takeOverLinks(arrived: (main: HTMLElement) => void): (path: string) => void {
  let latest = 0;

  const load = async (url: URL, push: boolean): Promise<void> => {
    const mine = ++latest;
    const reply = await fetch(url, { headers: { accept: 'text/html' } }).catch(() => undefined);
    const text = await reply?.text();
    const next = text ? new DOMParser().parseFromString(text, 'text/html') : undefined;
    const main = next?.querySelector('main');
    if (mine !== latest) return;
    if (!next || !main || !reply?.ok) {
      location.assign(url);
      return;
    }
    const entry: Entry = { title: next.title, kind: main.dataset.kind ?? 'other' };
    const swap = (): void => {
      describe(entry);
      document.querySelector('main')?.replaceWith(document.adoptNode(main));
      if (push) {
        history.pushState(entry, '', url);
        shown = address();
        scrollTo(0, 0);
      }
      main.focus({ preventScroll: true });
      // After the client has seen the new address and begun its page view.
      setTimeout(() => arrived(main));
    };
    if (document.startViewTransition && !matchMedia('(prefers-reduced-motion: reduce)').matches) document.startViewTransition(swap);
    else swap();
  };

  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement);
    if (!link || link.target || link.hasAttribute('download')) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || url.pathname.startsWith('/console') || link.getAttribute('href')?.startsWith('#')) return;
    event.preventDefault();
    void load(url, true);
  });
  // A form that asks with GET, such as the search, is a link whose address the visitor writes.
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (event.defaultPrevented || !(form instanceof HTMLFormElement) || form.method !== 'get' || !form.hasAttribute('action')) return;
    event.preventDefault();
    const url = new URL(form.action);
    for (const [name, value] of new FormData(form)) if (typeof value === 'string') url.searchParams.set(name, value.trim());
    void load(url, true);
  });
  label();
  shown = address();
  addEventListener('popstate', ({ state }: PopStateEvent) => {
    if (address() === shown) {
      if (!isEntry(state)) label();
      return;
    }
    shown = address();
    // At once, since the client begins the page view before the page is fetched.
    if (isEntry(state)) describe(state);
    void load(new URL(location.href), false);
  });
  return (path) => void load(new URL(path, location.href), true);
}
