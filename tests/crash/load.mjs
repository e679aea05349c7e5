// The load of a crash campaign: pages of several tabs, servers that send batches, and visitors who come once and are silent.
//
// What everybody does is drawn from the seed; when it happens, and what is in flight at a kill, is up to the machine.

import { setTimeout as sleep } from "node:timers/promises";
import { seeded } from "../support/random.mjs";
import { Tab } from "./browser.mjs";

/** How long a rule's dwell and the wait of an absence last, and after how much silence a session ends, in milliseconds. */
export const DWELL_MS = 2_000;
export const ABSENCE_MS = 3_000;
export const IDLE_MS = 5_000;
/** So many pieces make the counting rule fire. */
export const COUNT = 5;

const name = (...names) => ({ event: { name: names } });

/** What the campaign can predict: each rule is one kind of promise. */
export const RULES = [
  { id: "wave", pattern: name("wave"), actions: [{ push: { slot: "hero", content: { n: "{{event.properties.n}}" }, expires: "1h" } }] },
  { id: "every-fifth", pattern: { count: { of: name("product_added"), at_least: COUNT } }, actions: [{ record: { name: "fifth" } }] },
  {
    id: "banner",
    pattern: name("banner"),
    condition: { "profile.traits.banner": "on" },
    actions: [{ push: { slot: "banner", content: { text: "on" }, expires: "1h", retract: true } }],
  },
  {
    id: "dwell",
    pattern: { dwell: { for: `${DWELL_MS}ms`, where: { "page.kind": "product" } } },
    actions: [{ push: { slot: "side", content: { text: "proof" }, expires: "1h" } }],
  },
  {
    id: "unfinished",
    pattern: { absence: { after: name("begin"), of: name("finish"), for: `${ABSENCE_MS}ms` } },
    actions: [{ record: { name: "unfinished" } }],
  },
  { id: "ended", pattern: { session: { is: "ended" } }, actions: [{ record: { name: "ended" } }] },
].map((rule) => ({ name: rule.id, ...rule }));

/** One page's tab: what its visitor does, drawn from a seed. */
export class Page {
  constructor(options, random, calm) {
    Object.assign(this, { tab: new Tab(options), random, calm, banner: false, hidden: false, documents: 0 });
    this.navigate();
  }

  navigate() {
    this.documents += 1;
    this.hidden = false;
    const kind = this.random.chance(0.5) ? "product" : "other";
    this.tab.open(kind, `/${kind}/${this.documents}`);
  }

  async run(going) {
    while (going()) {
      await sleep(this.random.between(100, this.calm ? 900 : 500));
      if (going()) this.act();
    }
    if (this.hidden) this.tab.show(true);
  }

  act() {
    const { client } = this.tab;
    const draw = this.random.below(100);
    if (draw < 55) client.track("Product Added", { sku: `sku-${this.random.below(4)}`, price: 1 });
    else if (draw < 65) client.track("wave", { n: this.random.below(1_000) });
    else if (draw < 72) this.turnBanner();
    else if (draw < 80 && !this.calm) this.turnSight();
    else if (draw < 90 && !this.calm) this.navigate();
    else if (draw < 92) this.navigate();
  }

  turnBanner() {
    const { client } = this.tab;
    this.banner = !this.banner;
    client.identify(`customer-${this.tab.visitor}`, { banner: this.banner ? "on" : "off" });
    if (this.banner) client.track("banner");
  }

  turnSight() {
    this.tab.show(this.hidden);
    this.hidden = !this.hidden;
  }
}

/** One of the store's servers: keeps a batch until it is acknowledged, and sends it again unchanged. */
export class Server {
  #made = 0;

  constructor({ id, engine, wire, random, about }) {
    Object.assign(this, { id, engine, wire, random, about });
  }

  async run(going) {
    while (going()) {
      await this.deliver(Array.from({ length: this.random.between(1, 8) }, () => this.event()));
      await sleep(this.random.between(20, 250));
    }
  }

  event() {
    const what = this.random.chance(0.95)
      ? { event: "Product Added", properties: { sku: `sku-${this.random.below(4)}`, price: 1 } }
      : { event: "wave", properties: { n: this.random.below(1_000) } };
    return this.make({ ...what, ...this.random.pick(this.about) });
  }

  make(more) {
    this.#made += 1;
    return { type: "track", messageId: `${this.id}-${this.#made}`, ...more };
  }

  /** Until it is acknowledged: an answer that was lost in a crash is no reason to give up. */
  async deliver(batch) {
    for (;;) {
      for (const event of batch) this.wire.out(event.context?.visitor ?? event.anonymousId, [event]);
      const answer = await within(4_000, this.engine.send(...batch)).catch(() => undefined);
      if (answer?.status === 200) return this.wire.back(batch, answer.json);
      await sleep(this.random.between(50, 250));
    }
  }
}

/** Visitors who come, begin something, perhaps finish it, and are not heard of again: all that follows is timers. */
export class Passers extends Server {
  names = [];

  constructor(options, most) {
    super(options);
    this.most = most;
  }

  async run(going) {
    const finishing = [];
    while (going()) {
      if (this.names.length < this.most) finishing.push(this.pass());
      await sleep(this.random.between(100, 700));
    }
    await Promise.all(finishing);
  }

  async pass() {
    const anonymousId = `passer-${this.names.length + 1}`;
    const finishes = this.random.chance(0.5);
    const after_ms = this.random.between(300, ABSENCE_MS + 1_000);
    this.names.push(anonymousId);
    const piece = { event: "Product Added", properties: { sku: "sku-0", price: 1 }, anonymousId };
    await this.deliver([this.make(piece), this.make({ event: "begin", anonymousId })]);
    if (!finishes) return;
    await sleep(after_ms);
    await this.deliver([this.make({ event: "finish", anonymousId })]);
  }
}

/** Everybody of a campaign. */
export function crowd({ engine, owners, script, wire, seed, passers }) {
  let next = seed;
  const random = () => seeded((next += 1));
  const pages = owners.flatMap(({ visitor, token }, owner) => {
    const options = { script, address: engine.address, publicKey: engine.publicKey, token, wire, visitor };
    // Of each visitor one tab is calm, so that it is looked at for long; of the last visitor one has no sockets at all.
    return [true, false, false].map((calm, at) => {
      return new Page({ ...options, plainHttp: owner === owners.length - 1 && at === 2 }, random(), calm);
    });
  });
  const about = owners.map(({ visitor }) => ({ context: { visitor } }));
  const strangers = Array.from({ length: 5 }, (_, i) => ({ anonymousId: `stranger-${i + 1}` }));
  const server = (id, whom) => new Server({ id, engine, wire, random: random(), about: whom });
  return {
    pages,
    strangers: strangers.map(({ anonymousId }) => anonymousId),
    servers: [server("till", [...about, ...strangers]), server("shop", strangers), server("app", [strangers[0]])],
    passers: new Passers({ id: "door", engine, wire, random: random() }, passers),
  };
}

export async function within(ms, promise) {
  let timer;
  const late = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Error(`not within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
