// How long something takes, on a machine that does other things as well.

/** A function that says how many milliseconds have gone by: by the clock, or by the processor if that is less. */
export function timer() {
  const clock = performance.now();
  const processor = process.cpuUsage();
  return () => {
    const elapsed = performance.now() - clock;
    const { user, system } = process.cpuUsage(processor);
    // The processor's time is told in steps; of something short it says nothing.
    return elapsed < 5 ? elapsed : Math.min(elapsed, (user + system) / 1_000);
  };
}

/** Milliseconds of the fastest of many calls, within a time; `after` each call comes what does not count. */
export function fastest(budgetMs, work, after = () => {}) {
  let best = Infinity;
  const began = performance.now();
  for (let calls = 0; calls < 3 || performance.now() - began < budgetMs; calls += 1) {
    const elapsed = timer();
    work();
    best = Math.min(best, elapsed());
    after();
  }
  return best;
}
