import { describe, expect, it } from 'vitest';
import { dialableNumber, type NumberPolicy } from '../../../src/trunks/outbound-number.ts';

const open: NumberPolicy = { allowedPrefixes: [], deniedPrefixes: ['+1900', '+979', '+882'] };
const dialled = (given: string, policy = open) => {
  const number = dialableNumber(given, policy);
  return number.ok ? number.value : number.failure.reason;
};

describe('a number that is to be called', () => {
  it.each([
    ['+14155550123', '+14155550123'],
    ['+1 (415) 555-0123', '+14155550123'],
    ['+49.30.901820', '+4930901820'],
  ])('may be %s', (given, number) => {
    expect(dialled(given)).toBe(number);
  });

  it.each([
    '',
    '14155550123',
    '0014155550123',
    '+0155550123',
    '+123456',
    '+1234567890123456',
    '+1415555O123',
    '+14155550123;phone-context=x',
    '+14155550123@evil.example',
    'sip:+14155550123@evil.example',
    '+1415555\r\nRoute: <sip:evil>',
    '+1415555%0d%0a',
    '+14155550123,,1',
    '+1415555012３',
    '+14155550123\n',
    'tel:+14155550123',
    '*67+14155550123',
  ])('is refused when it is %j', given => {
    expect(dialled(given)).toBe('number-not-allowed');
  });

  it('is refused when its prefix is denied, whatever is allowed', () => {
    for (const number of ['+19005550123', '+979123456789', '+88213300000'])
      expect(dialled(number)).toBe('number-not-allowed');
    expect(dialled('+19005550123', { ...open, allowedPrefixes: ['+1'] })).toBe('number-not-allowed');
  });

  it('has to begin with an allowed prefix where there are any', () => {
    const germany = { ...open, allowedPrefixes: ['+49', '+43'] };
    expect(dialled('+4930901820', germany)).toBe('+4930901820');
    expect(dialled('+14155550123', germany)).toBe('number-not-allowed');
  });

  it('never appears in the reason for its refusal', () => {
    const refused = dialableNumber('+19005550123', open);
    expect(JSON.stringify(refused)).not.toContain('900555');
  });

  it('lets none of a thousand disguises of a denied number through', () => {
    const disguises = ['+1900', '+1 900', '+1-900', '+1(900)', '+1.900', ' +1900', '+1900 ', '+1 9 0 0'];
    const attempts = Array.from({ length: 1_000 }, (_, i) => {
      const tail = String(1_000_000 + i * 997);
      return `${disguises[i % disguises.length] ?? ''}${tail}`;
    });
    expect(attempts.map(given => dialled(given)).filter(outcome => outcome !== 'number-not-allowed')).toEqual(
      [],
    );
  });
});
