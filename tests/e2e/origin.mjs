// A store's origin for tests: takes what the engine sends, checks its signature, and misbehaves when it is told to.

import assert from "node:assert/strict";
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { gunzipSync } from "node:zlib";

export const SECRET = "a-secret-of-the-store-that-is-long-enough";

/**
 * Starts one on a free loopback port; it is stopped when the test `t` ends. `origin.behave(request, response, delivery)`
 * answers; unless it is set, everything is taken. `origin.deliveries` has every request, `origin.records` by id what was
 * taken, however often.
 */
export async function startOrigin(t) {
  const origin = { deliveries: [], records: new Map(), repeats: 0, behave: undefined, sockets: new Set() };
  const server = createServer(async (request, response) => {
    const chunks = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // the engine gave up
    }
    const delivery = { headers: request.headers, ...read(request.headers, Buffer.concat(chunks)), at: Date.now() };
    origin.deliveries.push(delivery);
    if (origin.behave && (await origin.behave(request, response, delivery)) !== "take") return;
    for (const record of delivery.records) {
      if (origin.records.has(record.id)) origin.repeats += 1;
      origin.records.set(record.id, record);
    }
    response.writeHead(204).end();
  });
  server.on("connection", (socket) => {
    origin.sockets.add(socket);
    socket.once("close", () => origin.sockets.delete(socket));
  });
  origin.listen = (port = 0) =>
    new Promise((listening, failed) => server.once("error", failed).listen(port, "127.0.0.1", listening));
  origin.stop = () => {
    for (const socket of origin.sockets) socket.destroy();
    return new Promise((done) => server.close(done));
  };
  await origin.listen();
  origin.port = server.address().port;
  origin.url = `http://127.0.0.1:${origin.port}/footfall`;
  t.after(() => server.listening && origin.stop());
  return origin;
}

function read(headers, bytes) {
  const [, seconds, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(headers["footfall-signature"] ?? "") ?? assert.fail("unsigned");
  const expected = createHmac("sha256", SECRET).update(`${seconds}.`).update(bytes).digest();
  assert.ok(timingSafeEqual(expected, Buffer.from(signature, "hex")), "a wrong signature");
  assert.ok(Math.abs(Date.now() / 1000 - Number(seconds)) < 60, "signed at another time");
  const text = (headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString();
  const records = headers["content-type"] === "application/json" ? JSON.parse(text).records : text.trim().split("\n").map((line) => JSON.parse(line));
  return { bytes: bytes.length, text, records };
}
