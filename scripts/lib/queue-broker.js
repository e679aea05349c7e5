// Stands in for Cloudflare Queues in a local run, on disk. Runs inside workerd, put there by queue.mjs.
//
// Miniflare's own broker keeps messages in memory, so that a message the queue had accepted was lost by a restart;
// the real service keeps it. Deliveries, retries, delays and the dead-letter queue follow the service's documentation.

import { DurableObject } from "cloudflare:workers";
import seed, { hangs, refuses } from "./queue-seed.js";

const DEFAULTS = { maxBatchSize: 10, maxBatchTimeout: 5, maxRetries: 3, retryDelay: 0 }; // the service's own

const ACK_LOST = 0.3; // how often an acknowledged message comes again when there is a seed
const AGAIN_MS = 500;
const HANGS_MS = 3_600_000; // longer than any test
let state = seed;
/** The next number from 0 to 1 (mulberry32); without a seed it is not asked for. */
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}

/** The service's own, so that what it would refuse is refused here. */
const BOUNDS = { messages: 100, messageBytes: 128_000, batchBytes: 256_000 };

function fits(messages) {
  const sizes = messages.map(({ body }) => body.length);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  return sizes.length <= BOUNDS.messages && all <= BOUNDS.batchBytes && sizes.every((size) => size <= BOUNDS.messageBytes);
}

const tooLarge = () => new Response("too many or too large messages", { status: 413 });

