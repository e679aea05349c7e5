// What the objects import that has no types of its own.

declare module 'json-logic-js' {
  const jsonLogic: { apply(rule: unknown, data: unknown): unknown };
  export default jsonLogic;
}

// The rules, which the bundle brings.
declare module 'rules.json' {
  const rules: unknown;
  export default rules;
}
