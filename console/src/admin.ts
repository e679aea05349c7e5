// The admin API as the console uses it: documents with entity tags against lost updates, the draft, and versions.

import { isObject, type JsonObject } from '../../client-js/src/index.ts';

export type Kind = 'rules' | 'segments' | 'stages';

/** What is wrong with a document, and where. */
export interface Fault {
  /** JSON pointer (RFC 6901) into the document; empty for the whole. */
  readonly pointer: string;
  readonly message: string;
}

/** An answer that was not a success; its faults, if any, are about the document that was sent. */
export class AdminError extends Error {
  readonly status: number;
  /** The problem's stable name; empty when there is none. */
  readonly code: string;
  readonly faults: readonly Fault[];

  constructor(status: number, code: string, message: string, faults: readonly Fault[]) {
    super(message);
    this.status = status;
    this.code = code;
    this.faults = faults;
  }
}

export interface Stored {
  readonly document: JsonObject;
  /** `undefined` when the engine gave none. */
  readonly etag: string | undefined;
}

/** A change that was made. */
export interface Written {
  readonly etag: string | undefined;
  /** What is allowed but looks like a mistake, in this document or in others that it affects. */
  readonly warnings: readonly Fault[];
  /** Why it cannot be published yet; only a draft may have such documents. */
  readonly faults: readonly Fault[];
}

/** Where documents are written: what visitors have, or the draft that nobody has before it is published. */
export type Room = 'published' | 'draft';

export interface Change {
  readonly kind: Kind;
  readonly id: string;
  readonly change: 'added' | 'changed' | 'removed';
}

export interface Version {
  readonly version: number;
  readonly at_ms: number;
  readonly author: string | null;
  readonly change: string;
  readonly restored: number | null;
  readonly comment: string | null;
}

/** How a version differs from another; patches are JSON Patch (RFC 6902) that also say what was there. */
export interface Difference {
  readonly added: readonly { readonly kind: Kind; readonly id: string }[];
  readonly removed: readonly { readonly kind: Kind; readonly id: string }[];
  readonly changed: readonly { readonly kind: Kind; readonly id: string; readonly patch: readonly JsonObject[] }[];
}

/** A message that a sink refused, or that ran out of tries. */
export interface DeadLetter {
  readonly id: string;
  readonly sink: string;
  readonly at_ms: number;
  readonly attempts: number;
  readonly reason: string;
  /** What the sink answered last; empty for none. */
  readonly answer: string;
  readonly bytes: number;
}

export class Admin {
  readonly room: Room;
  readonly #site: string;
  readonly #token: string;

  constructor(site: string, token: string, room: Room = 'published') {
    this.#site = site;
    this.#token = token;
    this.room = room;
  }

  async list(kind: Kind): Promise<readonly JsonObject[]> {
    const { body } = await this.#inRoom((room) => this.#call('GET', `${room}${kind}`));
    const items = isObject(body) && Array.isArray(body.items) ? body.items : [];
    return items.flatMap((item: unknown) => (isObject(item) && isObject(item.document) ? [item.document] : []));
  }

