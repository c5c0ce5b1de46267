/** Readings of both clocks; the one with the least time between its halves counts. */
const readings = 100;

/**
 * From `performance.now` to the clock of the machine, ms. This thread may be put off between the two readings, and then
 * every time of this process would be wrong by as much.
 */
function measureShift(): number {
  let shift = 0;
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < readings; i++) {
    const before = performance.now();
    const machine = Number(process.hrtime.bigint()) / 1e6;
    const after = performance.now();
    if (after - before >= shortest) continue;
    shortest = after - before;
    shift = machine - (before + after) / 2;
  }
  return shift;
}

const shift = measureShift();

/** ms on the monotonic clock of the machine: the same in every process, so that times of two of them can be compared. */
export const monotonic = (): number => performance.now() + shift;
