// Starts workerd through Miniflare with the options of wrangler.toml, and ties the two processes' lives together.

import childProcess from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { keepQueuesOnDisk } from "./queue.mjs";

process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false"; // no look-up of geodata: nothing here uses the network
process.env.WRANGLER_SEND_METRICS = "false";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const { unstable_getMiniflareWorkerOptions, unstable_readConfig } = await import("wrangler");
// The Miniflare that wrangler itself uses, wherever npm has put it.
const wranglersOwn = createRequire(createRequire(import.meta.url).resolve("wrangler"));
const { Log, LogLevel, Miniflare, QUEUES_PLUGIN, convertV4MiniflareOptions } = wranglersOwn("miniflare");

export async function startRuntime(options) {
  const { port, host, state, build, site, vars, secrets, addressLimit, quiet, queue = {}, control, say } = options;
  const configPath = join(root, "wrangler.toml");
  const main = resolve(build, "entry.js");
  if (!existsSync(main)) throw new Error(`${main} is missing: run scripts/build.sh first`);
  const bindings = { ...secrets, ...vars }; // what is said outright counts
  const worker = workerOptions(configPath, main, { site, addressLimit, bindings, queue, control });
  const guard = guardRuntime(say);
  const persistence = join(state, "v3"); // where `wrangler … --local --persist-to STATE` looks as well
  keepQueuesOnDisk(QUEUES_PLUGIN, persistence, queue);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host,
      port,
      resourcePersistencePath: persistence,
      log: new Log(LogLevel.WARN),
      handleStructuredLogs: ({ level, message }) => {
        if (!quiet || level === "error" || level === "warn") process.stderr.write(`${message}\n`);
      },
      logRequests: false,
      telemetry: { enabled: false },
      workers: [worker],
    }),
  );
  guard.stopOnSignals(miniflare);
  const url = await miniflare.ready;
  const config = unstable_readConfig({ config: configPath }, { hideWarnings: true });
  const [database] = config.d1_databases;
  return {
    miniflare,
    persistence,
    workerName: worker.name,
    address: `http://${host}:${url.port}`,
    pid: () => guard.pid(),
    d1: () => miniflare.getD1Database(database.binding),
    migrationsDir: join(root, database.migrations_dir),
    durableObjects: config.durable_objects.bindings,
  };
}

function workerOptions(configPath, main, { site, addressLimit, bindings, queue, control }) {
  // Which modules there are is said outright below; current Miniflare does not take wrangler's rules for finding them.
  const { modulesRules: _, ...options } = unstable_getMiniflareWorkerOptions(configPath, undefined, {
    overrides: site ? { assets: { directory: resolve(site) } } : {},
  }).workerOptions;
  if (addressLimit) options.ratelimits.ADDRESSES.simple.limit = Number(addressLimit);
  mkdirSync(options.assets.directory, { recursive: true });
  const { name } = unstable_readConfig({ config: configPath }, { hideWarnings: true });
  if (queue.wait_s !== undefined) {
    for (const consumer of Object.values(options.queueConsumers)) consumer.maxBatchTimeout = queue.wait_s;
  }
  // More queues of each sink, as an operator adds them to wrangler.toml.
  for (const [binding, { queueName }] of Object.entries({ ...options.queueProducers })) {
    for (let n = 1; n < (queue.shards ?? 1); n += 1) {
      options.queueProducers[`${binding}_${n}`] = { queueName: `${queueName}-${n}` };
      options.queueConsumers[`${queueName}-${n}`] = { ...options.queueConsumers[queueName] };
    }
  }
  // So that tests can put something into the queues that nobody but the platform sends to.
  const producers = Object.fromEntries(Object.keys(options.queueConsumers).map((name) => [name, { queueName: name }]));
  return {
    ...options,
    name,
    modules: [
      { type: "ESModule", path: main },
      { type: "ESModule", path: join(dirname(main), "index.js") },
      { type: "CompiledWasm", path: join(dirname(main), "index_bg.wasm") },
    ],
    modulesRoot: dirname(main),
    queueProducers: { ...(control && producers), ...options.queueProducers },
    bindings: { ...options.bindings, ...bindings },
  };
}

// Miniflare would restart a runtime that died, and a runtime would outlive this process if that were killed.
// Tests that kill need both to end together, so the spawn of workerd is watched here.
function guardRuntime(say) {
  let runtime;
  let stopping = false;
  const spawn = childProcess.spawn;
  childProcess.spawn = (command, args, options) => {
    const child = spawn(command, args, options);
    if (!args?.includes("serve")) return child;
    runtime = child;
    const watchdog = watch(spawn, child.pid);
    child.once("exit", (code, signal) => {
      watchdog.stdin.end("gone\n");
      if (stopping) return;
      say(`the runtime (workerd, pid ${child.pid}) ended by itself: ${signal ?? `exit code ${code}`}`);
      process.exit(1);
    });
    return child;
  };
  return {
    pid: () => runtime?.pid,
    stopOnSignals(miniflare) {
      for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
        process.removeAllListeners(signal); // Miniflare's own, which exit at once and with an error
        process.on(signal, async () => {
          if (stopping) return;
          stopping = true;
          await miniflare.dispose();
          process.exit(0);
        });
      }
    },
  };
}

// A shell that waits on a pipe only this process holds: when the pipe closes without a word, this process was
// killed, and the shell kills the runtime. Its own session keeps a terminal's Ctrl-C away from it.
function watch(spawn, pid) {
  const watchdog = spawn("/bin/sh", ["-c", `read -r word || kill -9 ${pid}`], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  watchdog.stdin.on("error", () => {}); // it may already have ended
  watchdog.unref();
  return watchdog;
}
