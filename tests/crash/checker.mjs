// Judges a crash campaign by its evidence alone: knows nothing of the engine's code, only what it promises.
//
// Evidence: what clients wrote down (sent, acknowledged, and what each tab was told, in order), what the engine says of
// every visitor afterwards, and all rows of the database. What is wrong is said as sentences; none means all is well.

import { attention } from "./attention.mjs";

/** So many pushes are kept for a tab that is away; docs/socket.md says so. */
const KEPT = 16;

/** All that is wrong, as sentences. */
export function check(evidence) {
  const faults = [];
  const wrong = (holds, sentence) => holds || faults.push(sentence);
  const of = Object.groupBy(evidence.rows, ({ visitor }) => visitor);
  for (const rows of Object.values(of)) rows.sort((a, b) => a.seq - b.seq);
  checkEvents(evidence, wrong);
  for (const [visitor, state] of Object.entries(evidence.states)) {
    const rows = of[visitor] ?? [];
    checkRecords(visitor, rows, state, wrong);
    checkState(visitor, rows, state, wrong);
    checkRules(visitor, rows, state, evidence.rules, wrong);
    checkTimers(visitor, rows, evidence.rules, wrong);
  }
  for (const [at, tab] of evidence.tabs.entries()) checkTab(`tab ${at + 1}`, tab, of[tab.visitor] ?? [], evidence, wrong);
  return faults;
}

const named = (rows, kind, name) => rows.filter((row) => row.kind === kind && (name === undefined || row.name === name));

/** What was acknowledged is in the database once; what is in the database was sent, once, and is its sender's. */
function checkEvents({ sent, acknowledged, rejected, rows, states }, wrong) {
  const events = named(rows, "event");
  const stored = Map.groupBy(events, ({ data }) => data.id);
  const known = new Map(sent.map((event) => [event.id, event]));
  wrong(rejected.length === 0, `${rejected.length} events were rejected: ${JSON.stringify(rejected[0])}`);
  for (const id of acknowledged) wrong(stored.has(id), `${id} was acknowledged and is not in the database`);
  for (const [id, copies] of stored) {
    wrong(copies.length === 1, `${id} is in the database ${copies.length} times`);
    const event = known.get(id);
    wrong(event !== undefined, `${id} was never sent`);
    wrong(event === undefined || event.visitor === copies[0].visitor, `${id} is another visitor's`);
  }
  for (const { visitor } of rows) {
    if (!(visitor in states)) return wrong(false, `nobody knows visitor ${visitor}`);
  }
}

/** One life, with records numbered from 1 without gaps, in time, and none left behind. */
function checkRecords(visitor, rows, state, wrong) {
  wrong(rows.every(({ incarnation }) => incarnation === state.incarnation), `${visitor} has lived more than once`);
  const numbers = rows.map(({ seq }) => seq);
  const expected = Array.from({ length: state.outbox.last_seq }, (_, i) => i + 1);
  wrong(String(numbers) === String(expected), `${visitor}: the records are not 1 to ${state.outbox.last_seq} once each`);
  wrong(rows.every(({ at_ms }, at) => at === 0 || at_ms >= rows[at - 1].at_ms), `${visitor}: time runs backwards`);
  wrong(state.outbox.hot === 0 && state.outbox.pages === 0, `${visitor}: records still wait`);
}

/** The state counts what the database has, and nothing had to be dropped. */
function checkState(visitor, rows, state, wrong) {
  const added = named(rows, "event", "product_added");
  const pieces = Map.groupBy(added, ({ data }) => data.properties.sku);
  wrong(state.cart.count === added.length, `${visitor}: ${state.cart.count} pieces in the cart, ${added.length} were put in`);
  for (const { sku, quantity } of state.cart.lines) {
    wrong(quantity === pieces.get(sku)?.length, `${visitor}: ${quantity} of ${sku}, ${pieces.get(sku)?.length} were put in`);
  }
  // Pushes and retractions make room for newer ones also when nobody waits for them: whether one was missed, tabs tell.
  const { pushes_dropped: _, retractions_dropped: __, ...counters } = state.counters;
  for (const [counter, count] of Object.entries(counters)) wrong(count === 0, `${visitor}: ${counter} is ${count}`);
  for (const { rule, count } of state.fired) {
    const fired = named(rows, "trigger_fired", rule).length;
    wrong(count === fired, `${visitor}: ${rule} fired ${count} times by the state, ${fired} by the records`);
  }
}

