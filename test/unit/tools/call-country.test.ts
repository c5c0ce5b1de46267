import { describe, expect, it } from 'vitest';
import { inCountryOfCall } from '../../../src/tools/call-country.ts';

const read = (parameters: unknown, country: string | undefined) => {
  const given = inCountryOfCall(parameters, country);
  return given.ok ? given.value : given.failure;
};

describe('a number that an agent hands to a tool', () => {
  it.each([
    ['(415) 555-1234', 'US', '+14155551234'],
    ['020 7123 4567', 'GB', '+442071234567'],
    ['030 901820', 'DE', '+4930901820'],
  ])('%s is one of the country of the call, %s', (given, country, number) => {
    for (const name of ['To', 'to', 'from', 'phone_number', 'transfer_number'])
      expect(read({ [name]: given, Channel: 'sms' }, country)).toEqual({ [name]: number, Channel: 'sms' });
  });

  it.each([
    '+14155551234',
    '0014155551234',
    'whatsapp:+14155551234',
    'jo@example.com',
    '12345',
    'reception',
    'sip:desk@example.com',
  ])('%s is left to the tool', given => {
    expect(read({ to: given }, 'GB')).toEqual({ to: given });
  });

  it('is left alone in other parameters, and in a call without a country', () => {
    expect(read({ body: '020 7123 4567', Code: '12345678' }, 'GB')).toEqual({
      body: '020 7123 4567',
      Code: '12345678',
    });
    expect(read({ to: '020 7123 4567' }, undefined)).toEqual({ to: '020 7123 4567' });
    expect(read('text', 'GB')).toBe('text');
  });

  it('is refused when it is none there, and not tried by the rules of another country', () => {
    expect(read({ to: '020 7123 4567 890' }, 'GB')).toBe('Parameter to has too many digits for its country.');
  });
});
