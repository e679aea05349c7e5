// The admin API as the console uses it: documents of three kinds, with entity tags against lost updates.

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
  readonly faults: readonly Fault[];

  constructor(status: number, message: string, faults: readonly Fault[]) {
    super(message);
    this.status = status;
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
}

export class Admin {
  readonly #site: string;
  readonly #token: string;

  constructor(site: string, token: string) {
    this.#site = site;
    this.#token = token;
  }

  async list(kind: Kind): Promise<readonly JsonObject[]> {
    const { body } = await this.#call('GET', kind);
    const items = isObject(body) && Array.isArray(body.items) ? body.items : [];
    return items.flatMap((item: unknown) => (isObject(item) && isObject(item.document) ? [item.document] : []));
  }

  async read(kind: Kind, id: string): Promise<Stored> {
    const { body, etag } = await this.#call('GET', kind, id);
    return { document: isObject(body) ? body : {}, etag };
  }

  /** Creates a document, which says its own id; one that is there already is not touched. */
  async create(kind: Kind, text: string): Promise<Written> {
    return written(await this.#call('POST', kind, undefined, { body: text }));
  }

  /** Replaces what had that entity tag. */
  async replace(kind: Kind, id: string, text: string, etag: string | undefined): Promise<Written> {
    return written(await this.#call('PUT', kind, id, { body: text, headers: etag === undefined ? {} : { 'if-match': etag } }));
  }

  async remove(kind: Kind, id: string, etag: string | undefined): Promise<void> {
    await this.#call('DELETE', kind, id, { headers: etag === undefined ? {} : { 'if-match': etag } });
  }

  async #call(
    method: string,
    kind: Kind,
    id?: string,
    { body, headers = {} }: { readonly body?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Answer> {
    const path = `/admin/v1/sites/${encodeURIComponent(this.#site)}/${kind}${id === undefined ? '' : `/${encodeURIComponent(id)}`}`;
    const reply = await fetch(path, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body }),
    }).catch(() => undefined);
    if (!reply) throw new AdminError(0, 'The engine is not reached.', []);
    const answer: unknown = await reply.json().catch(() => undefined);
    if (!reply.ok) throw problem(reply.status, answer);
    return { body: answer, etag: reply.headers.get('etag') ?? undefined };
  }
}

interface Answer {
  readonly body: unknown;
  readonly etag: string | undefined;
}

function written({ body, etag }: Answer): Written {
  return { etag, warnings: isObject(body) ? faultsOf(body.warnings) : [] };
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
  return new AdminError(status, typeof said === 'string' ? said : (known[status] ?? `The engine answered ${status}.`), faultsOf(members.faults));
}
