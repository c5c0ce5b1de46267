/** One sample of a long run. */
export interface Sample {
  readonly minute: number;
  readonly residentMb: number;
}

/** Share of the first minutes that is left out: memory grows until every path was taken and every pool is full. */
const warmUpMinutes = 10;
const warmUpShare = 1 / 6;
/** How much memory may grow from the first third after the warm-up to the last. */
export const flatWithin = 0.03;

/** Growth of memory over a run after its warm-up: 0.01 is one part in a hundred. Undefined with too few samples. */
export function growthOf(samples: readonly Sample[]): number | undefined {
  const end = samples.at(-1)?.minute ?? 0;
  const warm = samples.filter(({ minute }) => minute >= Math.min(warmUpMinutes, end * warmUpShare));
  const third = Math.floor(warm.length / 3);
  if (third === 0) return undefined;
  const first = mean(warm.slice(0, third));
  return (mean(warm.slice(-third)) - first) / first;
}

function mean(samples: readonly Sample[]): number {
  return samples.reduce((sum, { residentMb }) => sum + residentMb, 0) / samples.length;
}
