// A plain hibernating object with json-rules-engine: one engine for the rules of each event's name.
import { DurableObject } from 'cloudflare:workers';
import { Engine, type RuleProperties } from 'json-rules-engine';
import authored from 'rules.json';
import { type Facts, type Push, type ShopEvent, type Visitor, apply, factsOf, push, visitorAt } from './visitor.ts';

interface Env {
  OBJECT: DurableObjectNamespace<WithEngine>;
}
interface Authored {
  id: string;
  name: string;
  content: unknown;
  comparisons: [path: string, operator: string, operand: unknown][];
}

const OPERATORS: Record<string, string> = { $eq: 'equal', $gte: 'greaterThanInclusive', $lt: 'lessThan', $in: 'in' };
const read = (facts: Facts, path: string): unknown =>
  path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], facts);

const ruleOf = ({ id, content, comparisons }: Authored): RuleProperties => ({
  conditions: { all: comparisons.map(([fact, operator, value]) => ({ fact, operator: OPERATORS[operator] ?? operator, value })) },
  event: { type: id, params: { content } },
});
const engines = new Map(
  [...Map.groupBy(authored as unknown as Authored[], ({ name }) => name)].map(([name, rules]) => [name, new Engine(rules.map(ruleOf), { allowUndefinedFacts: true })]),
);
const paths = [...new Set((authored as unknown as Authored[]).flatMap(({ comparisons }) => comparisons.map(([path]) => path)))];

async function holding(name: string, facts: Facts): Promise<{ id: string; content: unknown }[]> {
  const engine = engines.get(name);
  if (!engine) return [];
  const { events } = await engine.run(Object.fromEntries(paths.map((path) => [path, read(facts, path)])));
  const found = events.map(({ type, params }) => ({ id: type, content: params?.content }));
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}

export class WithEngine extends DurableObject<Env> {
  #visitor: Visitor | undefined;
  /** The engine answers later, so events wait for each other. */
  #turn: Promise<unknown> = Promise.resolve();

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
    await this.#inTurn(batch);
    return new Response(null, { status: 204 });
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    const { frame, events } = JSON.parse(String(message)) as { frame: number; events: ShopEvent[] };
    await this.#inTurn(events);
    socket.send(JSON.stringify({ type: 'ack', frame, accepted: events.length }));
  }

  #inTurn(events: ShopEvent[]): Promise<unknown> {
    this.#turn = this.#turn.then(() => this.#take(events));
    return this.#turn;
  }

  async #take(events: ShopEvent[]): Promise<void> {
    const now = Date.now();
    const visitor = (this.#visitor ??= visitorAt(now));
    const pushes: Push[] = [];
    for (const event of events) {
      const name = apply(visitor, event, now);
      if (name === undefined) continue;
      for (const { id, content } of await holding(name, factsOf(visitor, event))) pushes.push(push(visitor, id, content));
    }
    void this.ctx.storage.put('visitor', visitor);
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
