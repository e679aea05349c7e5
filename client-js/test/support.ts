// A client with an engine of its own, for one test.

import { createFootfall, type Footfall, type FootfallOptions, type Push } from '../src/index.ts';
import { TestEngine } from './server.ts';

export const TIMING = { batchMs: 5, backoffMs: 10, fallbackMs: 1_000, pingMs: 40, pongMs: 40, ackMs: 80, openMs: 500, stableMs: 1_000 };

export async function withClient(
  options: Partial<FootfallOptions>,
  prepare: (engine: TestEngine) => void,
  run: (client: Footfall, engine: TestEngine) => Promise<void>,
): Promise<void> {
  const engine = new TestEngine();
  prepare(engine);
  const host = await engine.listen();
  // Where there are sockets, a slow machine must not be taken for one without.
  const timing = engine.refusesSockets ? { ...TIMING, fallbackMs: 60 } : TIMING;
  const client = createFootfall({ host, writeKey: 'wk', timing, ...options });
  try {
    await run(client, engine);
  } finally {
    client.close();
    await engine.close();
  }
}

export function push(seq: number, more: Partial<Push> = {}): Push {
  return { type: 'push', seq, slot: 's', rule: 'r', priority: 0, content: { title: `${seq}` }, tab: '', at_ms: 0, expires_at_ms: 1e15, ...more };
}

export const names = (engine: TestEngine): (string | undefined)[] => engine.events.map((event) => event.event);
