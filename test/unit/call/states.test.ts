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

describe('the table of a call of ours', () => {
  const walk = (...inputs: CallInput[]) => {
    const path: [CallState, ...string[]][] = [['opening']];
    for (const input of inputs) path.push([...step(path.at(-1)![0], input)]);
    return path.slice(1);
  };

  it('opens the agent at the first ringing and lets it begin at the answer', () => {
    expect(walk('opened-outbound', 'ringing', 'ringing', 'accepted', 'agent-ready')).toEqual([
      ['calling', 'accept'],
      ['alerting', 'prepare-agent'],
      ['alerting'],
      ['greeting', 'open', 'arm-longest', 'begin-agent'],
      ['young', 'disarm-queue', 'arm-youth'],
    ]);
  });

  it('starts the agent at the answer when nothing rang, or what was prepared is lost', () => {
    expect(walk('opened-outbound', 'accepted').at(-1)).toEqual([
      'greeting',
      'open',
      'arm-longest',
      'start-agent',
    ]);
    expect(walk('opened-outbound', 'ringing', 'unprepared', 'ringing', 'accepted').at(-1)).toEqual([
      'greeting',
      'open',
      'arm-longest',
      'start-agent',
    ]);
  });

  it('begins no conversation before the answer, whatever happens', () => {
    for (const state of ['calling', 'alerting', 'alerting-alone'] as const) {
      for (const [input, [, ...actions]] of Object.entries(callStates[state])) {
        if (input !== 'accepted') expect(actions).not.toContain('start-agent');
        if (input !== 'accepted') expect(actions).not.toContain('begin-agent');
      }
    }
  });
});