  async read(kind: Kind, id: string): Promise<Stored> {
    const { body, etag, room } = await this.#inRoom((room) => this.#call('GET', `${room}${kind}/${encodeURIComponent(id)}`));
    // Without a draft there is nothing yet that a tag could name.
    return { document: isObject(body) ? body : {}, etag: room === this.#path ? etag : undefined };
  }

  /** Creates a document, which says its own id; one that is there already is not touched. */
  async create(kind: Kind, text: string): Promise<Written> {
    return written(await this.#call('POST', `${this.#path}${kind}`, { body: text }));
  }

  /** Replaces what had that entity tag. */
  async replace(kind: Kind, id: string, text: string, etag: string | undefined): Promise<Written> {
    return written(await this.#call('PUT', `${this.#path}${kind}/${encodeURIComponent(id)}`, { body: text, headers: matching(etag) }));
  }

  async remove(kind: Kind, id: string, etag: string | undefined): Promise<void> {
    await this.#call('DELETE', `${this.#path}${kind}/${encodeURIComponent(id)}`, { headers: matching(etag) });
  }

  /** What the draft changes; `undefined` without a draft. */
  async changes(): Promise<readonly Change[] | undefined> {
    try {
      const { body } = await this.#call('GET', 'draft');
      return isObject(body) ? (body.changes as unknown as readonly Change[]) : [];
    } catch (error) {
      if (error instanceof AdminError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Publishes the draft as one version, or nothing of it. Gives the version. */
  async publish(comment: string): Promise<number> {
    const { body } = await this.#call('POST', 'draft/publish', { body: JSON.stringify(comment === '' ? {} : { comment }) });
    return isObject(body) ? Number(body.version) : 0;
  }

  async discard(): Promise<void> {
    await this.#call('DELETE', 'draft');
  }

  /** Shows the draft to one visitor for an hour. */
  async preview(visitor: string): Promise<void> {
    await this.#call('PUT', `previews/${encodeURIComponent(visitor)}`, { body: JSON.stringify({ for: '1h' }) });
  }

  /** How a rule stands for a visitor, and what it waits for. */
  async explain(visitor: string, rule: string): Promise<JsonObject> {
    const { body } = await this.#call('GET', `visitors/${encodeURIComponent(visitor)}/explain/${encodeURIComponent(rule)}`);
    return isObject(body) ? body : {};
  }

  /** The newest versions, the newest first. */
  async versions(): Promise<readonly Version[]> {
    const { body } = await this.#call('GET', 'versions');
    return isObject(body) && Array.isArray(body.items) ? (body.items as Version[]) : [];
  }

  async difference(from: number, to: number): Promise<Difference> {
    return (await this.#call('GET', `versions/${from}/diff/${to}`)).body as Difference;
  }

  /** Publishes an old version's documents as a new one. Gives its number. */
  async restore(version: number): Promise<number> {
    const { body } = await this.#call('POST', `versions/${version}/restore`, { body: '{}' });
    return isObject(body) ? Number(body.version) : 0;
  }

  /** A page of dead letters, the newest first: those before a place; `next` is where the following page begins. */
  async letters(before: string | undefined): Promise<{ readonly items: readonly DeadLetter[]; readonly next: string | undefined }> {
    const { body } = await this.#call('GET', `dead-letters${before === undefined ? '' : `?before=${encodeURIComponent(before)}`}`);
    const { items, next } = isObject(body) ? body : {};
    return { items: Array.isArray(items) ? (items as unknown as DeadLetter[]) : [], next: typeof next === 'string' ? next : undefined };
  }

  /** Sends a dead letter to its sink once more. */
  async replay(letter: string): Promise<void> {
    await this.#call('POST', `dead-letters/${encodeURIComponent(letter)}/replay`);
  }

  async removeLetter(letter: string): Promise<void> {
    await this.#call('DELETE', `dead-letters/${encodeURIComponent(letter)}`);
  }

  get #path(): '' | 'draft/' {
    return this.room === 'draft' ? 'draft/' : '';
  }

  /** Without a draft, what is published is what its first change will begin from. */
  async #inRoom(call: (room: '' | 'draft/') => Promise<Answer>): Promise<Answer & { readonly room: '' | 'draft/' }> {
    const room = this.#path;
    try {
      return { ...(await call(room)), room };
    } catch (error) {
      if (room === '' || !(error instanceof AdminError) || error.code !== 'no_draft') throw error;
      return { ...(await call('')), room: '' };
    }
  }

  async #call(
    method: string,
    path: string,
    { body, headers = {} }: { readonly body?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Answer> {
    const reply = await fetch(`/admin/v1/sites/${encodeURIComponent(this.#site)}/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body }),
    }).catch(() => undefined);
    if (!reply) throw new AdminError(0, '', 'The engine is not reached.', []);
    const answer: unknown = await reply.json().catch(() => undefined);
    if (!reply.ok) throw problem(reply.status, answer);
    return { body: answer, etag: reply.headers.get('etag') ?? undefined };
  }
}

function matching(etag: string | undefined): Readonly<Record<string, string>> {
  return etag === undefined ? {} : { 'if-match': etag };
}

interface Answer {
  readonly body: unknown;
  readonly etag: string | undefined;
}

function written({ body, etag }: Answer): Written {
  return { etag, warnings: isObject(body) ? faultsOf(body.warnings) : [], faults: isObject(body) ? faultsOf(body.faults) : [] };
}

function faultsOf(list: unknown): readonly Fault[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isObject).map(({ pointer, message, code, kind, id }) => ({
    pointer: `${typeof kind === 'string' ? `${kind}/${String(id)} ` : ''}${typeof pointer === 'string' ? pointer : ''}`,
    message: typeof message === 'string' ? message : String(code ?? 'Not accepted.'),
  }));
}

/** Reads application/problem+json (RFC 9457), faults included. */
function problem(status: number, answer: unknown): AdminError {
  const members = isObject(answer) ? answer : {};
  const said = [members.detail, members.title].find((text) => typeof text === 'string');
  const known: Readonly<Record<number, string>> = {
    401: 'The token was not accepted.',
    403: 'This token may not do that.',
    404: 'There is no such document.',
    412: 'Somebody else changed it in the meantime. Load it again, then make your change.',
  };
  return new AdminError(status, typeof members.code === 'string' ? members.code : '', typeof said === 'string' ? said : (known[status] ?? `The engine answered ${status}.`), faultsOf(members.faults));
}
