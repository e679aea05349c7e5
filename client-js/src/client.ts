// The client itself: consent, identity, events out, state and pushes in.

import { EventBuffer } from './buffer.ts';
import { Connection, type Timing, TIMING } from './connection.ts';
import { Admission } from './consent.ts';
import { Delivery } from './delivery.ts';
import { Emitter } from './emitter.ts';
import { newId } from './id.ts';
import { type HeldPush, Inbox } from './inbox.ts';
import type { FootfallEvents, FootfallOptions, PageProperties } from './options.ts';
import { isPrerendered, isVisible, onPage, PageView, watchPage, whenSeen } from './page.ts';
import { CLOSE_ERASED, CLOSE_REPLACED, type Consent, type EventContext, type JsonObject, type Push, type SegmentEvent, type ServerMessage } from './protocol.ts';
import { awaitWithdrawal, cookiesWork, forgetTab, forgetToken, keepToken, readToken } from './storage.ts';
import { Tab } from './tab.ts';
import { askErasure, type Named } from './visitor.ts';

/** `waiting`: for consent, with events in memory only. `denied`: nothing is recorded. */
type Phase = 'starting' | 'waiting' | 'running' | 'denied' | 'closed';

export class Footfall {
  readonly #options: FootfallOptions;
  readonly #host: string;
  readonly #timing: Timing;
  readonly #emitter = new Emitter<FootfallEvents>();
  readonly #buffer = new EventBuffer();
  readonly #inbox = new Inbox();
  readonly #tab = new Tab(this.#inbox);
  readonly #view: PageView;
  readonly #connection: Connection;
  readonly #delivery: Delivery;
  readonly #admission: Admission;
  #unwatch: (() => void) | undefined;
  #phase: Phase = 'starting';
  #consent: Consent;
  /** Whether the page was ended by what was said elsewhere: here the visitor has said nothing yet. */
  #ended = false;
  /** Whether the visitor has said something here: of a page that nobody sees yet it is told later. */
  #said: boolean;
  #token: string | undefined;
  #visitor: string | undefined;

