// Bundles the TypeScript objects with their rules, as a deployment does.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { logic } from './traffic.mjs';

const root = path.resolve(import.meta.dirname, '../../..');

/** Makes `folder`/`name`.js of typescript/`name`.ts with these rules. */
export function bundle(name, rules, folder) {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'rules.json');
  // Footfall looks at rules by their ids.
  const sorted = [...rules].sort((a, b) => (a.id < b.id ? -1 : 1));
  writeFileSync(file, JSON.stringify(sorted.map((rule) => ({ ...rule, ...logic(rule), ...(name === 'rules-engine' ? { logic: undefined } : { comparisons: undefined }) }))));
  const out = path.join(folder, `${name}.js`);
  const flags = ['--bundle', '--format=esm', '--platform=browser', '--target=esnext', '--minify', '--keep-names', '--external:cloudflare:*', `--alias:rules.json=${file}`];
  execFileSync(path.join(root, 'node_modules/.bin/esbuild'), [path.join(import.meta.dirname, 'typescript', `${name}.ts`), `--outfile=${out}`, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
  return out;
}
