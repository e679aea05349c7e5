// Headers, paths and methods that are not what they should be, as bytes on the wire.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { before, test } from "node:test";
import { DEMO, basic, start, track } from "../support.mjs";
import { bearer } from "./forge.mjs";

let engine;
let visitor;
before(async (t) => {
  engine = await start(t, { sites: { demo: DEMO } });
  visitor = await engine.visitor();
  await engine.post("/v1/track", track("Product Viewed", { properties: { sku: "secret-tent" } }), bearer(visitor.token));
});

/** A request byte for byte; the status line's number, and the whole answer. 0: the connection was closed without one. */
function raw(text) {
  const { hostname, port } = new URL(engine.address);
  return new Promise((done, failed) => {
    const socket = connect(Number(port), hostname, () => socket.end(text));
    let answer = "";
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no answer to ${JSON.stringify(text.slice(0, 80))}`)));
    socket.on("data", (data) => {
      answer += data;
    });
    socket.on("error", (error) => (error.code === "ECONNRESET" || error.code === "EPIPE" ? done({ status: 0, answer }) : failed(error)));
    socket.on("close", () => done({ status: Number(answer.split(" ")[1] ?? 0), answer }));
  });
}

const request = (line, headers = "") => raw(`${line} HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n${headers}\r\n`);
const refused = ({ status, answer }, what) => {
  // 501 is the platform's own for a method that there is not.
  assert.ok((status < 500 || status === 501) && !(status >= 200 && status < 300), `${what}: ${status} ${answer.slice(0, 200)}`);
  assert.ok(!answer.includes("secret-tent"), what);
};

async function goesOn() {
  assert.equal((await engine.send(track("thing", { anonymousId: "a" }))).status, 200);
}

test("no way of writing a path leads around what guards it", async () => {
  const rules = "admin/v1/sites/demo/rules";
  for (const path of [
    "/v1/../v1/state", "/v1/%2e%2e/v1/state", "/v1/./state", "//v1/state", "/v1//state", "/v1/state/", "/v1/state%00", "/v1/state%2f",
    "/v1%2fstate", "/V1/STATE", "/v1/state;a=b", "/%76%31/state", "/v1/state%20", "/v1/state%0d%0aset-cookie:%20a=b",
    `/${rules}`, `//${rules}`, `/x/../${rules}`, "/admin/v1/sites/demo%2frules", "/admin/v1/sites/%2e%2e/demo/rules", `/${rules}/`, `/${rules}/%00`,
    "/admin/v1/sites/demo/visitors/%2e%2e%2frulebook", `/admin/v1/sites/demo/visitors/${visitor.visitor}%00`, "/admin/v1/sites/demo/../../../v1/state",
    "/admin/v1//sites/demo/rules", "/admin/v1/sites//rules", "/admin/v1/openapi.json/..%2fsites/demo/rules", "/admin/v1/rule.schema.json/../sites/demo/rules",
    "/health/../v1/state", "/health/live/../../v1/state", "/..%5c..%5cwrangler.toml", "/../../wrangler.toml", "/%2e%2e/%2e%2e/etc/passwd", "/.git/config",
  ]) refused(await request(`GET ${path}`), path);
  await goesOn();
});

test("a path with an operator's own names leads nowhere else", async () => {
  const ask = (path) => engine.call(`/admin/v1/sites/${path}`, { headers: bearer(engine.adminToken) });
  for (const path of [
    "demo/visitors/..%2f..%2frulebook", "demo/visitors/%00", "demo/rules/..", "demo/rules/%2e%2e", "demo/rules/..%2f..%2fversion",
    "demo/rules/%00", "%64emo%2f/rules", "demo/versions/1%20OR%201=1", "demo/versions/-1", "demo/versions/99999999999999999999",
    `demo/visitors/${visitor.visitor}/explain/..%2f..%2fevents`, "demo/visitors?userId=%00", "demo/audit?limit=1e9", "demo/audit?before=';--",
  ]) {
    const { status } = await ask(path);
    assert.ok(status >= 200 && status < 500, `${path}: ${status}`);
  }
  assert.equal((await ask("demo/visitors/..%2f..%2frulebook")).status, 400);
  await goesOn();
});

