/** Pauses of the garbage collector, all threads of a process together. */
export interface Collections {
  readonly count: number;
  readonly totalMs: number;
  readonly maxMs: number;
}

/** A line of `node --trace-gc`: `[12:0x3f] 345 ms: Scavenge 4.3 (6.1) -> 3.9 (7.1) MB, 0.9 / 0.0 ms ...`. */
const line = /^\[\d+:0x[0-9a-f]+(?::\d+)?\]\s+\d+ ms: .* MB, .*?([\d.]+) \/ [\d.]+ ms/;

/** The pause that a line tells of, ms; undefined for every other line. */
export function pauseOf(text: string): number | undefined {
  const found = line.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

export function collectionsOf(pauses: readonly number[]): Collections {
  const total = pauses.reduce((sum, ms) => sum + ms, 0);
  return { count: pauses.length, totalMs: Math.round(total * 100) / 100, maxMs: Math.max(0, ...pauses) };
}
