// Starts candidates on one disk, stops all but the one that is measured, and plays requests against it.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { startQueue } from './queue.mjs';
import { start } from './workerd.mjs';

const GENERATOR = path.resolve(import.meta.dirname, '../target/release/footfall-bench-generator');
export const say = (sentence) => process.stderr.write(`bench  ${sentence}\n`);

/** Lets this run go before what else the machine does, where that is allowed. */
function favour(pid, nice = -10) {
  try {
    setPriority(pid, nice);
    writeFileSync(`/proc/${pid}/autogroup`, String(nice)); // between sessions the kernel looks at this one
  } catch {}
}

function usedTicks(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** Requests or frames as the generator reads them: each behind its length. */
export function requestsFile(file, list) {
  const parts = [];
  for (const bytes of list) {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(bytes.length);
    parts.push(head, bytes);
  }
  writeFileSync(file, Buffer.concat(parts));
  return file;
}

/** Behind a value's bytes the platform writes a few of its own. */
const ENDING = 16;

/** Bytes that an object keeps, on the average, without the zeros that values are filled up with. */
export function bytesKept(folder) {
  const files = readdirSync(folder).filter((file) => file.endsWith('.sqlite') && !file.startsWith('metadata'));
  const sizes = files.slice(0, 200).map((file) => {
    const database = new DatabaseSync(path.join(folder, file), { readOnly: true });
    const rows = database.prepare('SELECT value FROM _cf_KV').all();
    database.close();
    return rows.reduce((sum, { value }) => sum + value.subarray(0, -ENDING).findLastIndex((byte) => byte !== 0) + 1 + ENDING, 0);
  });
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length);
}

export class Harness {
  #runs = 0;
  #work;

  constructor(work) {
    this.#work = work;
  }

  static async open(work) {
    const harness = new Harness(path.join(work, `run-${Date.now()}`));
    mkdirSync(harness.#work, { recursive: true });
    harness.queue = await startQueue();
    return harness;
  }

  folder(name) {
    return path.join(this.#work, name);
  }

  /** Starts a candidate and prepares so many visitors; it is stopped until `measure`. */
  async add(name, candidate, visitors, queue = this.queue) {
    say(`starting ${name}`);
    this.#runs += 1;
    const folder = this.folder(`${name}-${this.#runs}`);
    const runtime = await start(candidate, folder, queue.port);
    favour(runtime.pid);
    const prepared = await candidate.prepare(runtime, visitors);
    return { ...candidate, name, folder, runtime, prepared, at: 0 };
  }

  /** Plays requests against a candidate. */
  async generate(candidate, options) {
    this.#runs += 1;
    const { runtime } = candidate;
    const flags = { address: runtime.address, requests: candidate.requests, pid: runtime.pid, from: candidate.at, run: this.#runs, expect: candidate.expect, ...options };
    const child = spawn(GENERATOR, Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]), { stdio: ['ignore', 'pipe', 'inherit'] });
    favour(child.pid);
    let out = '';
    child.stdout.on('data', (more) => { out += more; });
    const code = await new Promise((done) => child.once('close', done));
    if (code !== 0) throw new Error(`the generator failed for ${candidate.name}\n${runtime.log()}`);
    const seen = JSON.parse(out);
    if (seen.failures > 0) throw new Error(`${candidate.name}: ${seen.failures} failures, the first: ${seen.failure}\n${runtime.log()}`);
    candidate.at = seen.next;
    return { ...seen, rate: seen.requests / seen.seconds, cpu_us: (seen.cpu_ms * 1_000) / seen.requests };
  }

  /** Continues a candidate, waits until it has done what fell due meanwhile, measures, and stops it again. */
  async measure(candidate, work) {
    const { runtime } = candidate;
    runtime.resume();
    for (let quiet = 0, before = usedTicks(runtime.pid), tries = 0; quiet < 3 && tries < 100; tries += 1) {
      await sleep(100);
      const now = usedTicks(runtime.pid);
      quiet = now - before <= 1 ? quiet + 1 : 0;
      before = now;
    }
    const found = await work(candidate);
    runtime.pause();
    return found;
  }

  async close() {
    this.queue.stop();
    rmSync(this.#work, { recursive: true, force: true });
  }
}
