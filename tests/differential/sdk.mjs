// What the published SDK answers.

// By its file: the package's entry exports the conditions but not what assigns.
import { evalCondition } from "../../node_modules/@growthbook/growthbook/dist/esm/mongrule.mjs";
import { chooseVariation, getBucketRanges, getEqualWeights, hash, inNamespace } from "../../node_modules/@growthbook/growthbook/dist/esm/util.mjs";

export { chooseVariation, getBucketRanges, getEqualWeights, hash, inNamespace };

/** True, false, or "throws". */
export function holds(condition, attributes, groups) {
  // It says on the console what it does not know.
  const said = console.error;
  console.error = () => {};
  try {
    return evalCondition(attributes, condition, groups);
  } catch {
    return "throws";
  } finally {
    console.error = said;
  }
}

/** The same condition without the operators that the SDK does not have: `$notRegex` is `$not` of `$regex`. */
export function spelled(condition) {
  if (condition === null || typeof condition !== "object") return condition;
  if (Array.isArray(condition)) return condition.map(spelled);
  const spelledOne = ([key, operand]) => {
    if (key !== "$notRegex" && key !== "$notRegexi") return [key, spelled(operand)];
    // What is no expression is passed by nothing, with `$not` before it or without.
    return ["$not", isExpression(operand) ? { [key.replace("$notR", "$r")]: operand } : { $nin: [] }];
  };
  return Object.fromEntries(Object.entries(condition).map(spelledOne));
}

function isExpression(operand) {
  try {
    return typeof operand === "string" && new RegExp(operand) !== null;
  } catch {
    return false;
  }
}
