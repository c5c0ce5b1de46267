import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from '../../../src/config/nearest.ts';

it.each([
  ['', 'abc', 3],
  ['abc', 'abc', 0],
  ['abc', 'abd', 1],
  ['abc', 'acb', 1],
  ['kitten', 'sitting', 3],
  ['SIP_ALOW', 'SIP_ALLOW', 1],
])('from %j to %j it is %i edits', (a, b, edits) => {
  expect(editDistance(a, b)).toBe(edits);
  expect(editDistance(b, a)).toBe(edits);
});

describe('the nearest name', () => {
  const names = ['agent.settle_ms', 'agent.queue_policy', 'call.max_seconds'];

  it('is the one with the fewest edits, whatever the case', () => {
    expect(nearest('agent.setle_ms', names)).toBe('agent.settle_ms');
    expect(nearest('Call.Max_Second', names)).toBe('call.max_seconds');
  });

  it('is none when nothing comes close', () => {
    expect(nearest('weather', names)).toBeUndefined();
    expect(nearest('x', [])).toBeUndefined();
  });
});
