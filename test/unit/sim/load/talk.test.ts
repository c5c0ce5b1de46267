import { describe, expect, it } from 'vitest';
import { pieceMs } from '../../../../src/sim/load/profile.ts';
import { stepOf } from '../../../../src/sim/load/talk.ts';

const cycle = 4000 / pieceMs;
const turn = (index: number) => Array.from({ length: cycle }, (_, at) => stepOf(index * cycle + at));
const pieces = (steps: readonly { pieces: number }[]) => steps.reduce((sum, step) => sum + step.pieces, 0);

describe('the talk of the agent', () => {
  it('begins each turn once, at its first step', () => {
    for (const index of [0, 1, 2, 3])
      expect(
        turn(index)
          .map(step => step.begins)
          .indexOf(true),
      ).toBe(0);
    expect(turn(0).filter(step => step.begins)).toHaveLength(1);
  });

  it('says two seconds of four in a turn that ends by itself', () => {
    expect(pieces(turn(0)) * pieceMs).toBe(2000);
    expect(turn(0).some(step => step.cuts)).toBe(false);
  });

  it('interrupts every other turn after two seconds, with sound still to come', () => {
    const steps = turn(1);
    const at = steps.findIndex(step => step.cuts);
    expect(at * pieceMs).toBe(2000);
    expect(pieces(steps.slice(0, at)) * pieceMs).toBe(2300);
    expect(pieces(steps.slice(at))).toBe(0);
    expect(turn(2)).toEqual(turn(0));
    expect(turn(3)).toEqual(turn(1));
  });
});
