// Asks the published GrowthBook SDK and the engine the same random questions and finds every difference.
//
//   node tests/differential/growthbook.mjs [--count 100000] [--seed 1] [--tool target/tool/footfall]
//
// The questions are cases in GrowthBook's own format, with the SDK's answers, and `footfall conformance` runs them. What
// is meant to differ is told from what is not by how it is written (explained.mjs) and is pinned in
// tests/cases/differences.json. A file with differences is kept; its name is printed.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { seeded } from "../support/random.mjs";
import { condition, groups } from "./conditions.mjs";
import { explanations } from "./explained.mjs";
import * as sdk from "./sdk.mjs";
import { attributes, number, text } from "./values.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const { values: options } = parseArgs({
  options: {
    count: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    tool: { type: "string", default: join(root, "target/tool/footfall") },
  },
});
const count = Number(options.count);
const seed = Number(options.seed);
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) throw new Error("--count and --seed are whole numbers");
const CHUNK = 20_000;
const folder = mkdtempSync(join(tmpdir(), "footfall-differential-"));
/** How often a random case was left out, by the reason. */
const leftOut = {};
/** What was compared. */
const compared = { conditions: 0, hold: 0, assignments: 0 };
const differences = [];

/** As JSON carries it: without -0, and with numbers beyond all doubles as null. */
const sent = (found) => JSON.parse(JSON.stringify(found));

/** One random condition with the SDK's answer; null when the answers are meant to differ. */
function conditionCase(random, name) {
  const asked = sent(attributes(random));
  const saved = random.chance(0.3) ? sent(groups(random, asked)) : undefined;
  const question = random.chance(0.003) ? text(random) : sent(condition(random, asked));
  const known = explanations(question, asked, saved).filter((reason) => reason !== "not-regex");
  const answer = sdk.holds(sdk.spelled(question), asked, saved && sdk.spelled(saved));
  const reasons = answer === "throws" ? ["the SDK throws"] : known;
  if (reasons.length > 0) {
    leftOut[reasons[0]] = (leftOut[reasons[0]] ?? 0) + 1;
    return null;
  }
  compared.conditions += 1;
  if (answer) compared.hold += 1;
  return saved === undefined ? [name, question, asked, answer] : [name, question, asked, answer, saved];
}

/** A number from 0 to 1, often of few places. */
const part = (random) => (random.chance(0.5) ? random.below(21) / 20 : random.below(2 ** 32) / 2 ** 32);

function weights(random, variations) {
  if (random.chance(0.2)) return null;
  const found = Array.from({ length: random.chance(0.9) ? variations : random.below(5) }, () => part(random));
  const sum = found.reduce((a, b) => a + b, 0) * (random.chance(0.8) ? 1 : 0.98 + random.below(50) / 1000);
  return random.chance(0.8) && sum > 0 ? found.map((weight) => weight / sum) : found;
}

const assignments = {
  hash(random) {
    const asked = [text(random) + text(random), text(random), random.pick([1, 1, 2, 2, 2, 0, 3])];
    return [...asked, sdk.hash(...asked)];
  },
  getBucketRange(random, name) {
    const variations = random.below(7);
    const coverage = random.chance(0.05) ? number(random) : part(random);
    const asked = [variations, coverage, weights(random, variations)];
    return [name, asked, sdk.getBucketRanges(variations, coverage, asked[2] ?? undefined)];
  },
  chooseVariation(random, name) {
    const variations = random.below(5);
    const ranges = sdk.getBucketRanges(variations, part(random), weights(random, variations) ?? undefined);
    if (random.chance(0.1)) ranges.reverse();
    // An end of a range is where it is decided.
    const bucket = random.chance(0.3) && ranges.length > 0 ? random.pick(random.pick(ranges)) : random.below(10_000) / 10_000;
    return [name, bucket, ranges, sdk.chooseVariation(bucket, ranges)];
  },
  inNamespace(random, name) {
    const [value, namespace] = [text(random), [text(random), part(random), part(random)]];
    return [name, value, namespace, sdk.inNamespace(value, namespace)];
  },
  getEqualWeights(random) {
    const variations = random.between(-2, 100);
    return [variations, sdk.getEqualWeights(variations)];
  },
};

