import { describe, expect, it } from 'vitest';
import { networkSet } from '../../../src/trunks/match.ts';

describe('a set of networks', () => {
  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['2001:db8::/32', '2001:db8:1::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::1', '::1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
  ])('%s and %s: %s', (cidr, address, expected) => {
    expect(networkSet([cidr]).has(address)).toBe(expected);
  });

  it('takes an IPv4 peer of a dual-stack socket for the IPv4 address that it is', () => {
    expect(networkSet(['10.0.0.0/8']).has('::ffff:10.1.2.3')).toBe(true);
    expect(networkSet(['10.0.0.0/8']).has('::ffff:11.1.2.3')).toBe(false);
    expect(networkSet(['::ffff:10.0.0.0/104']).has('10.1.2.3')).toBe(true);
    expect(networkSet(['::ffff:10.1.2.3']).has('10.1.2.3')).toBe(true);
  });

  it('does not let IPv4 through because all of IPv6 is allowed', () => {
    expect(networkSet(['::/0']).has('::ffff:10.1.2.3')).toBe(false);
  });

  it('matches any of several, and nothing when empty', () => {
    const set = networkSet(['10.0.0.0/8', '2001:db8::/32']);
    expect([set.has('10.0.0.1'), set.has('2001:db8::1')]).toEqual([true, true]);
    expect(networkSet([]).has('10.0.0.1')).toBe(false);
  });

  it.each(['', 'pbx.example', '10.0.0.1:5060', '1.2.3', 'garbage%eth0'])(
    'does not match what is no address: %j',
    text => {
      expect(networkSet(['0.0.0.0/0', '::/0']).has(text)).toBe(false);
    },
  );
});
