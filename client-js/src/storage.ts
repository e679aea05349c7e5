// What a tab and a browser may remember, and only while the visitor's consent allows it.

import { isObject } from './protocol.ts';
import type { SavedInbox } from './inbox.ts';

/** What one tab keeps from document to document. */
export interface TabMemory {
  readonly tab: string;
  readonly inbox: SavedInbox;
}

const TAB_KEY = 'footfall:tab';
const TOKEN_KEY = 'footfall:token';

/** Storage that may be absent or throw, as in sandboxed frames and private windows. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/**
 * Takes the tab's memory out of storage. It is put back when the page is hidden or left: a duplicated tab, which
 * copies the storage of a visible one, then gets an id of its own.
 */
export function takeTab(): TabMemory | undefined {
  const text = attempt(() => sessionStorage.getItem(TAB_KEY));
  if (!text) return undefined;
  attempt(() => sessionStorage.removeItem(TAB_KEY));
  const memory = attempt(() => JSON.parse(text) as unknown);
  if (!isObject(memory) || typeof memory.tab !== 'string' || !isObject(memory.inbox)) return undefined;
  if (!Array.isArray(memory.inbox.pushes)) return undefined;
  return memory as unknown as TabMemory;
}

export function putTab(memory: TabMemory): void {
  attempt(() => sessionStorage.setItem(TAB_KEY, JSON.stringify(memory)));
}

export function readToken(): string | undefined {
  return attempt(() => localStorage.getItem(TOKEN_KEY)) ?? undefined;
}

export function keepToken(token: string): void {
  attempt(() => localStorage.setItem(TOKEN_KEY, token));
}

export function forgetAll(): void {
  attempt(() => sessionStorage.removeItem(TAB_KEY));
  attempt(() => localStorage.removeItem(TOKEN_KEY));
}

/**
 * Whether the engine's cookie can be first-party here: cookies are on, and the engine's host shares its last two
 * labels with the page's. A public suffix of two labels (`co.uk`) may give a wrong yes; then each document is a new
 * visitor, which errs on the side of privacy.
 */
export function cookiesWork(host: string): boolean {
  if (typeof navigator === 'undefined' || typeof location === 'undefined' || !navigator.cookieEnabled) return false;
  const tail = (name: string): string => name.split('.').slice(-2).join('.');
  const engine = attempt(() => new URL(host || location.href, location.href).hostname);
  return engine !== undefined && tail(engine) === tail(location.hostname);
}
