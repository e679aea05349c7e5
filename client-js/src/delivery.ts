// Brings events to the server: over the socket, else over plain HTTP, and with a beacon when the page goes.

import type { EventBuffer } from './buffer.ts';
import { backoffMs } from './backoff.ts';
import type { Connection, Timing } from './connection.ts';
import { type Cursor, isObject, type Missed, type Nack, readMissed, type Rejection, type SegmentEvent } from './protocol.ts';

export interface DeliveryOptions {
  readonly host: string;
  readonly writeKey: string;
  /** The visitor's token; nothing is sent without one. */
  token(): string | undefined;
  /** Where this tab stands: what it has not got yet comes back with the answers to plain requests. */
  standing(): { readonly tab: string; readonly cursor?: Cursor };
  missed(missed: Missed): void;
  rejected(rejections: readonly Rejection[], events: readonly SegmentEvent[]): void;
}

/** The code of what is over a rate limit. */
const TOO_SOON = 'rate_limited';

/** What came of a request; `retryAfterMs` is how long the engine asks to be left alone, 0 when it does not. */
interface Answered {
  readonly status: number;
  readonly retryAfterMs: number;
  readonly answer: unknown;
}

/** Socket frames and HTTP batches share one buffer: whichever way is open takes the next frame. */
export class Delivery {
  // Times are those of `performance.now()`: nobody sets that clock back.
  readonly #options: DeliveryOptions;
  readonly #buffer: EventBuffer;
  readonly #connection: Connection;
  readonly #timing: Timing;
  #flushTimer: ReturnType<typeof setTimeout> | undefined;
  #flushAt = 0;
  #ackTimer: ReturnType<typeof setTimeout> | undefined;
  #askTimer: ReturnType<typeof setTimeout> | undefined;
  /** Nothing while there is a socket; attempts that fail do not begin it anew. */
  #withoutSocketSince: number | undefined;
  /** The frame on its way over HTTP, if any; a socket that ends does not bring it back. */
  #posting: number | undefined;
  #failures = 0;
  /** The page's own patience, which ends with a new socket, and what the engine asked for, which does not. */
  #pausedUntil = 0;
  #notBefore = 0;

  constructor(options: DeliveryOptions, buffer: EventBuffer, connection: Connection, timing: Timing) {
    this.#options = options;
    this.#buffer = buffer;
    this.#connection = connection;
    this.#timing = timing;
  }

  /** There is a token: from now on events may go. */
  begin(): void {
    this.#reopen();
    this.#withoutSocketSince = performance.now();
    this.schedule();
    this.#askLater();
  }

  /** Sends before long. */
  schedule(waitMs = this.#timing.batchMs): void {
    // The earlier of two wishes stands: what waits for the fall-back must not hold up what may go at once.
    const at = performance.now() + waitMs;
    if (this.#flushTimer !== undefined && this.#flushAt <= at) return;
    clearTimeout(this.#flushTimer);
    this.#flushAt = at;
    this.#flushTimer = setTimeout(() => {
      this.#flushTimer = undefined;
      this.flush();
    }, waitMs);
  }

