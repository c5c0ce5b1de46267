import { describe, expect, it } from 'vitest';
import { canonicalNumber } from '../../../src/trunks/number.ts';

describe('a number made E.164', () => {
  it.each([
    ['+14155552671', undefined, '+14155552671'],
    ['+1 (415) 555-2671', undefined, '+14155552671'],
    ['+49-30-901820;phone-context=x', undefined, '+4930901820'],
    ['0014155552671', undefined, '+14155552671'],
    ['14155552671', undefined, '+14155552671'],
    ['4155552671', 'US', '+14155552671'],
    ['14155552671', 'US', '+14155552671'],
    ['030901820', 'DE', '+4930901820'],
    ['33123456789', 'US', '+33123456789'],
  ])('%s in %s is %s', (given, country, expected) => {
    expect(canonicalNumber(given, country)).toBe(expected);
  });

  it.each([
    ['an extension', '1001', undefined],
    ['an extension, with a country', '1001', 'US'],
    ['a national number without a country', '4155552671', undefined],
    ['ten digits that may be national as well as German', '4930901820', undefined],
    ['a name', 'alice', 'US'],
    ['nothing', '', 'US'],
    ['too many digits', '+123456789012345678', undefined],
    ['a + with too few', '+1415', undefined],
    ['digits and letters', '+1415555x671', undefined],
    ['digits of another script', '+١٤١٥٥٥٥٢٦٧١', undefined],
  ])('leaves %s as it is', (_title, given, country) => {
    expect(canonicalNumber(given, country)).toBe(given);
  });

  it('ignores a country that does not exist', () => {
    expect(canonicalNumber('14155552671', 'ZZ')).toBe('+14155552671');
  });
});
