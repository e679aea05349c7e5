// Events on their way to the server: waiting, then in flight in numbered frames, until they are acknowledged.

import type { SegmentEvent } from './protocol.ts';

/** Events kept in all. When full: the oldest that waits goes and `dropped` counts it. */
export const BUFFER_EVENTS_MAX = 200;
/** Events of one frame; fewer after one that came too soon, which may be more than is ever let in at once. */
export const FRAME_EVENTS_MAX = 20;
/** Bytes of one frame; below what keepalive requests (64 KiB) and the socket (128 KiB) carry. */
export const FRAME_BYTES_MAX = 56 * 1024;
/** One event as JSON, in bytes. Beyond: it is not taken and `dropped` counts it. */
export const EVENT_BYTES_MAX = 32 * 1024;
/** Frames in flight at once; one while frames are smaller, so that none overtakes a larger one that is refused. */
export const FRAMES_IN_FLIGHT_MAX = 4;
/** How often an event may be in a frame that the server could not read, before it is dropped. */
export const UNREADABLE_MAX = 3;

interface Entry {
  /** Its place among all events of the page. */
  readonly ordinal: number;
  event: SegmentEvent;
  readonly bytes: number;
  unreadable: number;
}

export interface Frame {
  readonly number: number;
  readonly events: readonly SegmentEvent[];
}

const encoder = /* @__PURE__ */ new TextEncoder();

export class EventBuffer {
  #waiting: Entry[] = [];
  readonly #flying = new Map<number, Entry[]>();
  #number = 0;
  #added = 0;
  #eventsMax = FRAME_EVENTS_MAX;
  /** How many events were given up, for want of room or because the server could not read them. */
  dropped = 0;

  get size(): number {
    let size = this.#waiting.length;
    for (const entries of this.#flying.values()) size += entries.length;
    return size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get inFlight(): number {
    return this.#flying.size;
  }

  add(event: SegmentEvent): boolean {
    const text = JSON.stringify(event);
    const bytes = encoder.encode(text).length;
    if (bytes > EVENT_BYTES_MAX) {
      this.dropped += 1;
      return false;
    }
    // A copy: the page may go on changing what it has handed over, and a repeat has to be the same.
    this.#waiting.push({ ordinal: this.#added++, event: JSON.parse(text) as SegmentEvent, bytes, unreadable: 0 });
    while (this.#waiting.length > 1 && this.size > BUFFER_EVENTS_MAX) {
      this.#waiting.shift();
      this.dropped += 1;
    }
    return true;
  }

  /** The next frame to send, or nothing while there is nothing to send or enough is in flight. */
  take(): Frame | undefined {
    const flyingMax = this.#eventsMax < FRAME_EVENTS_MAX ? 1 : FRAMES_IN_FLIGHT_MAX;
    if (this.#waiting.length === 0 || this.#flying.size >= flyingMax) return undefined;
    const entries = chunk(this.#waiting, this.#eventsMax);
    this.#waiting = this.#waiting.slice(entries.length);
    this.#number += 1;
    this.#flying.set(this.#number, entries);
    return { number: this.#number, events: entries.map((entry) => entry.event) };
  }

  /** The frame is on the server's disk. Gives its events; none when the frame is not known. */
  ack(number: number): readonly SegmentEvent[] {
    const entries = this.#flying.get(number) ?? [];
    if (this.#flying.delete(number)) this.#eventsMax = Math.min(FRAME_EVENTS_MAX, 2 * this.#eventsMax);
    return entries.map((entry) => entry.event);
  }

  /**
   * The frame was not taken: its events wait again, in their old order, whichever frame was refused first. `tooMany`: it
   * was over the rate limit, and the next ones are smaller.
   */
  nack(number: number, tooMany = false): void {
    const entries = this.#flying.get(number);
    if (!entries) return;
    this.#flying.delete(number);
    if (tooMany) this.#eventsMax = Math.max(1, Math.min(this.#eventsMax, Math.floor(entries.length / 2)));
    this.#waiting = inOrder([...entries, ...this.#waiting]);
  }

  /** The server could not read something: the oldest frame in flight is the likely one. */
  nackUnreadable(): void {
    const [number] = this.#flying.keys();
    if (number === undefined) return;
    const entries = this.#flying.get(number) ?? [];
    for (const entry of entries) entry.unreadable += 1;
    const kept = entries.filter((entry) => entry.unreadable < UNREADABLE_MAX);
    this.dropped += entries.length - kept.length;
    this.#flying.set(number, kept);
    this.nack(number);
  }

  /** The connection is gone: what was in flight waits again, with the same message ids; but for one frame. */
  reopen(except?: number): void {
    for (const number of [...this.#flying.keys()]) {
      if (number !== except) this.nack(number);
    }
  }

  /** Everything not yet acknowledged, oldest first, in pieces of a frame's size; nothing is taken out. */
  pieces(): SegmentEvent[][] {
    let rest = inOrder([...this.#flying.values(), this.#waiting].flat());
    const pieces: SegmentEvent[][] = [];
    while (rest.length > 0) {
      const entries = chunk(rest, this.#eventsMax);
      pieces.push(entries.map((entry) => entry.event));
      rest = rest.slice(entries.length);
    }
    return pieces;
  }

  /** Rewrites the events that wait; for what is only known later, such as the tab and consent. */
  restamp(stamp: (event: SegmentEvent) => SegmentEvent): void {
    for (const entry of this.#waiting) entry.event = stamp(entry.event);
  }

  clear(): void {
    this.#waiting = [];
    this.#flying.clear();
  }
}

function inOrder(entries: Entry[]): Entry[] {
  return entries.sort((one, other) => one.ordinal - other.ordinal);
}

/** The longest beginning that fits one frame; at least one entry. */
function chunk(entries: readonly Entry[], eventsMax: number): Entry[] {
  let bytes = 0;
  let count = 0;
  for (const entry of entries) {
    bytes += entry.bytes + 64;
    if (count > 0 && (bytes > FRAME_BYTES_MAX || count >= eventsMax)) break;
    count += 1;
  }
  return entries.slice(0, count);
}
