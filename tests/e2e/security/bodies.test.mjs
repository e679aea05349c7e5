// Bodies that are too large, too deep, ambiguous or no text at all, and gzip that unpacks to much more than it is.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { DEMO, basic, start, track } from "../support.mjs";
import { bearer, code } from "./forge.mjs";

let engine;
before(async (t) => {
  engine = await start(t, { sites: { demo: DEMO } });
});

const BODY_BYTES_MAX = 500 * 1024;
const send = (body, headers = {}) => engine.post("/v1/batch", body, { authorization: basic(engine.writeKey), ...headers });
const document = (body, headers = {}) =>
  engine.call("/admin/v1/sites/demo/rules/r", { method: "PUT", body, headers: { ...bearer(engine.adminToken), ...headers } });
const name = (body, headers = {}) => engine.post("/v1/visitor", body, headers);
const validate = (body) => engine.post("/admin/v1/sites/demo/validate", body, bearer(engine.adminToken));
const dryRun = async (body) => {
  const { visitor } = await engine.visitor();
  return engine.post(`/admin/v1/sites/demo/visitors/${visitor}/dry-run`, body, bearer(engine.adminToken));
};
/** Everything that takes a body. */
const TAKERS = { send, document, name, validate, dryRun };
const event = (more) => JSON.stringify({ batch: [track("thing", { anonymousId: "a", ...more })] });

/** Whoever is refused before all was sent may find the connection closed before there is an answer: it asks again. */
async function answered(ask) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (tries === 10 || !["EPIPE", "ECONNRESET"].includes(error.cause?.code)) throw error;
    }
  }
}

/** Every taker refuses it as the sender's mistake, and goes on. */
async function refusedBy(takers, body, wanted) {
  for (const taker of takers) {
    const reply = await answered(() => TAKERS[taker](body));
    // A body that is one bad event is answered with its rejection.
    const rejected = taker === "send" && reply.status === 200 && reply.json.accepted === 0;
    assert.ok(rejected || wanted.test(code(reply)), `${taker}: ${code(reply)}`);
  }
  assert.equal((await send(event())).status, 200);
}

test("a body over the bound is refused", async () => {
  await refusedBy(["send", "name", "dryRun"], `{"a":"${"x".repeat(BODY_BYTES_MAX)}"}`, /^413 body_too_large/);
  await refusedBy(["document", "validate"], `{"a":"${"x".repeat(9 * 1024 * 1024)}"}`, /^413 body_too_large/);
  // Without a length it is cut off as well.
  const endless = () => new ReadableStream({
    start: (to) => {
      for (let n = 0; n < 20; n += 1) to.enqueue(new TextEncoder().encode("x".repeat(64 * 1024)));
      to.close();
    },
  });
  const headers = { authorization: basic(engine.writeKey) };
  const reply = await answered(() => fetch(`${engine.address}/v1/batch`, { method: "POST", body: endless(), duplex: "half", headers }));
  assert.equal(reply.status, 413);
});

test("nesting without end is refused", async () => {
  for (const [open, close] of [["[", "]"], ['{"a":', "}"]]) {
    const deep = (levels) => `${open.repeat(levels)}1${close.repeat(levels)}`;
    await refusedBy(Object.keys(TAKERS), deep(50_000), /^(400|413|422) /);
    await refusedBy(Object.keys(TAKERS), `{"rules":${deep(100)},"writeKey":${deep(100)}, "batch":${deep(100)}}`, /^(400|422) /);
  }
  const { json } = await send(`{"batch":[{"type":"track","event":"x","anonymousId":"a","properties":${'{"a":'.repeat(100)}1${"}".repeat(100)}}]}`);
  assert.equal(json.rejections[0].code, "too_deep");
});

test("a member that stands twice is refused", async () => {
  await refusedBy(["send"], '{"batch":[],"batch":[]}', /^400 malformed/);
  await refusedBy(["send"], `{"writeKey":"a","writeKey":"b","batch":[]}`, /^400 malformed/);
  await refusedBy(["name"], `{"writeKey":"${engine.publicKey}","writeKey":"x"}`, /^400 malformed/);
  await refusedBy(["document"], '{"id":"r","id":"s"}', /^(400|422) /);
  const { json } = await send('{"batch":[{"type":"track","event":"x","event":"y","anonymousId":"a"}]}');
  assert.deepEqual([json.accepted, json.rejections[0].code], [0, "malformed"]);
});

