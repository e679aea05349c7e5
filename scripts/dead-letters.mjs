#!/usr/bin/env node
// Lists, shows, replays and deletes dead letters: messages that a sink refused or that ran out of tries.

import { parseArgs } from "node:util";

const HELP = `Dead letters: messages that a sink refused or that ran out of tries.

  dead-letters list [--sink SINK]       one line each, the newest first
  dead-letters show ID                  one with its body, as JSON
  dead-letters replay ID                sends it to its sink once more
  dead-letters replay [--sink SINK]     sends all of them, the oldest first
  dead-letters delete ID                forgets it; its records never reach the sink

  --site SITE        which site (default demo)
  --sink SINK        only of d1, origin or archive

  ADDRESS            where the engine is (default http://localhost:8787)
  ADMIN_TOKEN        an operator's token: to list, a viewer's; else an admin's
`;

class Wrong extends Error {}

const { values, positionals } = options();
const [verb, id] = positionals;
const address = process.env.ADDRESS ?? "http://localhost:8787";

function options() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        site: { type: "string", default: "demo" },
        sink: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    fail(error.message, 2);
  }
}

function fail(sentence, code) {
  process.stderr.write(`dead-letters: ${sentence}\n`);
  process.exit(code);
}

async function call(method, path, query = {}) {
  const url = new URL(`/admin/v1/sites/${encodeURIComponent(values.site)}/dead-letters${path}`, address);
  for (const [name, value] of Object.entries(query)) if (value) url.searchParams.set(name, value);
  const reply = await fetch(url, { method, headers: { authorization: `Bearer ${process.env.ADMIN_TOKEN ?? ""}` } });
  const body = reply.status === 204 ? undefined : await reply.json();
  if (!reply.ok) throw new Error(`${reply.status}: ${body.detail}`);
  return body;
}

async function list() {
  let before;
  let count = 0;
  do {
    const { items, next } = await call("GET", "", { sink: values.sink, limit: "100", before });
    for (const letter of items) {
      count += 1;
      const at = new Date(letter.at_ms).toISOString();
      const answer = letter.answer.split("\n")[0];
      console.log(`${letter.id}  ${at}  ${letter.sink}  ${letter.reason}  after ${letter.attempts}  ${letter.bytes} characters  ${answer}`);
    }
    before = next;
  } while (before);
  if (count === 0) console.log("no dead letters");
}

async function replay() {
  if (id) {
    const { replayed } = await call("POST", `/${encodeURIComponent(id)}/replay`);
    return console.log(`replayed ${replayed}`);
  }
  // Those that come back at once are not taken again for ever: as many as there were when it began.
  let total = 0;
  let first;
  for (;;) {
    const { replayed, left } = await call("POST", "/replay", { sink: values.sink });
    total += replayed;
    first ??= replayed + left;
    if (replayed === 0 || left === 0 || total >= first) return console.log(`replayed ${total}, ${left} left`);
  }
}

const verbs = {
  list,
  replay,
  show: async () => console.log(JSON.stringify(await call("GET", `/${encodeURIComponent(named())}`), null, 2)),
  delete: async () => {
    await call("DELETE", `/${encodeURIComponent(named())}`);
    console.log(`deleted ${id}`);
  },
};

function named() {
  if (!id) throw new Wrong(`${verb} needs an id`);
  return id;
}

if (values.help || !verb) {
  process.stdout.write(HELP);
  process.exit(values.help ? 0 : 2);
}
try {
  if (!verbs[verb]) throw new Wrong(`there is no \`${verb}\`; --help lists what there is`);
  await verbs[verb]();
} catch (error) {
  fail(error.cause?.message ? `${error.message}: ${error.cause.message}` : error.message, error instanceof Wrong ? 2 : 1);
}
