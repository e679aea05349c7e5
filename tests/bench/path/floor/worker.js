// The platform's own floor: a Worker and an object that keeps one value of a fixed size for each event, and nothing else.
import { DurableObject } from 'cloudflare:workers';

export class Floor extends DurableObject {
  #bytes = Number(this.env.BYTES);

  async fetch(request) {
    const body = new Uint8Array(await request.arrayBuffer());
    const value = new Uint8Array(this.#bytes);
    value.set(body.length > value.length ? body.subarray(0, value.length) : body);
    this.ctx.storage.put('value', value); // the answer waits for it
    return new Response(null, { status: 204 });
  }
}

export default {
  fetch(request, env) {
    const { pathname } = new URL(request.url);
    return env.OBJECT.getByName(pathname).fetch(request);
  },
};
