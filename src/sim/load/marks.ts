import type { Mark, Pace } from './messages.ts';

/** Marks kept of one kind; in a long run the first ones stay. */
const keptMarks = 50_000;

/** A list of marks that does not grow without end. */
export class Marks {
  readonly list: Mark[] = [];

  add(call: number, at: number): void {
    if (this.list.length < keptMarks) this.list.push({ call, at });
  }
}

/** The slowest and the fastest of some streams; zero when there is none. */
export function paceOf(shares: readonly number[]): Pace {
  if (shares.length === 0) return { least: 0, most: 0 };
  return { least: thousandths(Math.min(...shares)), most: thousandths(Math.max(...shares)) };
}

const thousandths = (value: number): number => Math.round(value * 10_000) / 10_000;
