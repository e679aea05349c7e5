// The differences that are meant: each is recognised by how the condition is written, and pinned in
// tests/cases/differences.json with the reason.

/** Calls back with everything in a condition: what stands where a condition does, and each operator with its operand. */
export function walk(condition, visit) {
  visit.condition?.(condition);
  if (condition === null || typeof condition !== "object") return;
  for (const [key, operand] of Object.entries(condition)) {
    if (key === "$not") walk(operand, visit);
    else if (["$and", "$or", "$nor"].includes(key)) {
      walkList(operand, visit);
    } else if (key !== "$savedGroup") {
      visit.path?.(key);
      walkTest(operand, visit);
    }
  }
}

function walkList(list, visit) {
  if (Array.isArray(list)) list.forEach((item) => walk(item, visit));
  // What has a length passes for a list: the letters of a text are its conditions. Of anything else nothing is taken.
  else if (list?.length !== undefined) visit.condition?.(list.length);
}

function walkTest(test, visit) {
  if (!isOperators(test)) return;
  for (const [operator, operand] of Object.entries(test)) {
    visit.operator?.(operator, operand);
    if (operator === "$not" || operator === "$size") walkTest(operand, visit);
    else if (operator === "$elemMatch") isOperators(operand) ? walkTest(operand, visit) : walk(operand, visit);
    else if (["$all", "$alli"].includes(operator) && Array.isArray(operand)) operand.forEach((item) => walkTest(item, visit));
  }
}

function isOperators(test) {
  if (test === null || typeof test !== "object" || Array.isArray(test)) return false;
  const keys = Object.keys(test);
  return keys.length > 0 && keys.every((key) => key.startsWith("$"));
}

/** All conditions of a case: its own, and those of its saved groups. */
function everything(condition, groups, visit) {
  walk(condition, visit);
  for (const group of Object.values(groups ?? {})) if (group?.type === "condition") walk(group.condition, visit);
}

const REGEX = ["$regex", "$regexi", "$notRegex", "$notRegexi"];
// Look-around and groups with flags; octal escapes; back-references and escapes without a meaning; a class as the end of a range.
const REFUSED = /\(\?(<?[=!]|[ims-]+:)|\\0\d|\\[^dDwWsSbBntrfvux0\W_]|\[[^\]]*\w-\\[dDwWsS]/;
const beyond = (found) => /[\u{10000}-\u{10ffff}]/u.test(JSON.stringify(found));

/** Why the answers to a case may differ, by the names in tests/cases/differences.json; empty when they may not. */
export function explanations(condition, attributes, groups) {
  const found = new Set();
  everything(condition, groups, {
    condition(here) {
      if (here === null || typeof here !== "object" || Array.isArray(here)) found.add("no-condition");
    },
    path(path) {
      if (path.split(".").some((part) => part in Object.prototype)) found.add("inherited");
    },
    operator(operator, operand) {
      if (!REGEX.includes(operator)) return;
      if (typeof operand !== "string") found.add("cached");
      else if (REFUSED.test(operand)) found.add("refused");
      if (beyond(attributes) || beyond(operand)) found.add("code-units");
      if (operator.startsWith("$not")) found.add("not-regex");
    },
  });
  return [...found];
}
