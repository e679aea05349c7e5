// Ways to spoil the evidence of a campaign that went well. Each is what some bug would leave behind; the checker has to
// find every one, or its silence says nothing.

const kinds = (kind, name) => (row) => row.kind === kind && (name === undefined || row.name === name);
const first = (list, is) => {
  const found = list.find(is);
  if (!found) throw new Error(`the campaign has nothing for this: ${is}`);
  return found;
};
const remove = (list, item) => list.splice(list.indexOf(item), 1);
const told = (evidence, is) => {
  for (const { log } of evidence.tabs) {
    const entry = log.find(is);
    if (entry) return { log, entry };
  }
  throw new Error(`no tab was told this: ${is}`);
};

/** However late the firing was: it comes a second after what it waited for. */
const hasten = (rows, firing) => {
  const cause = first(rows, ({ visitor, seq }) => visitor === firing.visitor && seq === firing.data.events[0]);
  firing.at_ms = cause.at_ms + 1_000;
};

/** By name: each spoils the evidence that it is given. */
export const MUTATIONS = {
  "an acknowledged event is not in the database": ({ rows, acknowledged }) =>
    remove(rows, first(rows, (row) => row.kind === "event" && acknowledged.includes(row.data.id))),
  "an event is in the database twice": ({ rows }) => {
    const copy = structuredClone(first(rows, kinds("event")));
    rows.push({ ...copy, id: `${copy.id}0`, seq: 1_000_000 });
  },
  "the last record was never delivered": ({ rows, states }) => {
    const [visitor, { outbox }] = Object.entries(states)[0];
    remove(rows, first(rows, (row) => row.visitor === visitor && row.seq === outbox.last_seq));
  },
  "an event that nobody sent is in the database": ({ sent, rows }) =>
    remove(sent, first(sent, ({ id }) => rows.some(({ data }) => data.id === id))),
  "an event is counted for another visitor": ({ sent, rows, states }) => {
    const event = first(sent, ({ id }) => rows.some(({ data }) => data.id === id));
    event.visitor = first(Object.keys(states), (visitor) => visitor !== event.visitor);
  },
  "a piece is in the cart twice": ({ states }) => (Object.values(states)[0].cart.count += 1),
  "a visitor began a new life": ({ rows }) => (rows[0].incarnation = "00000000-0000-0000-0000-000000000000"),
  "a trigger fired twice": ({ rows }) => {
    const copy = structuredClone(first(rows, kinds("trigger_fired", "wave")));
    rows.push({ ...copy, id: `${copy.id}0`, seq: 1_000_000 });
  },
  "a trigger never fired": ({ rows }) => remove(rows, first(rows, kinds("trigger_fired", "every-fifth"))),
  "a dwell fired early": ({ rows }) => hasten(rows, first(rows, kinds("trigger_fired", "dwell"))),
  "a dwell was lost": ({ rows }) => (first(rows, kinds("trigger_fired", "dwell")).kind = "emitted"),
  "an absence fired early": ({ rows }) => hasten(rows, first(rows, kinds("trigger_fired", "unfinished"))),
  "an absence was lost": ({ rows }) => (first(rows, kinds("trigger_fired", "unfinished")).kind = "emitted"),
  "a session never ended": ({ rows }) => (first(rows, kinds("session_ended")).kind = "emitted"),
  "a session ended early": ({ rows }) => {
    const ended = first(rows, kinds("session_ended"));
    const last = rows.filter(({ visitor, kind, seq }) => visitor === ended.visitor && kind === "event" && seq < ended.seq);
    ended.at_ms = Math.max(...last.map(({ at_ms }) => at_ms)) + 1_000;
  },
  "a push was never applied": (evidence) => {
    const { log, entry } = told(evidence, ({ rule }) => rule === "wave");
    remove(log, entry);
  },
  "a push was applied twice": (evidence) => {
    const { log, entry } = told(evidence, ({ rule }) => rule === "wave");
    log.push({ ...entry });
  },
  "two pushes were applied in the wrong order": (evidence) => {
    const [one, two] = evidence.tabs.map(({ log }) => log.filter(({ what }) => what === "push")).find((pushes) => pushes.length > 1);
    [one.seq, two.seq, one.rule, two.rule] = [two.seq, one.seq, two.rule, one.rule];
  },
  "another tab's push was applied": (evidence) => (told(evidence, ({ rule }) => rule === "dwell").entry.tab = "another"),
  "a push is not the one of the record": (evidence) => (told(evidence, ({ rule }) => rule === "wave").entry.rule = "banner"),
  "a tab shows what was taken back": ({ tabs }) => (tabs[0].banner = 999),
  "a tab holds another state": ({ tabs }) => (tabs[0].state.cart.count += 1),
};
