// Random conditions over some attributes, of the whole language, mostly well written and often true.

import { expression, name, scalar, text, value, version } from "./values.mjs";

const OPERATORS = [
  "$eq", "$ne", "$lt", "$lte", "$gt", "$gte", "$in", "$nin", "$ini", "$nini", "$inGroup", "$notInGroup", "$exists", "$not", "$size",
  "$elemMatch", "$all", "$alli", "$regex", "$regexi", "$notRegex", "$notRegexi", "$type", "$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte",
];
/** Operators that look into lists, and those that look into texts. */
const OF_LISTS = ["$elemMatch", "$elemMatch", "$elemMatch", "$size", "$all", "$alli", "$in", "$nin", "$ini", "$inGroup"];
const OF_TEXTS = ["$regex", "$regexi", "$notRegex", "$notRegexi", "$lt", "$lte", "$gt", "$gte", "$ini", "$nini", "$veq", "$vlt", "$vgte"];
const GROUPS = ["vip", "beta", "5", "rule", "loop"];

/** Saved groups in all their forms, made of values that the attributes have. */
export function groups(random, attributes) {
  const found = {};
  for (const group of GROUPS) {
    if (random.chance(0.3)) continue;
    const values = Array.from({ length: random.below(5) }, () => near(random, attributes));
    const kind = random.below(10);
    if (kind < 5) found[group] = values;
    else if (kind < 7) found[group] = { type: "list", attributeKey: path(random, attributes), values };
    else if (kind < 9) found[group] = { type: "condition", condition: condition(random, attributes, 2) };
    else found[group] = random.pick([null, {}, { type: "list" }, { type: "condition" }, { type: "later", values }, "vip"]);
  }
  return found;
}

/** A condition of at most this depth. */
export function condition(random, attributes, depth = 3) {
  const members = random.pick([0, 1, 1, 1, 1, 1, 2, 2, 3]);
  const found = {};
  for (let at = 0; at < members; at += 1) {
    if (depth > 0 && random.chance(0.25)) {
      const [key, operand] = logical(random, attributes, depth - 1);
      found[key] = operand;
    } else if (random.chance(0.04)) {
      found.$savedGroup = reference(random, attributes);
    } else {
      const at = path(random, attributes);
      found[at] = test(random, read(attributes, at), depth);
    }
  }
  return found;
}

function logical(random, attributes, depth) {
  const key = random.pick(["$and", "$or", "$nor", "$not"]);
  const one = () => (random.chance(0.005) ? value(random, 1) : condition(random, attributes, depth));
  if (key === "$not") return [key, one()];
  if (random.chance(0.005)) return [key, value(random, 1)];
  return [key, Array.from({ length: random.below(4) }, one)];
}

function reference(random, attributes) {
  if (random.chance(0.1)) return random.pick(["vip", null, [], {}, { id: 5 }, { id: "vip", attributeKey: 5 }, { id: "vip", attributeKey: null }]);
  const id = random.chance(0.9) ? random.pick(GROUPS) : "nobody";
  return random.chance(0.4) ? { id, attributeKey: path(random, attributes) } : { id };
}

/** A path that mostly leads somewhere. */
function path(random, attributes) {
  const parts = [];
  let here = attributes;
  while (random.chance(parts.length === 0 ? 1 : 0.6)) {
    const names = here !== null && typeof here === "object" ? Object.keys(here) : [];
    const next = names.length > 0 && random.chance(0.9) ? random.pick(names) : name(random);
    parts.push(next);
    here = inside(here, next);
    if (here === undefined) break;
  }
  return parts.join(".");
}

/** A member of an object or an array; a text has none here, whose units need not be text. */
function inside(here, key) {
  return here !== null && typeof here === "object" ? here[key] : undefined;
}

function read(attributes, path) {
  let here = attributes;
  for (const part of path.split(".")) here = inside(here, part);
  return here ?? null;
}

/** A value that is, or is made of, some attribute's. */
function near(random, from) {
  if (random.chance(0.4) || from === null || typeof from !== "object") return random.chance(0.6) ? (from ?? null) : scalar(random);
  const inside = Object.values(from);
  return inside.length > 0 ? near(random, random.pick(inside)) : scalar(random);
}

