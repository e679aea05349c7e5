// Builds the static files into build/site: the client bundles, the console and the schema of documents; with --demo the demo store as well.
//
//   node scripts/build-site.mjs [--demo] [--out DIR]

import { gzipSync } from 'node:zlib';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const demo = process.argv.includes('--demo');
const outAt = process.argv.indexOf('--out');
const out = resolve(root, outAt > 0 ? process.argv[outAt + 1] : 'build/site');

const common = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  target: 'es2022',
  sourcemap: 'linked',
  legalComments: 'none',
  logLevel: 'warning',
};

await mkdir(out, { recursive: true });
await Promise.all([
  build({ ...common, entryPoints: ['client-js/src/script.ts'], format: 'iife', outfile: join(out, 'footfall.js') }),
  build({ ...common, entryPoints: ['client-js/src/index.ts'], format: 'esm', outfile: join(out, 'footfall.mjs') }),
  build({ ...common, entryPoints: { console: 'console/src/console.ts', style: 'console/console.css' }, format: 'esm', outdir: join(out, 'console') }),
  demo && build({ ...common, entryPoints: { store: 'examples/store/store.ts', style: 'examples/store/store.css' }, format: 'esm', outdir: join(out, 'store') }),
]);
await copyFile(join(root, 'console/index.html'), join(out, 'console/index.html'));
// Where editors look for it, and so its `$id`.
await mkdir(join(out, 'admin/v1'), { recursive: true });
const schema = JSON.parse(await readFile(join(root, 'docs/rule.schema.json'), 'utf8'));
await writeFile(join(out, 'admin/v1/rule.schema.json'), JSON.stringify(schema));
if (demo) await writeStore();

for (const file of ['footfall.js', 'footfall.mjs', 'console/console.js', ...(demo ? ['store/store.js'] : [])]) {
  const bytes = await readFile(join(out, file));
  console.log(`${file}: ${kilobytes(bytes.length)}, ${kilobytes(gzipSync(bytes, { level: 9 }).length)} gzipped`);
}

/** Writes the store's pages and pictures; both are made by its own TypeScript, bundled and run here. */
async function writeStore() {
  const { pages } = await load('examples/store/pages.ts');
  const { picture } = await load('examples/store/pictures.ts');
  const { PRODUCTS } = await load('examples/store/catalogue.ts');
  await rm(join(out, 'product'), { recursive: true, force: true });
  const files = [...pages(), ...PRODUCTS.map(({ slug, sku }) => [`pictures/${slug}.svg`, picture(sku)])];
  for (const [path, text] of files) {
    await mkdir(dirname(join(out, path)), { recursive: true });
    await writeFile(join(out, path), text);
  }
}

async function load(entry) {
  const { outputFiles } = await build({ absWorkingDir: root, entryPoints: [entry], bundle: true, format: 'esm', write: false });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString('base64')}`);
}

function kilobytes(bytes) {
  return `${(bytes / 1024).toFixed(1)} KB`;
}
