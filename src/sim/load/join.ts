import { Distribution, type Summary } from './distribution.ts';
import type { Mark } from './messages.ts';

/** How long after their causes effects came. */
export interface Delay extends Summary {
  /** Causes that nothing followed in time. */
  readonly missed: number;
}

/** The time from each cause to the first effect in the same call that comes at most `withinMs` later. */
export function delayOf(causes: readonly Mark[], effects: readonly Mark[], withinMs: number): Delay {
  const delays = new Distribution();
  const times = timesByCall(effects);
  let missed = 0;
  for (const cause of causes) {
    const next = firstFrom(times.get(cause.call) ?? [], cause.at);
    if (next === undefined || next - cause.at > withinMs) missed++;
    else delays.record(next - cause.at);
  }
  return { ...delays.summary(), missed };
}

/** Marks that had to wait for another one of their call: each at the later of the two times. */
export function laterOf(marks: readonly Mark[], others: readonly Mark[]): Mark[] {
  const times = timesByCall(others);
  return marks.map(({ call, at }) => ({ call, at: Math.max(at, times.get(call)?.[0] ?? at) }));
}

function timesByCall(marks: readonly Mark[]): Map<number, number[]> {
  const times = new Map<number, number[]>();
  for (const { call, at } of marks) {
    const known = times.get(call);
    if (known === undefined) times.set(call, [at]);
    else known.push(at);
  }
  return times;
}

/** The first of ascending times that is not before `from`. */
function firstFrom(times: readonly number[], from: number): number | undefined {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return times[low];
}
