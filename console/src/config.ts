// What a page must know of the site before it can begin: `GET /v1/config?site=…`.

import { isObject } from '../../client-js/src/index.ts';

export interface SiteConfig {
  readonly site: string;
  /** The public one. */
  readonly write_key: string;
  readonly consent: 'required' | 'assumed';
  /** Whether pages may ask for the whole view of their visitor. */
  readonly inspect: boolean;
}

/** The site that the address names (`?site=`), else the demo. */
export function siteName(): string {
  return new URLSearchParams(location.search).get('site') ?? 'demo';
}

/** `undefined` when the engine is not reached. */
export async function readConfig(site = 'demo'): Promise<SiteConfig | undefined> {
  try {
    const reply = await fetch(`/v1/config?site=${encodeURIComponent(site)}`);
    const answer: unknown = await reply.json();
    return reply.ok && isObject(answer) && typeof answer.write_key === 'string' ? (answer as unknown as SiteConfig) : undefined;
  } catch {
    return undefined;
  }
}
