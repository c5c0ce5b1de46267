import { describe, expect, it } from 'vitest';
import { type SessionInput, type SessionState, transition } from '../../../../src/agent/elevenlabs/states.ts';

const states: readonly SessionState[] = [
  'connecting',
  'initiating',
  'queued',
  'ready',
  'ending',
  'ended',
  'closed',
];

/** What the other side, or our own side, may do at any time once the socket is open. */
const anyTime: readonly SessionInput[] = [
  'metadata',
  'queue-waiting',
  'queue-admitted',
  'error',
  'farewell',
  'fault',
  'gone',
  'close',
];

describe('the table of a conversation', () => {
  it.each(states.filter(state => state !== 'connecting' && state !== 'closed'))(
    'knows in state %s all that the agent may send',
    state => {
      for (const input of anyTime) expect(() => transition(state, input)).not.toThrow();
    },
  );

  it.each(states)('can be closed, and lose its socket, in state %s', state => {
    expect(transition(state, 'close').state).toBe('closed');
    expect(transition(state, 'gone').state).toBe('closed');
  });

  it.each(['connecting', 'initiating', 'queued', 'ready', 'ending'] as const)(
    'reports the end when the socket is gone in state %s, and not when our side closes',
    state => {
      expect(transition(state, 'gone').effects).toContain('report');
      expect(transition(state, 'close').effects).not.toContain('report');
    },
  );

  it('reports once: neither ended nor closed report again', () => {
    for (const state of ['ended', 'closed'] as const) {
      for (const input of anyTime) {
        if (state === 'closed' && input !== 'gone' && input !== 'close') continue;
        expect(transition(state, input).effects).not.toContain('report');
      }
    }
  });

  it('leaves no timer behind when it closes', () => {
    for (const state of ['connecting', 'initiating', 'queued', 'ready', 'ending'] as const) {
      expect(transition(state, 'gone').effects).toContain('stop-timer');
      expect(transition(state, 'close').effects).toContain('stop-timer');
    }
  });

  it('throws on what cannot happen', () => {
    expect(() => transition('ready', 'opened')).toThrow('opened in state ready');
    expect(() => transition('closed', 'farewell')).toThrow('farewell in state closed');
  });
});
