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
const OWED_KEY = 'footfall:consent';
const WITHDRAWN_KEY = 'footfall:withdrawn';

/** A withdrawal. The token only says whose word it is, the time only which of two it is. */
export interface Denial {
  readonly token?: string;
  readonly atMs?: number;
}

/** What the visitor has said and the engine has not heard yet; with both, `granted` was said later. */
export interface Owed {
  readonly denied?: Denial;
  readonly granted?: true;
}

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

export function forgetTab(): void {
  attempt(() => sessionStorage.removeItem(TAB_KEY));
}

export function readToken(): string | undefined {
  return attempt(() => localStorage.getItem(TOKEN_KEY)) ?? undefined;
}

export function keepToken(token: string): void {
  attempt(() => localStorage.setItem(TOKEN_KEY, token));
}

export function forgetToken(): void {
  attempt(() => localStorage.removeItem(TOKEN_KEY));
}

export function readOwed(): Owed {
  const owed = attempt(() => JSON.parse(localStorage.getItem(OWED_KEY) ?? '{}') as unknown);
  if (!isObject(owed)) return {};
  const { denied, granted } = owed;
  return { ...(isObject(denied) && { denied: readDenial(denied) }), ...(granted === true && { granted }) };
}

function readDenial({ token, atMs }: Readonly<Record<string, unknown>>): Denial {
  return { ...(typeof token === 'string' && { token }), ...(typeof atMs === 'number' && { atMs }) };
}

/** Kept beside a withdrawal as well, and only until the engine has heard it. Whether storage has taken it. */
export function keepOwed(owed: Owed): boolean {
  const none = owed.denied === undefined && owed.granted === undefined;
  const kept = attempt(() => {
    if (none) localStorage.removeItem(OWED_KEY);
    else localStorage.setItem(OWED_KEY, JSON.stringify(owed));
    return true;
  });
  return kept ?? false;
}

/** When the visitor last withdrew in this browser; 0 for never, and where that cannot be known. */
export function withdrawnAtMs(): number {
  return Number(attempt(() => localStorage.getItem(WITHDRAWN_KEY))) || 0;
}

/** A page of this browser is followed: from now on a withdrawal is noted, for pages that hear of it in no other way. */
export function awaitWithdrawal(): void {
  attempt(() => localStorage.getItem(WITHDRAWN_KEY) ?? localStorage.setItem(WITHDRAWN_KEY, '0'));
}

/** Where nobody was followed there is nobody to stop, and nothing is kept. Later than the one before, whatever the clock says. */
export function noteWithdrawal(atMs: number): void {
  const noted = String(Math.max(atMs, withdrawnAtMs() + 1));
  attempt(() => localStorage.getItem(WITHDRAWN_KEY) !== null && localStorage.setItem(WITHDRAWN_KEY, noted));
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
