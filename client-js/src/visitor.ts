// Asks the engine who the visitor is, and to forget it: `POST /v1/visitor`, `POST /v1/erase`.

import { type Consent, isObject } from './protocol.ts';

/** A visitor with a token, or neither while the site requires consent that was not given, or for automated browsers. */
export interface Named {
  readonly visitor: string | null;
  readonly token: string | null;
  readonly consentRequired: boolean;
}

/** The engine will say the same again: asking again is of no use. */
export interface Refused {
  readonly code: string;
  readonly message: string;
}

/** Worth asking again later. */
export type Unreachable = Record<never, never>;

export async function askVisitor(host: string, writeKey: string, consent: Consent, token: string | undefined): Promise<Named | Refused | Unreachable> {
  let reply: Response;
  try {
    reply = await fetch(`${host}/v1/visitor`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      credentials: 'include',
      // A withdrawal has to arrive even when it is the last thing that happens on the page.
      keepalive: consent === 'denied',
      // A browser that a program drives says so; sites decide what that means.
      body: JSON.stringify({ writeKey, consent, ...(navigator.webdriver && { webdriver: true }), ...(token !== undefined && { token }) }),
    });
  } catch {
    return {};
  }
  if (reply.status === 429 || reply.status >= 500) return {};
  const answer: unknown = await reply.json().catch(() => undefined);
  const members = isObject(answer) ? answer : {};
  if (!reply.ok) {
    const { code, detail } = members;
    return {
      code: typeof code === 'string' ? code : `http_${reply.status}`,
      message: typeof detail === 'string' ? detail : 'The engine refused this page.',
    };
  }
  const { visitor, token: issued } = members;
  const named = typeof visitor === 'string' && typeof issued === 'string';
  return { visitor: named ? visitor : null, token: named ? issued : null, consentRequired: members.consent === 'required' };
}

/** Whether the engine has forgotten everything; without a token the cookie says about whom. */
export async function askErasure(host: string, token: string | undefined): Promise<boolean> {
  try {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const reply = await fetch(`${host}/v1/erase`, { method: 'POST', headers, credentials: 'include', keepalive: true });
    return reply.ok;
  } catch {
    return false;
  }
}
