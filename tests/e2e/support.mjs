// Starts the engine on the real runtime for a test, and speaks to it as stores, servers and operators do.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import WebSocket from "ws";
import { jwt } from "../../scripts/lib/credentials.mjs";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
/** What stops an engine that a test leaves behind. */
const STOP_MS = 5_000;

/** The settings that most tests share; `retention` and the like are long enough never to matter. */
export const DEMO = { origins: [], consent: "assumed", inspect: true, allow_headless: true, flush_after: "500ms" };

/** Builds the Worker with the inputs that only tests may send, when it is not there yet. */
export function buildWithHooks() {
  const env = { ...process.env, FOOTFALL_FEATURES: "test-hooks", FOOTFALL_OUT: "build-test" };
  const built = spawnSync(join(ROOT, "scripts/build.sh"), { cwd: ROOT, env, encoding: "utf8" });
  assert.equal(built.status, 0, built.stderr);
  return "build-test";
}

/**
 * An engine of its own, with its state in a temporary directory. It is stopped when the test `t` ends.
 * `sites` are the settings by site, `build` is the directory of the Worker; `queue` is as `serve.mjs --queue-…` takes it;
 * `env` is added to the environment.
 */
export async function start(t, options = {}) {
  const engine = new Engine({ ...options, state: mkdtempSync(join(tmpdir(), "footfall-e2e-")) });
  t.after(async () => {
    await engine.stop();
    rmSync(engine.state, { recursive: true, force: true });
  });
  await engine.start();
  return engine;
}

/** An engine with its state in a directory; `start` of this file makes one for a test. */
export class Engine {
  constructor(options) {
    Object.assign(this, { sites: { demo: DEMO }, build: "build", vars: {}, queue: {}, args: [], env: {} }, options);
  }

  async start() {
    const vars = { SITES: JSON.stringify(this.sites), ...this.vars };
    const args = ["scripts/serve.mjs", "--port", String(this.port ?? 0), "--state", this.state, "--build", this.build, "--control", ...this.args];
    for (const [name, value] of Object.entries(vars)) args.push("--var", `${name}=${value}`);
    for (const [name, value] of Object.entries(this.queue)) args.push(`--queue-${name}`, String(value));
    const env = { ...process.env, NODE_COMPILE_CACHE: join(ROOT, ".footfall/test/node-cache"), ...this.env }; // a quicker start
    this.process = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    this.log = "";
    this.process.stderr.on("data", (text) => {
      this.log += text;
    });
    this.exited = new Promise((done) => this.process.once("exit", done));
    const ready = await new Promise((found, failed) => {
      createInterface({ input: this.process.stdout }).once("line", found);
      this.process.once("exit", () => failed(new Error(`the engine did not start:\n${this.log}`)));
    });
    this.facts = JSON.parse(ready);
    const { address, write_key, public_key, admin_token, control } = this.facts;
    Object.assign(this, { address, writeKey: write_key, publicKey: public_key, adminToken: admin_token, control });
  }

  async stop() {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill("SIGTERM");
    const late = setTimeoutOf(STOP_MS, () => this.process.kill("SIGKILL"));
    await this.exited;
    clearTimeout(late);
  }

  /**
   * Kills the runtime and what started it without a word, as a crash would, and waits until all of it is gone. `how`:
   * both at once, or one of them first, on whose end the other ends as well.
   */
  async kill(how = "all") {
    if (how !== "parent") process.kill(this.facts.runtime_pid, "SIGKILL");
    if (how !== "runtime") process.kill(this.facts.pid, "SIGKILL");
    await this.exited;
    await until(() => isGone(this.facts.runtime_pid));
  }

  /** An operator's token of another role, site or time. */
  operator(claims, now_s) {
    const { ADMIN_JWT_SECRET } = JSON.parse(readFileSync(join(this.state, "credentials.json"), "utf8"));
    return jwt(ADMIN_JWT_SECRET, claims, now_s);
  }

  /** A request; the answer with its body read as JSON where it is some. */
  async call(path, { method = "GET", headers = {}, body } = {}) {
    const plain = body === undefined || typeof body === "string" || body instanceof Uint8Array;
    const reply = await fetch(new URL(path, this.address), { method, headers, body: plain ? body : JSON.stringify(body) });
    const text = await reply.text();
    let json;
    try {
      json = JSON.parse(text);
    } catch {}
    return { status: reply.status, headers: reply.headers, text, json };
  }

  post(path, body, headers = {}) {
    return this.call(path, { method: "POST", body, headers });
  }

  /** Sends events as one of the store's servers. */
  send(...events) {
    return this.post("/v1/batch", { batch: events }, { authorization: basic(this.writeKey) });
  }

  admin(method, path, body, token = this.adminToken) {
    return this.call(`/admin/v1/sites/${path}`, { method, body, headers: token ? { authorization: `Bearer ${token}` } : {} });
  }

  /** Everything the engine knows of a visitor. */
  async inspect(visitor) {
    const { status, json, text } = await this.admin("GET", `demo/visitors/${visitor}`);
    assert.equal(status, 200, text);
    return json;
  }

  /** A new visitor with its token. */
  async visitor(more = {}) {
    const { status, json, text } = await this.post("/v1/visitor", { writeKey: this.publicKey, consent: "granted", ...more });
    assert.equal(status, 200, text);
    return json;
  }

  /** Drops a visitor's object from memory as hibernation does; sockets stay open. */
  async evict(visitor) {
    return this.#control(`/evict?class=Visitor&name=v1:demo:${visitor}`);
  }

  /** What is on disk of a visitor's object. */
  async storage(visitor, className = "Visitor") {
    return this.#control(`/storage?class=${className}&name=v1:demo:${visitor}`);
  }

