import { describe, expect, it } from 'vitest';
import { type CallInput, type CallState, callStates, step } from '../../../src/call/states.ts';

const states = Object.keys(callStates) as CallState[];

describe('the table of a call', () => {
  it('leads from the first INVITE to a conversation over ringing, agent, settling and the answer', () => {
    const path: CallState[] = ['opening'];
    for (const input of ['opened', 'agent-ready', 'settled', 'accepted', 'grown-up'] as CallInput[]) {
      path.push(step(path.at(-1)!, input)[0]);
    }
    expect(path).toEqual(['opening', 'starting', 'settling', 'answering', 'young', 'talking']);
  });

  it('lets both sides end a call in every state but the last', () => {
    for (const state of states.filter(name => name !== 'ended')) {
      expect(step(state, 'stop'), state).toEqual(['ended', 'end-party', 'finish']);
      expect(step(state, 'party-ended'), state).toEqual(['ended', 'finish']);
    }
  });

  it('finishes exactly once on each way into the last state, and never leaves it', () => {
    for (const state of states) {
      for (const [next, ...actions] of Object.values(callStates[state])) {
        expect(actions.filter(action => action === 'finish').length).toBe(next === 'ended' ? 1 : 0);
      }
    }
    expect(Object.keys(callStates.ended)).toEqual([]);
  });

  it('lets sound out only once the answer has been acknowledged', () => {
    for (const state of states) {
      for (const [input, [, ...actions]] of Object.entries(callStates[state])) {
        if (actions.includes('open')) expect(input).toBe('accepted');
      }
    }
  });

  it('reaches every state from the first one', () => {
    const reached = new Set<CallState>(['opening']);
    for (const state of reached) for (const [next] of Object.values(callStates[state])) reached.add(next);
    expect([...reached].sort()).toEqual([...states].sort());
  });

  it('throws where it has no transition', () => {
    expect(() => step('opening', 'accepted')).toThrow('a call that is opening cannot take accepted');
  });
});
