// The rules by json-logic-js: by the name of the event that they are for, as a good engineer would keep them.
import jsonLogic from 'json-logic-js';
import type { Facts } from './visitor.ts';
import authored from 'rules.json';

export interface Rule {
  id: string;
  name: string;
  content: unknown;
}
interface Logical extends Rule {
  logic: unknown;
}

const byName = Map.groupBy(authored as Logical[], ({ name }) => name);

/** The rules that hold for an event. */
export const holding = (name: string, facts: Facts): Rule[] =>
  (byName.get(name) ?? []).filter(({ logic }) => jsonLogic.apply(logic, facts));