test("long headers and addresses are refused, and nothing falls over", async () => {
  for (const bytes of [16, 64, 200]) {
    const long = "x".repeat(bytes * 1024);
    for (const name of ["authorization", "cookie", "user-agent", "sec-websocket-protocol", "origin", "x-anything"]) {
      refused(await request("GET /v1/state", `${name}: ${name === "authorization" ? "Bearer f1." : ""}${long}\r\n`), `${name}, ${bytes} KB`);
    }
    refused(await request(`GET /v1/state?visitor=${long}`), `address, ${bytes} KB`);
  }
  refused(await request("GET /v1/state", "x-a: 1\r\n".repeat(5_000)), "many headers");
  refused(await request("GET /v1/state", `cookie: ${"footfall=f1.k1.demo.x; ".repeat(600)}\r\n`), "many cookies");
  await goesOn();
});

test("null bytes and line ends in headers are refused", async () => {
  const tokens = ["f1.k1.\0demo", "f1\r\n x: y", "\x7f\x01", "f1.k1.demo.\u00ff"];
  for (const text of tokens) refused(await request("GET /v1/state", `authorization: Bearer ${text}\r\n`), JSON.stringify(text));
  refused(await raw("GET /v1/state HTTP/1.1\r\nhost: a\r\n\0: x\r\nconnection: close\r\n\r\n"), "a null byte as a name");
  refused(await raw("GET /v1/state\0 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"), "a null byte in the path");
  await goesOn();
});

test("a header cannot change the method, and unknown methods are refused", async () => {
  const override = "x-http-method-override: DELETE\r\nx-http-method: DELETE\r\nx-method-override: DELETE\r\n";
  const auth = `authorization: Bearer ${engine.operatorToken ?? engine.adminToken}\r\n`;
  await engine.admin("PUT", "demo/rules/kept", { id: "kept", name: "kept", pattern: { event: { name: "x" } }, actions: [{ push: { slot: "s", content: { a: 1 } } }] });
  assert.equal((await request("GET /admin/v1/sites/demo/rules/kept", auth + override)).status, 200);
  assert.equal((await request("GET /admin/v1/sites/demo/rules/kept?_method=DELETE", auth)).status, 200);
  assert.equal((await engine.admin("GET", "demo/rules/kept")).status, 200, "it is still there");
  const own = `authorization: Bearer ${visitor.token}\r\n`;
  for (const method of ["TRACE", "PROPFIND", "FOO", "get", "DELETE", "PUT", "PATCH", "G\u0000ET"]) {
    refused(await request(`${method} /v1/state`, own), method);
    refused(await request(`${method} /admin/v1/sites/demo/versions`, auth), method);
  }
  await goesOn();
});

test("a request is not smuggled behind another", async () => {
  const inner = "GET /v1/state HTTP/1.1\r\nhost: a\r\n\r\n";
  const both = `content-length: ${inner.length}\r\ntransfer-encoding: chunked\r\n`;
  const smuggled = `POST /v1/batch HTTP/1.1\r\nhost: a\r\n${both}\r\n0\r\n\r\n${inner}`;
  refused(await raw(smuggled), "both lengths");
  refused(await raw(`POST /v1/batch HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\nconnection: close\r\n\r\nab`), "two lengths");
  refused(await raw(`POST /v1/batch HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\nconnection: close\r\n\r\n`), "a length below none");
  refused(await raw(`POST /v1/batch HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\nZZ\r\n`), "no chunk");
  await goesOn();
});

test("a key in a place where it does not belong is no key", async () => {
  const ask = (path, headers) => engine.post(path, { batch: [track("thing", { anonymousId: "a" })] }, headers);
  assert.equal((await ask(`/v1/batch?writeKey=${engine.writeKey}`)).status, 401, "only beacons have it in the address");
  const secret = await ask(`/v1/beacon?writeKey=${engine.writeKey}`, { "content-type": "text/plain" });
  assert.deepEqual([secret.status, secret.json.code], [401, "invalid_write_key"], "a secret key in an address is no key");
  assert.equal((await ask(`/v1/beacon?writeKey=${engine.publicKey}`, { "content-type": "text/plain" })).status, 200);
  assert.equal((await ask("/v1/batch", { "x-write-key": engine.writeKey })).status, 401);
  assert.equal((await ask("/v1/batch", { authorization: `Basic ${Buffer.from(`:${engine.writeKey}`).toString("base64")}` })).status, 401);
  assert.equal((await ask("/v1/batch", { authorization: basic(`${engine.writeKey} `) })).status, 401);
});
