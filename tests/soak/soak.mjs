// A hibernation soak: many visitors with sockets, evicted and woken again and again, each with a timer in flight.
//
// Every visitor opens a page, waits for the push of its dwell, and opens the next page. Meanwhile its object is evicted at
// random moments; only its alarm or its next page brings it back. A timer is early when it fires before its time, lost
// when it does not fire within the patience, and doubled when a page view brings two pushes.

import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";
import { seeded } from "../support/random.mjs";

/** How long pages are looked at; each visitor's next page is drawn from these. Longer ones fall asleep by themselves. */
export const DWELLS_S = [2, 3, 5, 8, 13];
/** A timer that is so late is lost, in milliseconds. */
const PATIENCE_MS = 60_000;
/** Sockets that are opened at once. */
const AT_ONCE = 20;

/** The rules: one for each length, told apart by the page's path. */
export const RULES = DWELLS_S.map((seconds) => ({
  id: `dwell-${seconds}`,
  name: `dwell-${seconds}`,
  pattern: { dwell: { for: `${seconds}s`, where: { "page.path": { $regex: `^/${seconds}/` } } } },
  actions: [{ push: { slot: "side", content: { path: "{{page.path}}" } } }],
}));

/** Longer than a soak's pages: sessions do not end, and records wait, so that only dwells wake objects. */
export const SITE = { origins: [], consent: "assumed", inspect: true, allow_headless: true, flush_after: "2m", session_idle: "30m" };

/** One visitor with one tab and one socket. */
class Visitor {
  pages = 0;
  fired = 0;
  late_ms = [];
  faults = [];
  frame = 0;

  constructor({ visitor, token }, random) {
    Object.assign(this, { visitor, token, random });
  }

  connect(address) {
    const url = `${address.replace("http", "ws")}/v1/socket`;
    this.socket = new WebSocket(url, ["footfall.v1", `token.${this.token}`], { origin: address });
    this.socket.on("message", (data) => this.hear(JSON.parse(String(data))));
    this.socket.on("close", (code) => this.ended || this.faults.push(`its socket was closed: ${code}`));
    return new Promise((welcomed, failed) => {
      this.welcomed = welcomed;
      this.socket.once("error", failed);
      this.socket.once("open", () => this.say({ type: "hello", tab: "t", visible: true }));
    });
  }

  say(message) {
    this.socket.send(JSON.stringify(message));
  }

  hear(message) {
    const { type, content } = message;
    if (type === "welcome") this.welcomed();
    else if (type === "state") this.version = message.version;
    else if (type === "push") this.push(message, content.path);
    else if (type === "nack" || type === "error") this.faults.push(JSON.stringify(message));
  }

  push({ at_ms, seq }, path) {
    if (path !== this.path) return void this.faults.push(`a second push for ${path}, or a late one`);
    this.fired += 1;
    this.path = undefined;
    // The engine's clock began when the page came there: after it was sent. Lateness counts the way there as well.
    const due_ms = this.sent_ms + this.seconds * 1_000;
    if (at_ms < due_ms) this.faults.push(`${path} fired ${due_ms - at_ms} ms early`);
    this.late_ms.push(at_ms - due_ms);
    this.say({ type: "seen", seq, version: this.version ?? 0 });
    this.done();
  }

  /** One page view, until its push comes. */
  async look() {
    this.seconds = this.random.pick(DWELLS_S);
    this.pages += 1;
    const path = `/${this.seconds}/${this.pages}`;
    const pushed = new Promise((done) => {
      this.done = () => done(true);
    });
    this.path = path;
    this.sent_ms = Date.now();
    const page = { url: `https://shop.example${path}`, path, kind: "product" };
    this.say({ type: "events", frame: (this.frame += 1), events: [{ type: "page", messageId: `${this.visitor}-${this.pages}`, context: { tab: "t", page } }] });
    const late = sleep(this.seconds * 1_000 + PATIENCE_MS, false, { ref: false });
    if (!(await Promise.race([pushed, late]))) this.faults.push(`${path} never fired`);
  }

  async live(going) {
    await sleep(this.random.below(3_000));
    while (going()) {
      await this.look();
      await sleep(this.random.between(50, 1_500));
    }
    // Whatever comes now would be one too many.
    await sleep(2_000);
    this.ended = true;
    this.socket.close();
  }
}

/** Runs a soak on an engine that has started. Gives figures and all that was wrong. */
export async function soak(engine, { visitors, ms, seed, progress = () => {} }) {
  for (const rule of RULES) {
    const { status, text } = await engine.admin("PUT", `demo/rules/${rule.id}`, rule);
    if (status >= 300) throw new Error(`rule ${rule.id}: ${text}`);
  }
  const random = seeded(seed);
  const all = [];
  while (all.length < visitors) {
    const some = Array.from({ length: Math.min(AT_ONCE, visitors - all.length) }, () => 0);
    const named = await Promise.all(some.map(() => engine.visitor()));
    const come = named.map((one, at) => new Visitor(one, seeded(seed * 100_000 + all.length + at)));
    await Promise.all(come.map((visitor) => visitor.connect(engine.address)));
    all.push(...come);
  }
  progress(`${visitors} visitors have a socket`);
  const end = Date.now() + ms;
  const going = () => Date.now() < end;
  const counts = { evicted: 0, asleep: 0 };
  const lives = all.map((visitor) => visitor.live(going));
  const [, ...rest] = [tell(all, counts, end, progress), evict(engine, all, random, counts, going), ...lives];
  await Promise.all(rest);
  return verdict(all, counts);
}

/** Evicts one visitor's object after the other, as fast as the control port does it, in an order drawn from the seed. */
async function evict(engine, all, random, counts, going) {
  while (going()) {
    const some = Array.from({ length: 4 }, () => random.pick(all));
    for (const { evicted } of await Promise.all(some.map(({ visitor }) => engine.evict(visitor)))) {
      counts[evicted ? "evicted" : "asleep"] += 1;
    }
    await sleep(10);
  }
}

async function tell(all, counts, end, progress) {
  while (Date.now() < end) {
    await sleep(Math.min(30_000, Math.max(end - Date.now(), 1)));
    const fired = all.reduce((sum, visitor) => sum + visitor.fired, 0);
    progress(`${fired} timers fired, ${counts.evicted} evictions, ${all.flatMap(({ faults }) => faults).length} faults`);
  }
}

function verdict(all, counts) {
  const late = all.flatMap(({ late_ms }) => late_ms).sort((a, b) => a - b);
  const at = (part) => late[Math.min(late.length - 1, Math.floor(late.length * part))];
  const sum = (of) => all.reduce((total, visitor) => total + of(visitor), 0);
  return {
    visitors: all.length,
    pages: sum(({ pages }) => pages),
    fired: sum(({ fired }) => fired),
    ...counts,
    late_ms: { median: at(0.5), p95: at(0.95), p99: at(0.99), most: late.at(-1) },
    faults: all.flatMap(({ visitor, faults }) => faults.map((fault) => `${visitor}: ${fault}`)),
  };
}