test("what is not UTF-8 is refused", async () => {
  for (const bytes of [[0xff, 0xfe], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x7b, 0x22, 0xc3, 0x22, 0x7d]]) {
    await refusedBy(Object.keys(TAKERS), new Uint8Array(bytes), /^(400|422) /);
  }
  const { json } = await send('{"batch":[{"type":"track","event":"x","anonymousId":"\\ud800"}]}');
  assert.equal(json.rejections[0].code, "malformed");
});

test("numbers that are none, and huge ones, change nothing", async () => {
  for (const number of ["NaN", "Infinity", "-Infinity", "+1", "01", ".5", "1.", "0x10", "1e"]) {
    await refusedBy(["document", "validate", "dryRun"], `{"a":${number}}`, /^(400|422) /);
    assert.equal((await send(`{"batch":[{"type":"track","event":"x","anonymousId":"a","properties":{"n":${number}}}]}`)).status, 400, number);
  }
  for (const number of ["1e999", "-1e999", "9".repeat(400), `0.${"0".repeat(5_000)}1`, "1e-999", "-0", `1${"0".repeat(30_000)}`]) {
    const price = `{"batch":[{"type":"track","event":"Product Added","anonymousId":"huge","properties":{"sku":"a","price":${number},"n":${number}}}]}`;
    const reply = await send(price);
    assert.ok([200, 400].includes(reply.status), `${number.slice(0, 9)}: ${code(reply)}`);
  }
  const { json } = await engine.admin("GET", "demo/visitors?anonymousId=huge");
  assert.ok(json.cart.value === undefined || Math.abs(json.cart.value) < 1e10, JSON.stringify(json.cart));
});

test("a decompression bomb is refused as soon as it is too large", async () => {
  const zipped = { "content-encoding": "gzip" };
  const bomb = gzipSync(Buffer.alloc(500 * 1024 * 1024, 0x20), { level: 9 });
  assert.ok(bomb.length <= BODY_BYTES_MAX && bomb.length * 1_000 < 512 * 1024 * 1024, `1000:1, ${bomb.length}`);
  const began = performance.now();
  for (const taker of [send, name]) assert.equal(code(await taker(bomb, zipped)), "413 body_too_large");
  const took = performance.now() - began;
  assert.ok(took < 5_000, `${took} ms: it was not unpacked whole`);
  assert.equal(code(await document(gzipSync(Buffer.alloc(64 * 1024 * 1024)), zipped)), "413 body_too_large");
  // Many small members one after the other.
  const member = gzipSync(Buffer.alloc(64 * 1024, 0x20));
  assert.equal(code(await send(Buffer.concat(Array.from({ length: 100 }, () => member)), zipped)), "413 body_too_large");
});

test("gzip within gzip is unpacked once, and what is no gzip is refused", async () => {
  const once = gzipSync(event());
  assert.equal((await send(once, { "content-encoding": "gzip" })).status, 200);
  assert.equal(code(await send(gzipSync(once), { "content-encoding": "gzip" })), "400 malformed");
  assert.equal(code(await send(gzipSync(once), { "content-encoding": "gzip, gzip" })), "415 unknown_encoding");
  assert.equal(code(await send(once, { "content-encoding": "br" })), "415 unknown_encoding");
  assert.equal(code(await send(event(), { "content-encoding": "gzip" })), "400 malformed");
  assert.equal(code(await send(once.subarray(0, once.length - 5), { "content-encoding": "gzip" })), "400 malformed");
  assert.equal(code(await send(Buffer.concat([once, Buffer.from("more")]), { "content-encoding": "gzip" })), "400 malformed");
});

test("frames of a socket are as strict as bodies", async () => {
  const { token } = await engine.visitor();
  const socket = await engine.connect(token);
  const codes = async (text) => {
    socket.send(text);
    return (await socket.next("error")).code;
  };
  for (const frame of [
    "[".repeat(50_000), `{"type":${'{"a":'.repeat(10_000)}`, '{"type":"events","frame":1,"frame":2,"events":[]}',
    '{"type":"events","frame":NaN,"events":[]}', '{"type":"events","frame":1e99,"events":[]}', '{"type":"events","frame":-1,"events":[]}',
    '{"type":"__proto__"}', "null", '"events"', "\u0000",
  ]) assert.equal(await codes(frame), "malformed", frame.slice(0, 40));
  const ack = await socket.events(5, track("x"));
  assert.equal(ack.accepted, 1);
  await socket.close();
});
