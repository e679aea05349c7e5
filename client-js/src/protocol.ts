// The wire contract as a page sees it; mirrors `protocol/src/message.rs`, pinned by `protocol/cases/messages.json`.

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. Members that are `undefined` are not sent. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

export type Consent = 'unknown' | 'granted' | 'denied';

/** How far a tab has come in a visitor's pushes. */
export interface Cursor {
  readonly incarnation: string;
  /** The last push or retraction it has; 0 for none. */
  readonly seq: number;
}

export interface Hello {
  readonly type: 'hello';
  readonly tab: string;
  readonly cursor?: Cursor;
  readonly visible: boolean;
  readonly inspect: boolean;
}

export interface EventsFrame {
  readonly type: 'events';
  readonly frame: number;
  readonly events: readonly SegmentEvent[];
}

/** What the page has applied of pushes and changes of the state; what nobody takes is not sent on for ever. */
export interface Seen {
  readonly type: 'seen';
  readonly seq: number;
  readonly version: number;
}

export type ClientMessage = Hello | EventsFrame | Seen;

export interface Welcome {
  readonly type: 'welcome';
  readonly protocol: number;
  /** `null` while nothing is stored of the visitor. */
  readonly incarnation: string | null;
  readonly seq: number;
  readonly version: number;
  readonly state: JsonObject;
}

export interface Rejection {
  readonly index: number;
  readonly code: string;
  readonly pointer: string;
  readonly message: string;
}

export interface Ack {
  readonly type: 'ack';
  readonly frame: number;
  readonly accepted: number;
  readonly rejections?: readonly Rejection[];
}

export interface Nack {
  readonly type: 'nack';
  readonly frame: number;
  readonly code: string;
  readonly message: string;
  /** With `rate_limited`: in how many milliseconds the frame may be taken. */
  readonly retry_after_ms?: number;
}

export interface Push {
  readonly type: 'push';
  readonly seq: number;
  readonly slot: string;
  readonly rule: string;
  /** Of two pushes for one slot the higher stays, then the newer. */
  readonly priority: number;
  readonly content: JsonObject;
  /** The tab it is meant for; empty for all. */
  readonly tab: string;
  /** Server time, milliseconds since the epoch, as `expires_at_ms`. */
  readonly at_ms: number;
  readonly expires_at_ms: number;
}

export interface Retract {
  readonly type: 'retract';
  readonly seq: number;
  /** The push that goes. */
  readonly push: number;
  readonly slot: string;
}

/** A JSON Merge Patch (RFC 7396) from version `base` of the state to `version`. */
export interface StateChange {
  readonly type: 'state';
  readonly base: number;
  readonly version: number;
  readonly patch: JsonObject;
}

export interface ServerError {
  readonly type: 'error';
  readonly code: string;
  readonly message: string;
}

/** What a tab without a socket has missed, in the answer to a request that says where it stands. */
export interface Missed {
  readonly incarnation: string;
  readonly seq: number;
  readonly messages: readonly (Push | Retract)[];
}

export type ServerMessage = Welcome | Ack | Nack | Push | Retract | StateChange | ServerError;

/** Where on the site an event happened. */
export interface PageContext {
  readonly url: string;
  readonly path: string;
  readonly title: string;
  readonly referrer: string;
  readonly kind: string;
}

export interface EventContext {
  readonly tab: string;
  readonly page?: PageContext;
  readonly campaign?: JsonObject;
  readonly locale?: string;
  readonly consent: Consent;
  /** What the store's server has signed about the event's user. */
  readonly userSignature?: string;
}

/** An event in the shape of the Segment HTTP Tracking API. */
export interface SegmentEvent {
  readonly type: 'track' | 'page' | 'identify';
  readonly messageId: string;
  /** ISO 8601, by the page's clock. */
  readonly timestamp: string;
  readonly event?: string;
  readonly name?: string;
  readonly userId?: string;
  readonly properties?: JsonObject;
  readonly traits?: JsonObject;
  readonly context: EventContext;
}

/** The close code for a socket whose tab id a newer socket has taken: another page has the same id. */
export const CLOSE_REPLACED = 4001;
/** The close code for the sockets of a visitor that was erased. */
export const CLOSE_ERASED = 4003;

/** The subprotocol that both sides speak. */
export const SUBPROTOCOL = 'footfall.v1';

type Kind = 'number' | 'string' | 'object';

/** The members without which a message of a type is of no use. */
const REQUIRED: Readonly<Record<ServerMessage['type'], Readonly<Record<string, Kind>>>> = {
  welcome: { seq: 'number', version: 'number', state: 'object' },
  ack: { frame: 'number', accepted: 'number' },
  nack: { frame: 'number', code: 'string', message: 'string' },
  push: {
    seq: 'number',
    slot: 'string',
    rule: 'string',
    priority: 'number',
    content: 'object',
    tab: 'string',
    at_ms: 'number',
    expires_at_ms: 'number',
  },
  retract: { seq: 'number', push: 'number', slot: 'string' },
  state: { base: 'number', version: 'number', patch: 'object' },
  error: { code: 'string', message: 'string' },
};

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Reads one text frame of the server; `undefined` for what this version does not know, which is left alone. */
export function decode(text: string): ServerMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return read(value);
}

function read(value: unknown): ServerMessage | undefined {
  if (!isObject(value) || typeof value.type !== 'string' || !Object.hasOwn(REQUIRED, value.type)) return undefined;
  for (const [member, kind] of Object.entries(REQUIRED[value.type as ServerMessage['type']])) {
    const found = value[member];
    if (kind === 'object' ? !isObject(found) : typeof found !== kind) return undefined;
  }
  return value as unknown as ServerMessage;
}

/** Reads `pushes` of an answer to events; `undefined` when there is none, or none that this version knows. */
export function readMissed(answer: unknown): Missed | undefined {
  const pushes = isObject(answer) ? answer.pushes : undefined;
  if (!isObject(pushes) || typeof pushes.incarnation !== 'string' || typeof pushes.seq !== 'number') return undefined;
  const { incarnation, seq } = pushes;
  const messages: readonly unknown[] = Array.isArray(pushes.messages) ? pushes.messages : [];
  return { incarnation, seq, messages: messages.map(read).filter((message) => message?.type === 'push' || message?.type === 'retract') };
}
