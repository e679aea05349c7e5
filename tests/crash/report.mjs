// What a crash campaign has shown, in words and figures.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { missedForRoom } from "./checker.mjs";

/** Keeps the evidence in a file; its name. */
export function keep(evidence, seed) {
  const file = `.footfall/crash/seed-${seed}.json`;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(evidence));
  return file;
}

/** The report; `faults` are the checker's. */
export function report(evidence, { seed, faults, elapsed_ms, file }) {
  const { down, sent, acknowledged, repeats, tabs, rows, states } = evidence;
  const fired = rows.filter(({ kind }) => kind === "trigger_fired");
  const told = (what) => tabs.reduce((sum, { log }) => sum + log.filter((entry) => entry.what === what).length, 0);
  const back = down.map(({ at_ms, back_ms }) => back_ms - at_ms).sort((a, b) => a - b);
  const lines = [
    `seed ${seed}: ${down.length} kills in ${Math.round(elapsed_ms / 1_000)} s; back after ${back[back.length >> 1] ?? 0} ms (median), ${back.at(-1) ?? 0} ms at most`,
    `events: ${sent.length} sent, ${acknowledged.length} acknowledged, ${repeats} sent more than once, ${rows.filter(({ kind }) => kind === "event").length} counted`,
    `visitors: ${Object.keys(states).length}; records: ${rows.length}; tabs: ${tabs.length}, welcomed ${told("welcome")} times`,
    `triggers: ${fired.length} (${counts(fired)})`,
    `pushes applied: ${told("push")}; retractions applied: ${told("retract")}; missed because 16 newer ones had come: ${missedForRoom(evidence)}`,
    ...lateness(evidence),
    faults.length === 0 ? "the checker finds nothing wrong" : `the checker finds ${faults.length} faults; the evidence is in ${file}:`,
    ...faults.slice(0, 20).map((fault) => `  ${fault}`),
  ];
  return lines.join("\n");
}

function counts(rows) {
  return Object.entries(Object.groupBy(rows, ({ name }) => name)).map(([name, list]) => `${name} ${list.length}`).join(", ");
}

/** How long after its time each absence fired; a timer that is due while the engine is down fires when it is back. */
function lateness({ rows, rules }) {
  const begun = new Map(rows.filter(({ name }) => name === "begin").map(({ incarnation, seq, at_ms }) => [`${incarnation}-${seq}`, at_ms]));
  const late = rows
    .filter(({ kind, name }) => kind === "trigger_fired" && name === "unfinished")
    .map(({ incarnation, at_ms, data }) => at_ms - begun.get(`${incarnation}-${data.events[0]}`) - rules.absence_ms)
    .sort((a, b) => a - b);
  if (late.length === 0) return [];
  const at = (part) => late[Math.min(late.length - 1, Math.floor(late.length * part))];
  return [`timers of silent visitors: ${late.length}; late by ${at(0.5)} ms (median), ${at(0.99)} ms (99 %), ${late.at(-1)} ms at most`];
}
