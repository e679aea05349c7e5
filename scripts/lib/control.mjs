// A port for tests only: evict an object, query D1, look into an object's storage, list objects, send to a queue, read
// files. Loopback, never deployed.

import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Starts it on a free loopback port. */
export async function startControl(runtime) {
  const actions = { "/evict": evict, "/d1": d1, "/storage": storage, "/objects": objects, "/queue": queue, "/files": files };
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

/** Sends the body to the queue of a binding: as `bytes`, or else as text. */
async function queue({ miniflare, workerName }, { binding, type = "text" }, request) {
  const body = Buffer.concat(await request.toArray());
  const message = type === "bytes" ? new Uint8Array(body) : body.toString();
  await (await miniflare.getQueueProducer(binding, workerName)).send(message, { contentType: type });
  return {};
}

/** All files of the bucket of a binding, by name. */
async function files({ miniflare, workerName }, { binding }) {
  const bucket = await miniflare.getR2Bucket(binding, workerName);
  const found = {};
  let cursor;
  do {
    const page = await bucket.list({ cursor });
    for (const { key } of page.objects) found[key] = await (await bucket.get(key)).text();
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor);
  return found;
}

/** The database files of all objects of a class. */
async function objects({ persistence, workerName }, { class: className }) {
  const folder = join(persistence, "do", `${workerName}-${className}`);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((file) => file.endsWith(".sqlite") && !file.startsWith("metadata"));
}

/**
 * An object's database file, and what of ours it holds: how many rows of each table, how many keys of each kind (what comes
 * before "/"). Reading it does not wake the object.
 */
async function storage({ miniflare, persistence, workerName, durableObjects }, { class: className, name }) {
  const binding = durableObjects.find((entry) => entry.class_name === className);
  if (!binding) throw new Error(`no Durable Object class ${className}`);
  const namespace = await miniflare.getDurableObjectNamespace(binding.name);
  const id = namespace.idFromName(name).toString();
  const file = join(persistence, "do", `${workerName}-${className}`, `${id}.sqlite`);
  if (!existsSync(file)) return { id, file, exists: false, holds: {} };
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all().map(({ name }) => name);
    const holds = {};
    for (const table of tables.filter((own) => !/^(_cf_|sqlite_)/.test(own))) {
      holds[table] = database.prepare(`SELECT count(*) AS n FROM "${table}"`).get().n;
    }
    const keys = tables.includes("_cf_KV") ? database.prepare("SELECT key FROM _cf_KV").all() : [];
    for (const [kind] of keys.map(({ key }) => key.split("/"))) holds[kind] = (holds[kind] ?? 0) + 1;
    return { id, file, exists: true, holds };
  } finally {
    database.close();
  }
}
