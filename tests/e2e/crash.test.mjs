// kill -9 under load: nothing that was acknowledged is missing afterwards, and nothing is counted twice.
//
// Clients do what real ones do: they number what they send, keep it until it is acknowledged, and send it again,
// unchanged, when it was not. Each event puts one piece into a cart, so that cart, session and records all count events.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { seeded } from "../support/random.mjs";
import { DEMO, start, track, until } from "./support.mjs";

const KILLS = 20;
const SEED = 9;
/** Between a start and the kill that ends it, in milliseconds. */
const LIFE_MS = [40, 600];
const IN_ALL_MS = 240_000;

/** One sender. `deliver` sends a batch and says whether it was acknowledged. */
class Client {
  acknowledged = new Map();
  /** Batches that had to be sent more than once. */
  resent = new Set();
  waiting = undefined;

  constructor(about, random, deliver) {
    Object.assign(this, { about, random, deliver });
  }

  async run(going) {
    while (going() || this.waiting) {
      if (this.waiting) this.resent.add(this.waiting);
      this.waiting ??= Array.from({ length: this.random.between(1, 8) }, () => {
        return track("Product Added", { ...this.random.pick(this.about), properties: { sku: `sku-${this.random.below(4)}`, price: 1 } });
      });
      if (await this.deliver(this.waiting).catch(() => false)) {
        for (const event of this.waiting) this.acknowledged.set(event.messageId, event);
        this.waiting = undefined;
      } else {
        await sleep(this.random.between(50, 250));
      }
    }
  }
}

/** A page that keeps one socket, and opens another when that is gone. */
function page(engine, token) {
  let socket;
  let frame = 0;
  return async (events) => {
    if (socket?.socket.readyState !== 1) {
      socket?.socket.terminate();
      socket = await within(2_000, engine.connect(token));
    }
    frame += 1;
    const gone = socket.closed.then(() => Promise.reject(new Error("closed")));
    gone.catch(() => {});
    const ack = await within(3_000, Promise.race([socket.events(frame, ...events), gone]));
    assert.deepEqual([ack.accepted, ack.rejections], [events.length, undefined]);
    return true;
  };
}

async function within(ms, promise) {
  const late = AbortSignal.timeout(ms);
  return Promise.race([promise, new Promise((_, failed) => late.addEventListener("abort", () => failed(late.reason)))]);
}

test("kill -9 under load loses nothing that was acknowledged and counts nothing twice", { timeout: IN_ALL_MS }, async (t) => {
  const engine = await start(t, { sites: { demo: { ...DEMO, flush_after: "300ms" } } });
  engine.port = Number(new URL(engine.address).port); // clients come back to the same address
  const random = seeded(SEED);
  const owners = await Promise.all(Array.from({ length: 3 }, () => engine.visitor()));
  const strangers = Array.from({ length: 5 }, (_, i) => ({ anonymousId: `crash-${i}` }));
  const overHttp = async (events) => (await within(3_000, engine.send(...events))).status === 200;
  const clients = [
    ...owners.map(({ token }, i) => new Client([{}], seeded(100 + i), page(engine, token))),
    // Of the servers one mixes visitors in its batches, and all of them speak of the same ones.
    new Client(strangers, seeded(200), overHttp),
    new Client(strangers, seeded(201), overHttp),
    new Client([strangers[0]], seeded(202), overHttp),
  ];
  const visitors = new Map(owners.map(({ visitor }, i) => [visitor, () => [...clients[i].acknowledged.values()]]));
  for (const { anonymousId } of strangers) {
    const { visitor } = (await engine.admin("GET", `demo/visitors?anonymousId=${anonymousId}`)).json;
    visitors.set(visitor, () => clients.slice(3).flatMap(({ acknowledged }) => [...acknowledged.values()].filter((event) => event.anonymousId === anonymousId)));
  }

  let going = true;
  const running = Promise.all(clients.map((client) => client.run(() => going)));
  const down_ms = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    await sleep(random.between(...LIFE_MS));
    const known = new Map([...visitors].map(([visitor, events]) => [visitor, events().length]));
    const began = performance.now();
    await engine.kill();
    await engine.start();
    down_ms.push(performance.now() - began);
    for (const [visitor, least] of known) {
      const { session } = await engine.inspect(visitor);
      assert.ok((session?.events ?? 0) >= least, `kill ${kill + 1}: ${session?.events ?? 0} events of ${least} acknowledged ones`);
    }
  }
  going = false;
  await running;

  let events = 0;
  for (const [visitor, acknowledged] of visitors) {
    const sent = acknowledged();
    const { session, cart, counters } = await engine.inspect(visitor);
    assert.deepEqual([session.events, cart.count, cart.value], [sent.length, sent.length, sent.length], visitor);
    const pieces = Object.groupBy(sent, (event) => event.properties.sku);
    for (const { sku, quantity } of cart.lines) assert.equal(quantity, pieces[sku].length);
    assert.equal(counters.cart_lines_dropped, 0);
    events += sent.length;
  }
  // A flush that died with its object is begun again after a minute: what is in the database by now is there once.
  const stored = (await engine.query("SELECT data FROM records WHERE kind = 'event'")).map(({ data }) => JSON.parse(data).id);
  const sent = new Set(clients.flatMap(({ acknowledged }) => [...acknowledged.keys()]));
  assert.equal(new Set(stored).size, stored.length);
  assert.deepEqual(stored.filter((id) => !sent.has(id)), []);

  const resent = clients.reduce((sum, client) => sum + client.resent.size, 0);
  assert.ok(resent >= KILLS, `only ${resent} batches were in flight at a kill`);
  const middle = down_ms.toSorted((a, b) => a - b)[KILLS / 2];
  t.diagnostic(`${KILLS} kills, ${events} events of ${visitors.size} visitors acknowledged, ${resent} batches sent more than once; back after ${Math.round(middle)} ms (median)`);
});