/** What stands after a path: a bare value or operators, chosen with the value at hand in mind. */
function test(random, actual, depth) {
  const kind = random.below(20);
  if (kind < 5) return random.chance(0.7) ? close(random, actual) : value(random, 2);
  if (kind === 5) return { ...operators(random, actual, depth), ...(random.chance(0.1) ? { a: 1 } : {}) };
  return operators(random, actual, depth);
}

function operators(random, actual, depth) {
  const found = {};
  for (let left = random.pick([1, 1, 1, 1, 2, 2, 3]); left > 0; left -= 1) {
    const operator = operatorFor(random, actual);
    // Only one of these, since `$notRegex` is asked as `$not`.
    if (/^\$not($|Regex)/.test(operator) && Object.keys(found).some((other) => /^\$not($|Regex)/.test(other))) continue;
    found[operator] = operand(random, operator, actual, depth - 1);
  }
  return found;
}

/** Any operator, but mostly one that can tell values of this type apart. */
function operatorFor(random, actual) {
  if (random.chance(0.005)) return random.pick(["$regx", "$and", "$or", "$", "$exist"]);
  if (Array.isArray(actual) && random.chance(0.7)) return random.pick(OF_LISTS);
  if (typeof actual === "string" && random.chance(0.4)) return random.pick(OF_TEXTS);
  return random.pick(OPERATORS);
}

/** The value itself or what JavaScript makes of it. */
function close(random, actual) {
  const kind = random.below(8);
  if (kind < 4) return actual;
  if (kind < 6) return String(actual);
  if (kind < 7) return Number(actual) === Number(actual) && Math.abs(Number(actual)) < Infinity ? Number(actual) : 0;
  return Boolean(actual);
}

function item(random, actual) {
  if (Array.isArray(actual) && actual.length > 0 && random.chance(0.8)) return random.pick(actual);
  return random.chance(0.5) ? close(random, actual) : scalar(random);
}

function swapped(random, found) {
  return typeof found === "string" && random.chance(0.5) ? (random.chance(0.5) ? found.toUpperCase() : found.toLowerCase()) : found;
}

function operand(random, operator, actual, depth) {
  // An odd operand: any value at all. `$notRegex` is asked as `$not` of `$regex`, which is the same for expressions only.
  if (random.chance(0.04) && !operator.startsWith("$notRegex")) return value(random, 2);
  switch (operator) {
    case "$in":
    case "$nin":
    case "$ini":
    case "$nini":
      return Array.from({ length: random.below(5) }, () => swapped(random, item(random, actual)));
    case "$inGroup":
    case "$notInGroup":
      return random.chance(0.9) ? random.pick(GROUPS) : random.pick(["nobody", 5]);
    case "$exists":
      return random.chance(0.5);
    case "$not":
      return depth > 0 ? test(random, actual, depth) : close(random, actual);
    case "$size": {
      const size = Array.isArray(actual) ? actual.length : random.below(4);
      return random.chance(0.6) ? size : operators(random, size, 0);
    }
    case "$elemMatch": {
      const one = item(random, actual);
      const within = one !== null && typeof one === "object" ? one : { a: one };
      if (depth <= 0) return { $eq: one };
      return random.chance(0.5) ? operators(random, one, depth) : condition(random, within, depth);
    }
    case "$all":
    case "$alli":
      return Array.from({ length: random.below(3) }, () => {
        const one = item(random, actual);
        return depth > 0 && random.chance(0.2) ? operators(random, one, depth) : swapped(random, one);
      });
    case "$regex":
    case "$regexi":
    case "$notRegex":
    case "$notRegexi":
      return expression(random);
    case "$type":
      return random.pick(["null", "boolean", "number", "string", "array", "object", "undefined"]);
    case "$veq":
    case "$vne":
    case "$vlt":
    case "$vlte":
    case "$vgt":
    case "$vgte":
      return random.chance(0.3) ? close(random, actual) : version(random);
    default:
      // Texts beyond ASCII are ordered by their units.
      if (/[^ -~]/.test(actual) && random.chance(0.5)) return random.pick(["😀", "～", "ä", "日本", "\uffff", "a"]);
      return random.chance(0.6) ? close(random, actual) : random.chance(0.5) ? scalar(random) : text(random);
  }
}
