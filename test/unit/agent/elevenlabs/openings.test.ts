import { describe, expect, it } from 'vitest';
import { Openings } from '../../../../src/agent/elevenlabs/openings.ts';

/** Openings whose turns of the event loop come when they are told to. */
function byHand() {
  const turns: (() => void)[] = [];
  const begun: string[] = [];
  const openings = new Openings(run => void turns.push(run));
  return {
    begun,
    ask: (...names: string[]) => {
      for (const name of names) openings.begin(() => void begun.push(name));
    },
    turn: () => turns.shift()?.(),
    turns,
  };
}

describe('connections that begin', () => {
  it('do so at once when no other does', () => {
    const { ask, begun, turn } = byHand();
    ask('a');
    expect(begun).toEqual(['a']);
    turn();
    ask('b');
    expect(begun).toEqual(['a', 'b']);
  });

  it('take turns of the event loop when they come together, first come, first served', () => {
    const { ask, begun, turn } = byHand();
    ask('a', 'b', 'c');
    expect(begun).toEqual(['a']);
    turn();
    ask('d');
    expect(begun).toEqual(['a', 'b']);
    turn();
    turn();
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
  });

  it('ask for no turn when none is left', () => {
    const { ask, turn, turns } = byHand();
    ask('a', 'b');
    turn();
    expect(turns).toHaveLength(1);
    turn();
    expect(turns).toEqual([]);
  });
});
