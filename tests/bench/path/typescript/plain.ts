// A plain hibernating object with json-logic-js.
import { DurableObject } from 'cloudflare:workers';
import { holding } from './logic.ts';
import { type Push, type ShopEvent, type Visitor, apply, factsOf, push, visitorAt } from './visitor.ts';

interface Env {
  OBJECT: DurableObjectNamespace<Plain>;
}

export class Plain extends DurableObject<Env> {
  #visitor: Visitor | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void ctx.blockConcurrencyWhile(async () => {
      this.#visitor = await ctx.storage.get<Visitor>('visitor');
    });
  }

  override async fetch(request: Request): Promise<Response> {
    if (request.headers.get('upgrade') === 'websocket') {
      const { 0: page, 1: own } = new WebSocketPair();
      this.ctx.acceptWebSocket(own);
      return new Response(null, { status: 101, webSocket: page });
    }
    if (request.method === 'GET') return Response.json(this.#visitor ?? null);
    const { batch } = await request.json<{ batch: ShopEvent[] }>();
    this.#take(batch);
    return new Response(null, { status: 204 });
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    const { frame, events } = JSON.parse(String(message)) as { frame: number; events: ShopEvent[] };
    this.#take(events);
    socket.send(JSON.stringify({ type: 'ack', frame, accepted: events.length }));
  }

  /** One write for all of them; the platform holds answers and messages back until it is on disk. */
  #take(events: ShopEvent[]): void {
    const now = Date.now();
    const visitor = (this.#visitor ??= visitorAt(now));
    const pushes: Push[] = [];
    for (const event of events) {
      const name = apply(visitor, event, now);
      if (name === undefined) continue;
      for (const { id, content } of holding(name, factsOf(visitor, event))) pushes.push(push(visitor, id, content));
    }
    void this.ctx.storage.put('visitor', visitor);
    if (pushes.length === 0) return;
    for (const socket of this.ctx.getWebSockets()) {
      for (const made of pushes) socket.send(JSON.stringify({ type: 'push', ...made }));
    }
  }
}

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    return env.OBJECT.getByName(new URL(request.url).pathname).fetch(request);
  },
};