/** Rules of points and counts fired as often as what they look at came, each time for other events. */
function checkRules(visitor, rows, state, { count }, wrong) {
  const events = (name) => named(rows, "event", name);
  const fired = (rule) => named(rows, "trigger_fired", rule);
  const causes = (rule) => fired(rule).flatMap(({ data }) => data.events);
  const once = (rule) => wrong(new Set(causes(rule)).size === causes(rule).length, `${visitor}: ${rule} fired twice for one event`);
  const waves = events("wave").map(({ seq }) => seq);
  wrong(String(causes("wave")) === String(waves), `${visitor}: wave fired for ${causes("wave")}, the waves are ${waves}`);
  const fifths = Math.floor(events("product_added").length / count);
  wrong(fired("every-fifth").length === fifths, `${visitor}: every-fifth fired ${fired("every-fifth").length} times, not ${fifths}`);
  wrong(fired("every-fifth").every(({ data }) => data.events.length === count), `${visitor}: every-fifth fired for too few`);
  for (const rule of ["wave", "every-fifth", "banner", "dwell", "unfinished", "ended"]) once(rule);
  for (const [name, rule] of [["fifth", "every-fifth"], ["unfinished", "unfinished"], ["ended", "ended"]]) {
    wrong(named(rows, "emitted", name).length === fired(rule).length, `${visitor}: ${rule} and what it emits differ`);
  }
  const pushes = named(rows, "trigger_fired").flatMap(({ data }) => data.pushes);
  wrong(pushes.every((seq, at) => at === 0 || seq > pushes[at - 1]), `${visitor}: pushes are not in the order of their numbers`);
  wrong((pushes.at(-1) ?? 0) <= state.last_push, `${visitor}: a push has a number that was never given`);
}

/** No timer early, none lost, none twice: dwell, absence, and the session's end. */
function checkTimers(visitor, rows, { dwell_ms, absence_ms, idle_ms }, wrong) {
  const views = attention(rows, dwell_ms);
  const dwelt = named(rows, "trigger_fired", "dwell");
  for (const { record, due_ms, over } of views) {
    const firing = dwelt.find(({ data }) => data.events[0] === record);
    if (firing) wrong(due_ms !== undefined && firing.at_ms >= due_ms, `${visitor}: the dwell on ${record} fired early, at ${firing.at_ms} for ${due_ms}`);
    else wrong(due_ms === undefined || over <= due_ms, `${visitor}: the dwell on ${record} was due at ${due_ms} and never fired`);
  }
  wrong(dwelt.every(({ data }) => views.some(({ record }) => record === data.events[0])), `${visitor}: a dwell fired for no page view`);

  const waits = [];
  for (const row of named(rows, "event")) {
    if (row.name === "begin") waits.push({ record: row.seq, due_ms: row.at_ms + absence_ms });
    else if (row.name === "finish" && waits.length > 0 && row.at_ms < waits.at(-1).due_ms) waits.pop();
  }
  const unfinished = named(rows, "trigger_fired", "unfinished");
  wrong(unfinished.length === waits.length, `${visitor}: unfinished fired ${unfinished.length} times, not ${waits.length}`);
  for (const { record, due_ms } of waits) {
    const firing = unfinished.find(({ data }) => data.events.includes(record));
    wrong(firing && firing.at_ms >= due_ms, `${visitor}: unfinished after ${record} was due at ${due_ms}, and fired ${firing ? `at ${firing.at_ms}` : "never"}`);
  }
  checkSessions(visitor, rows, idle_ms, wrong);
}

function checkSessions(visitor, rows, idle_ms, wrong) {
  let open = 0;
  let last_ms = 0;
  for (const row of rows) {
    if (row.kind === "session_started") {
      wrong(open === 0, `${visitor}: a session began at ${row.seq} before the one before had ended`);
      [open, last_ms] = [row.session, row.at_ms];
    } else if (row.kind === "session_ended") {
      wrong(row.session === open, `${visitor}: session ${row.session} ended twice, or never began`);
      wrong(row.at_ms >= last_ms + idle_ms, `${visitor}: session ${row.session} ended ${last_ms + idle_ms - row.at_ms} ms early`);
      open = 0;
    } else if (row.kind === "event") {
      wrong(open === 0 || row.at_ms < last_ms + idle_ms, `${visitor}: session ${open} should have ended before ${row.seq}`);
      last_ms = row.at_ms;
    }
  }
  wrong(open === 0, `${visitor}: session ${open} never ended`);
}

