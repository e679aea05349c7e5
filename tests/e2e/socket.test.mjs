// The socket: hello, welcome, state and pushes, resuming, and what is refused on it.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DEMO, showOn, start, track } from "./support.mjs";

let engine;
before(async (t) => {
  engine = await start(t);
  await engine.admin("PUT", "demo/rules/hello", showOn("hello", "wave"));
  const dwell = { ...showOn("dwell", ""), pattern: { dwell: { for: "2s", where: { "page.kind": "product" } } } };
  const { status, text } = await engine.admin("PUT", "demo/rules/dwell", dwell);
  assert.ok(status < 300, text);
});

test("a hello is welcomed with the whole state, and events change it", async () => {
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token);
  assert.deepEqual([socket.welcome.protocol, socket.welcome.state.visitor, socket.welcome.seq], [1, visitor, 0]);
  const ack = await socket.events(7, track("Product Added", { properties: { sku: "a", price: 10 } }), { type: "nonsense" });
  assert.deepEqual([ack.accepted, ack.rejections[0].index, ack.rejections[0].pointer], [1, 1, "/events/1/type"]);
  const { base, version, patch } = await socket.next("state");
  assert.equal(base, socket.welcome.version);
  assert.ok(version > base);
  assert.deepEqual([patch.stage, patch.cart.value], ["carting", 10]);
  await socket.close();
});

test("a page that comes back gets what it has missed, once and in order", async () => {
  const { token } = await engine.visitor();
  const socket = await engine.connect(token);
  await socket.events(1, track("wave"), track("wave"));
  const first = await socket.next("push");
  await socket.next("push");
  await socket.close();
  await engine.post("/v1/track", track("wave"), { authorization: `Bearer ${token}` });
  const { incarnation } = (await engine.call("/v1/state", { headers: { authorization: `Bearer ${token}` } })).json;
  const known = socket.welcome.incarnation ?? incarnation;
  const fresh = await engine.connect(token);
  const cursor = { incarnation: fresh.welcome.incarnation ?? known, seq: first.seq };
  const back = await engine.connect(token, { cursor });
  const missed = [await back.next("push"), await back.next("push")];
  assert.deepEqual(missed.map(({ seq }) => seq), [first.seq + 1, first.seq + 2]);
  const current = await engine.connect(token, { cursor: { ...cursor, seq: first.seq + 2 } });
  await sleep(100);
  assert.deepEqual(current.received.filter(({ type }) => type === "push"), []);
});

test("a newer socket of a tab takes the older one's place, and the tab stays", async () => {
  const { visitor, token } = await engine.visitor();
  const older = await engine.connect(token, { tab: "t" });
  await older.events(1, { type: "page", messageId: "page-1", context: { tab: "t" } });
  const newer = await engine.connect(token, { tab: "t" });
  assert.equal(await older.closed, 4001);
  await sleep(100);
  const connected = async () => (await engine.inspect(visitor)).tabs.find(({ tab }) => tab === "t")?.connected;
  assert.equal(await connected(), true);
  await newer.close();
  await sleep(100);
  assert.notEqual(await connected(), true);
});

test("two tabs see the same state, and one push each", async () => {
  const { token } = await engine.visitor();
  const [one, two] = [await engine.connect(token, { tab: "one" }), await engine.connect(token, { tab: "two" })];
  await one.events(1, track("Product Added", { properties: { sku: "a", price: 10 } }));
  const [seen, shown] = [await one.next("state"), await two.next("state")];
  assert.deepEqual(seen, shown);
});

test("heartbeats are answered without the object", async () => {
  const { token } = await engine.visitor();
  const socket = await engine.connect(token);
  socket.send("ping");
  assert.equal((await socket.next("pong")).type, "pong");
});

test("what is no message is said on the socket, which goes on", async () => {
  const { token } = await engine.visitor();
  const socket = engine.socket(token);
  await socket.opened;
  const codes = [];
  const say = async (text) => {
    socket.send(text);
    codes.push((await socket.next("error")).code);
  };
  await say({ type: "events", frame: 1, events: [] });
  await say("{");
  await say({ type: "shout" });
  await say({ type: "hello", tab: "" });
  await say({ type: "hello", tab: "x".repeat(41) });
  socket.send({ type: "hello", tab: "t" });
  await socket.next("welcome");
  await say({ type: "hello", tab: "t" });
  await say({ type: "events", frame: 1, events: Array.from({ length: 501 }, () => ({})) });
  socket.socket.send(Buffer.from("binary"));
  codes.push((await socket.next("error")).code);
  const wrong = "malformed";
  assert.deepEqual(codes, ["hello_first", wrong, wrong, wrong, wrong, "hello_twice", "batch_too_long", wrong]);
  await socket.events(2, track("x"));
});

