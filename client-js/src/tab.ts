// The tab: its id and how far it has come in the visitor's pushes, from one document to the next.

import { newId } from './id.ts';
import type { Inbox } from './inbox.ts';
import type { Cursor, Seen } from './protocol.ts';
import { putTab, takeTab } from './storage.ts';

/** After so many messages the tab says how far it is; the engine gives a page up that is 256 behind. */
const SEEN_EVERY = 16;

export class Tab {
  readonly #inbox: Inbox;
  #id = newId();
  /** Pushes and changes of the state since the engine was last told how far this tab is. */
  #unsaid = 0;

  constructor(inbox: Inbox) {
    this.#inbox = inbox;
  }

  get id(): string {
    return this.#id;
  }

  /** What the engine is told of it. */
  standing(): { readonly tab: string; readonly cursor?: Cursor } {
    const { cursor } = this.#inbox;
    return { tab: this.#id, ...(cursor && { cursor }) };
  }

  /** A push or a change of the state has come. From time to time gives what to tell the engine of it. */
  taken(): Seen | undefined {
    this.#unsaid += 1;
    if (this.#unsaid < SEEN_EVERY) return undefined;
    this.#unsaid = 0;
    return { type: 'seen', seq: this.#inbox.cursor?.seq ?? 0, version: Math.max(this.#inbox.version, 0) };
  }

  /** Leaves to the tab's next document what this one has. */
  leave(nowMs: number): void {
    putTab({ tab: this.#id, inbox: this.#inbox.save(nowMs) });
  }

  /** Takes back what this document has left: it is in use again. */
  claim(): void {
    takeTab();
  }

  /** Goes on from what another document of the tab has left. Whether one had. */
  resume(): boolean {
    const memory = takeTab();
    if (!memory) return false;
    this.#id = memory.tab;
    this.#inbox.restore(memory.inbox);
    return true;
  }

  /** A copy of the tab goes on under its id: this one takes another, and is told everything anew. */
  renew(): void {
    this.#id = newId();
    this.#inbox.clear();
  }
}
