// The store's service: takes Footfall's deliveries into PostgreSQL, and answers what a store would ask.
//
//   SECRETS        secrets that deliveries may be signed with, separated by commas; needed
//   DATABASE_URL   the database; without it, a PostgreSQL of this machine is started in DATA
//   PORT, HOST     where to listen (8788 and 127.0.0.1; the reports are for nobody outside)

import { createServer } from "node:http";
import { resolve } from "node:path";
import { page } from "./page.mjs";
import { installPostgres, startPostgres } from "./postgres.mjs";
import { BODY_BYTES_MAX, Refusal, parse, verify } from "./receive.mjs";
import { REPORTS, openStore } from "./store.mjs";

const say = (sentence) => console.error(`origin ${sentence}`);
const secrets = (process.env.SECRETS ?? "").split(",").filter(Boolean);
if (secrets.length === 0 || secrets.some((secret) => secret.length < 32)) {
  say("failed: SECRETS must be set: one or more texts of at least 32 characters, separated by commas");
  process.exit(1);
}

const postgres = process.env.DATABASE_URL ? undefined : await ownPostgres();
const store = await openStore(process.env.DATABASE_URL ?? postgres.url);
const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (!(error instanceof Refusal)) say(`fault: ${error.message}`);
    // 503: Footfall comes again.
    const status = error.status ?? 503;
    if (!response.headersSent) response.writeHead(status, { "content-type": "text/plain; charset=utf-8", connection: "close" });
    response.end(error.status ? error.message : "not now");
  });
});
server.requestTimeout = 30_000;

async function answer(request, response) {
  const url = new URL(request.url, "http://origin");
  if (request.method === "POST" && url.pathname === "/footfall") {
    const body = await read(request);
    verify(request.headers["footfall-signature"], body, secrets);
    await store.take(parse(request.headers, body)).catch((error) => {
      // SQLSTATE class 22: a record that the tables cannot hold, today as tomorrow. Footfall sets that one aside.
      throw /^22/.test(error.code ?? "") ? new Refusal(422, error.message) : error;
    });
    return response.writeHead(204).end();
  }
  if (request.method !== "GET") throw new Refusal(405, "GET / and POST /footfall are here");
  const settings = { site: url.searchParams.get("site") ?? "demo", days: number(url, "days", 30), minutes: number(url, "minutes", 30) };
  const report = /^\/reports\/([a-z-]+)$/.exec(url.pathname)?.[1];
  if (url.pathname === "/") {
    const answers = await Promise.all(Object.keys(REPORTS).map(async (name) => [name, await store.report(name, settings)]));
    return response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page(Object.fromEntries(answers)));
  }
  if (!Object.hasOwn(REPORTS, report ?? "")) throw new Refusal(404, "there is nothing here");
  const rows = await store.report(report, settings);
  return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(rows));
}

async function read(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Refusal(413, "the body is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function number(url, name, usual) {
  const value = Number(url.searchParams.get(name) ?? usual);
  if (!Number.isInteger(value) || value < 0 || value > 3_650) throw new Refusal(400, `${name} is a whole number up to 3650`);
  return value;
}

async function ownPostgres() {
  // Root's own folders are closed to the user that PostgreSQL runs as.
  const usual = process.getuid?.() === 0 ? "/var/lib/footfall-origin" : resolve(".footfall/origin");
  installPostgres(say);
  return startPostgres(process.env.DATA ? resolve(process.env.DATA) : usual);
}

async function stop() {
  server.close();
  server.closeAllConnections();
  await store.close();
  await postgres?.stop();
  process.exit(0);
}

process.once("SIGTERM", stop).once("SIGINT", stop);
server.listen(Number(process.env.PORT ?? 8788), process.env.HOST ?? "127.0.0.1", () => {
  const { address, port } = server.address();
  say(`takes records at http://${address}:${port}/footfall and shows them at http://${address}:${port}/`);
  console.log(JSON.stringify({ address: `http://${address}:${port}` }));
});