test("a socket of which nothing but what cannot be understood comes is closed, and one good event clears it", async () => {
  const { token } = await engine.visitor();
  const socket = await engine.connect(token);
  const wrong = async (n) => {
    for (let i = 0; i < n; i += 1) {
      socket.send(i % 2 ? "{" : { type: "events", frame: i, events: [{ type: "nonsense" }] });
      await socket.next(i % 2 ? "error" : "ack");
    }
  };
  await wrong(31);
  await socket.events(40, track("x"), { type: "nonsense" });
  await wrong(31);
  assert.equal(socket.socket.readyState, 1);
  socket.send({ type: "events", frame: 41, events: [] });
  assert.equal(await Promise.race([socket.closed, sleep(5_000)]), 1008);
  const back = await engine.connect(token);
  await back.events(1, track("x"));
  await back.close();
});

test("a socket that says for ever that it has seen what it had seen is closed", async () => {
  const { token } = await engine.visitor();
  const socket = await engine.connect(token);
  await socket.events(1, track("x"));
  for (let i = 0; i < 40; i += 1) socket.send({ type: "seen", seq: 0, version: 0 });
  assert.equal(await Promise.race([socket.closed, sleep(5_000)]), 1008);
});

test("a frame over the bound closes the socket, however long it is", async () => {
  // The last has few letters and many bytes, and would be cut in the middle of a letter.
  for (const text of ["x".repeat(140_000), "x".repeat(20_000_000), "😀".repeat(60_000), `x${"😀".repeat(100_000)}`]) {
    const { token } = await engine.visitor();
    const socket = await engine.connect(token);
    socket.send({ type: "events", frame: 1, events: [track("x", { properties: { text } })] });
    assert.equal((await socket.next("error")).code, "frame_too_large");
    assert.equal(await socket.closed, 1009);
  }
});

test("a frame within the bound is read whole, whatever its letters", async () => {
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token);
  const event = (n) => track("x", { properties: { text: "😀é中".repeat(300), n } });
  const { accepted } = await socket.events(1, ...Array.from({ length: 30 }, (_, n) => event(n)));
  assert.equal(accepted, 30);
  assert.equal((await engine.inspect(visitor)).session.events, 30);
});

test("a visitor has at most so many sockets", async () => {
  const { token } = await engine.visitor();
  const sockets = Array.from({ length: 32 }, () => engine.socket(token));
  await Promise.all(sockets.map((socket) => socket.opened));
  const status = await engine.socket(token).opened.then(() => "opened", (error) => error.status);
  assert.equal(status, 429);
  for (const socket of sockets) socket.socket.terminate();
});

test("a tab that had to make room has its place again with what it sends, until its socket is gone", async () => {
  const { visitor, token } = await engine.visitor();
  const sockets = [];
  for (let tab = 1; tab <= 9; tab += 1) sockets.push(await engine.connect(token, { tab: `t${tab}` }));
  const first = async () => (await engine.inspect(visitor)).tabs.find(({ tab }) => tab === "t1");
  assert.equal(await first(), undefined);
  const [page] = sockets;
  await page.events(1, { type: "page", messageId: "product", context: { tab: "t1" }, properties: { path: "/p", kind: "product" } });
  assert.equal((await page.next("welcome")).incarnation, page.welcome.incarnation);
  assert.deepEqual([(await first()).connected, (await first()).kind], [true, "product"]);
  page.socket.terminate();
  await sleep(3_000); // longer than the dwell
  const { fired } = await engine.inspect(visitor);
  assert.deepEqual([(await first()).connected, fired], [false, []]);
  for (const socket of sockets.slice(1)) await socket.close();
});

test("frames are taken in the order they were sent, also while the rules are asked for", async () => {
  const { visitor, token } = await engine.visitor();
  const socket = await engine.connect(token);
  await socket.events(0, track("first"));
  await sleep(4_500); // the isolate's copy of the rules is too old now: the first frame makes the object ask
  for (let frame = 1; frame <= 30; frame += 1) {
    const properties = { sku: `sku-${frame}`, price: 1 };
    socket.send({ type: "events", frame, events: [track("Product Added", { properties })] });
  }
  for (let frame = 1; frame <= 30; frame += 1) assert.equal((await socket.next("ack")).frame, frame);
  const { cart } = await engine.inspect(visitor);
  assert.deepEqual(cart.lines.map(({ sku }) => sku), Array.from({ length: 30 }, (_, i) => `sku-${i + 1}`));
});

test("the whole view is for sites that allow it", async (t) => {
  const { token } = await engine.visitor();
  const inspector = await engine.connect(token, { inspect: true });
  assert.ok(inspector.welcome.state.counters);
  const closed = await start(t, { sites: { demo: { ...DEMO, inspect: false } } });
  const own = await closed.connect((await closed.visitor()).token, { inspect: true });
  assert.equal(own.welcome.state.counters, undefined);
});
