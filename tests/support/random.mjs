// Numbers that look random and are the same in every run (mulberry32), so that a failure can be repeated.

/** A generator with its own seed. */
export function seeded(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (bound) => Math.floor(next() * bound);
  return {
    /** From 0 to below `bound`, whole. */
    below,
    /** From `least` to `most`, whole. */
    between: (least, most) => least + below(most - least + 1),
    /** True so often. */
    chance: (part) => next() < part,
    /** One of the list. */
    pick: (list) => list[below(list.length)],
  };
}