  constructor(options: FootfallOptions) {
    this.#options = options;
    this.#view = new PageView(options.kind);
    this.#host = (options.host ?? '').replace(/\/$/, '');
    this.#timing = { ...TIMING, ...options.timing };
    this.#admission = new Admission(this.#host, options.writeKey, this.#timing.backoffMs, {
      admitted: (answer) => this.#admit(answer),
      refused: (answer) => this.#emitter.emit('error', answer),
    });
    // What a page does not say the visitor may have said in the one before, without the engine having heard it.
    this.#consent = (options.consent === 'unknown' ? undefined : options.consent) ?? this.#admission.unheard ?? 'unknown';
    if (this.#consent === 'denied') this.#phase = 'denied';
    this.#said = options.consent === 'denied';
    this.#token = options.token;
    this.#connection = new Connection(
      {
        url: () => `${this.#host || location.origin}/v1/socket`.replace(/^http/, 'ws'),
        token: () => this.#pass(),
        hello: () => ({ type: 'hello', ...this.#tab.standing(), visible: isVisible(), inspect: options.inspect ?? false }),
        message: (message) => {
          this.#receive(message);
          if (!['push', 'retract', 'state'].includes(message.type)) return;
          const seen = this.#tab.taken();
          if (seen) this.#connection.send(seen);
        },
        closed: (code, failures) => this.#closed(code, failures),
      },
      this.#timing,
    );
    this.#delivery = new Delivery(
      {
        host: this.#host,
        writeKey: options.writeKey,
        token: () => this.#pass(),
        standing: () => this.#tab.standing(),
        missed: ({ incarnation, seq, messages }) => {
          this.#inbox.follow(incarnation, seq);
          for (const message of messages) this.#receive(message);
        },
        rejected: (rejections, events) => this.#emitter.emit('rejected', { rejections, events }),
      },
      this.#buffer,
      this.#connection,
      this.#timing,
    );
    whenSeen(() => this.#enter());
  }

  /** The visitor's id, once the engine has given it. */
  get visitor(): string | undefined {
    return this.#visitor;
  }

  get tab(): string {
    return this.#tab.id;
  }

  /** The visitor's state as last known; `null` before the first welcome. */
  get state(): JsonObject | null {
    return this.#inbox.state;
  }

  get connected(): boolean {
    return this.#connection.ready;
  }

  /** How many events were given up for want of room. */
  get dropped(): number {
    return this.#buffer.dropped;
  }

  /** The server's time now, in milliseconds since the epoch, as well as this page can know it. */
  now(): number {
    return Date.now() + this.#inbox.offsetMs;
  }

  /** Listens; the returned function ends it. */
  on<K extends keyof FootfallEvents>(name: K, listener: (detail: FootfallEvents[K]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  /** Says who the visitor is; `userSignature` is the proof that the store's own server has signed for this page. */
  identify(userId: string, traits: JsonObject = {}, userSignature?: string): void {
    this.#record({ type: 'identify', userId, traits }, userSignature === undefined ? {} : { userSignature });
  }

  track(event: string, properties: JsonObject = {}): void {
    this.#record({ type: 'track', event, properties });
  }

  /** Begins a new page view. */
  page(properties: PageProperties = {}): void {
    if (isPrerendered()) return whenSeen(() => this.page(properties));
    const { kind, ...others } = properties;
    this.#inbox.leavePage();
    const where = this.#view.begin(kind);
    this.#record({ type: 'page', name: properties.name ?? where.kind, properties: { ...where, ...others } });
    if (!isVisible()) this.track('page_hidden');
    this.#emitter.emit('slots', undefined);
  }

  /** What the visitor says about being remembered. */
  consent(state: Consent): void {
    if ((state === this.#consent && !this.#ended) || this.#phase === 'closed') return;
    this.#ended = false;
    this.#consent = state;
    if (state === 'denied') this.#forget();
    else if (this.#phase === 'denied') this.#phase = 'starting';
    this.#emitter.emit('consent', state);
    this.#begin(true);
  }

  /**
   * Has the engine forget everything about the visitor, and forgets it here: nothing more is recorded until consent is
   * given anew. Whether that is done; if not, ask again.
   */
  async erase(): Promise<boolean> {
    const token = this.#token;
    const done = await askErasure(this.#host, token);
    if (done && this.#phase !== 'closed') {
      // The engine closes the sockets before it answers.
      this.#erased();
      this.#ended = false;
      this.#begin(true, token);
    }
    return done;
  }

  /** The push that a slot shows now; `thisViewOnly` leaves out what came in earlier page views. */
  slot(name: string, thisViewOnly = false): HeldPush | undefined {
    return this.#inbox.best(name, this.now(), thisViewOnly);
  }

  /** Takes a push away for good, on the visitor's wish. */
  dismiss(push: Push): void {
    this.#inbox.drop(push.seq);
    this.track('push_dismissed', { push: push.seq, slot: push.slot, rule: push.rule });
    this.#emitter.emit('slots', undefined);
  }

  /** Sends what waits and ends the connection; the client is of no use afterwards. */
  close(): void {
    if (this.#phase === 'closed') return;
    if (this.#phase === 'running' && typeof navigator !== 'undefined') this.#delivery.beacon();
    this.#phase = 'closed';
    this.#admission.stop();
    this.#delivery.stop();
    this.#connection.stop();
    this.#unwatch?.();
  }

  #record(event: Omit<SegmentEvent, 'messageId' | 'timestamp' | 'context'>, more: Partial<EventContext> = {}): void {
    if (this.#options.observer || this.#phase === 'denied' || this.#phase === 'closed') return;
    if (isPrerendered()) return whenSeen(() => this.#record(event, more));
    const context = { tab: this.tab, consent: this.#consent, ...this.#view.context(), ...more };
    this.#buffer.add({ ...event, messageId: newId(), timestamp: new Date().toISOString(), context });
    this.#delivery.schedule();
  }

  #enter(): void {
    if (this.#phase === 'closed') return;
    const { autoPage = true } = this.#options;
    if (onPage()) this.#unwatch = this.#watch(autoPage);
    if (onPage() && autoPage) this.page();
    this.#begin(this.#said && !this.#admission.overtaken);
  }

  /** The token, as long as the page may go on: asked before anything leaves, since nobody tells a page without a socket. */
  #pass(): string | undefined {
    if (this.#phase === 'running' && this.#admission.overtaken) this.#erased();
    return this.#phase === 'running' ? this.#token : undefined;
  }

  /** Asks who the visitor is, and connects when the engine may know; `said`: the visitor has said so just now. */
  #begin(said = false, whose = this.#token): void {
    this.#said ||= said;
    if (isPrerendered()) return;
    if (!said && this.#admission.overtaken) return this.#erased();
    // A token is in storage only where it was put with the visitor's consent or where none was required.
    const token = whose ?? (cookiesWork(this.#host) ? undefined : readToken());
    if (said) this.#admission.say(this.#consent, token);
    if (this.#consent === 'denied' && !this.#ended) {
      this.#token = undefined;
      forgetTab();
      forgetToken();
    }
    void this.#admission.begin(this.#consent, token);
  }

  #admit({ visitor, token, consentRequired }: Named): void {
    if (this.#admission.overtaken) return this.#erased();
    if (visitor === null || token === null) {
      this.#phase = 'waiting';
      this.#connection.stop();
      forgetTab();
      forgetToken();
      if (consentRequired) this.#emitter.emit('consent', 'required');
      else this.#emitter.emit('error', { code: 'not_followed', message: 'The engine keeps nothing of this visitor.' });
      return;
    }
    const another = this.#visitor !== undefined && this.#visitor !== visitor;
    this.#visitor = visitor;
    this.#token = token;
    if (another) {
      this.#inbox.clear();
      this.#connection.restart();
    }
    awaitWithdrawal();
    if (!cookiesWork(this.#host)) keepToken(token);
    if (this.#phase !== 'running') {
      this.#phase = 'running';
      this.#resume();
      // What waited in memory goes out under the consent that lets it go.
      const { tab } = this;
      this.#buffer.restamp((event) => ({ ...event, context: { ...event.context, tab, consent: this.#consent } }));
      this.#delivery.begin();
    }
    this.#connection.start();
  }

  #resume(): void {
    if (this.#tab.resume()) this.#emitter.emit('slots', undefined);
  }

  #receive(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        this.#inbox.welcome(message, Date.now());
        this.#emitter.emit('open', undefined);
        this.#emitter.emit('welcome', message);
        this.#emitter.emit('state', message.state);
        this.#emitter.emit('slots', undefined);
        this.#delivery.opened();
        break;
      case 'ack':
        this.#delivery.acknowledged(message.frame, message.rejections);
        break;
      case 'nack':
        this.#delivery.refused(message);
        break;
      case 'push':
        if (!this.#inbox.push(message, this.tab, this.now())) break;
        this.#emitter.emit('push', message);
        this.#emitter.emit('slots', undefined);
        break;
      case 'retract':
        if (!this.#inbox.retract(message)) break;
        this.#emitter.emit('retract', message);
        this.#emitter.emit('slots', undefined);
        break;
      case 'state':
        // A patch that does not fit means that one was missed: a new socket brings a whole state.
        if (!this.#inbox.change(message)) this.#connection.restart();
        else this.#emitter.emit('state', this.#inbox.state ?? {});
        break;
      case 'error':
        this.#delivery.unreadable();
        this.#emitter.emit('error', message);
        break;
    }
  }

  #closed(code: number, failures: number): void {
    this.#delivery.closed();
    this.#emitter.emit('close', { code });
    if (code === CLOSE_ERASED) return this.#erased();
    if (code === CLOSE_REPLACED) this.#tab.renew();
    // A socket that is refused again and again may be the token's fault.
    if (failures > 0 && failures % 3 === 0) this.#begin();
  }

  #forget(): void {
    this.#phase = 'denied';
    this.#delivery.stop();
    this.#connection.stop();
    this.#buffer.clear();
    this.#inbox.clear();
    this.#visitor = undefined;
    this.#emitter.emit('slots', undefined);
  }

  /**
   * The visitor of this page is forgotten or has withdrawn, perhaps long ago, and may have consented anew since. So nothing
   * is said here: it might be said of the one whom the browser names now.
   */
  #erased(): void {
    if (this.#phase === 'denied' || this.#phase === 'closed') return;
    this.#ended = true;
    this.#consent = 'denied';
    this.#admission.stop();
    forgetTab();
    if (readToken() === this.#token) forgetToken();
    this.#token = undefined;
    this.#forget();
    this.#emitter.emit('consent', 'denied');
    this.#emitter.emit('erased', undefined);
  }

  #watch(autoPage: boolean): () => void {
    let left = false;
    const urgent = (): void => {
      if (this.#pass() === undefined) return;
      this.#tab.leave(this.now());
      if (this.#connection.ready) this.#delivery.flush();
      else this.#delivery.beacon();
    };
    return watchPage(
      {
        moved: (previous) => {
          this.#view.moved(previous);
          this.page();
        },
        hidden: () => {
          // A page that has been left is hidden as well; that is told already.
          if (left) return;
          this.track('page_hidden');
          urgent();
        },
        visible: () => {
          // A page that comes back is in sight first; what the tab has then is another document's.
          if (this.#phase === 'running' && !left) this.#tab.claim();
          this.track('page_visible');
          this.#connection.hurry();
        },
        left: () => {
          left = true;
          this.track('page_left');
          // An open socket would keep the page out of the back/forward cache.
          this.#connection.stop();
          urgent();
          this.#delivery.stop();
        },
        restored: () => {
          left = false;
          if (this.#pass() !== undefined) this.#resume();
          if (autoPage) this.page();
          if (this.#phase === 'running') {
            this.#connection.start();
            this.#delivery.begin();
          }
        },
        exit: () => this.#view.exit() && this.track('exit_intent'),
        online: () => {
          this.#connection.hurry();
          if (this.#phase === 'starting' || this.#phase === 'denied') this.#begin();
        },
      },
      autoPage,
      this.#options.exitIntent ?? false,
    );
  }
}

export function createFootfall(options: FootfallOptions): Footfall {
  return new Footfall(options);
}