/** Runs a file of cases and keeps what the tool says of failures. */
function run(suite, name) {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify(suite));
  const { status, stdout, stderr, error } = spawnSync(options.tool, ["conformance", file], { encoding: "utf8", maxBuffer: 2 ** 30 });
  if (error || ![0, 1].includes(status)) throw error ?? new Error(`${options.tool} ended with ${status} on ${file}: ${stderr}`);
  const failed = stdout.split("\n").filter((line) => line.startsWith("FAILED "));
  const counted = Object.values(suite).filter(Array.isArray).reduce((sum, cases) => sum + cases.length, 0);
  const last = stdout.trimEnd().split("\n").at(-1);
  if (last !== `${counted - failed.length} passed, ${failed.length} failed`) throw new Error(`${file}: ${last}, of ${counted}`);
  if (failed.length === 0) rmSync(file);
  return { failed, file };
}

function random() {
  for (let first = 0, chunk = 0; compared.conditions < count; chunk += 1) {
    const random = seeded(seed * 1_000_003 + chunk);
    const suite = { specVersion: "0.8.0", evalCondition: [], hash: [], getBucketRange: [], chooseVariation: [], inNamespace: [], getEqualWeights: [] };
    while (suite.evalCondition.length < Math.min(CHUNK, count - first)) {
      const found = conditionCase(random, `${chunk}:${suite.evalCondition.length}`);
      if (found) suite.evalCondition.push(found);
    }
    first += suite.evalCondition.length;
    const console_error = console.error;
    console.error = () => {};
    for (const [section, make] of Object.entries(assignments)) {
      const times = section === "hash" ? CHUNK / 5 : section === "getEqualWeights" ? 20 : CHUNK / 10;
      for (let at = 0; at < times; at += 1) suite[section].push(make(random, `${chunk}:${at}`));
      compared.assignments += times;
    }
    console.error = console_error;
    const { failed, file } = run(suite, `chunk-${chunk}`);
    for (const line of failed) {
      const name = /^FAILED evalCondition: (\S+): /.exec(line)?.[1];
      differences.push({ line, case: suite.evalCondition.find(([other]) => other === name), file });
    }
    console.log(`${first} of ${count} conditions, ${differences.length} differences`);
  }
}

/** Cases that are pinned say what the SDK answers, and it still does. */
function pinned() {
  const suite = { specVersion: "0.8.0", evalCondition: [] };
  const { differences: known } = JSON.parse(readFileSync(join(root, "tests/cases/differences.json"), "utf8"));
  for (const [reason, { why, cases }] of Object.entries(known)) {
    if (!why || cases.length === 0) throw new Error(`differences.json: ${reason} has no reason or no cases`);
    for (const [name, question, asked, ours, theirs, saved] of cases) {
      const wrong = (what) => differences.push({ line: `differences.json: ${reason}: ${name}: ${what}` });
      const answer = sdk.holds(question, asked, saved);
      if (answer !== theirs) wrong(`the SDK answers ${answer}, not ${theirs}`);
      if (ours === theirs) wrong("both answers are the same");
      const explained = explanations(question, asked, saved);
      if (theirs !== "throws" && !explained.includes(reason)) wrong(`it is explained as ${explained.join(", ") || "nothing"}`);
      suite.evalCondition.push([`${reason}: ${name}`, question, asked, ours, ...(saved ? [saved] : [])]);
    }
  }
  differences.push(...run(suite, "pinned").failed.map((line) => ({ line })));
  return suite.evalCondition.length;
}

/** Our own cases hold of the SDK as well, but for what is explained. */
function own() {
  const { evalCondition: cases } = JSON.parse(readFileSync(join(root, "tests/cases/conditions.json"), "utf8"));
  for (const [name, question, asked, expected, saved] of cases) {
    if (explanations(question, asked, saved).some((reason) => reason !== "not-regex")) continue;
    const answer = sdk.holds(sdk.spelled(question), asked, saved);
    if (answer !== expected && answer !== "throws") differences.push({ line: `conditions.json: ${name}: the SDK answers ${answer}` });
  }
  return cases.length;
}

const began = Date.now();
const fixed = [own(), pinned()];
random();
for (const { line, case: found, file } of differences.slice(0, 20)) console.log([line, found && JSON.stringify(found), file].filter(Boolean).join("\n  "));
const share = Math.round((100 * compared.hold) / compared.conditions);
console.log(`left out, because they are meant to differ: ${JSON.stringify(leftOut)}`);
console.log(`${fixed[0]} own cases, ${fixed[1]} pinned differences, ${compared.assignments} assignments`);
console.log(`${compared.conditions} conditions (${share} % hold), seed ${seed}, ${Math.round((Date.now() - began) / 1000)} s`);
console.log(`${differences.length} differences that are not explained`);
if (differences.length > 0) process.exitCode = 1;
else rmSync(folder, { recursive: true });
