// What came from the server: the state, the cursor and the pushes that are still worth showing. Pure.

import { mergePatch } from './merge.ts';
import type { Cursor, JsonObject, Push, Retract, StateChange, Welcome } from './protocol.ts';

/** Pushes kept. When full: what has expired goes, else the oldest. */
export const PUSHES_MAX = 16;

/** A push as a page holds it. */
export interface HeldPush {
  readonly push: Push;
  /** Whether `push_shown` was reported. */
  shown: boolean;
  /** The page view in which it came; 0 for one that an earlier document of the tab left. */
  view: number;
}

/** What outlives a document in the tab's own storage. */
export interface SavedInbox {
  readonly cursor: Cursor | null;
  readonly pushes: readonly { readonly push: Push; readonly shown: boolean }[];
}

export class Inbox {
  state: JsonObject | null = null;
  version = -1;
  /** Counts page views of this document. */
  view = 0;
  /** Server time minus the page's clock, in milliseconds. */
  offsetMs = 0;
  #incarnation: string | null = null;
  #seq = 0;
  #held: HeldPush[] = [];

  /** What to tell the server that this tab has. */
  get cursor(): Cursor | undefined {
    return this.#incarnation === null ? undefined : { incarnation: this.#incarnation, seq: this.#seq };
  }

  get pushes(): readonly HeldPush[] {
    return this.#held;
  }

  /** A whole state. Gives whether what was held belonged to an incarnation that is no more. */
  welcome(message: Welcome, nowMs: number): boolean {
    this.state = message.state;
    this.version = message.version;
    const serverNow = message.state.now_ms;
    if (typeof serverNow === 'number') this.offsetMs = serverNow - nowMs;
    return this.follow(message.incarnation, message.seq);
  }

  /** Who numbers pushes from now on, and its last number. Gives whether what was held belonged to another. */
  follow(incarnation: string | null, seq: number): boolean {
    // Pushes that came before the server said which incarnation numbers them belong to the one it names now,
    // unless it has not yet numbered so many.
    const same =
      incarnation === this.#incarnation || (this.#incarnation === null && this.#seq <= seq);
    if (!same) {
      this.#seq = 0;
      this.#held = [];
    }
    this.#incarnation = incarnation;
    return !same;
  }

  /** Whether the patch fitted; when not, only a whole state helps. */
  change(message: StateChange): boolean {
    if (this.state === null || message.base !== this.version) return false;
    this.state = mergePatch(this.state, message.patch) as JsonObject;
    this.version = message.version;
    const { incarnation } = this.state;
    if (this.#incarnation === null && typeof incarnation === 'string') this.#incarnation = incarnation;
    return true;
  }

  /** A new page view begins: what was meant for this tab alone was about the one before. */
  leavePage(): void {
    this.view += 1;
    this.#held = this.#held.filter((held) => held.push.tab === '');
  }

  /** Whether the push is new and meant for this tab. `nowMs` is server time. */
  push(message: Push, tab: string, nowMs: number): boolean {
    if (!this.#advance(message.seq)) return false;
    if (message.tab !== '' && message.tab !== tab) return false;
    if (this.#held.length >= PUSHES_MAX) this.#held = this.#held.filter(({ push }) => push.expires_at_ms > nowMs);
    this.#held.push({ push: message, shown: false, view: this.view });
    if (this.#held.length > PUSHES_MAX) this.#held.shift();
    return true;
  }

  /** Whether the retraction is new. */
  retract(message: Retract): boolean {
    if (!this.#advance(message.seq)) return false;
    this.drop(message.push);
    return true;
  }

  /** Takes a push away, as when the visitor closes it. */
  drop(seq: number): void {
    this.#held = this.#held.filter((held) => held.push.seq !== seq);
  }

  /** What a slot shows at server time `nowMs`: of the live ones the highest priority, then the newest. */
  best(slot: string, nowMs: number, thisViewOnly: boolean): HeldPush | undefined {
    let best: HeldPush | undefined;
    for (const held of this.#held) {
      const { push } = held;
      if (push.slot !== slot || push.expires_at_ms <= nowMs || (thisViewOnly && held.view !== this.view)) continue;
      if (best && (push.priority < best.push.priority || (push.priority === best.push.priority && push.seq < best.push.seq))) continue;
      best = held;
    }
    return best;
  }

  /** What the tab's next document, and so its next page view, goes on from. */
  save(nowMs: number): SavedInbox {
    const live = this.#held.filter(({ push }) => push.tab === '' && push.expires_at_ms > nowMs);
    return { cursor: this.cursor ?? null, pushes: live.map(({ push, shown }) => ({ push, shown })) };
  }

  restore(saved: SavedInbox): void {
    if (!saved.cursor) return;
    this.#incarnation = saved.cursor.incarnation;
    this.#seq = saved.cursor.seq;
    this.#held = saved.pushes.map(({ push, shown }) => ({ push, shown, view: 0 }));
  }

  clear(): void {
    this.state = null;
    this.version = -1;
    this.#incarnation = null;
    this.#seq = 0;
    this.#held = [];
  }

  /** Numbers may skip (what was meant for other tabs), but never go back. */
  #advance(seq: number): boolean {
    if (seq <= this.#seq) return false;
    this.#seq = seq;
    return true;
  }
}
