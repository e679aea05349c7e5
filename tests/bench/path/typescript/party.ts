// PartyServer with json-logic-js.
import { type Connection, Server, routePartykitRequest } from 'partyserver';
import { holding } from './logic.ts';
import { type ShopEvent, type Visitor, apply, factsOf, push, visitorAt } from './visitor.ts';

interface Env {
  Party: DurableObjectNamespace<Party>;
}

export class Party extends Server<Env> {
  static override options = { hibernate: true };
  #visitor: Visitor | undefined;

  override async onStart(): Promise<void> {
    this.#visitor = await this.ctx.storage.get<Visitor>('visitor');
  }

  override async onRequest(request: Request): Promise<Response> {
    if (request.method === 'GET') return Response.json(this.#visitor ?? null);
    const { batch } = await request.json<{ batch: ShopEvent[] }>();
    this.#take(batch);
    return new Response(null, { status: 204 });
  }

  override onMessage(connection: Connection, message: string | ArrayBuffer | ArrayBufferView): void {
    const { frame, events } = JSON.parse(String(message)) as { frame: number; events: ShopEvent[] };
    this.#take(events);
    connection.send(JSON.stringify({ type: 'ack', frame, accepted: events.length }));
  }

  #take(events: ShopEvent[]): void {
    const now = Date.now();
    const visitor = (this.#visitor ??= visitorAt(now));
    const pushes = [];
    for (const event of events) {
      const name = apply(visitor, event, now);
      if (name === undefined) continue;
      for (const { id, content } of holding(name, factsOf(visitor, event))) pushes.push(push(visitor, id, content));
    }
    void this.ctx.storage.put('visitor', visitor);
    for (const made of pushes) this.broadcast(JSON.stringify({ type: 'push', ...made }));
  }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    return (await routePartykitRequest(request, { Party: env.Party })) ?? new Response(null, { status: 404 });
  },
};
