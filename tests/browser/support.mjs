// What the browser tests share: an engine of their own, a Chromium, pages that note what goes wrong on them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const SERVE = join(ROOT, "scripts/serve.mjs");
const FLAGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
/** How long anything may take that is not itself measured, in milliseconds; the machine may be busy. */
const PATIENCE_MS = 20_000;
/** How long the engine may take to start. */
const START_MS = 60_000;
/** A change of rules acts this long after it was accepted, at the latest. */
export const RULES_MS = 5_000;

export { pause };

/** Waits until `look` gives something, and gives it. */
export async function until(what, look, within_ms = PATIENCE_MS, every_ms = 50) {
  const end = Date.now() + within_ms;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${within_ms} ms: ${what}`);
    await pause(every_ms);
  }
}

const temporary = () => mkdtempSync(join(tmpdir(), "footfall-browser-"));

/** Removes a directory; what used it has ended, but may have left children that still write for a moment. */
const remove = (directory) => rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });

/**
 * Starts an engine with a state of its own, which is stopped and removed when the test is over.
 * `sites` replaces the settings of wrangler.toml, `vars` are more of them as texts; `demo` brings the demo store's rules.
 */
export async function startEngine(t, { sites, vars, demo = false } = {}) {
  const state = temporary();
  const engine = new Engine(state, { ...vars, ...(sites && { SITES: JSON.stringify(sites) }) }, demo);
  t.after(async () => {
    await engine.stop();
    remove(state);
  });
  await engine.start();
  return engine;
}

/** `scripts/serve.mjs` as a process, and its admin and control endpoints. */
class Engine {
  #state;
  #vars;
  #demo;
  #process;
  #log = [];

  constructor(state, vars, demo) {
    this.#state = state;
    this.#vars = vars;
    this.#demo = demo;
  }

  async start(port = 0) {
    const vars = Object.entries(this.#vars).flatMap(([name, value]) => ["--var", `${name}=${value}`]);
    const options = ["--port", String(port), "--state", this.#state, "--control", "--quiet", "--with-parent", ...(this.#demo ? ["--demo"] : [])];
    const child = spawn(process.execPath, [SERVE, ...options, ...vars], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    createInterface({ input: child.stderr }).on("line", (line) => this.#log.push(line));
    const ready = new Promise((says) => createInterface({ input: child.stdout }).once("line", says));
    const ended = new Promise((ends) => child.once("exit", (code, signal) => ends({ code, signal })));
    this.ended = ended;
    const first = await Promise.race([ready, ended, pause(START_MS, undefined, { ref: false })]);
    if (typeof first !== "string") throw new Error(`the engine did not start:\n${this.#log.join("\n")}`);
    Object.assign(this, JSON.parse(first)); // address, admin_token, control, pid, runtime_pid, …
  }

  async stop() {
    if (!this.#process || this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    process.kill(this.#process.pid, "SIGTERM");
    await this.ended;
  }

  /** Ends both processes as a loss of power would: nothing is written, no socket is closed in order. */
  async kill() {
    for (const pid of [this.pid, this.runtime_pid]) process.kill(pid, "SIGKILL");
    await this.ended;
    await until("the runtime is gone", () => !alive(this.runtime_pid));
  }

  /** Starts it again on the same state and port. */
  async again() {
    await this.start(Number(new URL(this.address).port));
  }

  /** Calls the admin's endpoint of the demo site. */
  async admin(method, path, body) {
    const reply = await fetch(`${this.address}/admin/v1/sites/demo/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.admin_token}`, "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: reply.status, body: reply.status === 204 ? undefined : await reply.json() };
  }

  /** Publishes a rule. Gives when it was accepted. */
  async rule(document) {
    const { status, body } = await this.admin("PUT", `rules/${document.id}`, document);
    assert.ok(status === 200 || status === 201, JSON.stringify(body));
    return Date.now();
  }

  /** Everything that is known of a visitor. */
  async visitor(id) {
    const { status, body } = await this.admin("GET", `visitors/${id}`);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  }

  async #control(path, query, body) {
    const reply = await fetch(`${this.control}${path}?${new URLSearchParams(query)}`, { method: "POST", body });
    const answer = await reply.json();
    assert.equal(reply.status, 200, JSON.stringify(answer));
    return answer;
  }

  /** Drops a visitor's object from memory; its sockets stay open. */
  evict(visitor) {
    return this.#control("/evict", { class: "Visitor", name: `v1:demo:${visitor}` });
  }

  d1(sql, params = []) {
    return this.#control("/d1", {}, JSON.stringify({ sql, params }));
  }

  get state() {
    return this.#state;
  }
}

function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** The browser's program: the same places that scripts/setup.sh looks at. Without it the tests fail. */
function browserPath() {
  const places = [
    process.env.FOOTFALL_BROWSER,
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ];
  const found = places.find((place) => place && existsSync(place));
  if (!found) throw new Error("Chromium is missing: run `scripts/setup.sh browser`");
  return found;
}

/** A browser, closed when the test is over. */
export async function startBrowser(t) {
  const browser = await chromium.launch({ executablePath: browserPath(), args: FLAGS.split(" ") });
  t.after(() => browser.close());
  return browser;
}

/**
 * A browser whose tabs are hidden by one another, as a person's are. Playwright's own contexts pretend that each page
 * has the focus, and then nothing (another tab in front, a minimised window) changes `document.visibilityState`. So
 * this one is started by hand, and Playwright is attached to it without its defaults; now another tab in front really
 * hides the first. It has one context, and so one visitor.
 */
export async function startTabs(t) {
  const profile = temporary();
  const args = [...FLAGS.split(" "), "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"];
  const child = spawn(browserPath(), args, { stdio: "ignore" });
  const ended = new Promise((ends) => child.once("exit", ends));
  t.after(async () => {
    process.kill(child.pid, "SIGTERM");
    await ended;
    remove(profile);
  });
  const file = join(profile, "DevToolsActivePort");
  // Chromium makes the file first and fills it afterwards.
  const port = await until("the browser is there", () => existsSync(file) && readFileSync(file, "utf8").split("\n").slice(0, -1)[0]);
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`, { noDefaults: true });
  const [context] = browser.contexts();
  return { context, first: context.pages()[0] };
}

/**
 * A visitor: a context of its own with one page. What goes wrong on its pages is in `wrong`.
 * `expected` matches those errors and answers that belong to the test.
 */
export async function visit(t, browser, engine, path = "/", { expected, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  t.after(() => context.close());
  const shop = await watch(context, await context.newPage(), engine, expected);
  await shop.open(path);
  return shop;
}

/** Takes a page under observation. */
export async function watch(context, page, engine, expected) {
  const wrong = [];
  await page.addInitScript(observe);
  page.on("pageerror", (error) => wrong.push(`uncaught: ${error}`));
  page.on("console", (message) => {
    const text = message.text();
    if (["error", "warning"].includes(message.type()) && !expected?.test(text)) wrong.push(`${message.type()}: ${text}`);
  });
  page.on("response", (reply) => {
    const answer = `${reply.status()} ${reply.url()}`;
    if (reply.status() >= 400 && !expected?.test(answer)) wrong.push(answer);
  });
  return new Shop(context, page, engine, wrong);
}

/** In the page, before its own scripts: notes when things happened, in milliseconds since 1970. */
function observe() {
  // The first never jumps, and so measures durations; the second is the clock that the engine has as well.
  const now = () => performance.timeOrigin + performance.now();
  const seen = { frames: [], filled: [], stages: [], refused: [], visibility: [] };
  Object.assign(window, { seen });
  addEventListener("securitypolicyviolation", (event) => seen.refused.push(`${event.violatedDirective} ${event.blockedURI}`));
  document.addEventListener("visibilitychange", () => seen.visibility.push({ at: now(), state: document.visibilityState }));
  const Plain = WebSocket;
  window.WebSocket = class extends Plain {
    constructor(...how) {
      super(...how);
      this.addEventListener("message", ({ data }) => {
        if (data.startsWith("{")) seen.frames.push({ at: now(), to: "page", message: JSON.parse(data) });
      });
    }
    send(text) {
      if (text.startsWith("{")) seen.frames.push({ at: now(), to: "engine", message: JSON.parse(text) });
      super.send(text);
    }
  };
  // While there is no socket, events go over HTTP: such a request counts as a frame as well.
  const { fetch } = window;
  window.fetch = async (...how) => {
    const [url, request] = how;
    if (!String(url).endsWith("/v1/batch")) return fetch(...how);
    const frame = `http ${seen.frames.length}`;
    seen.frames.push({ at: now(), to: "engine", message: { type: "events", frame, events: JSON.parse(request.body).batch } });
    const reply = await fetch(...how);
    if (reply.ok) seen.frames.push({ at: now(), to: "page", message: { type: "ack", frame } });
    return reply;
  };
  // What stands in a slot, whenever that changes; and each stage that the panel shows.
  const look = () => {
    for (const slot of document.querySelectorAll("footfall-slot")) {
      const text = slot.shadowRoot?.querySelector(".card")?.textContent;
      const last = seen.filled.findLast(({ name }) => name === slot.getAttribute("name"));
      if (text && last?.text !== text) seen.filled.push({ at: now(), wall: Date.now(), name: slot.getAttribute("name"), text });
    }
    const stage = document.querySelector(".fp-section.stage .here")?.textContent;
    if (stage && seen.stages.at(-1) !== stage) seen.stages.push(stage);
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
}

/** A page of the demo store, as a person sees and uses it. */
class Shop {
  constructor(context, page, engine, wrong) {
    Object.assign(this, { context, page, engine, wrong });
  }

  async open(path) {
    await this.page.goto(this.engine.address + path);
  }

  /** The visitor's id, once the page has a live connection. */
  async visitor() {
    await this.page.waitForFunction(() => window.footfall?.connected, undefined, { timeout: PATIENCE_MS });
    return this.page.evaluate(() => window.footfall.visitor);
  }

  seen() {
    return this.page.evaluate(() => window.seen);
  }

  /** When the page's latest page view was sent and acknowledged. */
  async pageViewed(kind) {
    const { sent, acked } = await until(`the view of a ${kind} page is acknowledged`, async () => {
      const { frames } = await this.seen();
      const sent = frames.findLast(({ to, message }) => to === "engine" && message.events?.some((e) => e.type === "page" && e.properties.kind === kind));
      if (!sent) return undefined;
      const acked = frames.find(({ at, message }) => at >= sent.at && message.type === "ack" && message.frame === sent.message.frame);
      return acked && { sent: sent.at, acked: acked.at };
    });
    return { sent, acked };
  }

  /** What a slot shows, or `null`. */
  slot(name = "product-side") {
    return this.page.evaluate((slot) => document.querySelector(`footfall-slot[name=${slot}]`)?.shadowRoot?.querySelector(".card")?.textContent ?? null, name);
  }

  /** When a slot first showed something, waiting for it. */
  async filled(name = "product-side", within_ms = PATIENCE_MS) {
    return until(`the slot ${name} fills`, async () => (await this.seen()).filled.find((entry) => entry.name === name), within_ms);
  }

  /** The text of a part of the live panel. */
  async panel(section) {
    const body = this.page.locator(`.fp-section.${section} .fp-body`);
    return (await body.count()) > 0 ? (await body.innerText()).replace(/\s+/g, " ").trim() : "";
  }

  async shows(section, text) {
    const fits = text instanceof RegExp ? (found) => text.test(found) : (found) => found.includes(text);
    let found = "";
    await until(`the panel's ${section} shows ${text}`, async () => fits((found = await this.panel(section)))).catch((error) => {
      throw new Error(`${error.message}; it shows: ${found}`);
    });
  }

  stage() {
    return this.page.locator(".fp-section.stage .here").innerText();
  }

  /** Nothing went wrong on this page: no error, no warning, nothing refused by the content security policy. */
  async isSound() {
    assert.deepEqual(this.wrong, []);
    assert.deepEqual((await this.seen()).refused, []);
  }
}

/** The demo's dwell rule with another duration, and without the limits that tests would run into. */
export function dwellRule(duration, more = {}) {
  return {
    id: "social-proof",
    name: "Social proof",
    priority: 10,
    enabled: true,
    pattern: { dwell: { for: duration, where: { "page.kind": "product" } } },
    actions: [{ push: { slot: "product-side", content: { title: "Taking your time? Good.", text: "{{page.product.name}} again" }, expires: "5m" } }],
    ...more,
  };
}
