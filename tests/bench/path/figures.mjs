// Rounds to figures: medians, and the ratios to the floor's rounds with their spread.

const sorted = (values) => [...values].sort((a, b) => a - b);
export function median(values) {
  const found = sorted(values);
  const half = found.length >> 1;
  return found.length % 2 ? found[half] : (found[half - 1] + found[half]) / 2;
}
const round = (value) => Number(value.toPrecision(4));

/** Median, least and greatest. */
export const spread = (values) => ({ median: round(median(values)), least: round(Math.min(...values)), most: round(Math.max(...values)) });

/** What the rounds of a candidate come to, by key; `base` are the floor's rounds of the same run, in the same order. */
export function figures(rounds, base, keys) {
  const of = (key) => spread(rounds.map((found) => found[key]));
  const ratio = (key) => spread(rounds.map((found, at) => found[key] / base[at][key]));
  return Object.fromEntries(keys.map((key) => [key, { ...of(key), ...(base && { ratio: ratio(key) }) }]));
}