  /** Drops any object from memory, by class and name. */
  async evictObject(className, name) {
    return this.#control(`/evict?class=${className}&name=${encodeURIComponent(name)}`);
  }

  /** What is on disk of any object, by class and name. */
  async objectStorage(className, name) {
    return this.#control(`/storage?class=${className}&name=${encodeURIComponent(name)}`);
  }

  /** The files of all objects of a class that have storage. */
  async objects(className) {
    return this.#control(`/objects?class=${className}`);
  }

  /** Rows of the database. */
  async query(sql, ...params) {
    return this.#control("/d1", { sql, params });
  }

  /** Sends a message to one of the queues, by its binding: bytes and a text as they are, anything else as JSON. */
  async enqueue(binding, message) {
    return this.#control(`/queue?binding=${binding}&type=${message instanceof Uint8Array ? "bytes" : "text"}`, message);
  }

  /** The files of the archive, by name. */
  async files() {
    return this.#control("/files?binding=ARCHIVE_BUCKET");
  }

  async #control(path, body) {
    const plain = body === undefined || typeof body === "string" || body instanceof Uint8Array;
    const reply = await fetch(`${this.control}${path}`, { method: "POST", body: plain ? body : JSON.stringify(body) });
    const json = await reply.json();
    assert.equal(reply.status, 200, JSON.stringify(json));
    return json;
  }

  /** A socket of a visitor that has said hello and was welcomed. */
  async connect(token, hello = {}) {
    const socket = this.socket(token);
    await socket.opened;
    socket.send({ type: "hello", tab: "tab-1", visible: true, ...hello });
    socket.welcome = await socket.next("welcome");
    return socket;
  }

  /** A socket as a page opens it; `options` are those of `ws`. */
  socket(token, options = {}) {
    const protocols = ["footfall.v1", ...(token ? [`token.${token}`] : [])];
    return new Socket(`${this.address.replace("http", "ws")}/v1/socket`, protocols, { origin: this.address, ...options });
  }
}

/** After so many messages that it is told a page says what it has seen, as the client library does. */
const SEEN_EVERY = 16;
const TOLD = ["push", "retract", "state"];

class Socket {
  #waiting = [];
  /** How many it had been told when it last said what it has seen. */
  #said = 0;
  received = [];

  constructor(url, protocols, options) {
    this.socket = new WebSocket(url, protocols, options);
    this.opened = new Promise((done, failed) => {
      this.socket.once("open", done);
      this.socket.once("error", failed);
      this.socket.once("unexpected-response", (_, response) => failed(Object.assign(new Error("refused"), { status: response.statusCode })));
    });
    this.opened.catch(() => {});
    this.closed = new Promise((done) => this.socket.once("close", (code) => done(code)));
    this.socket.on("message", (data) => {
      const text = String(data);
      const message = text.startsWith("{") ? JSON.parse(text) : { type: text };
      this.received.push(message);
      this.#waiting = this.#waiting.filter((wait) => !wait(message));
    });
  }

  send(message) {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** The next message of a type that came after the last one asked for, or is still to come. */
  async next(type, within_ms = 5_000) {
    const at = this.received.findIndex((message) => message.type === type && !message.taken);
    if (at >= 0) return take(this.received[at]);
    return new Promise((done, failed) => {
      const late = setTimeoutOf(within_ms, () => failed(new Error(`no ${type} within ${within_ms} ms; ${JSON.stringify(this.received.slice(-5))}`)));
      this.#waiting.push((message) => {
        if (message.type !== type) return false;
        clearTimeout(late);
        done(take(message));
        return true;
      });
    });
  }

  /** Sends events in a frame and waits for its acknowledgement; now and then it says what it has seen, as pages do. */
  async events(frame, ...events) {
    if (this.#told() - this.#said >= SEEN_EVERY) this.#saySeen();
    this.send({ type: "events", frame, events });
    const ack = await this.next("ack");
    assert.equal(ack.frame, frame);
    return ack;
  }

  #told() {
    return this.received.filter(({ type }) => TOLD.includes(type)).length;
  }

  #saySeen() {
    this.#said = this.#told();
    const newest = (key, ...types) => this.received.findLast(({ type }) => types.includes(type))?.[key] ?? 0;
    this.send({ type: "seen", seq: newest("seq", "push", "retract", "welcome"), version: newest("version", "state", "welcome") });
  }

  close() {
    this.socket.close();
    return this.closed;
  }
}

function take(message) {
  Object.defineProperty(message, "taken", { value: true });
  return message;
}

function setTimeoutOf(ms, then) {
  const timer = setTimeout(then, ms);
  timer.unref();
  return timer;
}

/** Whether a process has ended; one that waits only for somebody to read its exit code has. */
function isGone(pid) {
  try {
    process.kill(pid, 0);
  } catch {
    return true;
  }
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout === "" || stdout.trim().startsWith("Z");
}

export const basic = (key) => `Basic ${Buffer.from(`${key}:`).toString("base64")}`;

let made = 0;
/** A track event with an id of its own. */
export function track(event, more = {}) {
  made += 1;
  return { type: "track", messageId: `test-${process.pid}-${made}`, event, ...more };
}

/** Waits until `probe` gives something. */
export async function until(probe, within_ms = 10_000, every_ms = 50) {
  const end = Date.now() + within_ms;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${within_ms} ms: ${probe}`);
    await sleep(every_ms);
  }
}

/** A rule that shows something in a slot whenever an event comes. */
export const showOn = (id, event, content = { text: id }) => ({
  id,
  name: id,
  pattern: { event: { name: event } },
  actions: [{ push: { slot: "hero", content } }],
});
