import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalizeCode } from '../../../../src/tools/verify/code.ts';

describe('normalizeCode', () => {
  it.each([
    ['123456', '123456'],
    ['1 2 3-4 5 6', '123456'],
    ['012.345', '012345'],
    ['1, 2, 3, 4', '1234'],
    ['１２３４', '1234'],
    ['12\u201334', '1234'],
    [' 1234567890 ', '1234567890'],
  ])('reads %s as %s', (text, expected) => {
    expect(normalizeCode(text)).toBe(expected);
  });

  it.each(['123', '12345678901', '', 'one two', '12a456', '+1234', '1234x', '12:34'])(
    'does not take %s',
    text => {
      expect(normalizeCode(text)).toBeUndefined();
    },
  );

  it('reads any 4 to 10 digits with any marks between them, and never anything else', () => {
    const digit = fc.integer({ min: 0, max: 9 }).map(String);
    const mark = fc.constantFrom('', ' ', '-', '. ', ', ');
    fc.assert(
      fc.property(fc.array(fc.tuple(digit, mark), { minLength: 0, maxLength: 14 }), pairs => {
        const digits = pairs.map(([one]) => one).join('');
        const expected = digits.length >= 4 && digits.length <= 10 ? digits : undefined;
        expect(normalizeCode(pairs.flat().join(''))).toBe(expected);
      }),
    );
  });
});
