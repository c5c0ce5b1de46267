import { describe, expect, it } from 'vitest';
import { CallerList, NumberTable, numberKey } from '../../../src/trunks/number-table.ts';
import type { NumberConfig, NumberPattern } from '../../../src/trunks/trunk.ts';

const entry = (agentId: string, pattern: NumberPattern, trunk?: string): NumberConfig => ({
  agentId,
  pattern,
  policy: {},
  ...(trunk === undefined ? {} : { trunk }),
});
const number = (text: string): NumberPattern => ({ kind: 'number', number: text });
const range = (first: string, last: string): NumberPattern => ({ kind: 'range', first, last });
const prefix = (text: string): NumberPattern => ({ kind: 'prefix', prefix: text });
const any: NumberPattern = { kind: 'any' };

const table = new NumberTable([
  entry('any', any),
  entry('germany', prefix('49')),
  entry('berlin', prefix('4930')),
  entry('block', range('4930901800', '4930901899')),
  entry('ten', range('4930901820', '4930901829')),
  entry('desk', number('+4930901820')),
  entry('any of b', any, 'b'),
  entry('germany of b', prefix('49'), 'b'),
  entry('block of b', range('4930901800', '4930901899'), 'b'),
  entry('desk of b', number('4930901820'), 'b'),
  entry('sales', number('Sales')),
]);

describe('a called number', () => {
  it.each([
    ['+4930901820', 'desk'],
    ['4930901820', 'desk'],
    ['004930901820', 'desk'],
    ['+4930901829', 'ten'],
    ['+4930901830', 'block'],
    ['+4930901899', 'block'],
    ['+4930901900', 'berlin'],
    ['+493090189', 'berlin'],
    ['+49309018991', 'berlin'],
    ['+4940', 'germany'],
    ['+14155550123', 'any'],
    ['sales', 'sales'],
    ['SALES', 'sales'],
    ['', 'any'],
    ['49x', 'any'],
  ])('%s finds what fits it best: %s', (called, agent) => {
    expect(table.find('a', called)?.agentId).toBe(agent);
  });

  it.each([
    ['+4930901820', 'desk of b'],
    ['+4930901829', 'ten'],
    ['+4930901830', 'block of b'],
    ['+4930901900', 'berlin'],
    ['+4940', 'germany of b'],
    ['+14155550123', 'any of b'],
  ])('%s over a trunk with entries of its own finds %s: of equals the one of the trunk', (called, agent) => {
    expect(table.find('b', called)?.agentId).toBe(agent);
  });

  it('finds nothing where nothing fits, nor where only another trunk has it', () => {
    const small = new NumberTable([entry('x', number('+4930901820'), 'b')]);
    expect(small.find('a', '+4930901820')).toBeUndefined();
    expect(small.find('b', '+4930901821')).toBeUndefined();
    expect(new NumberTable([]).find('a', '1')).toBeUndefined();
  });

  it('with a plus inside or nothing behind it is no number', () => {
    expect([numberKey('+49'), numberKey('0049'), numberKey('+'), numberKey('4+9'), numberKey('00')]).toEqual([
      '49',
      '49',
      '+',
      '4+9',
      '00',
    ]);
  });
});

describe('the callers of a trunk', () => {
  it('are everybody when there is no list', () => {
    const list = new CallerList([]);
    expect([list.allows('+4930'), list.allows('')]).toEqual([true, true]);
  });

  it('are the numbers of the list and those with its prefixes, with and without plus', () => {
    const list = new CallerList(['+14155550123', '+4930*']);
    expect(['+14155550123', '14155550123', '+49301', '4930'].map(caller => list.allows(caller))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['+14155550124', '+49401', 'anonymous'].map(caller => list.allows(caller))).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('never are those who withhold their number, where there is a list', () => {
    expect(new CallerList(['*', '+4930*']).allows('')).toBe(false);
  });
});
