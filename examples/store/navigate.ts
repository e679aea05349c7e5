// Goes from page to page without a new document, so that the socket and the panel stay; without it, links still work.

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
    const swap = (): void => {
      document.title = next.title;
      const kind = next.querySelector<HTMLMetaElement>('meta[name="footfall:page"]')?.content ?? 'other';
      document.querySelector<HTMLMetaElement>('meta[name="footfall:page"]')?.setAttribute('content', kind);
      document.querySelector('main')?.replaceWith(document.adoptNode(main));
      if (push) {
        history.pushState(null, '', url);
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
  addEventListener('popstate', () => void load(new URL(location.href), false));
  return (path) => void load(new URL(path, location.href), true);
}
