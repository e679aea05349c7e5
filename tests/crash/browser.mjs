// A browser tab in miniature: runs the real client library, document after document, and writes down what goes over its wires.
//
// Each document is a realm of its own with the few things of a browser that the client touches. The tab's session storage
// outlives its documents, as in a browser; what a document still had in flight when it was left is never heard of by it.

import { randomUUID, webcrypto } from "node:crypto";
import vm from "node:vm";
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";

const ENTRY = fileURLToPath(new URL("../../client-js/src/client.ts", import.meta.url));
/** The client's waiting times: short, so that a campaign of many kills is no campaign of waiting. */
const TIMING = { pingMs: 2_000, pongMs: 2_000, openMs: 3_000, stableMs: 1_000, backoffMs: 100, batchMs: 40, fallbackMs: 500, askMs: 2_000, ackMs: 3_000 };

/** The client library as one script. */
export async function clientScript() {
  const options = { entryPoints: [ENTRY], bundle: true, format: "iife", globalName: "Client", target: "es2022", write: false };
  const { outputFiles } = await build(options);
  return new vm.Script(outputFiles[0].text, { filename: "client.js" });
}

/** What a tab writes down, for the checker. */
export class Wire {
  /** Events that went out, by id: visitor, name and what tells them apart. */
  sent = new Map();
  /** Ids that were acknowledged. */
  acknowledged = new Set();
  rejected = [];
  /** How often the same event went out again. */
  repeats = 0;

  out(visitor, events) {
    for (const { messageId, event, type, properties } of events) {
      if (this.sent.has(messageId)) this.repeats += 1;
      else this.sent.set(messageId, { visitor, name: event ?? type, properties });
    }
  }

  back(events, { rejections = [] }) {
    const refused = new Set(rejections.map(({ index }) => index));
    this.rejected.push(...rejections);
    for (const [index, { messageId }] of events.entries()) if (!refused.has(index)) this.acknowledged.add(messageId);
  }
}

class Storage {
  #entries = new Map();
  getItem = (key) => this.#entries.get(key) ?? null;
  setItem = (key, value) => void this.#entries.set(key, String(value));
  removeItem = (key) => void this.#entries.delete(key);
}

export class Tab {
  /** What the client was told, in order: `welcome`, `answer` (of a plain request), `push`, `retract`, with their numbers. */
  log = [];
  #storage = new Storage();
  #document;
  #options;

  /** `plainHttp`: sockets never open, as behind a proxy that blocks them. */
  constructor(options) {
    this.#options = options;
    Object.assign(this, { visitor: options.visitor, plainHttp: options.plainHttp ?? false });
  }

  get client() {
    return this.#document?.client;
  }

  /** Opens a document; the one before it is left. */
  open(kind, path) {
    this.leave();
    const { script, address, publicKey, token, wire, visitor, plainHttp } = this.#options;
    const document = new Document({ address, path, wire, visitor, plainHttp, storage: this.#storage, log: this.log });
    const realm = vm.createContext(document.globals);
    script.runInContext(realm);
    const client = realm.Client.createFootfall({ writeKey: publicKey, consent: "granted", kind, token, timing: TIMING });
    client.on("welcome", ({ incarnation, seq, version }) => this.log.push({ what: "welcome", tab: client.tab, incarnation, seq, version }));
    client.on("push", ({ seq, rule, tab }) => this.log.push({ what: "push", tab: client.tab, seq, rule, meant: tab }));
    client.on("retract", ({ seq, push }) => this.log.push({ what: "retract", tab: client.tab, seq, push }));
    document.client = client;
    this.#document = document;
  }

  /** The document goes. */
  leave() {
    this.#document?.leave();
    this.#document = undefined;
  }

  show(visible) {
    this.#document?.show(visible);
  }

  /** What the page shows in a slot: a push's number, or nothing. */
  shows(slot) {
    return this.client?.slot(slot)?.push.seq ?? null;
  }

  /** Ends the tab without a word. */
  close() {
    this.#document?.end();
    this.#document = undefined;
  }
}

class Document {
  #alive = true;
  #timers = new Set();
  #sockets = new Set();
  #window = new EventTarget();
  #page = Object.assign(new EventTarget(), {
    visibilityState: "visible",
    title: "Shop",
    referrer: "",
    documentElement: new EventTarget(),
    querySelector: () => null,
  });

