#!/usr/bin/env node
// Runs the built Worker on the real runtime (workerd, through Miniflare) with its state in a directory.
//
// Needs Node 22 or later (node_modules/.bin/node) and a build (scripts/build.sh). When it is ready it prints
// one line of JSON on stdout; everything else goes to stderr.

import { parseArgs } from "node:util";
import { resolve } from "node:path";
import { credentials } from "./lib/credentials.mjs";
import { startControl } from "./lib/control.mjs";
import { migrate } from "./lib/migrate.mjs";
import { startRuntime } from "./lib/runtime.mjs";
import { openState } from "./lib/state.mjs";
import { seed } from "./seed.mjs";

const HELP = `Runs the built Worker on workerd, with its state in a directory.

  --port N           port to listen on; 0, the default, takes a free one
  --host ADDRESS     address to listen on (default 127.0.0.1)
  --state DIR        where state and credentials are kept (default .footfall/state); made if absent
  --build DIR        output of the build (default build)
  --site DIR         static files (default: what wrangler.toml says)
  --var NAME=VALUE   replaces or adds an entry of [vars]; repeatable
  --address-limit N  requests of one address in ten seconds, instead of what wrangler.toml says
  --demo             a new state is given the demo store's rules and segments (examples/store/rules.json)
  --queue-wait S     queues wait S seconds for a batch to fill (default: what wrangler.toml says)
  --queue-shards N   queues of each sink (default 1)
  --queue-seed N     queues change the order and bring acknowledged messages again, as the service may; for tests
  --queue-refuses Q  the queue of this name takes nothing; for tests
  --queue-hangs Q    the queue of this name does not answer; for tests
  --control          also opens a port for tests: evict an object, query D1, send to a queue, read files
  --with-parent      stop when the process that started this one is gone
  --text             say when it is ready in words for people instead of JSON
  --quiet            of the Worker's log, show warnings and errors only
  --help             this text

Ready line: {"address","write_key","public_key","admin_token","pid","runtime_pid"[,"control"]}`;

const say = (sentence) => process.stderr.write(`serve  ${sentence}\n`);

function options() {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      host: { type: "string", default: "127.0.0.1" },
      state: { type: "string", default: ".footfall/state" },
      build: { type: "string", default: "build" },
      site: { type: "string" },
      var: { type: "string", multiple: true, default: [] },
      "address-limit": { type: "string" },
      demo: { type: "boolean", default: false },
      "queue-wait": { type: "string" },
      "queue-shards": { type: "string" },
      "queue-seed": { type: "string" },
      "queue-refuses": { type: "string" },
      "queue-hangs": { type: "string" },
      control: { type: "boolean", default: false },
      "with-parent": { type: "boolean", default: false },
      text: { type: "boolean", default: false },
      quiet: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`--port ${values.port}: not a port number`);
  const vars = values.var.map((pair) => {
    const at = pair.indexOf("=");
    if (at < 1) throw new Error(`--var ${pair}: write NAME=VALUE`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const number = (name) => values[name] && Number(values[name]);
  const queue = { wait_s: number("queue-wait"), seed: number("queue-seed"), shards: number("queue-shards") };
  if (Object.values(queue).some((value) => Number.isNaN(value))) throw new Error("what --queue-… takes are numbers");
  Object.assign(queue, { refuses: values["queue-refuses"], hangs: values["queue-hangs"] });
  return { ...values, port, queue, vars: Object.fromEntries(vars), state: resolve(values.state) };
}

async function main() {
  const wanted = options();
  if (wanted.help) {
    process.stdout.write(`${HELP}\n`);
    return;
  }
  if (wanted["with-parent"]) stopWithParent();
  openState(wanted.state);
  const { secrets, ready } = credentials(wanted.state);
  const runtime = await startRuntime({ ...wanted, addressLimit: wanted["address-limit"], secrets, say });
  await migrate(await runtime.d1(), runtime.migrationsDir, say);
  if (wanted.demo) await seedDemo(runtime.address, ready.admin_token);
  const control = wanted.control ? await startControl(runtime) : undefined;
  const facts = {
    address: runtime.address,
    ...ready,
    pid: process.pid,
    runtime_pid: runtime.pid(),
    ...(control && { control: control.address }),
  };
  process.stdout.write(wanted.text ? inWords(facts) : `${JSON.stringify(facts)}\n`);
}

async function seedDemo(address, token) {
  const count = await seed({ address, token });
  if (count > 0) say(`the demo store has its rules and segments (${count} documents)`);
}

function inWords({ address, write_key, public_key, admin_token }) {
  const base = address.replace("127.0.0.1", "localhost");
  return `
  store        ${base}/
  console      ${base}/console/
  write key    ${write_key}   (secret, for servers)
  public key   ${public_key}   (for browsers)
  admin token  ${admin_token}

  Ctrl-C stops it; what it knows is kept for the next start.

`;
}

// `make` may be killed without being able to tell its children.
function stopWithParent() {
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.kill(process.pid, "SIGTERM"), 500).unref();
}

main().catch((error) => {
  say(`failed: ${error.message}`);
  process.exit(1);
});
