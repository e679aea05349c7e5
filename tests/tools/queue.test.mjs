// The local queue: messages survive a restart, retries are counted, and what fails too often is set aside.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { keepQueuesOnDisk } from "../../scripts/lib/queue.mjs";

const wranglersOwn = createRequire(createRequire(import.meta.url).resolve("wrangler"));
const { Miniflare, QUEUES_PLUGIN, convertV4MiniflareOptions } = wranglersOwn("miniflare");

const WORKER = `
  let seen = [];
  export default {
    async fetch(request, env) {
      const path = new URL(request.url).pathname;
      if (path === "/seen") return Response.json(seen);
      const messages = await request.json();
      if (path === "/batch") await env.Q.sendBatch(messages.map((body) => ({ body })));
      else for (const body of messages) await env.Q.send(body, { delaySeconds: body.delay ?? 0 });
      return new Response("");
    },
    async queue(batch) {
      for (const message of batch.messages) {
        seen.push({ queue: batch.queue, attempts: message.attempts, at: Date.now(), body: message.body });
        if (message.body.fail) message.retry(); else message.ack();
      }
      if (batch.messages.some((message) => message.body.throws)) throw new Error("asked to throw");
    },
  };`;

const state = mkdtempSync(join(tmpdir(), "footfall-queue-"));
keepQueuesOnDisk(QUEUES_PLUGIN, state);

async function start(consumer) {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      resourcePersistencePath: state,
      telemetry: { enabled: false },
      workers: [
        {
          name: "w",
          modules: [{ type: "ESModule", path: "/w.js", contents: WORKER }],
          modulesRoot: "/",
          compatibilityDate: "2026-11-17",
          queueProducers: { Q: { queueName: "q" } },
          queueConsumers: { q: { maxBatchSize: 3, maxRetries: 2, deadLetterQueue: "dead", ...consumer } },
        },
      ],
    }),
  );
  const call = (path, body) => miniflare.dispatchFetch(`http://w${path}`, body && { method: "POST", body: JSON.stringify(body) });
  const seen = async () => (await call("/seen")).json();
  const wait = async (n) => {
    for (let i = 0; i < 100 && (await seen()).length < n; i += 1) await sleep(50);
    return seen();
  };
  return { miniflare, call, seen, wait };
}

test("a message that was accepted is delivered after a restart", async () => {
  const before = await start({ maxBatchTimeout: 1 });
  await before.call("/send", [{ n: 1 }]);
  await before.miniflare.dispose(); // kills the runtime
  const after = await start({ maxBatchTimeout: 1 });
  const [{ body, attempts }] = await after.wait(1);
  assert.deepEqual([body, attempts], [{ n: 1 }, 1]);
  await after.miniflare.dispose();
});

test("a full batch goes at once and an acknowledged message does not come again", async () => {
  const { miniflare, call, wait, seen } = await start({ maxBatchTimeout: 60 });
  const began = Date.now();
  await call("/batch", [{ n: 1 }, { n: 2 }, { n: 3 }]);
  assert.deepEqual((await wait(3)).map(({ body }) => body.n), [1, 2, 3]);
  assert.ok(Date.now() - began < 2000);
  await sleep(300);
  assert.equal((await seen()).length, 3);
  await miniflare.dispose();
});

test("a message that keeps failing is tried three times and then kept in the dead-letter queue", async () => {
  const { miniflare, call, wait, seen } = await start({ maxBatchTimeout: 0 });
  await call("/send", [{ n: 1, fail: true }]);
  assert.deepEqual((await wait(3)).map(({ attempts }) => attempts), [1, 2, 3]);
  await sleep(300);
  assert.equal((await seen()).length, 3);
  await miniflare.dispose();
});

test("of a batch that throws, what was acknowledged does not come again", async () => {
  const { miniflare, call, wait, seen } = await start({ maxBatchTimeout: 0, maxBatchSize: 2 });
  await call("/batch", [{ n: 1, fail: true, throws: true }, { n: 2 }]);
  const all = await wait(4);
  assert.equal(all.filter(({ body }) => body.n === 1).length, 3);
  assert.equal(all.filter(({ body }) => body.n === 2).length, 1);
  await miniflare.dispose();
});

test("a delayed message waits", async () => {
  const { miniflare, call, wait } = await start({ maxBatchTimeout: 0 });
  const sent = Date.now();
  await call("/send", [{ n: 1, delay: 1 }]);
  const [{ at }] = await wait(1);
  assert.ok(at - sent >= 1000);
  await miniflare.dispose();
  rmSync(state, { recursive: true });
});
