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

export class Admin {
  readonly #site: string;
  readonly #token: string;

  constructor(site: string, token: string) {
    this.#site = site;
    this.#token = token;
  }

  async list(kind: Kind): Promise<readonly JsonObject[]> {
    const { body } = await this.#call('GET', kind);
    const list = isObject(body) ? (body[kind] ?? body.items) : body;
    return Array.isArray(list) ? list.filter(isObject) : [];
  }

  async read(kind: Kind, id: string): Promise<Stored> {
    const { body, etag } = await this.#call('GET', kind, id);
    return { document: isObject(body) ? body : {}, etag };
  }

  /** Creates when `etag` is `'new'`, else replaces what had that tag. */
  async write(kind: Kind, id: string, text: string, etag: string | undefined): Promise<string | undefined> {
    const condition: Record<string, string> = etag === 'new' ? { 'if-none-match': '*' } : etag === undefined ? {} : { 'if-match': etag };
    return (await this.#call('PUT', kind, id, { body: text, headers: condition })).etag;
  }

  async remove(kind: Kind, id: string, etag: string | undefined): Promise<void> {
    await this.#call('DELETE', kind, id, { headers: etag === undefined ? {} : { 'if-match': etag } });
  }

  async #call(
    method: string,
    kind: Kind,
    id?: string,
    { body, headers = {} }: { readonly body?: string; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<{ readonly body: unknown; readonly etag: string | undefined }> {
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

/** Reads application/problem+json (RFC 9457), faults included. */
function problem(status: number, answer: unknown): AdminError {
  const members = isObject(answer) ? answer : {};
  const list = [members.faults, members.errors, members.rejections].find(Array.isArray) ?? [];
  const faults = (list as unknown[]).filter(isObject).map((fault) => ({
    pointer: typeof fault.pointer === 'string' ? fault.pointer : '',
    message: typeof fault.message === 'string' ? fault.message : String(fault.detail ?? fault.code ?? 'Not accepted.'),
  }));
  const said = [members.detail, members.title].find((text) => typeof text === 'string');
  const known: Readonly<Record<number, string>> = {
    401: 'The token was not accepted.',
    403: 'This token may not do that.',
    404: 'There is no such document.',
    412: 'Somebody else changed it in the meantime. Load it again, then make your change.',
  };
  return new AdminError(status, typeof said === 'string' ? said : (known[status] ?? `The engine answered ${status}.`), faults);
}
