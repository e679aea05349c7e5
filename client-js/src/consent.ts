// What the visitor says about being remembered: told to the engine until it has heard it, over documents if need be, and
// before anything else. With it the engine says who the visitor is. All tabs share what is kept of it: each change starts
// from what is kept now, and takes away only what this tab has settled.

import { backoffMs } from './backoff.ts';
import type { Consent } from './protocol.ts';
import { type Denial, keepOwed, noteWithdrawal, type Owed, readOwed, withdrawnAtMs } from './storage.ts';
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
  /** What storage has not taken, for browsers without. */
  #unkept: Owed | undefined;
  /** The withdrawal that is older than what this tab says, and is told before it. */
  #earlier: Denial | undefined;
  /** Whether this tab, or a document before it, has a consent to tell. */
  #owesGrant: boolean;
  /** The browser's last withdrawal when the visitor spoke last in this page. */
  #knownMs = withdrawnAtMs();
  #telling: Promise<'heard' | 'refused' | 'unreachable'> | undefined;
  #attempt = 0;
  /** Of two questions the answer to the later one counts. */
  #generation = 0;

  constructor(host: string, writeKey: string, waitMs: number, handlers: AdmissionHandlers) {
    this.#host = host;
    this.#writeKey = writeKey;
    this.#backoffMs = waitMs;
    this.#handlers = handlers;
    const { denied, granted } = readOwed();
    this.#earlier = denied;
    this.#owesGrant = granted ?? false;
  }

  /** What the visitor said last that the engine has not heard. */
  get unheard(): Consent | undefined {
    const { denied, granted } = this.#owed();
    return granted ? 'granted' : denied && 'denied';
  }

  /** Whether the visitor has withdrawn in another page since: what was said in this one counts no more. */
  get overtaken(): boolean {
    return withdrawnAtMs() > this.#knownMs;
  }

  /** The visitor has said so now. */
  say(consent: Consent, token: string | undefined): void {
    if (consent === 'denied') noteWithdrawal(Date.now());
    this.#knownMs = withdrawnAtMs();
    if (consent === 'unknown') return;
    const { denied } = this.#owed();
    this.#owesGrant = consent === 'granted';
    // A withdrawal that is still to be told, by whichever tab, stays so when it is taken back: what was collected before
    // it is meant.
    this.#earlier = this.#owesGrant ? denied : { ...denied, ...(token !== undefined && { token }), atMs: Date.now() };
    this.#owe({ ...(this.#earlier && { denied: this.#earlier }), ...(this.#owesGrant && { granted: true }) });
  }

  /** Tells the engine what it has not heard, and asks it who the visitor is, as often as that takes. */
  async begin(consent: Consent, token: string | undefined): Promise<void> {
    const generation = ++this.#generation;
    const denial = this.#toTell(consent);
    if (denial) {
      const told = await this.#tell(denial);
      // It may have been said again meanwhile.
      if (told === 'unreachable' || (told === 'heard' && this.#toTell(consent))) return this.#later(generation, consent, token);
    }
    if (generation !== this.#generation || consent === 'denied') return;
    const answer = await askVisitor(this.#host, this.#writeKey, consent, token);
    if ('visitor' in answer && consent === 'granted') this.#grantHeard();
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

  /**
   * The withdrawal to be told first, unless another tab has told it. One that was said in another tab after
   * the consent given here is not told by this tab: its consent, told once more, would take the withdrawal back.
   */
  #toTell(consent: Consent): Denial | undefined {
    const { denied } = this.#owed();
    return consent !== 'granted' || same(denied, this.#earlier) ? denied : undefined;
  }

  /** Tells a withdrawal, once at a time. What is refused is kept as well, for a deployment that is mended. */
  #tell(denial: Denial): Promise<'heard' | 'refused' | 'unreachable'> {
    this.#telling ??= askVisitor(this.#host, this.#writeKey, 'denied', denial.token).then((answer) => {
      this.#telling = undefined;
      if (!('visitor' in answer)) return 'code' in answer ? 'refused' : 'unreachable';
      const { denied, ...others } = this.#owed();
      if (same(denied, denial)) this.#owe(others);
      return 'heard';
    });
    return this.#telling;
  }

  /** A consent that is kept beside a withdrawal is the later word, and has to be told again after it. */
  #grantHeard(): void {
    const { denied, granted } = this.#owed();
    if (denied) return;
    if (granted && this.#owesGrant) this.#owe({});
    this.#owesGrant = false;
  }

  #later(generation: number, consent: Consent, token: string | undefined): void {
    const waitMs = this.#backoffMs + backoffMs(this.#attempt, Math.random, this.#backoffMs);
    this.#attempt += 1;
    setTimeout(() => generation === this.#generation && void this.begin(consent, token), waitMs);
  }

  #owed(): Owed {
    return this.#unkept ?? readOwed();
  }

  #owe(owed: Owed): void {
    this.#unkept = keepOwed(owed) ? undefined : owed;
  }
}

function same(one: Denial | undefined, other: Denial | undefined): boolean {
  return one?.token === other?.token && one?.atMs === other?.atMs && !one === !other;
}
