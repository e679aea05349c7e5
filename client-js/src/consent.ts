// What the visitor says about being remembered: told to the engine until it has heard it, over documents if need be, and
// before anything else. With it the engine says who the visitor is.

import { backoffMs } from './backoff.ts';
import type { Consent } from './protocol.ts';
import { keepOwed, type Owed, readOwed } from './storage.ts';
import { askVisitor, type Named, type Refused } from './visitor.ts';

export interface AdmissionHandlers {
  readonly admitted: (answer: Named) => void;
  readonly refused: (answer: Refused) => void;
}

export class Admission {
  readonly #host: string;
  readonly #writeKey: string;
  readonly #backoffMs: number;
  readonly #handlers: AdmissionHandlers;
  /** In memory as well, for browsers without storage. */
  #owed: Owed = readOwed();
  #telling: Promise<'heard' | 'refused' | 'unreachable'> | undefined;
  #attempt = 0;
  /** Of two questions the answer to the later one counts. */
  #generation = 0;

  constructor(host: string, writeKey: string, waitMs: number, handlers: AdmissionHandlers) {
    this.#host = host;
    this.#writeKey = writeKey;
    this.#backoffMs = waitMs;
    this.#handlers = handlers;
  }

  /** What the visitor said last that the engine has not heard. */
  get unheard(): Consent | undefined {
    if (this.#owed.granted) return 'granted';
    return this.#owed.denied && 'denied';
  }

  /** The visitor has said so now. */
  say(consent: Consent, token: string | undefined): void {
    if (consent === 'unknown') return;
    // A withdrawal that is still to be told stays so when it is taken back: what was collected before it is meant.
    if (consent === 'granted') this.#owe({ ...this.#owed, granted: true });
    else this.#owe({ denied: { ...this.#owed.denied, ...(token !== undefined && { token }) } });
  }

  /** Tells the engine what it has not heard, and asks it who the visitor is, as often as that takes. */
  async begin(consent: Consent, token: string | undefined): Promise<void> {
    const generation = ++this.#generation;
    if (this.#owed.denied && (await this.#tell()) === 'unreachable') return this.#later(generation, consent, token);
    if (generation !== this.#generation || consent === 'denied') return;
    const answer = await askVisitor(this.#host, this.#writeKey, consent, token);
    if ('visitor' in answer && consent === 'granted') this.#owe(this.#owed.denied ? { denied: this.#owed.denied } : {});
    if (generation !== this.#generation) return;
    if ('visitor' in answer) {
      this.#attempt = 0;
      this.#handlers.admitted(answer);
    } else if ('code' in answer) this.#handlers.refused(answer);
    else this.#later(generation, consent, token);
  }

  /** Nothing more is asked; what the engine has not heard is told by the next document. */
  stop(): void {
    this.#generation += 1;
  }

  /** Tells the withdrawal, once at a time. What is refused is kept as well, for a deployment that is mended. */
  #tell(): Promise<'heard' | 'refused' | 'unreachable'> {
    const told = this.#owed.denied;
    this.#telling ??= askVisitor(this.#host, this.#writeKey, 'denied', told?.token).then((answer) => {
      this.#telling = undefined;
      if (!('visitor' in answer)) return 'code' in answer ? 'refused' : 'unreachable';
      // It may have been said again meanwhile, of another token.
      if (this.#owed.denied === told) this.#owe(this.#owed.granted ? { granted: true } : {});
      return 'heard';
    });
    return this.#telling;
  }

  #later(generation: number, consent: Consent, token: string | undefined): void {
    const waitMs = this.#backoffMs + backoffMs(this.#attempt, Math.random, this.#backoffMs);
    this.#attempt += 1;
    setTimeout(() => generation === this.#generation && void this.begin(consent, token), waitMs);
  }

  #owe(owed: Owed): void {
    this.#owed = owed;
    keepOwed(owed);
  }
}
