import { describe, expect, it } from 'vitest';
import { AddressGuard } from '../../../src/webhooks/address-guard.ts';

const strict = new AddressGuard([]);

describe('an address that the configuration does not name', () => {
  it.each([
    '127.0.0.1',
    '127.255.255.254',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '100.100.100.200',
    '0.0.0.0',
    '0.1.2.3',
    '192.0.0.8',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.7',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::1',
    '::',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '::10.0.0.1',
    '::ffff:0:10.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::a00:1',
    '2002:a00:1::',
    '2001::1',
    '2001:db8::1',
    '3fff::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'fc00::1',
    'fd00:ec2::254',
    'ff02::1',
    '100::1',
    '4000::1',
    'no address',
    '',
  ])('is refused when it is nobody on the Internet: %s', address => {
    expect(strict.objection(address, true)).toMatch(/webhooks\.allowed_networks/);
  });

  it.each(['8.8.8.8', '172.32.0.1', '100.128.0.1', '::ffff:8.8.8.8', '2606:4700::1111'])(
    'is taken when it is public, over https alone: %s',
    address => {
      expect(strict.objection(address, true)).toBeUndefined();
      expect(strict.objection(address, false)).toMatch(/make it https/);
    },
  );
});

describe('a network that the configuration names', () => {
  const guard = new AddressGuard(['10.1.0.0/16', '127.0.0.1/32', 'fd00:1::/32']);

  it.each(['10.1.2.3', '::ffff:10.1.2.3', '127.0.0.1', 'fd00:1::5'])(
    'is taken over http too: %s',
    address => {
      expect(guard.objection(address, true)).toBeUndefined();
      expect(guard.objection(address, false)).toBeUndefined();
    },
  );

  it.each(['10.2.0.1', '127.0.0.2', '169.254.169.254', 'fd00:2::5'])('opens no other: %s', address => {
    expect(guard.objection(address, true)).toMatch(/does not list/);
  });
});