  flush(): void {
    if (this.#options.token() === undefined || this.#buffer.waiting === 0) return;
    const pauseMs = Math.max(this.#pausedUntil, this.#notBefore) - performance.now();
    const patienceMs = this.#timing.fallbackMs - this.#withoutSocketMs();
    if (pauseMs > 0) this.schedule(pauseMs);
    else if (this.#connection.ready) this.#overSocket();
    else if (patienceMs > 0) this.schedule(patienceMs);
    else void this.#overHttp();
  }

  opened(): void {
    this.#withoutSocketSince = undefined;
    this.#pausedUntil = 0;
    // What is on its way over HTTP may arrive after what the socket brings: the socket brings it, too, and first.
    this.#reopen();
    this.flush();
  }

  closed(): void {
    clearTimeout(this.#ackTimer);
    this.#ackTimer = undefined;
    this.#buffer.reopen(this.#posting);
    this.#withoutSocketSince ??= performance.now();
    if (this.#buffer.waiting > 0) this.schedule();
  }

  acknowledged(frame: number, rejections: readonly Rejection[] = []): void {
    const events = this.#buffer.ack(frame);
    this.#failures = 0;
    this.#watchAcks(true);
    if (rejections.length > 0) this.#options.rejected(rejections, events);
    if (this.#buffer.waiting > 0) this.schedule();
  }

  refused({ frame, code, retry_after_ms = 0 }: Omit<Nack, 'type' | 'message'>): void {
    this.#buffer.nack(frame, code === TOO_SOON);
    this.#watchAcks(true);
    this.#notBefore = Math.max(this.#notBefore, performance.now() + retry_after_ms);
    this.#retryLater();
  }

  unreadable(): void {
    this.#buffer.nackUnreadable();
    this.#retryLater();
  }

  /** The page may go any moment: hands everything that is not acknowledged to the browser. Repeats are harmless. */
  beacon(): void {
    const { host, writeKey } = this.#options;
    const token = this.#options.token();
    if (token === undefined) return;
    for (const batch of this.#buffer.pieces()) {
      const body = JSON.stringify({ batch, writeKey, token });
      const url = `${host}/v1/beacon?writeKey=${encodeURIComponent(writeKey)}`;
      if (navigator.sendBeacon?.(url, body)) continue;
      // The browser's quota is used up or there are no beacons: a last try.
      void this.#post(body).catch(() => {});
    }
  }

  stop(): void {
    clearTimeout(this.#flushTimer);
    clearTimeout(this.#ackTimer);
    clearTimeout(this.#askTimer);
    this.#flushTimer = undefined;
    this.#ackTimer = undefined;
  }

  /** Nothing counts as on its way any more. */
  #reopen(): void {
    this.#posting = undefined;
    this.#buffer.reopen();
  }

  #overSocket(): void {
    for (let frame = this.#buffer.take(); frame; frame = this.#buffer.take()) {
      if (this.#connection.send({ type: 'events', frame: frame.number, events: frame.events })) continue;
      this.#buffer.nack(frame.number);
      return;
    }
    this.#watchAcks(false);
  }

  /** Without an acknowledgement in time the socket is taken for dead, however open it looks. */
  #watchAcks(restart: boolean): void {
    if (restart || this.#buffer.inFlight === 0) {
      clearTimeout(this.#ackTimer);
      this.#ackTimer = undefined;
    }
    if (this.#ackTimer === undefined && this.#buffer.inFlight > 0 && this.#connection.ready) {
      this.#ackTimer = setTimeout(() => this.#connection.restart(), this.#timing.ackMs);
    }
  }

  async #overHttp(): Promise<void> {
    if (this.#posting !== undefined) return;
    const frame = this.#buffer.take();
    if (!frame) return;
    this.#posting = frame.number;
    const answered = await this.#batch(frame.events).catch(() => undefined);
    // The frame may have gone another way meanwhile.
    if (this.#posting !== frame.number) return;
    this.#posting = undefined;
    const { status = 503, retryAfterMs = 0, answer } = answered ?? {};
    const rejections = (isObject(answer) && Array.isArray(answer.rejections) ? answer.rejections : []) as unknown as Rejection[];
    // Of a batch that came too soon the engine accepts what it had already.
    const tooSoon = status === 429 || rejections.some((one) => one?.code === TOO_SOON);
    if (tooSoon || status >= 500) return this.refused({ frame: frame.number, code: tooSoon ? TOO_SOON : 'unavailable', retry_after_ms: retryAfterMs });
    // Anything else that is not a success would be the same again: it is not repeated.
    this.acknowledged(frame.number, rejections);
  }

  #withoutSocketMs(): number {
    return this.#withoutSocketSince === undefined ? 0 : performance.now() - this.#withoutSocketSince;
  }

  /** Without a socket nobody tells what is pushed: the page asks. */
  #askLater(): void {
    clearTimeout(this.#askTimer);
    this.#askTimer = setTimeout(() => {
      this.#askLater();
      const alone = this.#options.token() !== undefined && !this.#connection.ready && this.#withoutSocketMs() >= this.#timing.fallbackMs;
      if (alone && this.#posting === undefined) this.#batch([]).catch(() => {});
    }, this.#timing.askMs);
  }

  /** One request with events; what its answer brings for this tab is handed on, if the tab is still the same visitor's. */
  async #batch(batch: readonly SegmentEvent[]): Promise<Answered> {
    const { writeKey, token, standing, missed } = this.#options;
    const shown = token();
    const reply = await this.#post(JSON.stringify({ batch, writeKey, token: shown, context: standing() }));
    const answer: unknown = await reply.json().catch(() => undefined);
    const owed = readMissed(answer);
    if (owed && shown === token()) missed(owed);
    const retryAfterMs = 1_000 * (Number(reply.headers.get('retry-after')) || 0);
    return { status: reply.status, retryAfterMs, answer };
  }

  #post(body: string): Promise<Response> {
    return fetch(`${this.#options.host}/v1/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      credentials: 'include',
      keepalive: true,
      body,
    });
  }

  #retryLater(): void {
    const waitMs = this.#timing.backoffMs + backoffMs(this.#failures, Math.random, this.#timing.backoffMs);
    this.#failures += 1;
    this.#pausedUntil = performance.now() + waitMs;
    this.schedule(waitMs);
  }
}
