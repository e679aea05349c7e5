// Stands for the platform's queue, outside of the runtime that is measured, as in production: takes messages and counts them.
import { createServer } from 'node:http';

const TAKEN = JSON.stringify({ metadata: { metrics: { backlogCount: 0, backlogBytes: 0, oldestMessageTimestamp: 0 } } });

/** Starts it on a free port. */
export async function startQueue() {
  const counted = { messages: 0, bytes: 0 };
  const server = createServer(async (request, response) => {
    let bytes = 0;
    const parts = [];
    try {
      for await (const part of request) {
        bytes += part.length;
        if (request.url === '/batch') parts.push(part);
      }
    } catch {
      return; // a runtime that is stopped cuts off what it sends
    }
    if (request.url === '/batch') {
      // Bodies of a batch are written in base64.
      const sizes = JSON.parse(Buffer.concat(parts)).messages.map(({ body }) => (body.length * 3) / 4);
      counted.messages += sizes.length;
      bytes = sizes.reduce((sum, size) => sum + size, 0);
    } else {
      counted.messages += 1;
    }
    counted.bytes += bytes;
    response.writeHead(200, { 'content-type': 'application/json' }).end(TAKEN);
  });
  server.keepAliveTimeout = 600_000;
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  server.unref();
  return { port: server.address().port, counted, stop: () => server.close() };
}
