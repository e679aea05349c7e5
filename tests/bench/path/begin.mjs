// How long a runtime takes from its start to the first answer, and how much there is to upload.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { bare, floor, footfall } from './candidates.mjs';
import { spread } from './figures.mjs';
import { start } from './workerd.mjs';

const TIMES = 7;

/** Of Footfall, the empty Rust Worker and the floor, in turn. */
export async function compareBeginnings(harness, { build, bytes }) {
  const candidates = { floor: floor(bytes), bare: bare(bytes), footfall: footfall([], { build }) };
  const taken = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]));
  for (let time = 0; time < TIMES; time += 1) {
    for (const [name, candidate] of Object.entries(candidates)) {
      const runtime = await start(candidate, harness.folder(`begin-${name}-${time}`), harness.queue.port);
      taken[name].push(runtime.readyMs);
      await runtime.stop();
    }
  }
  return Object.fromEntries(
    Object.entries(candidates).map(([name, { modules }]) => {
      const files = modules.map(([, , file]) => readFileSync(file));
      const sum = (sizes) => sizes.reduce((all, size) => all + size, 0);
      return [name, { ready_ms: spread(taken[name]), bytes: sum(files.map((file) => file.length)), gzip_bytes: sum(files.map((file) => gzipSync(file, { level: 9 }).length)) }];
    }),
  );
}
