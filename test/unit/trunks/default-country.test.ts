import { describe, expect, it } from 'vitest';
import { Routing } from '../../../src/trunks/routing.ts';
import type { NumberConfig, TrunkConfig } from '../../../src/trunks/trunk.ts';

const trunk = (name: string, defaultCountry?: string): TrunkConfig => ({
  name,
  allowedAddresses: ['192.0.2.0/24'],
  allowedNumbers: [],
  remoteDomains: [],
  mediaEncryption: 'allowed',
  headersToAttributes: {},
  attributesToHeaders: {},
  limits: {},
  ...(defaultCountry === undefined ? {} : { defaultCountry }),
});
const number = (text: string, more: Partial<NumberConfig> = {}): NumberConfig => ({
  pattern: { kind: 'number', number: text },
  agentId: `agent-of-${text}`,
  policy: {},
  ...more,
});
const routing = (numbers: readonly NumberConfig[] = []) =>
  new Routing({
    trunks: [trunk('london', 'GB'), trunk('plain')],
    numbers,
    realm: 'trunkbridge',
    defaultCountry: 'US',
  });

describe('the country of numbers that come without one', () => {
  it('is that of the trunk, else that of the configuration', () => {
    const found = routing();
    expect(found.countryOf('london')).toBe('GB');
    expect(found.countryOf('plain')).toBe('US');
    expect(found.countryOf('twilio')).toBe('US');
  });

  it('holds for numbers of the configuration too: however they are written they are found', () => {
    const found = routing([
      number('02071234567', { trunk: 'london' }),
      number('4155551234'),
      number('+4930901820', { defaultCountry: 'DE' }),
    ]);
    expect(found.route('london', '+442071234567')?.agentId).toBe('agent-of-02071234567');
    expect(found.route('plain', '+14155551234')?.agentId).toBe('agent-of-4155551234');
    // As it is dialled in its own country, over a trunk that knows nothing of that.
    expect(found.route('plain', '030901820')).toMatchObject({ defaultCountry: 'DE' });
    expect(found.route('plain', '+442071234567')).toBeUndefined();
  });
});
