#!/usr/bin/env node
// Gives a new engine the demo store's rules, segments and stages, through the admin's endpoint.
//
//   node scripts/seed.mjs --address http://localhost:8787 --token ADMIN_TOKEN [--site demo] [--file rules.json]
//
// A site whose rulebook was ever written to is left as it is: what somebody changed or deleted stays so.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = resolve(import.meta.dirname, "..");
const FILE = join(root, "examples/store/rules.json");

/** Publishes the documents of a file; gives how many, which is 0 for a site that has had some. */
export async function seed({ address, token, site = "demo", file = FILE }) {
  const call = async (method, path, body) => {
    const reply = await fetch(`${address}/admin/v1/sites/${site}/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!reply.ok) throw new Error(`${method} ${path} answered ${reply.status}: ${await reply.text()}`);
    return reply.json();
  };
  if ((await call("GET", "rules")).version > 0) return 0;
  const documents = JSON.parse(readFileSync(file, "utf8"));
  let count = 0;
  // What rules refer to comes before them.
  for (const kind of ["stages", "segments", "rules"]) {
    for (const document of documents[kind] ?? []) {
      await call("PUT", `${kind}/${document.id}`, document);
      count += 1;
    }
  }
  return count;
}

async function main() {
  const { values } = parseArgs({
    options: { address: { type: "string" }, token: { type: "string" }, site: { type: "string" }, file: { type: "string" } },
  });
  if (!values.address || !values.token) throw new Error("say --address and --token");
  const count = await seed(values);
  process.stderr.write(count > 0 ? `seed  ${count} documents published\n` : "seed  the site has had documents: nothing is changed\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    process.stderr.write(`seed  failed: ${error.message}\n`);
    process.exit(1);
  });
}
