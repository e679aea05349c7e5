// Writes docs/benchmarks.md from the results that are there, so that each benchmark can be run alone; by itself: node page.mjs
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { chart as rulesChart } from './rules/chart.mjs';
import { page as rulesPage } from './rules/page.mjs';
import { chart as pathChart } from './path/chart.mjs';
import { section as pathSection } from './path/section.mjs';

const docs = path.resolve(import.meta.dirname, '../../docs');

function results(name) {
  const file = path.join(import.meta.dirname, `results/${name}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/** Writes page and charts; gives the page. */
export function writePage() {
  const [rules, whole] = [results('rules'), results('path')];
  writeFileSync(path.join(docs, 'benchmarks-rules.svg'), rulesChart(rules));
  if (whole) writeFileSync(path.join(docs, 'benchmarks-path.svg'), pathChart(whole));
  const text = rulesPage(rules) + (whole ? pathSection(whole) : '');
  writeFileSync(path.join(docs, 'benchmarks.md'), text);
  return text;
}

if (process.argv[1] === import.meta.filename) writePage();
