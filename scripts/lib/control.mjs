// A port for tests only: evict an object, query D1, send to a queue, look into an object's storage. Loopback, never deployed.

import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Starts it on a free loopback port. */
export async function startControl(runtime) {
  const actions = { "/evict": evict, "/d1": d1, "/queue": queue, "/storage": storage };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://control");
    const action = request.method === "POST" && actions[url.pathname];
    const [status, body] = action
      ? await action(runtime, Object.fromEntries(url.searchParams), request).then(
          (result) => [200, result],
          (error) => [500, { error: String(error?.message ?? error) }],
        )
      : [404, { error: `POST one of ${Object.keys(actions).join(", ")}` }];
    response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
  });
  await new Promise((listening, failed) => server.once("error", failed).listen(0, "127.0.0.1", listening));
  server.unref();
  return { address: `http://127.0.0.1:${server.address().port}` };
}

/** Drops the object from memory as hibernation would; its sockets stay open. `websockets=close` closes them. */
async function evict({ miniflare, workerName }, { class: className, name, websockets = "hibernate" }) {
  try {
    await miniflare.unsafeEvictDurableObject(workerName, className, { name, webSockets: websockets });
  } catch (error) {
    if (!/not currently running/.test(error.message)) throw error;
    return { evicted: false }; // it was asleep already
  }
  return { evicted: true };
}

async function d1(runtime, _query, request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  const { sql, params = [] } = JSON.parse(text);
  const { results } = await (await runtime.d1()).prepare(sql).bind(...params).all();
  return results;
}

/** Sends a message to a queue by its binding, as text: so a test delivers something again. */
async function queue({ miniflare, workerName }, { binding }, request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  await (await miniflare.getQueueProducer(binding, workerName)).send(text, { contentType: "text" });
  return { sent: true };
}

/** An object's database file, and how many rows each of its tables has. Reading it does not wake the object. */
async function storage({ miniflare, persistence, workerName, durableObjects }, { class: className, name }) {
  const binding = durableObjects.find((entry) => entry.class_name === className);
  if (!binding) throw new Error(`no Durable Object class ${className}`);
  const namespace = await miniflare.getDurableObjectNamespace(binding.name);
  const id = namespace.idFromName(name).toString();
  const file = join(persistence, "do", `${workerName}-${className}`, `${id}.sqlite`);
  if (!existsSync(file)) return { id, file, exists: false };
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    const count = (table) => database.prepare(`SELECT count(*) AS n FROM "${table}"`).get().n;
    return { id, file, exists: true, tables: Object.fromEntries(tables.map(({ name: table }) => [table, count(table)])) };
  } finally {
    database.close();
  }
}
