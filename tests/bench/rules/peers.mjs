// The other rule engines, each used as its own documentation says is fast: rules are prepared once.
import { evalCondition } from '@growthbook/growthbook';
import { LogicEngine } from 'json-logic-engine';
import jsonLogic from 'json-logic-js';
import { Engine } from 'json-rules-engine';
import { timer } from './time.mjs';
import { condition, logic, read } from './workload.mjs';

const places = (rules, holds) => {
  const found = [];
  for (let at = 0; at < rules.length; at += 1) if (holds(rules[at])) found.push(at);
  return found;
};

const OPERATORS = {
  $eq: 'equal',
  $ne: 'notEqual',
  $gt: 'greaterThan',
  $gte: 'greaterThanInclusive',
  $lt: 'lessThan',
  $lte: 'lessThanInclusive',
  $in: 'in',
};

/** Name → rules → (event → places of the rules that match, or a promise of them). */
export const PEERS = {
  'json-logic-js': (rules) => {
    const prepared = rules.map(logic);
    return (event) => places(prepared, (rule) => jsonLogic.apply(rule, event));
  },
  'json-logic-engine': (rules) => {
    const engine = new LogicEngine();
    const prepared = rules.map((rule) => engine.build(logic(rule)));
    return (event) => places(prepared, (rule) => rule(event));
  },
  'json-rules-engine': (rules) => {
    const paths = new Set(rules.flatMap((rule) => rule.map(([path]) => path)));
    const engine = new Engine();
    rules.forEach((rule, at) => {
      const all = rule.map(([fact, operator, value]) => ({ fact, operator: OPERATORS[operator], value }));
      engine.addRule({ conditions: { all }, event: { type: 'match', params: { at } } });
    });
    return async (event) => {
      const facts = Object.fromEntries([...paths].map((path) => [path, read(event, path)]));
      const { events } = await engine.run(facts);
      return events.map(({ params }) => params.at).sort((a, b) => a - b);
    };
  },
  growthbook: (rules) => {
    const prepared = rules.map(condition);
    return (event) => places(prepared, (rule) => evalCondition(event, rule));
  },
};

/** Measures one peer for one set within about `budgetMs`: nanoseconds for an event, by its fastest batch. */
export async function measure(peer, rules, events, expected, budgetMs) {
  const matching = PEERS[peer](rules);
  const began = performance.now();
  // Once for the answers and to warm up, as far as the time goes; every answer is compared.
  let checked = 0;
  for (const event of events) {
    const found = await matching(event);
    if (JSON.stringify(found) !== JSON.stringify(expected[checked])) {
      throw new Error(`${peer} matches other rules for event ${checked}: ${found}, and not ${expected[checked]}`);
    }
    checked += 1;
    if (checked >= 3 && performance.now() - began > budgetMs / 2) break;
  }
  // A share of the events that takes about five milliseconds.
  const each = (performance.now() - began) / checked;
  const share = events.slice(0, Math.max(1, Math.floor(5 / each)));
  let best = Infinity;
  const from = performance.now();
  for (let batches = 0; batches < 3 || performance.now() - from < budgetMs / 2; batches += 1) {
    const elapsed = timer();
    for (const event of share) {
      const found = matching(event);
      if (found instanceof Promise) await found;
    }
    best = Math.min(best, elapsed() / share.length);
  }
  return { ns: best * 1e6, checked };
}
