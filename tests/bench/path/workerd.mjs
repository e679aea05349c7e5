// Runs candidates on plain workerd: one process and one directory on disk for each, and no other Worker in the way.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const root = path.resolve(import.meta.dirname, '../../..');
const BINARY = path.join(root, 'node_modules/workerd/bin/workerd');
const DATE = '2026-11-17';

async function freePort() {
  const server = createServer();
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

const text = (value) => JSON.stringify(String(value));

/**
 * The configuration: `modules` are [name, kind, file], `classes` are [binding, class], `vars` texts by name, `queues` the
 * bindings whose messages go to `queuePort`.
 */
function configuration({ modules, classes, vars = {}, queues = [], evicts }, port, queuePort) {
  const bindings = [
    ...classes.map(([binding, name]) => `(name = ${text(binding)}, durableObjectNamespace = ${text(name)})`),
    ...Object.entries(vars).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
    ...queues.map((binding) => `(name = ${text(binding)}, queue = "queues")`),
  ];
  const namespaces = classes.map(
    ([, name]) => `(className = ${text(name)}, uniqueKey = ${text(name)}, enableSql = true, preventEviction = ${!evicts})`,
  );
  const embedded = modules.map(([name, kind]) => `(name = ${text(name)}, ${kind} = embed ${text(name)})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "disk", disk = (path = "objects", writable = true)),
    (name = "queues", external = (address = "127.0.0.1:${queuePort}", http = ())),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [${embedded.join(', ')}],
  compatibilityDate = "${DATE}",
  bindings = [${bindings.join(', ')}],
  durableObjectNamespaces = [${namespaces.join(', ')}],
  durableObjectStorage = (localDisk = "disk"),
);
`;
}

/** Starts a candidate with an empty disk; `pause` and `resume` stop and continue its process. */
export async function start(candidate, folder, queuePort) {
  mkdirSync(path.join(folder, 'objects'), { recursive: true });
  for (const [name, , file] of candidate.modules) copyFileSync(file, path.join(folder, name));
  const port = await freePort();
  writeFileSync(path.join(folder, 'config.capnp'), configuration(candidate, port, queuePort));
  const began = performance.now();
  const child = spawn(BINARY, ['serve', 'config.capnp', '--experimental'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const end = () => child.kill('SIGKILL');
  process.once('exit', end); // also when this script fails
  let log = '';
  child.stderr.on('data', (more) => {
    log = (log + more).slice(-4_000);
  });
  const stop = async () => {
    process.off('exit', end);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await gone;
  };
  for (;;) {
    if (child.exitCode !== null) throw new Error(`workerd ended:\n${log}`);
    const up = await fetch(`http://127.0.0.1:${port}${candidate.probe}`).then(() => true, () => false);
    if (up) break;
    if (performance.now() - began > 20_000) throw new Error(`workerd does not answer:\n${log}`);
    await sleep(10);
  }
  return {
    address: `127.0.0.1:${port}`,
    pid: child.pid,
    readyMs: performance.now() - began,
    log: () => log,
    pause: () => child.kill('SIGSTOP'),
    resume: () => child.kill('SIGCONT'),
    stop,
  };
}
