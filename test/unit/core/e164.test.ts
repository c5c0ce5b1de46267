import { describe, expect, it } from 'vitest';
import { toE164 } from '../../../src/core/e164.ts';

const reason = (text: string, country?: string): string => {
  const result = toE164(text, country);
  return result.ok ? `ok ${result.value}` : result.failure.message;
};

describe('toE164', () => {
  it.each([
    ['+14155550123', undefined, '+14155550123'],
    [' +1 (415) 555-0123 ', undefined, '+14155550123'],
    ['tel:+1-415-555-0123', undefined, '+14155550123'],
    ['(415) 555-1234', 'US', '+14155551234'],
    ['020 7123 4567', 'GB', '+442071234567'],
    ['020 7123 4567', 'gb', '+442071234567'],
    ['+44 20 7123 4567', 'US', '+442071234567'],
    ['06 12 34 56 78', 'FR', '+33612345678'],
  ])('makes %s with country %s into %s', (text, country, expected) => {
    expect(toE164(text, country)).toEqual({ ok: true, value: expected });
  });

  it.each([
    ['(415) 555-1234', undefined, 'country code'],
    ['(415) 555-1234', 'Narnia', 'country code'],
    ['+1415', undefined, 'few digits'],
    ['+1415555012345678', undefined, 'many digits'],
    ['call me on +14155550123', undefined, 'not a phone number'],
    ['+14155550123 ext 9', undefined, 'extension'],
    ['', undefined, 'not a phone number'],
    ['+999999999999', undefined, 'country code|not a phone number'],
    ['+1'.padEnd(1_000, '4'), undefined, 'not a phone number'],
  ])('refuses %s with country %s and says why', (text, country, words) => {
    expect(reason(text, country)).toMatch(new RegExp(words));
  });

  it('never quotes the number', () => {
    for (const text of ['4155550123', '+1415555', '+14155550123 ext 9', '+141555501234567']) {
      expect(reason(text)).not.toMatch(/\d/);
    }
  });
});