  constructor({ address, path, wire, visitor, plainHttp, storage, log }) {
    this.log = log;
    const url = new URL(path, address);
    const { href, origin, pathname, search, hostname } = url;
    const location = { href, origin, pathname, search, hostname };
    this.globals = {
      document: this.#page,
      location,
      history: { pushState() {}, replaceState() {} },
      navigator: { cookieEnabled: false, language: "en", sendBeacon: (to, body) => this.#beacon(to, body, wire, visitor) },
      sessionStorage: storage,
      localStorage: new Storage(),
      addEventListener: (...rest) => this.#window.addEventListener(...rest),
      crypto: { randomUUID, getRandomValues: (array) => webcrypto.getRandomValues(array) },
      fetch: (to, options) => this.#fetch(new URL(to, address), options, wire, visitor),
      WebSocket: plainHttp ? blocked() : this.#socketClass(address, wire, visitor),
      performance,
      setTimeout: (then, ms) => this.#later(then, ms),
      clearTimeout,
      AbortController,
      TextEncoder,
      URL,
      URLSearchParams,
    };
  }

  show(visible) {
    this.#page.visibilityState = visible ? "visible" : "hidden";
    this.#page.dispatchEvent(new Event("visibilitychange"));
  }

  leave() {
    this.#window.dispatchEvent(new Event("pagehide"));
    this.end();
  }

  end() {
    this.#alive = false;
    for (const timer of this.#timers) clearTimeout(timer);
    // What has been written to a socket leaves in a browser, too.
    for (const socket of this.#sockets) socket.close(1001);
    setTimeout(() => this.#sockets.forEach((socket) => socket.terminate()), 1_000).unref();
  }

  #later(then, ms) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.#alive) then();
    }, ms);
    this.#timers.add(timer);
    return timer;
  }

  /** A document that is gone hears of no answer. */
  #whileAlive(promise) {
    return new Promise((done, failed) => {
      promise.then((value) => this.#alive && done(value), (error) => this.#alive && failed(error));
    });
  }

  #fetch(url, options, wire, visitor) {
    const events = url.pathname === "/v1/batch" ? JSON.parse(options.body).batch : [];
    wire.out(visitor, events);
    const answered = fetch(url, { ...options, signal: AbortSignal.timeout(5_000) }).then(async (reply) => {
      const answer = reply.ok ? await reply.clone().json() : {};
      if (reply.ok) wire.back(events, answer);
      if (this.#alive && answer.pushes) this.log.push({ what: "answer", seq: answer.pushes.seq });
      return reply;
    });
    return this.#whileAlive(answered);
  }

  /** A browser's beacon: sent once, in whatever state its document is, and nobody is told what became of it. */
  #beacon(to, body, wire, visitor) {
    const events = JSON.parse(body).batch;
    wire.out(visitor, events);
    const sent = fetch(new URL(to, this.globals.location.origin), { method: "POST", body, signal: AbortSignal.timeout(5_000) });
    sent.then(async (reply) => reply.ok && wire.back(events, await reply.json())).catch(() => {});
    return true;
  }

  #socketClass(origin, wire, visitor) {
    const page = this;
    return class extends WebSocket {
      #frames = new Map();

      constructor(url, protocols) {
        super(url, protocols, { origin });
        page.#sockets.add(this);
        this.on("error", () => {});
        this.once("close", () => page.#sockets.delete(this));
        this.on("message", (data) => {
          const text = String(data);
          const message = text.startsWith("{") ? JSON.parse(text) : {};
          if (message.type === "ack") wire.back(this.#frames.get(message.frame), message);
        });
      }

      set onopen(then) {
        this.on("open", () => page.#alive && then());
      }

      set onmessage(then) {
        this.on("message", (data) => page.#alive && then({ data: String(data) }));
      }

      set onclose(then) {
        this.on("close", (code) => page.#alive && then({ code }));
      }

      send(text) {
        const message = text.startsWith("{") ? JSON.parse(text) : {};
        if (message.type === "events") {
          this.#frames.set(message.frame, message.events);
          wire.out(visitor, message.events);
        }
        super.send(text);
      }
    };
  }
}

/** Sockets of a network that lets none through. */
function blocked() {
  return class {
    static OPEN = 1;
    static CLOSING = 2;
    readyState = 0;
    constructor() {
      setTimeout(() => {
        this.readyState = 3;
        this.onclose?.({ code: 1006 });
      }, 10);
    }
    close() {}
  };
}