/** What a tab was told: each push once, in order, all that was for it; and at the end it shows what there is. */
function checkTab(name, tab, rows, { states, views }, wrong) {
  const state = states[tab.visitor];
  const made = new Map(named(rows, "trigger_fired").flatMap((row) => row.data.pushes.map((seq) => [seq, row.name])));
  const told = tab.log.filter(({ what }) => what === "push" || what === "retract");
  wrong(told.every(({ seq }, at) => at === 0 || seq > told[at - 1].seq), `${name}: ${told.map(({ seq }) => seq)} is not in order, once each`);
  const seen = new Set(told.filter(({ what }) => what === "push").map(({ seq }) => seq));
  for (const { what, seq, rule, meant, tab: id } of told) {
    if (what !== "push") continue;
    wrong(made.get(seq) === rule, `${name} was given push ${seq} of ${rule}; the records say ${made.get(seq)}`);
    wrong(meant === "" || meant === id, `${name} was given push ${seq}, which is another tab's`);
  }
  const retracted = told.filter(({ what }) => what === "retract");
  // It may take back what was gone before this tab came back; then there is nothing to take away.
  for (const { seq, push } of retracted) wrong(made.get(push) === "banner" && !made.has(seq), `${name}: retraction ${seq} takes back ${push}`);
  for (const { seq, newer } of missing(tab, made)) wrong(newer >= KEPT, `${name} was never given push ${seq}; ${newer} newer ones had come`);
  const dwells = told.filter(({ rule }) => rule === "dwell").length;
  wrong(tab.log.every(({ incarnation }) => incarnation === undefined || incarnation === state.incarnation), `${name} was welcomed by another incarnation`);
  const current = state.pushes.filter(({ slot }) => slot === "banner").at(-1)?.seq ?? null;
  wrong(tab.banner === current, `${name} shows banner ${tab.banner}, the engine has ${current}`);
  wrong(dwells <= named(rows, "trigger_fired", "dwell").length, `${name} was given more dwells than there were`);
  if (tab.plain_http) return;
  wrong(tab.connected, `${name} is not connected at the end`);
  const plain = ({ now_ms: _now, ...rest }) => canonical(narrow(rest, views[tab.visitor]));
  wrong(plain(tab.state) === plain(views[tab.visitor]), `${name} holds another state than the engine: ${plain(tab.state)}; ${plain(views[tab.visitor])}`);
}

/** Of a visitor's pushes by number, those for every tab that this one was never given, with how many newer there were when it came back. */
function missing({ log }, made) {
  const had = new Set(log.filter(({ what }) => what === "push").map(({ seq }) => seq));
  const lacking = [...made].filter(([seq, rule]) => rule === "wave" && !had.has(seq)).map(([seq]) => seq);
  return lacking.map((seq) => {
    const next = log.findIndex((entry) => (entry.what === "push" || entry.what === "retract") && entry.seq > seq);
    const asked = log.slice(0, next < 0 ? log.length : next).findLast(({ what }) => what === "welcome" || what === "answer");
    return { seq, newer: [...made.keys()].filter((other) => other > seq && other <= (asked?.seq ?? 0)).length };
  });
}

/** How many pushes tabs were not given because they came back too late for them. */
export function missedForRoom({ tabs, rows }) {
  const lists = tabs.map((tab) => {
    const fired = named(rows, "trigger_fired").filter(({ visitor }) => visitor === tab.visitor);
    return missing(tab, new Map(fired.flatMap(({ name, data }) => data.pushes.map((seq) => [seq, name]))));
  });
  return lists.flat().length;
}

/** The members that both have to know. */
const narrow = (state, view) => Object.fromEntries(Object.entries(state).filter(([key]) => key !== "now_ms" && key in view));

/** JSON with its members in order. */
function canonical(value) {
  return JSON.stringify(value, (_, member) =>
    member && typeof member === "object" && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}
