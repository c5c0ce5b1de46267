import { pieceMs } from './profile.ts';

/** One turn of the agent and the silence after it, ms: it talks for half of the time. */
const cycleMs = 4000;
const speechMs = cycleMs / 2;
/** How far ahead of real time the agent sends what it says: what a barge-in has to stop. */
const leadMs = 300;

/** What the agent does in one step. */
export interface Step {
  /** Pieces of speech to send. */
  readonly pieces: number;
  /** Whether a turn begins with them. */
  readonly begins: boolean;
  /** Whether the speech that was sent is interrupted. */
  readonly cuts: boolean;
}

const cycle = cycleMs / pieceMs;
/** Steps after which it all begins again: a turn that ends by itself, and one that is interrupted. */
export const scriptSteps = 2 * cycle;
const ahead = leadMs / pieceMs;
const silent: Step = { pieces: 0, begins: false, cuts: false };
const one: Step = { ...silent, pieces: 1 };
const first: Step = { pieces: 1 + ahead, begins: true, cuts: false };
const cut: Step = { ...silent, cuts: true };

/**
 * What the agent does in its step number `index`, one each 100 ms. Turns that end by themselves and turns that are
 * interrupted alternate; either is heard for two of four seconds. The first one, the greeting, ends by itself.
 */
export function stepOf(index: number): Step {
  const at = index % cycle;
  const interrupted = Math.floor(index / cycle) % 2 === 1;
  const spoken = speechMs / pieceMs;
  if (at === 0) return first;
  if (interrupted && at === spoken) return cut;
  return at < (interrupted ? spoken : spoken - ahead) ? one : silent;
}