/** One queue. The names of this class and of the paths are Miniflare's. */
export class QueueBrokerObject extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    this.sql = ctx.storage.sql;
    this.sql.exec(`CREATE TABLE IF NOT EXISTS messages(
      seq INTEGER PRIMARY KEY, id TEXT, sent_ms INTEGER, due_ms INTEGER, attempts INTEGER, format TEXT, body BLOB)`);
  }

  get consumer() {
    const settings = this.env.MINIFLARE_QUEUE_CONSUMERS?.[this.ctx.id.name];
    return settings && { ...DEFAULTS, ...settings };
  }

  async fetch(request) {
    const path = new URL(request.url).pathname;
    const delay_s = Number(request.headers.get("X-Msg-Delay-Secs") ?? 0);
    if (path !== "/metrics" && this.ctx.id.name === refuses) {
      await request.arrayBuffer(); // left unread, it would be a queue that never answers
      return new Response("refused for a test", { status: 503 });
    }
    if (path !== "/metrics" && this.ctx.id.name === hangs) await scheduler.wait(HANGS_MS);
    if (path === "/message") {
      const body = await request.arrayBuffer();
      if (body.byteLength > BOUNDS.messageBytes) return tooLarge();
      this.keep({ format: request.headers.get("X-Msg-Fmt") ?? "v8", body, delay_s });
    } else if (path === "/batch" || path === "/bury") {
      const messages = (await request.json()).messages.map((message) => ({ ...message, body: Uint8Array.fromBase64(message.body) }));
      if (path === "/batch" && !fits(messages)) return tooLarge();
      for (const { contentType, body, delaySecs, id, timestamp } of messages) {
        this.keep({ format: contentType ?? "v8", body, delay_s: delaySecs ?? delay_s, id, timestamp });
      }
    }
    await this.arm();
    const metrics = this.metrics();
    return Response.json(path === "/metrics" ? metrics : { metadata: { metrics } });
  }

  keep({ format, body, delay_s, id = crypto.randomUUID().replaceAll("-", ""), timestamp = Date.now() }) {
    this.sql.exec(
      "INSERT INTO messages(id, sent_ms, due_ms, attempts, format, body) VALUES (?, ?, ?, 0, ?, ?)",
      id, timestamp, Date.now() + delay_s * 1000, format, body,
    );
  }

  metrics() {
    const { n, bytes, oldest } = this.sql
      .exec("SELECT count(*) AS n, coalesce(sum(length(body)), 0) AS bytes, min(sent_ms) AS oldest FROM messages").one();
    return { backlogCount: n, backlogBytes: bytes, oldestMessageTimestamp: oldest ?? 0 };
  }

  /** When the next batch is to go: at once when it is full, else when its first message has waited long enough. */
  nextBatchAt(now) {
    const { first, ready } = this.sql
      .exec("SELECT min(due_ms) AS first, coalesce(sum(due_ms <= ?), 0) AS ready FROM messages", now).one();
    if (first === null) return undefined;
    return ready >= this.consumer.maxBatchSize ? now : first + this.consumer.maxBatchTimeout * 1000;
  }

  async arm() {
    if (!this.consumer) return; // a dead-letter queue that nobody reads: its messages stay, to be looked at
    const at = this.nextBatchAt(Date.now());
    if (at !== undefined) await this.ctx.storage.setAlarm(at);
  }

  async alarm() {
    const now = Date.now();
    if (this.consumer && this.nextBatchAt(now) <= now) await this.deliver(now);
    await this.arm();
  }

  async deliver(now) {
    const { consumer } = this;
    const rows = this.take(now);
    const answer = await this.dispatch(rows);
    const acknowledged = new Set(answer.explicitAcks);
    const asked = new Map((answer.retryMessages ?? []).map((retry) => [retry.msgId, retry.delaySeconds]));
    const all = answer.outcome !== "ok" || answer.retryBatch?.retry;
    const dead = [];
    for (const row of rows) {
      if (acknowledged.has(row.id) || !(all || asked.has(row.id))) {
        if (seed !== null && random() < ACK_LOST) {
          this.sql.exec("UPDATE messages SET attempts = attempts + 1, due_ms = ? WHERE seq = ?", Date.now() + AGAIN_MS, row.seq);
          continue;
        }
        this.sql.exec("DELETE FROM messages WHERE seq = ?", row.seq);
      } else if (row.attempts >= consumer.maxRetries) {
        dead.push(row);
      } else {
        const delay_s = asked.get(row.id) ?? answer.retryBatch?.delaySeconds ?? consumer.retryDelay;
        this.sql.exec("UPDATE messages SET attempts = attempts + 1, due_ms = ? WHERE seq = ?", Date.now() + delay_s * 1000, row.seq);
      }
    }
    if (dead.length > 0) await this.bury(dead);
  }

  take(now) {
    const due = "SELECT * FROM messages WHERE due_ms <= ? ORDER BY seq LIMIT ?";
    const rows = this.sql.exec(due, now, this.consumer.maxBatchSize).toArray();
    if (seed === null) return rows;
    const shuffled = rows.map((row) => [random(), row]).sort(([one], [other]) => one - other).map(([, row]) => row);
    return shuffled.slice(0, 1 + Math.floor(random() * shuffled.length));
  }

  async dispatch(rows) {
    const messages = rows.map(({ id, sent_ms, attempts, format, body }) => ({
      id,
      timestamp: new Date(sent_ms),
      attempts: attempts + 1,
      ...(format === "v8" ? { serializedBody: body } : { body: decoded(format, body) }),
    }));
    try {
      const worker = this.env[`MINIFLARE_WORKER_${this.consumer.workerName}`];
      return await worker.queue(this.ctx.id.name, messages, { metrics: this.metrics() });
    } catch (error) {
      console.error(`queue ${this.ctx.id.name}: ${error}`);
      return { outcome: "exception", explicitAcks: [] };
    }
  }

  /** Sent on before it is deleted here: a kill in between repeats a message, and never loses one. */
  async bury(rows) {
    const name = this.consumer.deadLetterQueue;
    if (name) {
      const messages = rows.map(({ id, sent_ms, format, body }) => ({
        id, timestamp: sent_ms, contentType: format, body: new Uint8Array(body).toBase64(),
      }));
      await this.env.MINIFLARE_OBJECT.getByName(name).fetch("http://queue/bury", {
        method: "POST",
        body: JSON.stringify({ messages }),
      });
    }
    console.warn(`queue ${this.ctx.id.name}: ${rows.length} message(s) given up, ${name ? `now in ${name}` : "dropped"}`);
    for (const { seq } of rows) this.sql.exec("DELETE FROM messages WHERE seq = ?", seq);
  }
}

function decoded(format, body) {
  if (format === "bytes") return body;
  const text = new TextDecoder().decode(body);
  return format === "json" ? JSON.parse(text) : text;
}
