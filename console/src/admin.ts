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

/** A document as it was read. */
export interface Stored {
  readonly document: JsonObject;
  /** `undefined` when the engine gave none: it gives none of the draft before there is one. */
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

/** The draft as a whole. */
export interface Draft {
  readonly changes: readonly Change[];
  /** The version from whose documents it was made. */
  readonly base: number;
  /** The version that is published now. */
  readonly version: number;
  /** Whether the documents of the two are the same ones. */
  readonly current: boolean;
  readonly etag: string | undefined;
}

/** A draft that became a version. */
export interface Publication {
  readonly version: number;
  /** Documents that were published since the draft was made, and that now say what the draft said. */
  readonly overwritten: readonly string[];
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

  /** Replaces what was read, and nothing that came after it. */
  async replace(kind: Kind, id: string, text: string, read: Stored): Promise<Written> {
    const headers = matching(await this.#tag(kind, id, read));
    return written(await this.#call('PUT', `${this.#path}${kind}/${encodeURIComponent(id)}`, { body: text, headers }));
  }

  async remove(kind: Kind, id: string, read: Stored): Promise<void> {
    const headers = matching(await this.#tag(kind, id, read));
    await this.#call('DELETE', `${this.#path}${kind}/${encodeURIComponent(id)}`, { headers });
  }

  /** The tag of what was read. Where it had none, it is read again: by now somebody may have begun a draft with another text. */
  async #tag(kind: Kind, id: string, { document, etag }: Stored): Promise<string | undefined> {
    if (etag !== undefined) return etag;
    const now = await this.read(kind, id);
    if (JSON.stringify(now.document) !== JSON.stringify(document)) throw new AdminError(412, 'changed_meanwhile', CHANGED, []);
    return now.etag;
  }

  /** `undefined` without a draft. */
  async draft(): Promise<Draft | undefined> {
    try {
      const { body, etag } = await this.#call('GET', 'draft');
      const { changes, base, version, base_is_current } = isObject(body) ? body : {};
      return { changes: Array.isArray(changes) ? (changes as unknown as Change[]) : [], base: Number(base), version: Number(version), current: base_is_current !== false, etag };
    } catch (error) {
      if (error instanceof AdminError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Publishes the draft that was read as one version, on top of the one that was published then, or nothing of it. */
  async publish({ current, etag }: Draft, comment: string): Promise<Publication> {
    const settings = { ...(comment !== '' && { comment }), ...(!current && { rebase: true }) };
    const { body } = await this.#call('POST', 'draft/publish', { body: JSON.stringify(settings), headers: matching(etag) });
    const { version, overwritten } = isObject(body) ? body : {};
    const names = Array.isArray(overwritten) ? overwritten.filter(isObject).map(({ kind, id }) => `${String(kind)}/${String(id)}`) : [];
    return { version: Number(version), overwritten: names };
  }

  async discard({ etag }: Draft): Promise<void> {
    await this.#call('DELETE', 'draft', { headers: matching(etag) });
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

const CHANGED = 'It was changed in the meantime. Look at it as it is now, then make your change.';

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
  // The engine's own words on a tag are for programs.
  const said = status === 412 ? CHANGED : [members.detail, members.title].find((text) => typeof text === 'string');
  const known: Readonly<Record<number, string>> = {
    401: 'The token was not accepted.',
    403: 'This token may not do that.',
    404: 'There is no such document.',
  };
  return new AdminError(status, typeof members.code === 'string' ? members.code : '', typeof said === 'string' ? said : (known[status] ?? `The engine answered ${status}.`), faultsOf(members.faults));
}
