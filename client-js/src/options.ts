// What a page tells the client at the start, and what it may listen to.

import type { Timing } from './connection.ts';
import type { Consent, JsonObject, Push, Rejection, Retract, SegmentEvent, Welcome } from './protocol.ts';

export interface FootfallOptions {
  /** Origin of the engine; absent or empty when it serves the page itself. */
  readonly host?: string;
  /** The site's public write key. */
  readonly writeKey: string;
  /** What the visitor has said so far; `unknown` unless given. */
  readonly consent?: Consent;
  /** Whether page views are reported by themselves; true unless given. */
  readonly autoPage?: boolean;
  /**
   * Reports `exit_intent` when the pointer leaves the window through its top, where tabs and the address are: at most
   * once in a page view. False unless given. Touch screens have no such sign.
   */
  readonly exitIntent?: boolean;
  /** Kind of the page, where no `<meta name="footfall:page">` says it. */
  readonly kind?: string;
  /** Asks for the whole view of the state; sites may refuse. */
  readonly inspect?: boolean;
  /** Only watches the visitor: records no events of its own. For consoles and panels. */
  readonly observer?: boolean;
  /** A visitor token that the page already has, as from server-side rendering. */
  readonly token?: string;
  /** Waiting times other than the defaults. */
  readonly timing?: Partial<Timing>;
}

/** What `on` listens to, and what the listener is given. */
export interface FootfallEvents {
  welcome: Welcome;
  state: JsonObject;
  push: Push;
  retract: Retract;
  /** What slots show may have changed: a push, a retraction, a dismissal, a new page view. */
  slots: undefined;
  open: undefined;
  close: { readonly code: number };
  /** The site requires consent that was not given, or consent was given or withdrawn. */
  consent: 'required' | Consent;
  /** The engine has forgotten the visitor, and so has this page: nothing more is recorded. */
  erased: undefined;
  /** Events that the server did not take, and why. */
  rejected: { readonly rejections: readonly Rejection[]; readonly events: readonly SegmentEvent[] };
  error: { readonly code: string; readonly message: string };
}

export type PageProperties = JsonObject & { readonly kind?: string; readonly name?: string };
