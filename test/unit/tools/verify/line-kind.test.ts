import { describe, expect, it } from 'vitest';
import { lineKind } from '../../../../src/tools/verify/line-kind.ts';

describe('the kind of a line', () => {
  it.each([
    ['+19005550123', 'a premium number of North America'],
    ['+499001123456', 'a premium number of Germany'],
    ['+491805123456', 'a number of Germany with shared cost'],
    ['+447012345678', 'a personal number of Britain'],
    ['+447640123456', 'a pager of Britain'],
    ['+33892123456', 'a premium number of France'],
  ])('%s is premium: %s', number => {
    expect(lineKind(number)).toBe('premium');
  });

  it.each([['+493012345678'], ['+442071838750'], ['+33142345678']])('%s is a landline', number => {
    expect(lineKind(number)).toBe('landline');
  });

  it.each([
    ['+4915112345678', 'a mobile of Germany'],
    ['+447400123456', 'a mobile of Britain'],
    ['+14155552671', 'a number of North America, where landlines and mobiles are mixed'],
    ['+18005550123', 'a free number'],
    ['+881612345678', 'a satellite, which a prefix refuses'],
    ['+14155550123', 'one that nobody has'],
    ['+999123', 'no number of any country'],
    ['nonsense', 'no number'],
  ])('%s is other: %s', number => {
    expect(lineKind(number)).toBe('other');
  });
});
